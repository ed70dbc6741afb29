"""With what does a host test its own code and adapters? Strategies, conformance kits, a simulator, a virtual clock."""

from omnicore.testing.clock import Clock, Ids

__all__ = ["Clock", "Ids"]

"""With what does a host test its own code and adapters? Strategies, conformance kits, a simulator, a virtual clock."""

from omnicore.testing.clock import Clock, Ids
from omnicore.testing.host_kit import check_host
from omnicore.testing.store_kit import Checked, check_store

__all__ = ["Checked", "Clock", "Ids", "check_host", "check_store"]

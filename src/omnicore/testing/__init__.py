"""With what does a host test its own code and adapters? Strategies, conformance kits, a simulator, a virtual clock."""

from omnicore.testing.clock import Clock, Ids
from omnicore.testing.host_kit import check_host
from omnicore.testing.lossy import Lossy, Points, Stopped, Stopping
from omnicore.testing.sabotage import SABOTAGED, sabotage_report
from omnicore.testing.simulation import Outcome, Pass, Play, View, Weak, interleavings, simulate
from omnicore.testing.store_kit import Checked, check_store

__all__ = [
    "SABOTAGED",
    "Checked",
    "Clock",
    "Ids",
    "Lossy",
    "Outcome",
    "Pass",
    "Play",
    "Points",
    "Stopped",
    "Stopping",
    "View",
    "Weak",
    "check_host",
    "check_store",
    "interleavings",
    "sabotage_report",
    "simulate",
]

"""What is left when the shop's process is killed at one of its statements, and another takes over?

``kill_figure`` tells a story of the shop once for every point: at each statement sent to the database, and before and
after each call of the provider, the process is killed (``kill -9``, by itself), another takes over with what is left,
and everything must be there, once.
"""

from omnicore.testing.kills.figure import kill_figure
from omnicore.testing.kills.stories import STORIES, Story

__all__ = ["STORIES", "Story", "kill_figure"]

"""Which figures are measured, on which databases, and how large is each in the short and in the long form?

The numbers are those of the design's list of figures; each entry is one line of the report.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from attrs import define, field, frozen

from omnicore.testing.bank_figure import bank_figure
from omnicore.testing.figure_backends import postgres_backend, sqlite_backend
from omnicore.testing.figures import Backend, Figure
from omnicore.testing.hot_sku_figure import hot_sku_figure
from omnicore.testing.kills import STORIES, kill_figure
from omnicore.testing.one_key_figure import one_key_figure
from omnicore.testing.postgres_server import Server, server

BACKENDS: Final = ("sqlite", "postgres")


@define(eq=False)
class Place:
    """Where figures are measured: a folder, and servers that are started when the first figure needs one."""

    folder: Path
    stack: ExitStack
    _servers: dict[bool, Server] = field(factory=dict)
    _files: int = 0

    def server(self, *, durable: bool) -> Server:
        """Give a server whose commits are on disk, or one that only a killed process cannot harm."""
        if durable not in self._servers:
            self._servers[durable] = self.stack.enter_context(server(fsync=durable))
        return self._servers[durable]

    def backend(self, name: str, *, durable: bool = True) -> Backend:
        """Give a new database; kills of a process need no disk to be waited for."""
        if name == "postgres":
            return postgres_backend(self.server(durable=durable).fresh())
        self._files += 1
        file = self.folder / f"{self._files}.db"
        return sqlite_backend(file, synchronous="FULL" if durable else "NORMAL")


@frozen(kw_only=True)
class Entry:
    """One line of the report: its name, the number of its figure, and how it is measured."""

    name: str
    number: int
    measure: Callable[[Place, int], tuple[Figure, str]]
    """Given a place and a seed; gives the figure, and the database it was measured on."""


Measure = Callable[[Backend, int], Figure]


def _on(backend: str, measure: Measure, *, durable: bool = True) -> Callable[[Place, int], tuple[Figure, str]]:
    def measured(place: Place, seed: int) -> tuple[Figure, str]:
        found = place.backend(backend, durable=durable)
        return measure(found, seed), f"{found.name} {found.version}"

    return measured


def _kills(story: str, every: int) -> Measure:
    return lambda backend, seed: kill_figure(backend, story, seed=seed, every=every)


def entries(*, short: bool) -> Iterator[Entry]:
    """Give the figures in the order in which they are measured."""
    for name in BACKENDS:
        yield Entry(name=f"hot-sku/{name}", number=4, measure=_on(name, lambda b, seed: hot_sku_figure(b, seed=seed)))
        yield Entry(name=f"one-key/{name}", number=7, measure=_on(name, lambda b, seed: one_key_figure(b, seed=seed)))
        seconds = 3 if short else 10
        bank = _on(name, lambda b, seed, seconds=seconds: bank_figure(b, seed=seed, seconds=seconds))  # type: ignore[misc] # bound early
        yield Entry(name=f"bank/{name}", number=6, measure=bank)
    for name in BACKENDS:
        for story in STORIES:
            kills = _on(name, _kills(story, 1), durable=False)
            yield Entry(name=f"kills-{story}/{name}", number=2, measure=kills)

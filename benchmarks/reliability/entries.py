"""Which figures are measured, on which databases, and how large is each in the short and in the long form?

The numbers are those of the design's list of figures; each entry is one line of the report.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final

from attrs import define, field, frozen

from omnicore.testing.bank_figure import bank_figure
from omnicore.testing.books_figure import books_figure, memory_backend
from omnicore.testing.figure_backends import postgres_backend, sqlite_backend
from omnicore.testing.figures import Backend, Figure
from omnicore.testing.hot_sku_figure import hot_sku_figure
from omnicore.testing.interleaving_figure import RACES, interleaving_figure
from omnicore.testing.kills import STORIES, kill_figure
from omnicore.testing.one_key_figure import one_key_figure
from omnicore.testing.postgres_server import Server, server
from omnicore.testing.relay_figure import relay_figure
from omnicore.testing.storm_figure import storm_figure
from omnicore.testing.throughput_figure import throughput_figure

BACKENDS: Final = ("sqlite", "postgres")
KILLING_SECONDS: Final = {
    ("sqlite", "checkout"): 32,
    ("sqlite", "cancel"): 9,
    ("sqlite", "return"): 10,
    ("sqlite", "import"): 22,
    ("postgres", "checkout"): 14,
    ("postgres", "cancel"): 7,
    ("postgres", "return"): 8,
    ("postgres", "import"): 5,
}
"""Seconds for the kills of a story in the short form: enough for all of its points on two idle cores."""


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


def _storm(name: str, *, short: bool) -> Callable[[Place, int], tuple[Figure, str]]:
    buyers, units, kills = (600, 500, 25) if short else (12_000, 10_000, 500)

    def measured(place: Place, seed: int) -> tuple[Figure, str]:
        found = place.backend(name)
        server = place.server(durable=True) if name == "postgres" else None

        def crash() -> None:
            assert server is not None
            server.crash()
            server.start()

        crashes = 0 if server is None else 2 if short else 10
        return (
            storm_figure(
                found,
                seed=seed,
                buyers=buyers,
                units=units,
                kills=kills,
                crash=None if server is None else crash,
                crashes=crashes,
            ),
            f"{found.name} {found.version}",
        )

    return measured


def _alone(measure: Callable[[int], Figure], where: str) -> Callable[[Place, int], tuple[Figure, str]]:
    return lambda _, seed: (measure(seed), where)


def entries(*, short: bool) -> Iterator[Entry]:
    """Give the figures in the order in which they are measured."""
    commands, seconds = (10_000, 8) if short else (1_000_000, None)
    books = _alone(lambda seed: books_figure(memory_backend(), seed=seed, commands=commands, seconds=seconds), "memory")
    yield Entry(name="books/memory", number=1, measure=books)
    races = [race for race in RACES if len(race.plays) == 2 or not short]
    meetings = _alone(lambda _: interleaving_figure(races=races, lossy=not short), "a store weaker than any")
    yield Entry(name="interleavings/weak", number=5, measure=meetings)
    for name in BACKENDS:
        yield from _crowded(name, short=short)
    for name in BACKENDS:
        for story in STORIES:
            # A killed process leaves to the system what it wrote: there is no need to wait for a disk.
            kills = _on(
                name,
                partial(_killed, story=story, seconds=KILLING_SECONDS[name, story] if short else None),
                durable=False,
            )
            yield Entry(name=f"kills-{story}/{name}", number=2, measure=kills)


def _killed(backend: Backend, seed: int, *, story: str, seconds: float | None) -> Figure:
    return kill_figure(backend, story, seed=seed, seconds=seconds)


def _crowded(name: str, *, short: bool) -> Iterator[Entry]:
    seconds = 2 if short else 10

    def hot(backend: Backend, seed: int) -> Figure:
        return hot_sku_figure(backend, seed=seed)

    def keys(backend: Backend, seed: int) -> Figure:
        return one_key_figure(backend, seed=seed)

    def bank(backend: Backend, seed: int) -> Figure:
        return bank_figure(backend, seed=seed, seconds=seconds)

    def throughput(backend: Backend, seed: int) -> Figure:
        return throughput_figure(backend, seed=seed, seconds=seconds)

    def relay(backend: Backend, seed: int) -> Figure:
        events, writers, kills = (600, 4, 4) if short else (100_000, 8, 50)
        return relay_figure(backend, events=events, writers=writers, kills=kills, seed=seed)

    yield Entry(name=f"hot-sku/{name}", number=4, measure=_on(name, hot))
    yield Entry(name=f"one-key/{name}", number=7, measure=_on(name, keys))
    yield Entry(name=f"bank/{name}", number=6, measure=_on(name, bank))
    yield Entry(name=f"random-kills/{name}", number=3, measure=_storm(name, short=short))
    yield Entry(name=f"relay/{name}", number=8, measure=_on(name, relay, durable=False))
    yield Entry(name=f"throughput/{name}", number=12, measure=_on(name, throughput))

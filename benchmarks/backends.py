"""On which databases is measured, and how is each opened for ours and for the floor?

A backend that is asked for and not there is an error, never a row less. What a backend opens lives in a folder, or on a
server, of the run and goes with it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from attrs import evolve, frozen

from benchmarks.floors import Floor, SqliteFloor
from benchmarks.floors_postgres import PostgresFloor
from omnicore.adapters import postgres, sqlite
from omnicore.kernel.store import AsyncDatabase, Database
from omnicore.testing.postgres_server import server
from omnicore.testing.postgres_software import NoPostgres

PATIENCE_MS = 60_000


class NotThere(Exception):  # noqa: N818 - names the reason
    """A backend or a target that was asked for cannot be measured here."""


@frozen(kw_only=True)
class Backend:
    """A database under test: ``create`` and ``open`` give omnicore's view of it, ``floor`` what writes by hand.

    ``serve`` is for an event loop.
    All are given the place (a file's path, a server's address); ``place`` makes one that is empty. A process started
    anew finds its backend by ``name``. ``orders`` and ``hot`` are the targets it has.
    """

    name: str
    place: Callable[[Path, str], str]
    create: Callable[[str], Database]
    open: Callable[[str], Database]
    serve: Callable[[str], Database | AsyncDatabase]
    floor: Callable[[str], Floor]
    orders: tuple[str, ...]
    hot: tuple[str, ...]


def _sqlite(synchronous: str, *, orders: tuple[str, ...], hot: tuple[str, ...]) -> Backend:
    ours = partial(sqlite.open, synchronous=synchronous, busy_timeout_ms=PATIENCE_MS)
    return Backend(
        name=f"sqlite-{synchronous.lower()}",
        place=lambda folder, name: str(folder / f"{name}.db"),
        create=partial(ours, migrate=True),
        open=ours,
        serve=ours,
        floor=partial(SqliteFloor, synchronous=synchronous, patience_ms=PATIENCE_MS),
        orders=orders,
        hot=hot,
    )


def _no_server(folder: Path, name: str) -> str:
    raise AssertionError("a server is started by `chosen`")


_EVERY = (
    _sqlite("FULL", orders=("O1", "O3", "O4"), hot=("H2", "H3")),
    _sqlite("NORMAL", orders=("O1", "O3"), hot=("H3",)),
    Backend(
        name="postgres",
        place=_no_server,
        create=partial(postgres.open, migrate=True),
        open=postgres.open,
        serve=postgres.open_async,
        floor=PostgresFloor,
        orders=("O2", "O3", "O4"),
        hot=("H1", "H2"),
    ),
)

BACKENDS: Mapping[str, Backend] = {backend.name: backend for backend in _EVERY}
NEEDS = {"O1": "sqlite", "O2": "postgres", "H1": "postgres", "H3": "sqlite"}
"""Targets that only some backends can measure, by how those are called."""


@contextmanager
def chosen(names: tuple[str, ...], wanted: frozenset[str]) -> Iterator[tuple[Backend, ...]]:
    """Give the backends that were asked for, ready to be opened; PostgreSQL is started here, with its commits on disk.

    Raises: NotThere for one that cannot be used, or for a target that needs one that was not asked for.
    """
    for name in names:
        if name not in BACKENDS:
            raise NotThere(f"{name} is no backend here: there are {', '.join(BACKENDS)}")
    for id_ in sorted(wanted):
        if not any(name.startswith(NEEDS.get(id_, "")) for name in names):
            raise NotThere(f"{id_} is measured on {NEEDS[id_]}, which is not among the backends: {', '.join(names)}")
    found = {name: BACKENDS[name] for name in names}
    with ExitStack() as stack:
        if "postgres" in found:
            try:
                running = stack.enter_context(server(fsync=True))
            except NoPostgres as error:
                raise NotThere(f"postgres cannot be started: {error}") from error
            found["postgres"] = evolve(found["postgres"], place=lambda _folder, _name: running.fresh())
        yield tuple(found.values())

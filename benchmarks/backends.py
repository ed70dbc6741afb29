"""On which databases is measured, and how is each opened for ours and for the floor?

A backend that is asked for and not there is an error, never a row less. What a backend opens lives in a folder of the
run and goes with it.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from attrs import frozen

from omnicore.adapters import sqlite
from omnicore.kernel.store import Database

PATIENCE_MS = 60_000


class NotThere(Exception):  # noqa: N818 - names the reason
    """A backend that was asked for cannot be used here."""


@frozen(kw_only=True)
class Backend:
    """A database under test: ``create`` and ``open`` give omnicore's view of it, ``connect`` a bare connection.

    Both are given the place (a file's path, a server's address); ``place`` makes one that is empty. A process
    started anew finds its backend by ``name``.
    """

    name: str
    place: Callable[[Path, str], str]
    create: Callable[[str], Database]
    open: Callable[[str], Database]
    connect: Callable[[str], sqlite3.Connection]
    orders: tuple[str, ...]
    """The targets that placing orders has on this database."""
    hot: tuple[str, ...]
    """Those that a hot SKU has."""


def _bare(place: str, *, synchronous: str) -> sqlite3.Connection:
    connection = sqlite3.connect(place, isolation_level=None, timeout=PATIENCE_MS / 1000)
    connection.execute("pragma journal_mode = wal")
    connection.execute(f"pragma synchronous = {synchronous}")
    return connection


def _sqlite(synchronous: str, *, orders: tuple[str, ...]) -> Backend:
    ours = partial(sqlite.open, synchronous=synchronous, busy_timeout_ms=PATIENCE_MS)
    return Backend(
        name=f"sqlite-{synchronous.lower()}",
        place=lambda folder, name: str(folder / f"{name}.db"),
        create=partial(ours, migrate=True),
        open=ours,
        connect=partial(_bare, synchronous=synchronous),
        orders=orders,
        hot=("H3",),
    )


_EVERY = (_sqlite("FULL", orders=("O1", "O3", "O4")), _sqlite("NORMAL", orders=("O1", "O3")))

BACKENDS: Mapping[str, Backend] = {backend.name: backend for backend in _EVERY}
NEEDS = {"O2": "postgres", "H1": "postgres", "H2": "postgres"}
"""Targets that only one backend can measure."""


@contextmanager
def chosen(names: tuple[str, ...], wanted: frozenset[str]) -> Iterator[tuple[Backend, ...]]:
    """Give the backends that were asked for.

    Raises: NotThere for one that cannot be used, or for a target that needs one that was not asked for.
    """
    for name in names:
        if name not in BACKENDS:
            raise NotThere(f"{name} is no backend here: there are {', '.join(BACKENDS)}")
    for id_ in sorted(wanted & NEEDS.keys()):
        if NEEDS[id_] not in names:
            raise NotThere(f"{id_} is measured on {NEEDS[id_]}, which is not among the backends: {', '.join(names)}")
    yield tuple(BACKENDS[name] for name in names)

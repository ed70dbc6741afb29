"""Would the laws of this folder notice a bridge that is wrong? Each is run on bridges broken on purpose."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from attrs import evolve, frozen

from omnicore.adapters.postgres import PostgresStore
from omnicore.adapters.sqlite import SqliteStore
from omnicore.host.within import Joined
from omnicore.kernel.errors import OmnicoreError
from omnicore.kernel.store import Store
from omnicore.testing.kit_shop import FakeTill
from tests.bridges import test_bridges as laws
from tests.bridges.stands import Inside, Stand, postgres_stand, sqlite_stand


@frozen
class _Broken:
    """A joined database, but for what is broken."""

    inside: Inside
    stand: Stand

    @property
    def sees_newer(self) -> bool:
        return self.inside.joined.sees_newer

    def reading(self, shop: str) -> AbstractContextManager[Store]:
        return self.inside.joined.reading(shop)

    def shops(self) -> Iterator[str]:
        return self.inside.joined.shops()

    def close(self) -> None:
        self.inside.joined.close()


class CommitsByItself(_Broken):
    """Commits what the flow wrote, and the host's rows with it."""

    @contextmanager
    def writing(self, shop: str, *, serializable: bool = False) -> Iterator[Store]:
        with self.inside.joined.writing(shop, serializable=serializable) as store:
            yield store
        self.inside.commit()


class WithoutSavepoint(_Broken):
    """Writes into the host's transaction and never takes anything back."""

    @contextmanager
    def writing(self, shop: str, *, serializable: bool = False) -> Iterator[Store]:
        with self.inside.joined.writing(shop, serializable=serializable) as store:
            pass
        yield bare(store)


class RollsBackAll(_Broken):
    """Takes back the host's whole transaction where a flow fails."""

    @contextmanager
    def writing(self, shop: str, *, serializable: bool = False) -> Iterator[Store]:
        try:
            with self.inside.joined.writing(shop, serializable=serializable) as store:
                yield store
        except Exception:
            self.inside.sql("ROLLBACK")
            self.inside.sql("BEGIN")
            raise


class OnItsOwn(_Broken):
    """Works in a transaction of its own, beside the host's."""

    @contextmanager
    def writing(self, shop: str, *, serializable: bool = False) -> Iterator[Store]:
        with self.stand.database.writing(shop) as store:
            yield store


def bare(store: Store) -> Store:
    """Give the same store once more, outside the savepoint it was made in."""
    if isinstance(store, SqliteStore):
        return SqliteStore(store._statements._connection, store._statements.shop, writable=True)
    assert isinstance(store, PostgresStore)
    return PostgresStore(store._wire, store._shop, writable=True)


@pytest.fixture(params=["sqlite", "postgres"])
def stand(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stand]:
    """Give the plainest stand of each database."""
    if request.param == "sqlite":
        with sqlite_stand("sqlite3 begun by hand", tmp_path) as made:
            yield made
    else:
        place = request.getfixturevalue("host_database")
        with postgres_stand("psycopg", place, f"control-{request.node.name}") as made:
            yield made


@pytest.mark.parametrize(
    ("broken", "law"),
    [
        (CommitsByItself, laws.test_both_or_neither_commit),
        (CommitsByItself, laws.test_a_process_is_started_and_not_run),
        (WithoutSavepoint, laws.test_what_fails_after_its_write_is_taken_back_alone),
        (RollsBackAll, laws.test_a_refused_command_leaves_the_hosts_rows),
        (RollsBackAll, laws.test_what_fails_after_its_write_is_taken_back_alone),
        (OnItsOwn, laws.test_a_process_is_started_and_not_run),
    ],
)
def test_a_broken_bridge_is_caught(
    stand: Stand, broken: Callable[[Inside, Stand], Joined], law: Callable[[Stand], None]
) -> None:
    """A bridge that commits by itself, keeps what failed, or takes the host's rows back is caught by the same law."""
    law(stand)
    fresh = evolve(stand, shop=f"{stand.shop}-broken", till=FakeTill())
    fresh.spoiled = lambda inside: broken(inside, fresh)
    clear(fresh)
    with pytest.raises((AssertionError, OmnicoreError)):
        law(fresh)


def clear(stand: Stand) -> None:
    """Empty the host's table."""

    def story(inside: Inside) -> None:
        inside.sql("DELETE FROM parcels")

    stand.run(stand.place, story)

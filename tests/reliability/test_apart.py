"""Which rows does each scenario lock, and does one buyer ever wait for another who wants something else?"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from omnicore.adapters import postgres
from omnicore.adapters.memory import Memory
from omnicore.kernel.errors import Conflict
from omnicore.kernel.store import Database, Store
from omnicore.testing.broken_databases import Passing
from omnicore.testing.lossy import Watched
from tests.reliability.apart import BUSINESS, LOCKED, SKUS, Business, Day, Recording, sort_of

EVERY = pytest.mark.parametrize("business", BUSINESS, ids=lambda each: each.name)
PATIENCE = "options='-c lock_timeout=40ms'"


def locked(day: Day, database: Database, business: Business, name: str, sku: str) -> set[str]:
    """Do a piece of business; gives the rows that its writes locked or made."""
    recording = Recording(database)
    business.act(day.on(recording, f"ids-{name}"), name, sku)
    assert recording.writes, "a piece of business writes"
    return recording.rows


def both(business: Business, first: str, second: str) -> tuple[set[str], set[str]]:
    """Do the same business for two buyers, in the same shop; gives the rows of each."""
    database = Memory()
    day = Day(database).opened()
    for name, sku in (("a", first), ("bb", second)):
        business.prepare(day, name, sku)
    day.host.work()
    return locked(day, database, business, "a", first), locked(day, database, business, "bb", second)


@EVERY
def test_two_orders_with_nothing_in_common_share_no_row(business: Business) -> None:
    """Two orders with no SKU, coupon, card or customer in common lock no row that the other needs."""
    ours, theirs = both(business, "FURO-RED", "CUP-CEL")
    assert ours & theirs == set()


@EVERY
def test_the_rows_of_a_scenario_are_listed(business: Business) -> None:
    """What each scenario locks or makes is written down, and it is no more than that."""
    ours, _ = both(business, "FURO-RED", "CUP-CEL")
    assert {sort_of(row) for row in ours} == LOCKED[business.name]


@EVERY
def test_two_orders_of_one_sku_share_its_accounts_alone(business: Business) -> None:
    """Two orders of the same SKU meet at its accounts, where they must, and nowhere else."""
    ours, theirs = both(business, "FURO-RED", "FURO-RED")
    shared = ours & theirs
    assert all(row.startswith("account sku:FURO-RED at node/") for row in shared), shared
    assert bool(shared) == any(row.startswith("account sku:") for row in ours)


# On PostgreSQL, where rows are really locked


class Paused(Passing):
    """A database that does something else after each write, while the transaction is still open."""

    def __init__(self, database: Database, meanwhile: Callable[[], None]) -> None:
        super().__init__(database)
        self._meanwhile = meanwhile

    @contextmanager
    def writing(self, shop: str, *, serializable: bool = False) -> Iterator[Store]:
        """Open one transaction, and dawdle before it is committed."""
        with self._database.writing(shop, serializable=serializable) as store:
            yield Watched(store, lambda: None)  # which sends no COMMIT along with a write
            self._meanwhile()


def meanwhile(conninfo: str, business: Business, *, skus: tuple[str, ...]) -> tuple[int, int]:
    """Do business for one buyer, and all of it for another at each of the first one's open writes.

    Gives how often that was, and how often the other had to wait.
    """
    mine, others = skus[0], list(enumerate(skus[1:]))
    quick, waiting = postgres.open(conninfo, migrate=True), postgres.open(f"{conninfo} {PATIENCE}")
    with closing(quick), closing(waiting):
        day = Day(quick).opened()
        business.prepare(day, "mine", mine)
        for number, sku in others:
            business.prepare(day, f"other-{number}", sku)
        day.host.work()
        theirs = day.on(waiting, "theirs")
        done = waited = 0

        def between() -> None:
            nonlocal done, waited
            if done < len(others):
                number, sku = others[done]
                done += 1
                try:
                    business.act(theirs, f"other-{number}", sku)
                except Conflict:
                    waited += 1

        business.act(day.on(Paused(quick, between), "mine"), "mine", mine)
        assert day.host.verify().differences == ()
    return done, waited


@EVERY
def test_nobody_waits_for_an_order_of_something_else(business: Business, fresh_postgres: str) -> None:
    """While an order's write is not yet committed, any other order of other goods goes all its way, on PostgreSQL."""
    done, waited = meanwhile(fresh_postgres, business, skus=SKUS[:6])
    assert done >= 1
    assert waited == 0


@pytest.mark.parametrize("name", ["checkout", "sale at a till", "receipt of goods"])
def test_waiting_is_seen(fresh_postgres: str, name: str) -> None:
    """Who wants the same goods has to wait for a write that is not yet committed, and the same test says so."""
    (business,) = (each for each in BUSINESS if each.name == name)
    done, waited = meanwhile(fresh_postgres, business, skus=("FURO-RED",) * 6)
    assert 1 <= waited <= done

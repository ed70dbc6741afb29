"""Can anything appear behind what has been told already, also while a transaction stays open for minutes?"""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from omnicore.adapters import postgres, sqlite
from omnicore.kernel.errors import Conflict
from omnicore.kernel.journal import Envelope
from omnicore.testing.counting import seen
from tests.outbox.telling import Broker, Overlapping, counted_in, host, sell, what


class ByRow:
    """The broken control: a relay that polls by row number, which is drawn before the commit."""

    def __init__(self, database: Overlapping) -> None:
        self.database = database
        self.last = 0
        self.told: list[tuple[str, int]] = []

    def work(self) -> None:
        for row, envelope in self.database.by_row(self.last):
            self.last = row
            self.told.append(what(envelope.cloudevent(source="control")))


def test_a_transaction_open_for_minutes_is_told_when_it_commits() -> None:
    """What a long transaction did is told when it commits, though later events were told while it was open."""
    database, broker = Overlapping(), Broker()
    shop, control = host(database, broker), ByRow(database)
    sell(shop, "a")
    with database.writing("main") as store:
        counted_in(store, "slow")
        sell(shop, "a", "b")
        shop.work()
        control.work()
        assert broker.told() == control.told == [("a", 1), ("a", 2), ("b", 1)]
    sell(shop, "b")
    shop.work()
    control.work()
    wanted = {"a": 2, "b": 2, "slow": 1}
    told = seen(broker.told(), wanted=wanted)
    assert (told.lost, told.repeated, told.overtaken) == (0, 0, 0)
    assert seen(control.told, wanted=wanted).lost == 1, "the control was not caught"


def test_two_open_transactions_commit_in_either_order() -> None:
    """Whichever of two overlapping transactions commits first, each one's events are told, each in its order."""
    database, broker = Overlapping(), Broker()
    shop, control = host(database, broker), ByRow(database)
    first, second = database.writing("main"), database.writing("main")
    with second as later:
        with first as earlier:
            counted_in(earlier, "x")
            counted_in(later, "y")
            counted_in(earlier, "z")
        shop.work()
        control.work()
        assert broker.told() == [("x", 1), ("z", 1)]
    shop.work()
    control.work()
    assert broker.told() == [("x", 1), ("z", 1), ("y", 1)]
    assert seen(control.told, wanted={"x": 1, "y": 1, "z": 1}).lost == 1, "the control was not caught"


class BySeq:
    """The same control on PostgreSQL: the order of its rows' own numbers."""

    def __init__(self, conninfo: str) -> None:
        self.connection = psycopg.connect(conninfo, autocommit=True)
        self.last = 0
        self.told: list[tuple[str, int]] = []

    def work(self) -> None:
        polled = "SELECT seq, data FROM omni_journal WHERE seq > %s ORDER BY seq"
        for seq, data in self.connection.execute(polled, [self.last]).fetchall():
            self.last = seq
            happened = json.loads(data)
            self.told.append((happened["about"], happened["count"]))

    def close(self) -> None:
        self.connection.close()


def test_a_transaction_open_for_minutes_is_told_on_postgres(fresh_postgres: str) -> None:
    """On PostgreSQL others commit and are told while a transaction is open; what it did is told when it commits."""
    broker = Broker()
    with (
        closing(postgres.open(fresh_postgres, migrate=True)) as database,
        closing(BySeq(fresh_postgres)) as control,
        closing(postgres.open(fresh_postgres)) as another,
    ):
        shop, second = host(database, broker), host(another, broker, ids="b")
        sell(shop, "a")
        with database.writing("main") as first, another.writing("main") as later:
            counted_in(first, "slow")
            counted_in(later, "slower")
            sell(shop, "a", "b")
            shop.work()
            control.work()
            assert broker.told() == control.told == [("a", 1), ("a", 2), ("b", 1)]
        sell(second, "b")
        second.work()
        control.work()
        wanted = {"a": 2, "b": 2, "slow": 1, "slower": 1}
        told = seen(broker.told(), wanted=wanted)
        assert (told.lost, told.repeated, told.overtaken) == (0, 0, 0)
        assert seen(control.told, wanted=wanted).lost == 2, "the control was not caught"
        assert shop.verify().differences == ()


def test_workers_that_number_at_the_same_time_give_each_position_once(fresh_postgres: str) -> None:
    """Workers may number at the same moment as others write: no position is given twice, skipped or told late."""
    workers, each = 3, 20
    with closing(postgres.open(fresh_postgres, migrate=True)) as database:
        told: list[list[int]] = [[] for _ in range(workers)]
        together = threading.Barrier(workers)

        def work(number: int) -> None:
            shop = host(database, Broker(), ids=f"w{number}")
            together.wait()
            last = 0
            for at in range(each):
                sell(shop, f"c{number}-{at}")
                shop.number()
                page = positions(list(shop.journal(after=last)))
                told[number] += page
                last = max([last, *page])

        with ThreadPoolExecutor(workers) as pool:
            for done in [pool.submit(work, number) for number in range(workers)]:
                done.result()
        everything = positions(list(host(database, Broker()).journal()))
        assert everything == list(range(1, workers * each + 1))
        for seen_by_one in told:
            assert seen_by_one == everything[: len(seen_by_one)], "something appeared behind what had been read"


def positions(envelopes: list[Envelope]) -> list[int]:
    """Give positions, which every numbered envelope has."""
    return [envelope.position or 0 for envelope in envelopes]


def test_a_file_has_one_writer_so_nothing_is_numbered_past_an_open_transaction(tmp_path: Path) -> None:
    """On SQLite nobody writes or numbers while a transaction is open, so what it did is told first."""
    path, broker = tmp_path / "shop.db", Broker()
    database = sqlite.open(path, migrate=True, synchronous="NORMAL", busy_timeout_ms=1)
    other = sqlite.open(path, synchronous="NORMAL", busy_timeout_ms=1)
    shop, busy = host(database, broker), host(other, broker, ids="b")
    sell(shop, "a")
    with database.writing("main") as store:
        counted_in(store, "slow")
        with pytest.raises(Conflict):
            sell(busy, "b")
        with pytest.raises(Conflict):
            busy.number()
        assert list(busy.journal()) == []
    sell(busy, "b")
    busy.work()
    assert broker.told() == [("a", 1), ("slow", 1), ("b", 1)]
    numbers = positions(list(busy.journal()))
    assert numbers == sorted(set(numbers))
    database.close()
    other.close()

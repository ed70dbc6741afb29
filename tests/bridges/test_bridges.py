"""Are a host's own rows and ours one transaction, in whichever way the host has opened it?"""

import pytest

from omnicore.host import KeyReused
from omnicore.host.within import Within
from omnicore.kernel.errors import Malformed, Refused
from omnicore.kernel.store import Batch
from omnicore.testing.bench import NOTES, Note
from omnicore.testing.clock import NOON
from omnicore.testing.kit_shop import checkout, free, place, receive, reserve
from tests.bridges.stands import Inside, Stand


class Changed(Exception):  # noqa: N818 - no error: a change of mind
    """The host changes its mind."""


def test_both_or_neither_commit(stand: Stand) -> None:
    """A host's parcel and our goods are there together when the host commits, whichever was written first."""

    def story(inside: Inside, shop: Within) -> None:
        inside.put("a")
        assert shop.run(receive(amount=5), command="po-1") == 5
        inside.put("b")
        assert shop.run(free()) == 5
        assert inside.sql("SELECT id FROM parcels ORDER BY id") == ["a", "b"]
        assert (stand.parcels(), stand.host().run(free())) == ([], 0)  # nobody else sees anything yet

    stand.transaction(story)
    assert (stand.parcels(), stand.host().run(free())) == (["a", "b"], 5)
    assert stand.host().run(receive(amount=5), command="po-1") == 5
    assert stand.host().run(free()) == 5
    assert stand.host().verify().differences == ()


@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_both_are_gone_when_the_host_rolls_back(stand: Stand, first: str) -> None:
    """A host that rolls back takes our goods and the command's key with it, whichever was written first."""

    def story(inside: Inside, shop: Within) -> None:
        if first == "theirs":
            inside.put("a")
        shop.run(receive(amount=5), command="po-1")
        if first == "ours":
            inside.put("a")
        raise Changed

    with pytest.raises(Changed):
        stand.transaction(story)
    assert (stand.parcels(), stand.host().run(free())) == ([], 0)
    stand.host().run(receive(amount=2), command="po-1")  # the key was never used
    assert stand.host().run(free()) == 2


def test_a_refused_command_leaves_the_hosts_rows(stand: Stand) -> None:
    """After a refusal the host's transaction goes on: its rows, and what was commanded before, commit."""

    def story(inside: Inside, shop: Within) -> None:
        inside.put("a")
        shop.run(receive(amount=5))
        with pytest.raises(Refused):
            shop.run(reserve(hold="h", amount=9), command="k")
        shop.run(receive(amount=1), command="used")
        with pytest.raises(KeyReused):
            shop.run(receive(amount=2), command="used")
        inside.put("b")
        shop.run(reserve(hold="h", amount=4), command="k")

    stand.transaction(story)
    assert (stand.parcels(), stand.host().run(free())) == (["a", "b"], 2)


def test_what_fails_after_its_write_is_taken_back_alone(stand: Stand) -> None:
    """Whatever goes wrong after a command has written takes that command back and nothing of the host's."""
    put = NOTES.put(Note(key="n1"))

    def story(inside: Inside, shop: Within) -> None:
        def fails() -> None:
            with inside.joined.writing(stand.shop) as store:
                store.write(Batch(id="b1", at=NOON, by="x", changes=(put,)))
                raise Changed

        inside.put("a")
        with pytest.raises(Changed):
            fails()
        inside.put("b")
        with inside.joined.writing(stand.shop) as store:
            store.write(Batch(id="b2", at=NOON, by="x", changes=(NOTES.put(Note(key="n2")),)))

    stand.transaction(story)
    with stand.database.reading(stand.shop) as store:
        assert list(store.load(NOTES.name, ["n1", "n2"])) == ["n2"]
    assert stand.parcels() == ["a", "b"]


def test_a_block_within_the_transaction(stand: Stand) -> None:
    """A block of the host's own within its transaction takes our goods back with its rows, or keeps both."""

    def story(inside: Inside, shop: Within) -> None:
        def fails() -> None:
            with inside.nested():
                inside.put("b")
                shop.run(receive(amount=5), command="po-1")
                raise Changed

        inside.put("a")
        with pytest.raises(Changed):
            fails()
        with inside.nested():
            inside.put("c")
            shop.run(receive(amount=3), command="po-1")
            with pytest.raises(Refused):
                shop.run(reserve(hold="h", amount=9))

    stand.transaction(story)
    assert (stand.parcels(), stand.host().run(free())) == (["a", "c"], 3)


def test_a_process_is_started_and_not_run(stand: Stand) -> None:
    """A process inside the host's transaction is refused by `run`; started, it calls nobody until the host commits."""
    stand.host().run(receive(amount=5))
    order = checkout(order="o-1", amount=2, price=100)

    def started(inside: Inside, shop: Within) -> None:
        with pytest.raises(Malformed, match="started"):
            shop.run(order)  # type: ignore[arg-type] # which is the point
        inside.put("a")
        assert shop.start(order, command="o-1") == "testing.checkout/o-1"
        assert shop.start(order, command="o-1") == "testing.checkout/o-1"

    def abandoned(inside: Inside, shop: Within) -> None:
        started(inside, shop)
        raise Changed

    with pytest.raises(Changed):
        stand.transaction(abandoned)
    stand.host().work()
    assert (stand.till.charged, stand.parcels()) == (0, [])
    stand.transaction(started)
    assert stand.till.charged == 0
    assert stand.host().work().resumed == ("testing.checkout/o-1",)
    stand.host().work()
    assert (stand.till.charged, list(stand.till.told.values()), stand.parcels()) == (1, ["o-1"], ["a"])


def test_many_commands_in_one_transaction(stand: Stand) -> None:
    """Many commands at once each get their answer or their refusal, and the host's transaction goes on."""

    def story(inside: Inside, shop: Within) -> None:
        inside.put("a")
        answers = shop.run_many(
            [
                (receive(amount=5), "k1"),
                (reserve(hold="h", amount=9), None),
                (place(order="o", hold=None, paid="x"), "k2"),
            ]
        )
        assert [answer if isinstance(answer, int | str) else type(answer) for answer in answers] == [5, Refused, "o"]

    stand.transaction(story)
    assert (stand.parcels(), stand.host().run(free())) == (["a"], 5)

"""Does the model keep what it promises beyond the kit: one lock, undone whole, several shops?"""

import pytest

from omnicore.adapters.memory import Memory
from omnicore.kernel.errors import Conflict
from omnicore.kernel.journal import Envelope
from omnicore.kernel.ledger import Account, Hold, Post, Void
from omnicore.kernel.records import Document, IndexRow, Put, span
from omnicore.kernel.sorting import sort_key
from omnicore.kernel.store import Batch, Store
from omnicore.kernel.time import Instant
from omnicore.testing import check_store

NOW = Instant(1_000_000)
SHELF = Account("sku:TEE-M", "node/tokyo/on-hand")


def order(name: str) -> Batch:
    """Make a batch that touches every table."""
    return Batch(
        id=name,
        at=NOW,
        by="staff:1",
        changes=(Put(kind="k", key=name, expected=0, schema=1, body="{}", rows=(IndexRow(index="i", sort=b"1"),)),),
        moves=(
            Post(id=f"p{name}", unit=SHELF.unit, source="world/supplier", target=SHELF.path, amount=2, fact=True),
            Hold(id=f"h{name}", unit=SHELF.unit, source=SHELF.path, target="world/customer", amount=1),
        ),
        envelopes=(Envelope(id=name, type="t", about="a", at=NOW, by="b", command=None, data="{}"),),
    )


def everything(store: Store) -> tuple[object, ...]:
    """Ask for all that the orders `a` and `b` can have left."""
    page: tuple[Document, ...] = store.find(span("k", "i")).documents
    return (
        page,
        store.balances([SHELF], NOW),
        store.open_holds([SHELF]),
        store.entries(SHELF),
        store.read(),
        store.verify([]),
    )


def test_the_model_keeps_every_law() -> None:
    """The model that others are compared with passes the kit itself."""
    check_store(Memory, examples=5)


def test_an_exception_undoes_the_whole_transaction() -> None:
    """Whatever was written and numbered before an exception is gone, and all from before is as it was."""
    memory = Memory()
    with memory.writing("shop") as store:
        store.write(order("a"))
        store.number(1)
        before = everything(store)

    def stopped() -> None:
        with memory.writing("shop") as store:
            store.write(order("b"))
            store.number(10)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    with memory.reading("shop") as store:
        assert everything(store) == before


def test_a_refused_write_leaves_the_transaction_usable() -> None:
    """A write that meets a conflict half-way leaves nothing, and the next write of the transaction stands."""
    memory = Memory()
    with memory.writing("shop") as store:
        for spoilt in (
            Batch(id="b", at=NOW, by="x", moves=(*order("a").moves, Void(hold="nobody"))),
            Batch(id="b", at=NOW, by="x", moves=order("a").moves, envelopes=order("a").envelopes * 2),
        ):
            with pytest.raises(Conflict):
                store.write(spoilt)
        store.write(order("a"))
    with memory.reading("shop") as store:
        assert len(store.find(span("k", "i", equal=(), limit=5)).documents) == 1
        assert not store.verify([]).differences


def test_a_question_of_an_unknown_shop_makes_no_shop() -> None:
    """Only writing makes a shop known; asking about one does not."""
    memory = Memory()
    with memory.reading("nowhere") as store:
        assert store.read() == ()
        with pytest.raises(AssertionError, match="may not write"):
            store.write(order("a"))
    with memory.writing("shop") as store:
        store.write(order("a"))
    assert list(memory.shops()) == ["shop"]
    memory.close()


def test_index_keys_sort_as_their_tuples() -> None:
    """A model database sorts an index as the tuples it is made of, whatever was written first."""
    memory = Memory()
    days = [(7, "b"), (-1, "z"), (7, "a"), (30, "")]
    puts = tuple(
        Put(kind="k", key=str(n), expected=0, schema=1, body="", rows=(IndexRow(index="day", sort=sort_key(day)),))
        for n, day in enumerate(days)
    )
    with memory.writing("shop") as store:
        store.write(Batch(id="b", at=NOW, by="x", changes=puts))
        found = store.find(span("k", "day")).documents
    assert [days[int(document.key)] for document in found] == sorted(days)

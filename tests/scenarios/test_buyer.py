"""Does anything personal ever stand outside the vault?"""

import sqlite3
from pathlib import Path

import pytest

from omnicore.adapters import sqlite
from omnicore.fulfilment import deliver, pack
from omnicore.fulfilment.questions import delivery
from omnicore.host import Host, Observation
from omnicore.kernel.access import PurposeMissing
from omnicore.kernel.address import PostalAddress
from omnicore.kernel.ids import LineId, VariantId
from omnicore.kernel.personal import Personal
from omnicore.kernel.records import kinds
from omnicore.ordering import BUYER, read_buyers
from omnicore.parties import (
    Details,
    IdentityKind,
    Seen,
    Teller,
    ToldIdentity,
    open_account,
    record_customers,
    verify_identity,
    who_is,
)
from omnicore.returns import Condition, RequestedLine, ReturnPolicy
from omnicore.scenarios.bopis import PICKUP, collect, make_ready, pick, pickup_at, pickup_of
from omnicore.scenarios.boris import return_in_store
from omnicore.scenarios.buyer import tell_buyer
from omnicore.scenarios.checkout import checkout
from omnicore.scenarios.order_import import ToldLine, ToldOrder, import_orders
from omnicore.scenarios.quote import quote
from omnicore.scenarios.ship_from_store import send
from omnicore.testing import SECRET, Clock, Ids
from omnicore.testing.clock import NOON
from omnicore.testing.payments import FakeProvider
from omnicore.testing.shop import MARKET, SHIBUYA, open_shop
from tests.scenarios.story import Story, card, cart, order_id, tracking

CANARIES = ("Kanarienvogel", "canary@example.com", "9012345678", "鶯谷一丁目", "鶯 鳴子", "7Q2MX0AB9KTR", "置き配")
NAME, EMAIL, PHONE = Personal("鶯 鳴子 Kanarienvogel"), Personal("canary@example.com"), Personal("090-1234-5678")
ADDRESS = Personal(
    PostalAddress(
        country="JP",
        postal_code="1100003",
        region="東京都",
        city="台東区",
        street="鶯谷一丁目 2-3",
        recipient="鶯 鳴子",
        phone="+819012345678",
    )
)
CODE = Personal("7Q2M-X0AB-9KTR")
DAY = cart({"SHIRT-WHT-M": 1, "TEA-GIFT": 1}, id="cart")
PICKED = cart({"FURO-RED": 1}, id="picked", groups=[pickup_at(SHIBUYA)], group=PICKUP)


def test_a_buyer_is_known_again_by_their_mail() -> None:
    """Told twice with one e-mail address it is one customer; told again for a cart, the newer telling counts."""
    story = Story()
    clerk = story.host.acting(story.host.actor, purpose="checkout")
    first = clerk.run(tell_buyer(cart=DAY.id, name=Personal("鶯"), email=EMAIL))
    assert first == clerk.run(
        tell_buyer(cart=PICKED.id, name=Personal("ウグイス"), email=Personal("CANARY@example.com"))
    )
    assert first == clerk.run(tell_buyer(cart=DAY.id, name=NAME, email=EMAIL, phone=PHONE, address=ADDRESS))
    (buyer,) = clerk.run(read_buyers(orders=(order_id(DAY),)))
    assert (buyer.name, buyer.address, buyer.customer) == (NAME, ADDRESS, first)
    assert clerk.run(tell_buyer(cart=PICKED.id, name=NAME)) is None


def test_nobody_reads_a_buyer_without_a_purpose() -> None:
    """Who asks for a buyer's data must say what for, and every reading is on record."""
    story = Story()
    clerk = story.host.acting(story.host.actor, purpose="checkout")
    clerk.run(tell_buyer(cart=DAY.id, name=NAME, email=EMAIL))
    with pytest.raises(PurposeMissing):
        story.host.run(read_buyers(orders=(order_id(DAY),)))
    clerk.run(read_buyers(orders=(order_id(DAY),)))
    read = [event for event in story.events("kernel.accessed.v1") if "ordering.buyer" in str(event["data"])]
    assert len(read) >= 2


def a_day(host: Host, told: list[object]) -> None:
    """Let one buyer do everything there is to do, and keep every answer."""
    clerk = host.acting(host.actor, purpose="canary test")
    for wanted in (DAY, PICKED):
        telling = tell_buyer(cart=wanted.id, name=NAME, email=EMAIL, phone=PHONE, address=ADDRESS)
        told += [telling, clerk.run(telling, command=f"tell-{wanted.id}")]
        offered = clerk.run(quote(cart=wanted), command=f"quote-{wanted.id}")
        process = checkout(quote=offered.quote, shown=offered.gross, tenders=(card(offered.gross),))
        told += [offered, process, clerk.run(process, command=f"buy-{wanted.id}")]
    for parcel in clerk.run(delivery(order=order_id(DAY))).parcels:
        clerk.run(pack(parcels=(parcel.id,)))
        clerk.run(send(parcel=parcel.id, tracking=tracking(parcel.id)))
        clerk.run(deliver(parcels=(parcel.id,)))
    pickup = pickup_of(order_id(PICKED))
    clerk.run(pick(pickups=(pickup,)))
    told += [clerk.run(make_ready(pickup=pickup, code=CODE), command="ready"), make_ready(pickup=pickup, code=CODE)]
    clerk.run(collect(pickup=pickup, code=CODE), command="collect")
    clerk.work()
    back = RequestedLine(line=LineId("L0"), units=1, condition=Condition.SEALED)
    policy = ReturnPolicy(version="v1")
    told.append(clerk.run(return_in_store(order=order_id(DAY), lines=(back,), node=SHIBUYA, policy=policy)))
    details = Details(name=NAME, email=EMAIL, phone=PHONE, note=Personal("置き配希望"), addresses=(ADDRESS,))
    identity = ToldIdentity(kind=IdentityKind.EMAIL, value=EMAIL)
    seen = Seen(told_at=NOON, by=Teller.CHANNEL, basis="market-1", identities=(identity,), details=details)
    line = ToldLine(id=LineId("1"), variant=VariantId("FURO-BLU"), units=1, unit_price=2750, total=2750)
    order = ToldOrder(external_id="R-1", placed_at=NOON, lines=(line,), seen=seen)
    told += [seen, order, clerk.run(import_orders(channel=MARKET, orders=(order,)), command="import")]
    (customer,) = clerk.run(record_customers(seen=(seen,)))
    clerk.run(verify_identity(told=identity, proof="challenge-1"))
    opened = clerk.run(open_account(told=identity, proof="challenge-1"), command="account")
    told.append(opened)
    assert customer is not None
    told.append(clerk.run(who_is(customer=customer)))
    told += clerk.run(read_buyers(orders=(order_id(DAY), order_id(PICKED))))
    clerk.work()


def test_no_personal_data_stands_outside_the_vault(tmp_path: Path) -> None:
    """After a whole day, no table but the vault's documents has a name, mail, phone number, address or code."""
    file = tmp_path / "shop.db"
    told: list[object] = []
    observed: list[Observation] = []
    provider = FakeProvider(tmp_path / "provider.db")
    host = Host(
        sqlite.open(file, migrate=True, synchronous="NORMAL"),
        secret=SECRET,
        clock=Clock(),
        new_id=Ids(),
        providers=[provider],
        observe=observed.append,
    )
    open_shop(host)
    a_day(host, told)
    assert host.verify().differences == ()
    host.close()
    vault = {name for name, kind in kinds().items() if kind.subject is not None}
    assert BUYER.name in vault
    outside: list[tuple[str, str]] = []
    inside: list[tuple[str, str]] = []
    for place, text in rows_of(file):
        for canary in CANARIES:
            if canary.casefold() in text.casefold():
                (inside if any(place == f"omni_documents {kind}" for kind in vault) else outside).append(
                    (place, canary)
                )
    assert outside == []
    assert {canary for _, canary in inside} == set(CANARIES) - {"7Q2MX0AB9KTR"}, "the grep finds what is there"
    for text in (repr(told), repr(observed), repr(provider.exchanges()), *map(str, told)):
        assert not [canary for canary in CANARIES if canary.casefold() in text.casefold()]


def rows_of(file: Path) -> list[tuple[str, str]]:
    """Give every row of every table, each with its place: the table, and of a document its kind too."""
    found = []
    with sqlite3.connect(file) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        assert "omni_documents" in tables
        for table in tables:
            cursor = connection.execute(f"SELECT * FROM {table}")
            columns = [column[0] for column in cursor.description]
            for row in cursor:
                named = dict(zip(columns, row, strict=True))
                place = f"{table} {named['kind']}" if table == "omni_documents" else table
                found.append((place, "\n".join(readable(value) for value in row)))
    connection.close()
    return found


def readable(value: object) -> str:
    """Give a column as text, escapes of JSON undone."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return (
        text + "\n" + text.replace("-", "") + ("\n" + text.encode().decode("unicode_escape") if "\\u" in text else "")
    )

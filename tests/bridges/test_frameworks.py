"""Do a Django view and an asynchronous service work as their pages say?"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection  # type: ignore[import-untyped] # Django has no types of its own
from django.test import Client  # type: ignore[import-untyped] # as above
from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from omnicore.adapters import postgres
from omnicore.adapters.sqlalchemy import joined, run_within, start_within
from omnicore.host import Host
from omnicore.kernel.errors import Refused
from omnicore.testing.kit_shop import checkout, free, receive, reserve
from tests.bridges import django_urls
from tests.bridges.stands import SECRET, Stand, django_at, engine_at, postgres_stand, sqlite_stand, url_of


@pytest.fixture(params=["sqlite", "postgres"])
def stand(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stand]:
    """Give a host's own database of each sort."""
    if request.param == "sqlite":
        with sqlite_stand("Django", tmp_path) as made:
            yield made
    else:
        with postgres_stand("Django", request.getfixturevalue("host_database"), request.node.name[:60]) as made:
            yield made


def test_a_view_inside_a_transaction_for_each_request(tmp_path: Path) -> None:
    """A Django view under ATOMIC_REQUESTS commits its rows, our goods and a process, or none of them if it fails."""
    with sqlite_stand("Django", tmp_path) as stand:
        django_at(stand.place)
        django_urls.SHOP.append(stand.host())
        assert Client().post("/parcels/a").status_code == 201
        assert Client(raise_request_exception=False).post("/parcels/b?fail=1").status_code == 500
        refused = Client().post("/parcels/c?reserve=99")
        connection.close()
        assert (refused.status_code, refused.json()["code"]) == (409, "kernel.refused")
        assert (stand.parcels(), stand.host().run(free())) == (["a", "c"], 9)
        assert stand.till.charged == 0
        assert len(stand.host().work().resumed) == 2
        assert sorted(stand.till.told.values()) == ["a", "c"]


def test_an_asynchronous_session(stand: Stand) -> None:
    """From an AsyncSession a command, a question and a process take part in the session's transaction."""
    url, arguments = url_of(stand.place, awaited=True)
    order = checkout(order="o-1", amount=1, price=100)

    async def main() -> None:
        engine = create_async_engine(url, poolclass=NullPool, **arguments)
        host = stand.host()
        async with AsyncSession(engine) as session, session.begin():
            await session.execute(text("INSERT INTO parcels VALUES ('a')"))
            assert await run_within(session, host, receive(amount=5), command="po-1") == 5
            with pytest.raises(Refused):
                await run_within(session, host, reserve(hold="h", amount=9))
            await start_within(session, host, order, command="o-1")
            assert await run_within(session, host, free()) == 5
        async with engine.connect() as connection:
            await run_within(connection, host, receive(amount=100))
            await connection.rollback()
        await engine.dispose()

    asyncio.run(main())
    assert (stand.parcels(), stand.host().run(free())) == (["a"], 5)
    stand.host().work()
    assert stand.till.charged == 1


def test_a_host_that_awaits_takes_part_too(host_database: str) -> None:
    """A host on an asynchronous database of its own takes part in an AsyncSession's transaction like any other."""
    with postgres_stand("SQLAlchemy async session", host_database, "awaiting") as stand:
        url, arguments = url_of(stand.place, awaited=True)

        async def main() -> None:
            host = Host(postgres.open_async(stand.place), shop=stand.shop, secret=SECRET)
            engine = create_async_engine(url, poolclass=NullPool, **arguments)
            async with AsyncSession(engine) as session:
                await run_within(session, host, receive(amount=5), command="po-1")
                assert (await run_within(session, host, free()), await host.arun(free())) == (5, 0)
                await session.commit()
            assert await host.arun(free()) == 5
            await engine.dispose()
            await host.aclose()

        asyncio.run(main())


def test_waiting_for_a_flow_lets_others_go_on(stand: Stand) -> None:
    """While a flow inside an AsyncSession waits for its database, the event loop serves others."""
    url, arguments = url_of(stand.place, awaited=True)
    turns: list[int] = []

    async def other(done: asyncio.Event) -> None:
        while not done.is_set():
            turns.append(1)
            await asyncio.sleep(0)

    async def main() -> None:
        engine = create_async_engine(url, poolclass=NullPool, **arguments)
        done = asyncio.Event()
        task = asyncio.create_task(other(done))
        async with AsyncSession(engine) as session, session.begin():
            await run_within(session, stand.host(), receive(amount=5))  # the connection is made here
            turns.clear()
            await run_within(session, stand.host(), receive(amount=5))
            served = len(turns)
        done.set()
        await task
        await engine.dispose()
        assert served >= 3

    asyncio.run(main())


class Base(DeclarativeBase):
    """The host's models."""


class Parcel(Base):
    __tablename__ = "parcels"

    id: Mapped[str] = mapped_column(primary_key=True)


def test_what_waits_in_a_session_is_written_first(stand: Stand) -> None:
    """Objects that wait in an autoflushing session are flushed before a flow, outside of what it may take back."""
    with Session(engine_at(stand.place)) as session, session.begin():
        session.add(Parcel(id="a"))
        with pytest.raises(Refused):
            stand.host().within(joined(session)).run(reserve(hold="h", amount=1))
        assert session.connection().execute(text("SELECT id FROM parcels")).all() == [("a",)]
        session.add(Parcel(id="b"))
        with session.no_autoflush:
            stand.host().within(joined(session)).run(receive(amount=1))
            assert session.connection().execute(text("SELECT id FROM parcels")).all() == [("a",)]
    assert (stand.parcels(), stand.host().run(free())) == (["a", "b"], 1)


def test_one_joined_database_for_the_life_of_a_session(stand: Stand) -> None:
    """A joined session may be kept: each flow takes part in the transaction that is then open."""
    with Session(engine_at(stand.place)) as session:
        shop = stand.host().within(joined(session))
        shop.run(receive(amount=1))
        session.commit()
        shop.run(receive(amount=10))
        session.rollback()
        shop.run(receive(amount=100))
        session.commit()
    assert stand.host().run(free()) == 101

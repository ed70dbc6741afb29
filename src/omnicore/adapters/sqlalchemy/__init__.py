"""omnicore inside a transaction of SQLAlchemy's (``pip install omnicore[sqlalchemy]``).

    with Session(engine) as session, session.begin():
        session.add(Parcel(...))
        shop.within(joined(session)).run(inventory.receive(...), command="po-1")

    async with AsyncSession(engine) as session, session.begin():
        await run_within(session, shop, inventory.receive(...), command="po-1")

The session commits and rolls back for both. SQLite by pysqlite and aiosqlite, PostgreSQL by psycopg.
"""

from omnicore.adapters.sqlalchemy.session import joined, run_within, start_within

__all__ = ["joined", "run_within", "start_within"]

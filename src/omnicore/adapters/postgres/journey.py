"""How do many statements travel in one journey?

By libpq's pipeline mode, which psycopg wraps: every statement is sent prepared, and only then is the first answer
waited for. psycopg's own pipeline costs more than it saves on a near server, because each cursor talks by itself; here
one generator talks for all, and psycopg's ``wait`` drives it: in a thread, without holding the interpreter's lock, or
on an event loop. It works inside any transaction of a connection, a host's too, and leaves its settings alone.
"""

import re
from collections.abc import Generator, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final
from weakref import WeakKeyDictionary

import psycopg
from attrs import define, field, frozen
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import DiagnosticField, ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult
from psycopg.waiting import Ready, Wait

from omnicore.adapters.columns import Row
from omnicore.adapters.postgres.errors import refuse
from omnicore.adapters.postgres.wire import Query, Result, Unsendable, Value
from omnicore.kernel.errors import Conflict

Talk = Generator[Wait, Ready | int, list[PGresult]]
_PLACEHOLDER: Final = re.compile(r"%\((\w+)\)s")
_NOT_PREPARED: Final = b"26000"
_GUARD: Final = b"22012"
"""Division by zero: what a statement does whose guard did not hold (``wire.asserted``)."""
_FAILED: Final = frozenset({ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE})


@frozen
class _Statement:
    """A statement as the server is told it: values by number, and which name stands for which number."""

    sql: bytes
    names: tuple[str, ...]
    prepared_as: bytes


@lru_cache(maxsize=1024)
def _statement(sql: str) -> _Statement:
    # Our own are module constants and all stay in; of the texts a host sends, the latest do.
    places: dict[str, int] = {}

    def numbered(found: re.Match[str]) -> str:
        return f"${places.setdefault(found[1], len(places) + 1)}"

    told = _PLACEHOLDER.sub(numbered, sql).replace("%%", "%")
    name = b"omni_" + sha256(told.encode()).hexdigest()[:24].encode()
    return _Statement(sql=told.encode(), names=tuple(places), prepared_as=name)


@define
class _Known:
    """Which statements a connection has prepared."""

    prepared: set[bytes] = field(factory=set)


_KNOWN: Final[WeakKeyDictionary[Any, _Known]] = WeakKeyDictionary()


def _bound(value: Value) -> tuple[bytes | None, int]:
    """Give a value as it travels, and in which format."""
    if type(value) is str:
        try:
            told = value.encode()
        except UnicodeEncodeError:
            raise Unsendable from None
        if b"\x00" in told:
            raise Unsendable
        return told, Format.TEXT
    if type(value) is bytes:
        return value, Format.BINARY
    return (None if value is None else b"t" if value else b"f"), Format.TEXT


@define
class _Journey:
    """One batch of statements under way on one connection."""

    connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]
    queries: Sequence[Query]
    prepares: bool
    known: _Known = field(init=False)
    fresh: list[bytes] = field(factory=list)

    def talk(self) -> Talk:
        """Send everything, then read every answer."""
        connection = self.connection
        if (known := _KNOWN.get(connection)) is None:
            known = _KNOWN[connection] = _Known()
        self.known = known
        bound = [
            (
                _statement(query.sql),
                [_bound(value) for value in map((query.values or {}).__getitem__, _statement(query.sql).names)],
            )
            for query in self.queries
        ]
        pgconn = connection.pgconn
        if pgconn.pipeline_status:  # a host's own pipeline is open: what is in it goes first
            raise AssertionError("statements cannot be sent inside a pipeline of the host's own")
        pgconn.enter_pipeline_mode()
        try:
            for query, (statement, values) in zip(self.queries, bound, strict=True):
                self._send(pgconn, query, statement, values)
            pgconn.pipeline_sync()
            answers = yield from self._answers(pgconn)
            self._remember(answers)  # here, because a task that is cancelled while it waits never reads its results
            return answers
        finally:
            if pgconn.pipeline_status and not pgconn.is_busy():
                pgconn.exit_pipeline_mode()

    def _send(
        self, pgconn: PGconn, query: Query, statement: _Statement, values: list[tuple[bytes | None, int]]
    ) -> None:
        told, formats = [value for value, _ in values], [form for _, form in values]
        if not self.prepares or query.once:
            pgconn.send_query_params(statement.sql, told, param_formats=formats)
            return
        if statement.prepared_as not in self.known.prepared and statement.prepared_as not in self.fresh:
            pgconn.send_prepare(statement.prepared_as, statement.sql)
            self.fresh.append(statement.prepared_as)
        pgconn.send_query_prepared(statement.prepared_as, told, param_formats=formats)

    def _answers(self, pgconn: PGconn) -> Talk:
        while pgconn.flush():
            if ((yield Wait.RW) or 0) & Ready.R:  # nothing is handed back where Ctrl-C has ended the first wait
                pgconn.consume_input()
        answers: list[PGresult] = []
        while True:
            while pgconn.is_busy():
                yield Wait.R
                pgconn.consume_input()
            answer = pgconn.get_result()
            if answer is None:
                continue
            if answer.status == ExecStatus.PIPELINE_SYNC:
                return answers
            answers.append(answer)

    def results(self, answers: Sequence[PGresult]) -> list[Result]:
        """Read the answers.

        Raises: Conflict where a guard did not hold, psycopg.Error, the first there was.
        """
        own = self._own(answers)
        for answer in answers:
            if answer.status in _FAILED:
                if answer.error_field(DiagnosticField.SQLSTATE) == _GUARD and answer in own:
                    raise Conflict(self.queries[own.index(answer)].about)
                raise error_from_result(answer)
        return [_result(answer) for answer in own]

    def _remember(self, answers: Sequence[PGresult]) -> None:
        """Note what the server has prepared, or, where it knows less than we thought, that it knows nothing."""
        preparing = [answer for answer in answers if answer not in self._own(answers)]
        for name, answer in zip(self.fresh, preparing, strict=False):
            if answer.status == ExecStatus.COMMAND_OK:
                self.known.prepared.add(name)
        if any(answer.error_field(DiagnosticField.SQLSTATE) == _NOT_PREPARED for answer in answers):
            self.known.prepared.clear()

    def _own(self, answers: Sequence[PGresult]) -> list[PGresult]:
        """Give the answers of the statements: one that was prepared on the way has another just before its first."""
        fresh = iter(self.fresh)
        preparing = next(fresh, None)
        coming = iter(answers)
        own: list[PGresult] = []
        for query in self.queries:
            answer = next(coming)
            if _statement(query.sql).prepared_as == preparing:
                answer, preparing = next(coming), next(fresh, None)
            own.append(answer)
        return own


def _result(answer: PGresult) -> Result:
    if answer.status == ExecStatus.TUPLES_OK:
        # Read by psycopg's own types, whatever types a host has taught its connection.
        reader = Transformer()
        reader.set_pgresult(answer)
        rows: list[Row] = reader.load_rows(0, answer.ntuples, tuple)
        return Result(rows, answer.ntuples)
    return Result((), answer.command_tuples or 0)


class Journeys:
    """A ``Wire`` over a psycopg connection."""

    def __init__(self, connection: psycopg.Connection[Any], *, prepares: bool = False) -> None:
        """Speak over a connection, whatever transaction it is in.

        ``prepares`` for one that is ours: psycopg itself discards what is prepared whenever a host rolls back.
        """
        self._connection = connection
        self._prepares = prepares and connection.prepare_threshold is not None  # None: behind a shared pooler

    def send(self, queries: Sequence[Query]) -> Sequence[Result]:
        """Send statements in order and give their results."""
        journey = _Journey(self._connection, queries, self._prepares)
        try:
            return journey.results(self._connection.wait(journey.talk()))
        except psycopg.Error as error:
            refuse(error)


class AsyncJourneys:
    """An ``AsyncWire`` over an asynchronous psycopg connection."""

    def __init__(self, connection: psycopg.AsyncConnection[Any], *, prepares: bool = False) -> None:
        """Speak over a connection, whatever transaction it is in; ``prepares`` as for ``Journeys``."""
        self._connection = connection
        self._prepares = prepares and connection.prepare_threshold is not None

    async def send(self, queries: Sequence[Query]) -> Sequence[Result]:
        """Send statements in order and give their results."""
        journey = _Journey(self._connection, queries, self._prepares)
        try:
            return journey.results(await self._connection.wait(journey.talk()))
        except psycopg.Error as error:
            refuse(error)

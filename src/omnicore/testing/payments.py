"""Which provider says the same in every run, can be told to fail, and remembers what it was asked, kill -9 or not?

``FakeProvider`` keeps a row per key it was ever called with. Given a file, the rows outlive the process of the shop, as
a real provider's do, so a crash test can kill the shop anywhere and then ask ``doubled()``: was any money moved twice?
"""

import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TypeVar, cast

from attrs import field, frozen

from omnicore.kernel import codec
from omnicore.kernel.time import Instant
from omnicore.payments import (
    Answer,
    Authorise,
    Authorised,
    Cancel,
    Cancelled,
    Capture,
    Captured,
    Declined,
    NeedsAction,
    PaymentProvider,
    Refund,
    Refunded,
    Request,
)
from omnicore.testing.clock import NOON

A = TypeVar("A", bound=Answer)

_TABLE = """
CREATE TABLE IF NOT EXISTS asked (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, request TEXT NOT NULL, answer TEXT NOT NULL,
    times INTEGER NOT NULL DEFAULT 1
) STRICT
"""


class Behaviour(StrEnum):
    """What the provider does with the next new key, instead of saying yes."""

    DECLINE = "decline"
    NEED_ACTION = "need_action"
    """Ask the buyer to act; the message that follows is the test's to deliver. What needs no buyer is done."""
    LOSE_REQUEST = "lose_request"
    """Time out before anything is done."""
    LOSE_ANSWER = "lose_answer"
    """Do it, remember it, and time out."""


class NoAnswer(Exception):  # noqa: N818 - what a caller sees of a timeout
    """The provider did not answer; what it did is unknown to the caller."""


@frozen(kw_only=True)
class Exchange:
    """One key the provider was called with: what was asked, what it answers ever since, and how often it was asked."""

    key: str
    request: Request
    answer: Answer
    times: int = field(default=1)


class FakeProvider(PaymentProvider):
    """A provider that says yes, unless told otherwise; idempotent by key. References count up: ``fake-1``, ``fake-2``.

    Law: two with the same calls in the same order answer the same.
    """

    def __init__(
        self, file: str | Path = ":memory:", *, clock: Callable[[], Instant] = lambda: NOON, on_disk: bool = True
    ) -> None:
        """Keep the rows in a file, or in memory; ``clock`` is the provider's own time.

        A file outlives a killed process in any case; only a power cut needs it ``on_disk``, for which it is waited.
        """
        self._lock = threading.Lock()
        self._rows = sqlite3.connect(str(file), check_same_thread=False, isolation_level=None)
        self._rows.execute("PRAGMA busy_timeout = 5000")
        self._rows.execute(f"PRAGMA synchronous = {'FULL' if on_disk else 'OFF'}")
        self._rows.execute(_TABLE)
        self._clock = clock
        self._next: deque[Behaviour] = deque()

    def will(self, *behaviours: Behaviour) -> None:
        """Say what to do with the next new keys, one behaviour each."""
        self._next.extend(behaviours)

    def authorise(self, key: str, request: Authorise) -> Authorised | Declined | NeedsAction:
        """Set money aside."""
        return self._answer(key, request, lambda name, at: Authorised(reference=name, at=at))

    def capture(self, key: str, request: Capture) -> Captured | Declined | NeedsAction:
        """Take money."""
        return self._answer(key, request, lambda name, at: Captured(reference=name, at=at))

    def refund(self, key: str, request: Refund) -> Refunded | Declined:
        """Give money back."""
        return self._answer(key, request, lambda name, at: Refunded(reference=name, at=at))

    def cancel(self, key: str, request: Cancel) -> Cancelled | Declined:
        """Let money go."""
        return self._answer(key, request, lambda name, at: Cancelled(reference=name, at=at))

    def lookup(self, key: str) -> Answer | None:
        """Tell what became of a key."""
        with self._lock:
            found = self._rows.execute("SELECT answer FROM asked WHERE key = ?", (key,)).fetchone()
        return None if found is None else codec.loads(found[0], as_=Answer)

    def exchanges(self) -> tuple[Exchange, ...]:
        """Give every key it knows, in the order first seen."""
        with self._lock:
            rows = self._rows.execute("SELECT key, request, answer, times FROM asked ORDER BY number").fetchall()
        return tuple(
            Exchange(
                key=key,
                request=codec.loads(request, as_=Request),
                answer=codec.loads(answer, as_=Answer),
                times=times,
            )
            for key, request, answer, times in rows
        )

    def doubled(self) -> tuple[Exchange, ...]:
        """Give the exchanges that did again, under another key, what an earlier one had done: none, if all is well."""
        done: set[tuple[type, str, str]] = set()
        again = []
        for exchange in self.exchanges():
            request = exchange.request
            deed = (type(request), request.order, request.transaction)
            if isinstance(exchange.answer, Declined | NeedsAction):
                continue
            if deed in done:
                again.append(exchange)
            done.add(deed)
        return tuple(again)

    def taken_minor(self, order: str) -> int:
        """Give what it has captured and not given back for an order, in minor units."""
        sign = {Captured: 1, Refunded: -1}
        return sum(
            sign.get(type(exchange.answer), 0) * exchange.request.amount.minor
            for exchange in self.exchanges()
            if exchange.request.order == order
        )

    def close(self) -> None:
        """Give up the file."""
        self._rows.close()

    def _answer(self, key: str, request: Request, yes: Callable[[str, Instant], A]) -> A:
        with self._lock:
            self._rows.execute("BEGIN IMMEDIATE")
            try:
                answer, behaviour = self._in_transaction(key, request, yes)
                self._rows.execute("COMMIT")
            except BaseException:
                self._rows.execute("ROLLBACK")
                raise
        if behaviour is Behaviour.LOSE_ANSWER:
            raise NoAnswer(key)
        # A repeated key gives what it gave before, which the method's own type allows.
        return cast(A, answer)

    def _in_transaction(
        self, key: str, request: Request, yes: Callable[[str, Instant], Answer]
    ) -> tuple[Answer, Behaviour | None]:
        body = codec.dumps(request, as_=Request)
        found = self._rows.execute("SELECT request, answer FROM asked WHERE key = ?", (key,)).fetchone()
        if found is not None:
            if found[0] != body:
                raise AssertionError(f"one key for two requests: {key}")
            self._rows.execute("UPDATE asked SET times = times + 1 WHERE key = ?", (key,))
            return codec.loads(found[1], as_=Answer), None
        behaviour = self._next.popleft() if self._next else None
        if behaviour is Behaviour.LOSE_REQUEST:
            raise NoAnswer(key)
        (number,) = self._rows.execute("SELECT count(*) + 1 FROM asked").fetchone()
        if behaviour is Behaviour.NEED_ACTION and isinstance(request, Refund | Cancel):
            behaviour = None
        answer = self._first_answer(behaviour, f"fake-{number}", yes)
        self._rows.execute(
            "INSERT INTO asked (number, key, request, answer) VALUES (?, ?, ?, ?)",
            (number, key, body, codec.dumps(answer, as_=Answer)),
        )
        return answer, behaviour

    def _first_answer(self, behaviour: Behaviour | None, name: str, yes: Callable[[str, Instant], Answer]) -> Answer:
        at = self._clock()
        if behaviour is Behaviour.DECLINE:
            return Declined(reason="declined", at=at, reference=name)
        if behaviour is Behaviour.NEED_ACTION:
            return NeedsAction(reference=name, url=f"https://pay.example/{name}", at=at)
        return yes(name, at)

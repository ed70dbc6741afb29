"""Does a rule hold, because of what, and what would change the answer?

A question returns a ``Verdict``; a command that must refuse builds its refusal from the same verdict (``or_refuse``),
so the screen that explains and the command that refuses cannot disagree. Verdicts are joined with ``all_of``,
``any_of`` and ``not_``, and keep the conditions that decided.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import chain
from typing import NoReturn, TypeAlias

from attrs import field, frozen

from omnicore.kernel.errors import Malformed, Refused

Fact: TypeAlias = str | int | bool | None | tuple[str, ...]
"""An id, a code, a count or an amount in minor units; never personal data, never free text."""

_CODE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TAKEN = frozenset({"message", "because", "nearest", "self"})  # names that ``or_refuse`` needs for itself
_MAX_FACTS = 32
_MAX_FACT = 255


@frozen
class Reason:
    """One condition that was judged: its code, whether it held, and the facts it was judged by."""

    code: str
    held: bool
    facts: Mapping[str, Fact] = field(factory=dict, hash=False)

    def __attrs_post_init__(self) -> None:
        """Check the parts and keep a copy of the facts, in the order of their names.

        Raises:
            Malformed: if the code or a fact's name is not a plain word, or a fact is not an id, code or count.
        """
        if not _is_text(self.code) or not _is_code(self.code):
            raise Malformed("$.code", "must be words as returns.window")
        if type(self.held) is not bool:
            raise Malformed("$.held", "must be true or false")
        facts: object = self.facts
        if not isinstance(facts, Mapping) or len(facts) > _MAX_FACTS:
            raise Malformed("$.facts", f"must be a mapping of at most {_MAX_FACTS}")
        for name, fact in self.facts.items():
            if type(name) is not str or not _is_name(name):
                raise Malformed("$.facts", "names must be plain words")
            if not _is_fact(fact):
                raise Malformed(f"$.facts.{name}", "must be an id, a code or a whole number")
        object.__setattr__(self, "facts", dict(sorted(self.facts.items())))


@frozen
class Verdict:
    """Yes or no, and the conditions that decided it.

    ``turns`` are the fewest conditions which, were each to come out the other way, would turn the verdict; None if
    nothing could.
    """

    holds: bool
    because: tuple[Reason, ...] = ()
    turns: tuple[Reason, ...] | None = None

    def __attrs_post_init__(self) -> None:
        """Check the parts.

        Raises:
            Malformed: if one is of another type.
        """
        if type(self.holds) is not bool:
            raise Malformed("$.holds", "must be true or false")
        for name, reasons in (("because", self.because), ("turns", self.turns or ())):
            if type(reasons) is not tuple or any(type(reason) is not Reason for reason in reasons):
                raise Malformed(f"$.{name}", "must be reasons")

    @classmethod
    def yes(cls, code: str, /, **facts: Fact) -> "Verdict":
        """Say that one condition holds."""
        return cls.of(Reason(code, held=True, facts=facts))

    @classmethod
    def no(cls, code: str, /, **facts: Fact) -> "Verdict":
        """Say that one condition does not hold."""
        return cls.of(Reason(code, held=False, facts=facts))

    @classmethod
    def of(cls, reason: Reason) -> "Verdict":
        """Give the verdict on one condition."""
        return cls(reason.held, (reason,), (reason,))

    @property
    def nearest(self) -> tuple[Reason, ...]:
        """The fewest conditions to change for a yes; empty if it holds already or nothing would help."""
        return () if self.holds else self.turns or ()

    def __bool__(self) -> bool:
        """A verdict is true where it holds, so ``if verdict:`` means what it says."""
        return self.holds

    def or_refuse(self, refusal: type[Refused], /, **facts: Fact) -> None:
        """Do nothing if the verdict holds; otherwise refuse with its reasons.

        The facts of the refusal are those given, those of the deciding conditions (of two with one name the first
        counts), and the codes in ``because`` and ``nearest``.

        Raises:
            Refused: of the class given, built from this verdict.
        """
        if not self.holds:
            refuse(self, refusal, **facts)


def refuse(verdict: Verdict, refusal: type[Refused], /, **facts: Fact) -> NoReturn:
    """Refuse with the reasons of a verdict that does not hold.

    Raises:
        Refused: of the class given.
        AssertionError: if the verdict holds, which is a bug in the caller.
    """
    assert not verdict.holds, "a verdict that holds refuses nothing"
    merged: dict[str, Fact] = dict(facts)
    for name, fact in chain.from_iterable(reason.facts.items() for reason in (*verdict.nearest, *verdict.because)):
        merged.setdefault(name, fact)
    merged["because"] = tuple(dict.fromkeys(reason.code for reason in verdict.because))
    merged["nearest"] = tuple(dict.fromkeys(reason.code for reason in verdict.nearest))
    raise refusal("", **merged)


def all_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Hold if every one holds; of none, hold.

    Law: ``because`` are the reasons of those that fail, or of all if none does. ``nearest`` is what is nearest for each
    that fails, together.
    """
    return _joined(tuple(verdicts), holds_if_none=True)


def any_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Hold if one holds; of none, do not hold.

    Law: ``because`` are the reasons of those that hold, or of all if none does. ``nearest`` is the alternative with the
    fewest conditions to change, the first of equals.
    """
    return _joined(tuple(verdicts), holds_if_none=False)


def not_(verdict: Verdict) -> Verdict:
    """Hold if the other does not, for the same reasons."""
    return Verdict(not verdict.holds, verdict.because, verdict.turns)


def _joined(verdicts: tuple[Verdict, ...], *, holds_if_none: bool) -> Verdict:
    """Join: one that answers unlike the empty join decides alone (a no among ``all_of``, a yes among ``any_of``)."""
    decisive = tuple(verdict for verdict in verdicts if verdict.holds is not holds_if_none)
    ways = [verdict.turns for verdict in (decisive or verdicts)]
    turns: tuple[Reason, ...] | None
    if decisive:  # each must turn
        turns = None if None in ways else tuple(dict.fromkeys(chain.from_iterable(way or () for way in ways)))
    else:  # the easiest may turn
        turns = min((way for way in ways if way is not None), key=len, default=None)
    because = tuple(dict.fromkeys(chain.from_iterable(verdict.because for verdict in (decisive or verdicts))))
    return Verdict(bool(decisive) is not holds_if_none, because, turns)


# The same few words are judged over and over, so the answer is remembered.
@lru_cache(maxsize=2048)
def _is_code(code: str) -> bool:
    return len(code) <= _MAX_FACT and _CODE.fullmatch(code) is not None


@lru_cache(maxsize=2048)
def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and name not in _TAKEN


def _is_text(value: object) -> bool:
    return type(value) is str


def _is_fact(fact: object) -> bool:
    if type(fact) is tuple:
        return len(fact) <= _MAX_FACTS and all(type(each) is str and _is_fact(each) for each in fact)
    if type(fact) is str:
        return len(fact) <= _MAX_FACT and fact.isprintable()
    return fact is None or type(fact) is bool or (type(fact) is int and abs(fact) < 2**63)

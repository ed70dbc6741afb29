"""How are several questions answered in one journey?

Each question is steps of its own; what they send in the same round travels together. Documents of several kinds are one
statement, whatever their number.
"""

from collections.abc import Callable, Sequence
from typing import Final, cast

from omnicore.adapters.postgres import document_rows, journal_rows, ledger_rows
from omnicore.adapters.postgres.wire import Query, Result, Steps
from omnicore.kernel.together import PortCall

_STEPS: Final[dict[str, Callable[..., Steps[object]]]] = {
    "balances": ledger_rows.balances,
    "commands": journal_rows.commands,
    "entries": ledger_rows.entries,
    "find": document_rows.find,
    "holds": ledger_rows.holds,
    "open_holds": ledger_rows.open_holds,
    "read": journal_rows.read,
}


def together(shop: str, calls: Sequence[PortCall]) -> Steps[list[object]]:
    """Answer port calls, in their order."""
    loads = [place for place, (name, _, _) in enumerate(calls) if name == "load"]
    asked = [cast(tuple[str, Sequence[str]], calls[place][1]) for place in loads]
    others = [place for place in range(len(calls)) if calls[place][0] != "load"]
    steps: list[Steps[object]] = [
        _STEPS[calls[place][0]](shop, *calls[place][1], **calls[place][2]) for place in others
    ]
    *answers, documents = yield from at_once([*steps, cast(Steps[object], document_rows.load_kinds(shop, asked))])
    found = dict(zip(others, answers, strict=True))
    found.update(zip(loads, cast(list[object], documents), strict=True))
    return [found[place] for place in range(len(calls))]


def at_once(many: Sequence[Steps[object]]) -> Steps[list[object]]:
    """Take several steps together: in each round, what all of them send is one journey."""
    answers: dict[int, object] = {}
    sending: dict[int, tuple[Query, ...]] = {}

    def go_on(place: int, results: Sequence[Result] | None) -> None:
        sending.pop(place, None)
        try:
            sending[place] = next(many[place]) if results is None else many[place].send(results)
        except StopIteration as stop:
            answers[place] = stop.value

    for place in range(len(many)):
        go_on(place, None)
    while sending:
        results = list((yield tuple(query for queries in sending.values() for query in queries)))
        for place, queries in list(sending.items()):
            own, results = results[: len(queries)], results[len(queries) :]
            go_on(place, own)
    return [answers[place] for place in range(len(many))]

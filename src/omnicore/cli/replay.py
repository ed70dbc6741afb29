"""What became of every line of an export of past orders?

Reads files in the order given, takes them in 50 documents a transaction, and reports each class with its lines and its
amount; the classes add up to the file. A second run changes nothing; a run that was killed is simply run again.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from attrs import evolve

from omnicore.adapters.memory import Memory
from omnicore.cli.opening import CommandFailed, open_database, said
from omnicore.cli.screen import Ink, Screen
from omnicore.cli.secret import secret_of
from omnicore.host import Host
from omnicore.interop import online_retail
from omnicore.interop.online_retail import LineClass, RetailLine, decimal_text
from omnicore.interop.torn_csv import MAX_LINE_BYTES
from omnicore.inventory import accounts
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import ChannelId, SkuId, VariantId
from omnicore.kernel.store import Database, Verified
from omnicore.ordering import ORDER
from omnicore.parties import CUSTOMERS
from omnicore.scenarios.history import (
    PastDocument,
    PastLine,
    PastLineClass,
    Taken,
    import_history,
)

FORMATS: Final = ("online-retail",)
CHANNEL: Final = ChannelId("online-retail")
DOCUMENTS_PER_WRITE: Final = 50
_READ_AHEAD_LINES: Final = 5_000
_MAX_UNITS: Final = 10**12
_MAX_MICROS: Final = 10**18
"""A million million units or pounds a line, so that what an order's lines add up to can be kept."""


class Tally:
    """Lines and exact amounts by class, in steps of the format."""

    def __init__(self) -> None:
        self.lines: Counter[PastLineClass] = Counter()
        self.steps: Counter[PastLineClass] = Counter()

    def add(self, kind: PastLineClass, line: RetailLine) -> None:
        """Count a line."""
        self.lines[kind] += 1
        self.steps[kind] += line.amount_steps


def replay(screen: Screen, files: list[str], *, database: str | None, format: str | None, as_json: bool) -> int:
    """Take the files in and report. Raises: CommandFailed."""
    for path in files:
        _check_file(path, format)
    store: Database = Memory() if database is None else open_database(database, create=True)
    try:
        host = Host(store, secret=secret_of(database, store))
        tally = Tally()
        with said(database or "the import"):
            before = _written(host)
            for path in files:
                with Path(path).open("rb") as source:
                    _take_in(host, screen, path, source, tally)
            screen.progress("verifying")
            host.number()
            verified = host.verify()
        created = {name: count - before[name] for name, count in _written_now(verified).items()}
        _report(screen, tally, created, verified, as_json=as_json)
        return 0 if not verified.differences else 1
    finally:
        store.close()


def _check_file(path: str, format: str | None) -> None:
    if format is not None and format not in FORMATS:
        raise CommandFailed(f"{format}: unknown format; known are {', '.join(FORMATS)}")
    file = Path(path)
    if file.is_fifo():
        raise CommandFailed(f"{path}: is a pipe, and the file is read twice; save it first")
    try:
        with file.open("rb") as source:
            first = source.readline(MAX_LINE_BYTES)
    except OSError as error:
        raise CommandFailed(f"{path}: {error.strerror or 'cannot be read'}") from None
    if not online_retail.is_header(first):
        raise CommandFailed(f"{path}: not an export in a known format; its first line is not the header of one")


def _take_in(host: Host, screen: Screen, path: str, source: BinaryIO, tally: Tally) -> None:
    waiting: list[tuple[PastDocument, tuple[RetailLine, ...]]] = []
    told: Counter[int] = Counter()
    read = 0
    for part in _parts(source):
        read += len(part)
        if part[0].kind is LineClass.REFUSED:
            tally.add(PastLineClass.REFUSED, part[0])
            continue
        document = _document(part)
        # A number for what the document says: of a file of millions of lines, millions of bytes are remembered.
        said = int(document.key(CHANNEL)[:15], 16)
        waiting.append((evolve(document, repeat=told[said]), part))
        told[said] += 1
        if len(waiting) >= DOCUMENTS_PER_WRITE or sum(len(lines) for _, lines in waiting) > _READ_AHEAD_LINES:
            _write(host, waiting, tally)
            waiting = []
            screen.progress(f"{Path(path).name}: {read:,} lines")
    if waiting:
        _write(host, waiting, tally)


def _parts(source: BinaryIO) -> Iterator[tuple[RetailLine, ...]]:
    """Give the lines that stand together; a line that our books cannot hold is refused by itself."""
    yield from online_retail.groups(_checked(line) for line in online_retail.read_lines(source))


def _checked(line: RetailLine) -> RetailLine:
    if line.kind is LineClass.REFUSED:
        return line
    try:
        accounts.sku_unit(SkuId(line.code))
    except Malformed:
        return line.refused("has a stock code that no SKU can have")
    if abs(line.units) > _MAX_UNITS or abs(line.units * line.price_micros) > _MAX_MICROS:
        return line.refused("is about more units or money than an order can hold")
    return line


def _document(part: tuple[RetailLine, ...]) -> PastDocument:
    first = part[0]
    assert first.at is not None, "a line without an instant is refused"
    return PastDocument(
        number=first.invoice,
        at=first.at,
        customer=first.customer,
        lines=tuple(
            PastLine(
                kind=line.kind.value,
                variant=VariantId(line.code),
                title=line.title or line.code,
                units=line.units,
                price_micros=line.price_micros,
            )
            for line in part
        ),
    )


def _write(host: Host, waiting: list[tuple[PastDocument, tuple[RetailLine, ...]]], tally: Tally) -> None:
    documents = tuple(document for document, _ in waiting)
    taken: Taken = host.run(import_history(channel=CHANNEL, currency=online_retail.CURRENCY, documents=documents))
    for (_, lines), classes in zip(waiting, taken.classes, strict=True):
        for line, kind in zip(lines, classes, strict=True):
            tally.add(kind, line)


# ------------------------------------------------------------------------------------------------------------ reporting


def _written(host: Host) -> dict[str, int]:
    return _written_now(host.verify())


def _written_now(verified: Verified) -> dict[str, int]:
    return {"documents": verified.documents, "entries": verified.entries, "events": verified.events}


def _report(
    screen: Screen,
    tally: Tally,
    created: dict[str, int],
    verified: Verified,
    *,
    as_json: bool,
) -> None:
    orders, customers = (verified.by_kind.get(kind.name, 0) for kind in (ORDER, CUSTOMERS))
    total = sum(tally.steps.values())
    if as_json:
        classes = {
            kind.value: {"lines": tally.lines[kind], "amount": decimal_text(tally.steps[kind])}
            for kind in PastLineClass
        }
        told_json = {
            "lines": sum(tally.lines.values()),
            "amount": decimal_text(total),
            "classes": classes,
            "orders": orders,
            "customers": customers,
            "created": created,
            "differences": len(verified.differences),
        }
        screen.say(json.dumps(told_json))
        return
    rows = [[kind.value, f"{tally.lines[kind]:,}", decimal_text(tally.steps[kind])] for kind in PastLineClass]
    rows.append(["total", f"{sum(tally.lines.values()):,}", decimal_text(total)])
    screen.table(["class", "lines", f"amount {online_retail.CURRENCY}"], rows, right=(1, 2))
    screen.say()
    screen.say(f"{orders:,} orders, {customers:,} customers")
    screen.say("created: " + ", ".join(f"{count:,} {name}" for name, count in created.items()))
    differences = len(verified.differences)
    screen.say(
        f"verified: {verified.documents:,} documents, {verified.entries:,} entries, {verified.events:,} events, "
        f"{differences} differences",
        Ink.BAD if differences else Ink.GOOD,
    )

"""Do the books add up? What ``verify`` recomputes, in one pass over rows an adapter streams in, and what it reports.

Every balance from entries and holds, every hold's parts, every index row from its document, every link of the journal's
chain. Adapters stream rows in any order; memory grows with the number of accounts, not of entries, holds or documents.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from attrs import frozen

from omnicore.kernel.books import Recorded
from omnicore.kernel.codec import dumps
from omnicore.kernel.errors import OmnicoreError
from omnicore.kernel.journal import Envelope, event, event_name, link
from omnicore.kernel.ledger import Account, Balance, Entry, Held, HoldState
from omnicore.kernel.records import Document, IndexRow, Kind
from omnicore.kernel.shortage import AtRisk, holds_at_risk
from omnicore.kernel.store import Batch, Difference, Verified

MAX_DIFFERENCES = 100


@event("kernel.overcommitted.v1")
@frozen(kw_only=True)
class Overcommitted:
    """A fact left an account with less than is promised: which holds are at risk, latest promise first to suffer.

    ``at_risk`` names the holds and how much each is short, in promise order.
    """

    unit: str
    path: str
    short: int
    at_risk: tuple[AtRisk, ...]

    @property
    def about(self) -> str:
        """The account."""
        return f"{self.unit} at {self.path}"


def overcommitted(recorded: Recorded, holds: Mapping[Account, tuple[Held, ...]], batch: Batch) -> tuple[Envelope, ...]:
    """Make the events that tell of accounts a batch left short; an adapter writes them with the batch."""
    made: list[Envelope] = []
    for balance in recorded.balances:
        if balance.account not in recorded.overcommitted:
            continue
        risks = holds_at_risk(balance, holds[balance.account], recorded.at)
        happened = Overcommitted(
            unit=balance.account.unit,
            path=balance.account.path,
            short=-balance.available,
            at_risk=risks,
        )
        made.append(
            Envelope(
                id=f"{batch.id}/overcommitted/{len(made)}",
                type=event_name(happened),
                about=happened.about,
                at=recorded.at,
                by=batch.by,
                command=batch.command,
                data=dumps(happened, as_=Overcommitted),
            )
        )
    return tuple(made)


class Audit:
    """Takes rows in, gives ``Verified``."""

    def __init__(self, kinds: Iterable[Kind[object]]) -> None:
        """Know the kinds whose index rows can be recomputed; documents of other kinds are counted only."""
        self._kinds = {kind.name: kind for kind in kinds}
        self._posted: defaultdict[Account, int] = defaultdict(int)
        self._held: defaultdict[Account, int] = defaultdict(int)
        self._balances: dict[Account, Balance] = {}
        self._chain = ""
        self._documents: Counter[str] = Counter()
        self._entries = self._holds = 0
        self._differences: list[Difference] = []

    def _differ(self, where: str, found: object, expected: object) -> None:
        if found != expected and len(self._differences) < MAX_DIFFERENCES:
            self._differences.append(Difference(where=where, found=str(found), expected=str(expected)))

    def entry(self, entry: Entry) -> None:
        """Take an entry in."""
        self._entries += 1
        for path, amount in ((entry.source, -entry.amount), (entry.target, entry.amount)):
            if (account := Account(entry.unit, path)).guarded:
                self._posted[account] += amount

    def hold(self, held: Held, settled: int) -> None:
        """Take a hold in, with the sum of its entries: its parts add up, and only an open one counts."""
        self._holds += 1
        self._differ(f"settled of hold {held.id}", held.settled, settled)
        self._differ(f"hold {held.id}", held.settled + held.released + held.expired + held.left, held.amount)
        if held.state is HoldState.OPEN:
            self._held[held.account] += held.left
        else:
            self._differ(f"hold {held.id} ended", held.left, 0)

    def balance(self, balance: Balance) -> None:
        """Take a balance row in."""
        self._balances[balance.account] = balance

    def document(self, document: Document, rows: Iterable[IndexRow]) -> None:
        """Take a document and the index rows stored for it in."""
        self._documents[document.kind] += 1
        if (kind := self._kinds.get(document.kind)) is None:
            return
        where = f"{document.kind} {document.key}"
        try:
            expected = kind.rows(kind.read(document).value)
        except OmnicoreError as broken:
            self._differ(where, str(broken), "a document that can be read")
            return
        stored = tuple(sorted(rows, key=lambda row: (row.index, row.sort)))
        self._differ(f"index rows of {where}", len(stored), len(expected))
        self._differ(f"index rows of {where}", stored, expected)

    def envelope(self, envelope: Envelope) -> None:
        """Take a numbered envelope in, in order of position."""
        self._chain = link(self._chain, envelope)
        self._differ(f"chain at position {envelope.position}", envelope.chain, self._chain)

    def close(self, *, events: int, chain: str) -> Verified:
        """Compare the sums; ``chain`` is the link the shop's head stands at, ``events`` counts unnumbered rows too."""
        self._differ("chain at its head", chain, self._chain)
        for account in sorted(self._posted.keys() | self._held.keys() | self._balances.keys()):
            balance = self._balances.get(account) or Balance(account=account)
            self._differ(f"posted of {account}", balance.posted, self._posted[account])
            self._differ(f"held of {account}", balance.held, self._held[account])
            short = balance.posted - balance.held < balance.floor
            self._differ(f"overcommitted of {account}", balance.overcommitted, short)
        return Verified(
            documents=self._documents.total(),
            by_kind=dict(sorted(self._documents.items())),
            entries=self._entries,
            holds=self._holds,
            events=events,
            differences=tuple(self._differences),
        )

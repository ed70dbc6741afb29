"""What do the books say, worked out the slow way? A model that shares nothing with ``kernel.books`` but its inputs.

It keeps plain dictionaries, works a whole copy of everything for each batch, and counts each hold's parts unit by unit.
"""

from omnicore.kernel.ledger import Extend, Floor, Hold, Move, Post, Rest, Settle, Void
from omnicore.kernel.time import Instant


class No(Exception):  # noqa: N818 - the model's own word for Conflict
    """The batch is refused; the message says why."""


def guarded(path: str) -> bool:
    """Say whether a path has a floor."""
    return not path.startswith(("world/", "issuer/", "provider/"))


class Naive:
    """All accounts, holds and entries of one shop."""

    def __init__(self) -> None:
        self.posted: dict[tuple[str, str], int] = {}
        self.floors: dict[tuple[str, str], int] = {}
        self.last: dict[tuple[str, str], int] = {}
        self.holds: dict[str, dict[str, object]] = {}
        self.entries: dict[str, tuple[object, ...]] = {}

    def held(self, account: tuple[str, str], *, now: int | None = None) -> int:
        """Add up what is promised of an account: all open holds, or those that have not lapsed by an instant."""
        return sum(
            int(str(hold["left"]))
            for hold in self.holds.values()
            if hold["account"] == account and hold["state"] == "open" and (now is None or not self.lapsed(hold, now))
        )

    @staticmethod
    def lapsed(hold: dict[str, object], now: int) -> bool:
        """Say whether time has ended a hold."""
        end = hold["end"]
        return hold["state"] == "open" and end is not None and int(str(end)) <= now

    def available(self, account: tuple[str, str], now: Instant) -> int:
        """Say what may be promised."""
        at = max(now.micros, self.last.get(account, now.micros))
        return self.posted.get(account, 0) - self.held(account, now=at) - self.floors.get(account, 0)

    def apply(self, moves: tuple[Move, ...], now: Instant) -> str:
        """Apply a batch whole or not at all; gives ``done`` or ``refused``."""
        before = dict(self.posted), dict(self.floors), dict(self.last), dict(self.entries)
        holds = {name: dict(hold) for name, hold in self.holds.items()}
        try:
            self._apply(moves, now)
        except No:
            self.posted, self.floors, self.last, self.entries = before
            self.holds = holds
            return "refused"
        return "done"

    def _apply(self, moves: tuple[Move, ...], now: Instant) -> None:
        self._unambiguous(moves)
        touched = self._touched(moves)
        at = max([now.micros, *(self.last[account] for account in touched if account in self.last)])
        for account in touched:
            for hold in self.holds.values():
                if hold["account"] == account and self.lapsed(hold, at):
                    hold |= {"state": "expired", "expired": hold["left"], "left": 0}
                    self.last[account] = at
        promised: dict[tuple[str, str], int] = {}
        settled: set[tuple[str, str]] = set()
        rank = {Floor: 0, Hold: 1, Extend: 2, Post: 3, Settle: 3, Void: 5}
        in_turn = sorted(moves, key=lambda move: 4 if getattr(move, "rest", None) is Rest.RELEASE else rank[type(move)])
        for move in in_turn:
            match move:
                case Floor():
                    self.floors[move.unit, move.path] = move.floor
                    self.last[move.unit, move.path] = at
                case Hold():
                    self._hold(move, at, promised)
                case Extend():
                    self._open(move.hold)["end"] = None if move.expires is None else move.expires.micros
                    self.last[self._account(move.hold)] = at
                case Post():
                    if self._enter(move.id, (move.unit, move.source, move.target, move.amount, move.fact, None), at):
                        self._promise(promised, (move.unit, move.source), None if move.fact else -(10**15))
                case Settle():
                    self._settle(move, at, promised, settled)
                case Void():
                    if (hold := self._known(move.hold))["state"] != "expired":
                        hold = self._open(move.hold)
                        hold |= {"state": "voided", "released": hold["left"], "left": 0}
                        self.last[self._account(move.hold)] = at
        for account, floor in promised.items():
            if guarded(account[1]) and self.posted.get(account, 0) - self.held(account) < max(
                floor, self.floors.get(account, 0)
            ):
                raise No("overdrawn")
        if any(self.posted.get(account, 0) < 0 for account in settled):
            raise No("not there")

    @staticmethod
    def _unambiguous(moves: tuple[Move, ...]) -> None:
        said: dict[tuple[object, ...], Move] = {}
        for move in moves:
            place: tuple[object, ...] = (type(move), getattr(move, "id", None) or getattr(move, "hold", None))
            if isinstance(move, Floor):
                place = (Floor, move.unit, move.path)
            if isinstance(move, Post):
                place = ("entry", move.id)
            if isinstance(move, Settle):
                place = ("entry" if move.rest is Rest.KEEP else "last entry", move.id)
            if said.setdefault(place, move) != move:
                raise No("malformed")

    def _touched(self, moves: tuple[Move, ...]) -> set[tuple[str, str]]:
        touched: set[tuple[str, str]] = set()
        for move in moves:
            match move:
                case Post() | Hold():
                    touched |= {(move.unit, move.source), (move.unit, move.target)}
                case Floor():
                    touched.add((move.unit, move.path))
                case _:
                    if move.hold in self.holds:
                        touched.add(self._account(move.hold))
        return {account for account in touched if guarded(account[1])}

    def _known(self, name: str) -> dict[str, object]:
        if name not in self.holds:
            raise No("conflict")
        return self.holds[name]

    def _open(self, name: str) -> dict[str, object]:
        if self._known(name)["state"] != "open":
            raise No("conflict")
        return self.holds[name]

    def _account(self, name: str) -> tuple[str, str]:
        account = self.holds[name]["account"]
        assert isinstance(account, tuple)
        return str(account[0]), str(account[1])

    @staticmethod
    def _promise(promised: dict[tuple[str, str], int], account: tuple[str, str], floor: int | None) -> None:
        if floor is not None:
            promised[account] = max(promised.get(account, -(10**15)), floor)

    def _enter(self, name: str, entry: tuple[object, ...], at: int) -> bool:
        if name in self.entries:
            if self.entries[name] != entry:
                raise No("malformed")
            return False
        self.entries[name] = entry
        unit, source, target, amount = str(entry[0]), str(entry[1]), str(entry[2]), int(str(entry[3]))
        for path, sign in ((source, -1), (target, 1)):
            self.posted[unit, path] = self.posted.get((unit, path), 0) + sign * amount
            if guarded(path):
                self.last[unit, path] = at
        return True

    def _hold(self, move: Hold, at: int, promised: dict[tuple[str, str], int]) -> None:
        account = (move.unit, move.source)
        if (known := self.holds.get(move.id)) is not None:
            if (known["account"], known["target"], known["amount"]) != (account, move.target, move.amount):
                raise No("malformed")
            return
        self.holds[move.id] = {
            "account": account,
            "target": move.target,
            "amount": move.amount,
            "left": move.amount,
            **dict.fromkeys(("settled", "released", "expired"), 0),
            "end": None if move.expires is None else move.expires.micros,
            "floor": move.floor,
            "state": "open",
        }
        self.last[account] = at
        self._promise(promised, account, -(10**15) if move.floor is None else move.floor)

    def _settle(
        self, move: Settle, at: int, promised: dict[tuple[str, str], int], settled: set[tuple[str, str]]
    ) -> None:
        hold = self._known(move.hold)
        account = self._account(move.hold)
        self.last[account] = at
        if not self._enter(move.id, (*account, hold["target"], move.amount, False, move.hold), at):
            return
        settled.add(account)
        source = "expired" if hold["state"] == "expired" else "left"
        if hold["state"] not in {"open", "expired"} or int(str(hold[source])) < move.amount:
            raise No("conflict")
        for _ in range(move.amount):
            hold[source] = int(str(hold[source])) - 1
            hold["settled"] = int(str(hold["settled"])) + 1
        if source == "expired":
            floor = hold["floor"]
            self._promise(promised, account, -(10**15) if floor is None else int(str(floor)))
            return
        if move.rest is Rest.RELEASE:
            hold |= {"released": hold["left"], "left": 0}
        if not hold["left"]:
            hold["state"] = "settled"

"""How can omnicore say no?

Three answers, and nothing else, leave the library:

* ``Refused``: a rule said no. A stable ``code``, the ``facts`` that decided it, and an HTTP status chosen once.
* ``Conflict``: somebody was faster. Nothing was written; a fresh try may succeed, and the driver makes it.
* ``Malformed``: the data is bad. A path and a reason, never the value, because the value may be personal.

Anything else that escapes (``AssertionError``, ``TypeError``, ...) is a bug in omnicore or in the host's code.
"""

from collections.abc import Mapping
from typing import ClassVar

Facts = Mapping[str, str | int | bool | None | tuple[str, ...]]
"""What decided a refusal: ids, codes, counts and amounts; never personal data."""

_PROBLEM_BASE = "https://omnicore.dev/problems/"


class OmnicoreError(Exception):
    """The base of everything omnicore raises on purpose; never raised itself."""

    status: ClassVar[int] = 500

    def problem(self) -> dict[str, object]:
        """Give the error as an RFC 9457 problem: ``type``, ``title``, ``status``, ``detail`` and extension members."""
        return {"type": "about:blank", "title": type(self).__name__, "status": self.status, "detail": str(self)}


class Refused(OmnicoreError):  # noqa: N818 - a refusal is a verdict of no, not an error
    """A rule said no; the command changed nothing.

    Subclasses set ``code`` (``context.snake_case``, stable API) and may set ``status``.
    The keyword arguments are the facts; the message is for a log and is not API.
    """

    code: ClassVar[str] = "kernel.refused"
    status: ClassVar[int] = 409

    def __init__(self, message: str = "", **facts: str | int | bool | None | tuple[str, ...]) -> None:
        """Keep the facts; build the message from them when none is given."""
        self.message: str = message or self.code + "".join(f" {name}={value}" for name, value in facts.items())
        self.facts: Facts = facts
        super().__init__(self.message)

    @staticmethod
    def rebuild(code: str, message: str, facts: Facts) -> "Refused":
        """Make a recorded refusal again, of the class that has its code; of ``Refused`` where none has."""
        classes: list[type[Refused]] = [Refused]
        for cls in classes:
            classes.extend(cls.__subclasses__())
        known = {cls.code: cls for cls in classes}.get(code, Refused)
        refused = known.__new__(known)
        Refused.__init__(refused, message, **facts)
        return refused

    def problem(self) -> dict[str, object]:
        """Give the refusal as an RFC 9457 problem; ``code`` and ``facts`` are extension members."""
        return {
            "type": _PROBLEM_BASE + self.code,
            "title": type(self).__name__,
            "status": self.status,
            "detail": self.message,
            "code": self.code,
            "facts": dict(self.facts),
        }


class Conflict(OmnicoreError):  # noqa: N818 - not an error: try again
    """Somebody else wrote first, or a guard failed in the write; only a fresh read may refuse.

    ``about`` names the record, account or key that moved, without personal data.
    """

    code: ClassVar[str] = "kernel.conflict"
    status: ClassVar[int] = 409

    def __init__(self, about: str) -> None:
        """Name what moved."""
        self.about = about
        super().__init__(f"conflict on {about}")

    def problem(self) -> dict[str, object]:
        """Give the conflict as an RFC 9457 problem; ``code`` tells a client whether to try again or to ask."""
        return {
            "type": _PROBLEM_BASE + self.code,
            "title": type(self).__name__,
            "status": self.status,
            "detail": str(self),
            "code": self.code,
        }


class InDoubt(Conflict):
    """The connection was lost while COMMIT was under way: nobody knows whether what was asked has happened.

    With a command key it is safe to ask again, and the driver does; without one only who asked can find out.
    """

    code: ClassVar[str] = "kernel.in_doubt"
    status: ClassVar[int] = 503


class Malformed(OmnicoreError):  # noqa: N818 - describes the data, not the failure
    """Bad data: where (``path``, as ``$.lines[2].quantity``) and why (``reason``); never the value itself."""

    status: ClassVar[int] = 422

    def __init__(self, path: str, reason: str) -> None:
        """Keep the path and the reason."""
        self.path = path
        self.reason = reason
        super().__init__(f"{path}: {reason}")

    def under(self, prefix: str) -> "Malformed":
        """Give the same complaint as seen from one level further out: ``.under("[2]")``, ``.under(".lines")``."""
        return Malformed("$" + prefix + self.path.removeprefix("$"), self.reason)

    def problem(self) -> dict[str, object]:
        """Give the complaint as an RFC 9457 problem; ``path`` and ``reason`` are extension members."""
        return {
            "type": _PROBLEM_BASE + "malformed",
            "title": "Malformed",
            "status": self.status,
            "detail": str(self),
            "path": self.path,
            "reason": self.reason,
        }

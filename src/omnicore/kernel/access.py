"""Who looked at, or wrote, whose personal data, and why?

The driver writes one such fact per flow, subject and kind, in the flow's own transaction: if it cannot be written, the
data is not read. It names fields, never values, and it is chained with the rest of the journal.
"""

from enum import StrEnum

from attrs import frozen

from omnicore.kernel.errors import Refused
from omnicore.kernel.journal import event


class PurposeMissing(Refused):
    """Personal data is read for a stated purpose only: act with one, ``host.acting(actor, purpose=...)``."""

    code = "kernel.purpose_missing"
    status = 403


class Access(StrEnum):
    """What was done with personal data."""

    READ = "read"
    WRITTEN = "written"


@event("kernel.accessed.v1")
@frozen(kw_only=True)
class Accessed:
    """Personal data of a subject was read or written by a flow, for a purpose."""

    subject: str
    kind: str
    fields: tuple[str, ...]
    access: Access
    flow: str
    purpose: str | None

    @property
    def about(self) -> str:
        """The subject."""
        return self.subject

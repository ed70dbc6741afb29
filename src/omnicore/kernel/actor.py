"""Who acts now? A buyer, a member of staff, a device or the system itself: named in events and audit rows by id."""

from attrs import frozen

from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import checked_id

_ACTORS = ("buyer", "staff", "device", "system")


@frozen
class Actor:
    """Who acts now: ``kind`` is ``buyer``, ``staff``, ``device`` or ``system``; ``id`` is never personal data."""

    kind: str
    id: str

    def __attrs_post_init__(self) -> None:
        """Refuse nobody.

        Raises: Malformed.
        """
        if self.kind not in _ACTORS:
            raise Malformed("$.kind", f"must be one of {', '.join(_ACTORS)}")
        checked_id(self.id, "$.id")

    def __str__(self) -> str:
        """Give ``kind:id``, as events and audit rows store it."""
        return f"{self.kind}:{self.id}"


def Staff(id: str) -> Actor:  # noqa: N802 - reads as the noun it stands for
    """Say that a member of staff acts."""
    return Actor("staff", id)


def Device(id: str) -> Actor:  # noqa: N802 - reads as the noun it stands for
    """Say that a device acts: a till, a handheld."""
    return Actor("device", id)


def Shopper(id: str) -> Actor:  # noqa: N802 - reads as the noun it stands for
    """Say that a buyer acts, by account or session id."""
    return Actor("buyer", id)


SYSTEM = Actor("system", "omnicore")

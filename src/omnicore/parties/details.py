"""What is known of a customer after something more was told, whatever the order in which it is told?

Theory: each single field is a maximum over what was ever told of it, by (told by the holder, when, ...), and the
addresses are the latest of a union. Maximum and union do not care for order or repetition, so importing any versions of
the same records, any number of times, ends in the same profile: the newest version that says something wins, field by
field, and a version that says less (an anonymised one) erases nothing.

One rule is stronger: once an account is linked to the customer, a guest, who has proven nothing, only adds where
nothing is known. Otherwise anybody could rewrite a stranger's record by typing their e-mail address at checkout.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

from omnicore.kernel import codec
from omnicore.kernel.address import PostalAddress
from omnicore.kernel.personal import Personal
from omnicore.kernel.time import Instant
from omnicore.parties.model import MAX_ADDRESSES, Detail, Details
from omnicore.parties.states import DetailField, Teller

Key: TypeAlias = tuple[DetailField, str]
"""A field and the keyed mark of a value."""
Value: TypeAlias = Personal[str] | Personal[PostalAddress]
_SINGLE: Final = tuple(field for field in DetailField if field is not DetailField.ADDRESS)


def values_by_mark(details: Details, *, blind: Callable[[str], str]) -> dict[Key, Value]:
    """Give every value that is told under its field and mark; empty parts tell nothing."""
    found: dict[Key, Value] = {}
    for field in _SINGLE:
        value: Personal[str] = getattr(details, field.value)
        if value.reveal():
            found[field, blind(f"detail\n{field.value}\n{value.reveal()}")] = value
    for address in details.addresses:
        text = codec.dumps(address.reveal(), as_=PostalAddress)
        found[DetailField.ADDRESS, blind(f"detail\naddress\n{text}")] = address
    return found


def merge(
    known: tuple[Detail, ...], told: Iterable[Key], *, told_at: Instant, by: Teller, held: bool
) -> tuple[Detail, ...]:
    """Give what is known after ``told``; ``held`` says that an account is linked to the customer.

    Law: merging is idempotent, and but for guests on a held record its result does not depend on the order.
    Law: a guest changes and removes nothing that is known on a held record.
    """
    best = {(detail.field, detail.mark): detail for detail in known}
    filled = {detail.field for detail in known} if held and by is Teller.GUEST else set()
    for field, mark in told:
        new = Detail(field=field, mark=mark, told_at=told_at, by=by)
        if field not in filled:
            best[field, mark] = max(best.get((field, mark), new), new, key=_weight)
    kept: list[Detail] = []
    for field in DetailField:
        ranked = sorted((detail for detail in best.values() if detail.field is field), key=_weight, reverse=True)
        kept += ranked[: MAX_ADDRESSES if field is DetailField.ADDRESS else 1]
    return tuple(kept)


def assemble(kept: Iterable[Detail], values: Mapping[Key, Value]) -> Details:
    """Give the details that are kept, addresses told last first; a value that is not at hand is left out."""
    single: dict[str, Personal[str]] = {}
    addresses: list[Personal[PostalAddress]] = []
    for detail in kept:
        value = values.get((detail.field, detail.mark))
        if value is None:
            continue
        if detail.field is DetailField.ADDRESS:
            addresses.append(value)  # type: ignore[arg-type]  # under ADDRESS stand addresses only
        else:
            single[detail.field.value] = value  # type: ignore[assignment]  # under any other field stand texts only
    return Details(**single, addresses=tuple(addresses))


def _weight(detail: Detail) -> tuple[bool, Instant, str, str]:
    """Weigh what was told: the holder's word first, then the newest; the mark breaks ties, so that order does not."""
    return detail.by is Teller.HOLDER, detail.told_at, detail.mark, detail.by.value

"""Can what is remembered of a document be changed by whoever was given it?"""

import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import omnicore
from omnicore.kernel.codec_forms import AnyJson, Form, ListOf, MapOf, OneOf, PersonalOf, Record, SetOf, Via, form_of
from omnicore.kernel.records import Kind, kinds


def every_kind() -> list[Kind[object]]:
    """Give the kinds of all contexts."""
    for module in pkgutil.walk_packages(omnicore.__path__, "omnicore."):
        if module.name.endswith(".kinds"):
            importlib.import_module(module.name)
    return list(kinds().values())


def parts(form: Form, within: tuple[Form, ...] = ()) -> Iterator[Form]:
    """Give a form and every form inside it."""
    if form in within:
        return
    yield form
    match form:
        case ListOf(item=item) | SetOf(item=item) | MapOf(item=item) | PersonalOf(item=item) | Via(inner=item):
            below = [item]
        case Record():
            below = [part.form for part in form.parts]
        case OneOf():
            below = list(form.by_type.values())
        case _:
            below = []
    for each in below:
        yield from parts(each, (*within, form))


@pytest.mark.parametrize("kind", [kind for kind in every_kind() if kind.steady], ids=lambda kind: kind.name)
def test_what_is_remembered_cannot_be_changed(kind: Kind[object]) -> None:
    """A steady kind is made of frozen values and tuples alone: no mapping that one reader could spoil for others."""
    assert not [form for form in parts(form_of(kind.type)) if isinstance(form, MapOf | AnyJson)]


def test_the_catalogue_is_steady() -> None:
    """Products, pools and places are remembered; orders, holds and payments are not."""
    steady = {kind.name for kind in every_kind() if kind.steady}
    assert {"catalog.variant", "inventory.pool", "network.channel"} <= steady
    assert not {"ordering.order", "inventory.reservation", "payments.payment"} & steady

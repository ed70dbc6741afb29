"""How does a host that has a cattrs converter of its own read and write our values with it?

``install`` teaches a converter the library's classes and unions by handing them to ``omnicore.kernel.codec``, so they
are as strict there as everywhere: exact types, no unknown keys, ``Malformed`` with a path and never the value. Needs
the extra ``omnicore[cattrs]``; nothing else in the library does.
"""

from typing import TYPE_CHECKING

from attrs import has

from omnicore.kernel import codec

if TYPE_CHECKING:
    from cattrs import Converter

_OURS = "omnicore."


def install(converter: "Converter") -> None:
    """Let a converter structure and unstructure every class and tagged union of omnicore's.

    Law: what it unstructures it structures again to an equal value.
    """
    converter.register_structure_hook_func(_is_ours, lambda data, wanted: codec.load(data, as_=wanted))
    converter.register_unstructure_hook_func(_is_our_class, lambda value: codec.dump(value, as_=type(value)))


def _is_our_class(wanted: object) -> bool:
    return isinstance(wanted, type) and has(wanted) and wanted.__module__.startswith(_OURS)


def _is_ours(wanted: object) -> bool:
    return _is_our_class(wanted) or any(wanted == each.union for each in codec.all_tagged())

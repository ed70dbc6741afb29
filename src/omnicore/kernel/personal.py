"""What is personal data, and how does it stay out of places that are not the vault?

``Personal[T]`` wraps a value so that showing it is always a decision: ``repr``, ``str``, ``format`` and f-strings give
a mask, pickling is refused, ``attrs.asdict`` finds nothing to open, and the codec writes it only into a vault document.
Reading it out of a command's input is allowed, because that is how it arrives.
"""

from typing import Generic, NoReturn, TypeVar

T_co = TypeVar("T_co", covariant=True)

MASK = "***"


class PersonalOutsideVault(AssertionError):  # noqa: N818 - names the bug, as the three errors of the kernel name theirs
    """Personal data was about to be written anywhere but in a vault document: a bug in the declaration."""


class Personal(Generic[T_co]):
    """A value about a person: equal and hashable as the value is, masked wherever it is shown.

    Not an attrs class on purpose: generic tools that walk attrs fields (``asdict``, pretty printers) must not see
    inside.
    """

    __slots__ = ("_value",)
    _value: T_co

    def __init__(self, value: T_co) -> None:
        """Wrap the value."""
        object.__setattr__(self, "_value", value)

    def reveal(self) -> T_co:
        """Give the value; every call site of this is a place where personal data is used."""
        return self._value

    def __eq__(self, other: object) -> bool:
        """Compare by value, with another ``Personal`` only."""
        if type(other) is not Personal:
            return NotImplemented
        return bool(self._value == other._value)

    def __hash__(self) -> int:
        """Hash as the value does."""
        return hash((Personal, self._value))

    def __repr__(self) -> str:
        """Show the mask."""
        return f"Personal({MASK})"

    def __str__(self) -> str:
        """Show the mask."""
        return MASK

    def __format__(self, format_spec: str) -> str:
        """Show the mask, whatever width or type is asked for."""
        return MASK

    def __setattr__(self, name: str, value: object) -> NoReturn:
        """Refuse: the wrapper is frozen."""
        raise AttributeError(f"Personal is frozen: {name}")

    def __delattr__(self, name: str) -> NoReturn:
        """Refuse: the wrapper is frozen."""
        raise AttributeError(f"Personal is frozen: {name}")

    def __copy__(self) -> "Personal[T_co]":
        """Give the same wrapper: it is frozen."""
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> "Personal[T_co]":
        """Give the same wrapper: it is frozen."""
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """Refuse to be pickled.

        Raises:
            PersonalOutsideVault: always.
        """
        raise PersonalOutsideVault("personal data is not pickled; write it to the vault")

    def __getstate__(self) -> NoReturn:
        """Refuse to give the state away.

        Raises:
            PersonalOutsideVault: always.
        """
        raise PersonalOutsideVault("personal data is not pickled; write it to the vault")

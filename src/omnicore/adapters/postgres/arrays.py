"""How does a whole column of values travel in one parameter?

As the text of a PostgreSQL array, cast in the statement (``%(at)s::bigint[]``), so that the same statement always has
the same parameter types and is prepared once, whatever the values; and without a driver's per-element dumping.
"""

from collections.abc import Iterable


def texts(values: Iterable[str | None]) -> str:
    """Write a ``text[]``."""
    return (
        "{"
        + ",".join(
            "NULL" if value is None else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values
        )
        + "}"
    )


def numbers(values: Iterable[int | None]) -> str:
    """Write a ``bigint[]``."""
    return "{" + ",".join("NULL" if value is None else str(value) for value in values) + "}"


def flags(values: Iterable[bool]) -> str:
    """Write a ``boolean[]``."""
    return "{" + ",".join("t" if value else "f" for value in values) + "}"


def blobs(values: Iterable[bytes]) -> str:
    """Write a ``bytea[]``."""
    return "{" + ",".join('"\\\\x' + value.hex() + '"' for value in values) + "}"

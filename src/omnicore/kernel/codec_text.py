"""How does JSON text become data, and how much of it is let in?

Depth and size are bounded before anything is structured, duplicate keys are refused (most parsers silently keep the
last), and what the parser says of bad text is not passed on, because it quotes the text. A number with a point, ``NaN``
and ``Infinity`` stay Python floats here and are refused by the readers, which know the path.
"""

import json
from collections import deque

from omnicore.kernel.codec_read import step
from omnicore.kernel.codec_types import JsonValue
from omnicore.kernel.errors import Malformed

MAX_DEPTH = 64
"""Levels of arrays and objects in one document."""
MAX_NODES = 100_000
"""Values and keys in one document."""
MAX_DOCUMENT = 8 * 2**20
"""Characters in one document's text."""


class _Twice(dict[str, object]):
    """An object in which a key stands twice."""


class _Repeated(Exception):  # noqa: N818 - never leaves this file
    """A key stands twice somewhere."""


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Repeated
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_once)
"""Made once: making one takes as long as reading a small document."""


def parse(document: str | bytes) -> JsonValue:
    """Parse JSON text.

    Raises:
        Malformed: if it is not JSON, too long or too deep, or an object has a key twice.
    """
    if type(document) is bytes:
        try:
            document = document.decode("utf-8")
        except UnicodeDecodeError:
            document = "\ufeff"  # a byte order mark is refused below, with the same words
    if type(document) is not str:
        raise Malformed("$", "must be JSON text")
    if len(document) > MAX_DOCUMENT:
        raise Malformed("$", f"is longer than {MAX_DOCUMENT} characters")
    path, reason = "$", "has a key twice"
    try:
        try:
            data: JsonValue = _DECODER.decode(document)
            return data
        except _Repeated:
            path = _path_to_twice(json.loads(document, object_pairs_hook=_keep))
    except (ValueError, RecursionError) as error:
        position = f" at line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        reason = "is nested too deeply" if isinstance(error, RecursionError) else f"is not JSON{position}"
    raise Malformed(path, reason)  # outside the handler: the parser's error holds the whole text


def surely_bounded(document: str) -> bool:
    """Say whether a document's text alone shows that it is within the bounds; ``bounded`` looks at the rest.

    Every level opens with a bracket, and every value takes a character.
    """
    return len(document) <= MAX_NODES and document.count("{") + document.count("[") <= MAX_DEPTH


def bounded(data: object) -> None:
    """Check the depth and size of data, level by level and without recursion, so that even endless data is refused.

    Raises:
        Malformed: if it is deeper than ``MAX_DEPTH`` or has more than ``MAX_NODES`` values.
    """
    level = [data]
    nodes = 0
    for _ in range(MAX_DEPTH + 1):
        below: list[object] = []
        for node in level:
            each: object = node.values() if type(node) is dict else node
            if type(node) is dict or type(node) is list:
                nodes += len(node)
                if nodes > MAX_NODES:
                    raise Malformed("$", f"has more than {MAX_NODES} values")
                below += [one for one in each if type(one) is dict or type(one) is list]  # type: ignore[attr-defined]  # iterable by the line above
        if not below:
            return
        level = below
    raise Malformed("$", f"is nested deeper than {MAX_DEPTH} levels")


def _path_to_twice(data: object) -> str:
    waiting: deque[tuple[str, object]] = deque([("$", data)])
    while True:  # it ends: an object that has been dropped was dropped by an object around it that has a key twice
        path, node = waiting.popleft()
        if type(node) is _Twice:
            return path
        if type(node) is dict:
            waiting.extend((path + step(name), each) for name, each in node.items())
        elif type(node) is list:
            waiting.extend((f"{path}[{at}]", each) for at, each in enumerate(node))


def _keep(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Twice(found)

"""Does an answer say what a case says? Every fact of the case is compared; an unknown one is "not built"."""

from collections.abc import Mapping
from typing import Final

from tests.acceptance.reading import NotBuilt


class Named(dict[str, object]):
    """Facts by name. A name the answer does not have is something nobody computes."""


class Rows(dict[str, object]):
    """Values by what the case itself calls them (a SKU, a promotion). A case may mention some; none may be missing."""


class AnyOrder(list[object]):
    """Things whose order says nothing."""


class Refusal:
    """A no: the case asks for any (``true``), or for one by its word."""

    def __init__(self, word: str, *, code: str) -> None:
        """Keep the cases' word and our own code for the reason."""
        self.word: Final = word
        self.code: Final = code

    def __repr__(self) -> str:
        """Show both."""
        return f"refused as {self.word} ({self.code})"


def differences(then: object, answer: object, path: str = "then") -> list[str]:
    """Name every fact that came out otherwise; none when the case holds.

    Raises:
        NotBuilt: a fact the answer does not know.
    """
    match answer:
        case Named() | Rows() if isinstance(then, Mapping):
            found: list[str] = []
            unknown: list[str] = []
            for key, value in then.items():
                if str(key) in answer:
                    found += differences(value, answer[str(key)], f"{path}.{key}")
                elif isinstance(answer, Rows):
                    found.append(f"{path}.{key}: {value!r} expected, there is none")
                else:
                    unknown.append(f"{path}.{key}")
            if unknown:
                raise NotBuilt(f"nobody computes {', '.join(unknown)}")
            return found
        case int() if isinstance(then, str):
            raise NotBuilt(f"{path}: the letter {then!r} for a figure")
        case Refusal():
            return [] if then is True or then == answer.word else [f"{path}: {then!r} expected, {answer!r}"]
        case AnyOrder() if isinstance(then, list):
            order = sorted(answer, key=repr), sorted(then, key=repr)
            return differences(order[1], list(order[0]), path)
        case list() | tuple() if isinstance(then, list) and len(then) == len(answer):
            pairs = enumerate(zip(then, answer, strict=True))
            return [each for at, (one, other) in pairs for each in differences(one, other, f"{path}[{at}]")]
        case dict() if isinstance(then, Mapping) and then.keys() == answer.keys():
            return [each for key in then for each in differences(then[key], answer[key], f"{path}.{key}")]
        case _:
            same = type(then) is type(answer) and then == answer
            return [] if same else [f"{path}: {then!r} expected, {answer!r} came out"]

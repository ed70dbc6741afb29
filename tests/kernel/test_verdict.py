"""Laws of verdicts: an answer, its reasons, and what would change it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.kernel import codec
from omnicore.kernel.errors import Malformed, Refused
from omnicore.kernel.verdict import Reason, Verdict, all_of, any_of, not_, refuse

CODES = ["a", "b", "c", "d.e"]
Tree = tuple[str, object]


class TooLate(Refused):
    code = "test.too_late"


trees: st.SearchStrategy[Tree] = st.recursive(
    st.tuples(st.just("leaf"), st.sampled_from(CODES)),
    lambda each: (
        st.tuples(st.sampled_from(["all_of", "any_of"]), st.lists(each, max_size=3)) | st.tuples(st.just("not"), each)
    ),
    max_leaves=6,
)
facts = st.dictionaries(st.sampled_from(CODES), st.booleans(), min_size=4, max_size=4)


def _judge(tree: object, held: dict[str, bool]) -> Verdict:
    match tree:
        case ("leaf", str(code)):
            return Verdict.yes(code, n=1) if held[code] else Verdict.no(code, n=1)
        case ("not", of):
            return not_(_judge(of, held))
        case ("all_of", [*of]):
            return all_of(_judge(each, held) for each in of)
        case ("any_of", [*of]):
            return any_of(_judge(each, held) for each in of)
    raise AssertionError(tree)


def _plain(tree: object, held: dict[str, bool]) -> bool:
    match tree:
        case ("leaf", str(code)):
            return held[code]
        case ("not", of):
            return not _plain(of, held)
        case ("all_of", [*of]):
            return all(_plain(each, held) for each in of)
        case ("any_of", [*of]):
            return any(_plain(each, held) for each in of)
    raise AssertionError(tree)


@given(tree=trees, held=facts)
def test_a_verdict_is_the_plain_answer_with_reasons(tree: Tree, held: dict[str, bool]) -> None:
    """The verdict is yes exactly when the rule holds, and its reasons are true statements."""
    verdict = _judge(tree, held)
    assert verdict.holds is _plain(tree, held)
    assert bool(verdict) is verdict.holds
    assert all(reason.held is held[reason.code] for reason in verdict.because)
    assert codec.load(codec.dump(verdict, as_=Verdict), as_=Verdict) == verdict


@given(tree=trees, held=facts)
def test_the_reasons_decide_alone(tree: Tree, held: dict[str, bool]) -> None:
    """Whatever else changes, while the named reasons stand the answer stands."""
    verdict = _judge(tree, held)
    named = {reason.code for reason in verdict.because}
    turned = {code: value if code in named else not value for code, value in held.items()}
    assert _plain(tree, turned) is verdict.holds


def test_nearest_is_the_cheapest_way_to_a_yes() -> None:
    """A customer is told the one thing that is missing, not everything that is not so."""
    late, opened, final = Verdict.no("window", days=3), Verdict.no("unopened"), Verdict.yes("final_sale")
    member = Verdict.no("member")
    rule = any_of([all_of([late, opened]), all_of([member, Verdict.yes("in_store")])])
    assert rule.nearest == member.because
    assert all_of([late, rule]).nearest == late.because + member.because
    assert all_of([late, final]).because == late.because
    assert any_of([late, final]).because == final.because
    assert not_(final).nearest == final.because
    assert not_(late).nearest == ()
    assert any_of([]).nearest == ()
    assert all_of([late, any_of([])]).nearest == ()
    assert any_of([any_of([]), late]).nearest == late.because


SINGLE = st.recursive(
    st.sampled_from(CODES).map(lambda code: ("leaf", code)),
    lambda each: st.tuples(st.sampled_from(["all_of", "any_of"]), st.lists(each, max_size=3)),
    max_leaves=4,
)


@given(tree=SINGLE, held=facts)
def test_doing_what_is_nearest_gives_a_yes(tree: Tree, held: dict[str, bool]) -> None:
    """If the customer does what the shop asks for, the shop says yes."""
    verdict = _judge(tree, held)
    assert _plain(tree, held | {reason.code: True for reason in verdict.nearest}) or verdict.turns is None


def test_a_refusal_says_what_the_verdict_said() -> None:
    """The command refuses for the reasons that the screen has shown."""
    verdict = all_of([Verdict.no("returns.window", days=3, order="O1"), Verdict.no("returns.unopened", days=9)])
    with pytest.raises(TooLate) as caught:
        verdict.or_refuse(TooLate, order="O2")
    assert caught.value.facts == {
        "order": "O2",
        "days": 3,
        "because": ("returns.window", "returns.unopened"),
        "nearest": ("returns.window", "returns.unopened"),
    }
    assert caught.value.problem()["code"] == "test.too_late"
    Verdict.yes("returns.window").or_refuse(TooLate)
    with pytest.raises(AssertionError):
        refuse(Verdict.yes("returns.window"), TooLate)


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({"code": "A b", "held": True}, "$.code"),
        ({"code": "a" * 300, "held": True}, "$.code"),
        ({"code": "a", "held": 1}, "$.held"),
        ({"code": "a", "held": True, "facts": {"message": 1}}, "$.facts"),
        ({"code": "a", "held": True, "facts": {"Bad name": 1}}, "$.facts"),
        ({"code": "a", "held": True, "facts": {"n": "two\nlines"}}, "$.facts.n"),
        ({"code": "a", "held": True, "facts": {"n": ["x", "y" * 256]}}, "$.facts.n"),
        ({"code": "a", "held": True, "facts": {f"n{i}": 1 for i in range(33)}}, "$.facts"),
    ],
)
def test_reasons_are_codes_and_facts_not_stories(data: object, path: str) -> None:
    """A reason holds ids, codes and counts; free text about a person cannot get in."""
    with pytest.raises(Malformed) as caught:
        codec.load(data, as_=Reason)
    assert caught.value.path == path


@pytest.mark.parametrize(
    "arguments",
    [(1,), (True, [Reason("a", held=True)]), (True, (1,)), (True, (), (2,))],
)
def test_a_verdict_is_made_of_reasons(arguments: tuple[bool]) -> None:
    """Nothing but reasons decides."""
    with pytest.raises(Malformed):
        Verdict(*arguments)
    with pytest.raises(Malformed):
        Reason(3, held=True)  # type: ignore[arg-type]  # on purpose
    with pytest.raises(Malformed):
        Reason("a", held=1)  # type: ignore[arg-type]  # on purpose
    with pytest.raises(Malformed):
        Reason("a", held=True, facts=3)  # type: ignore[arg-type]  # on purpose


def test_facts_are_kept_in_order_and_apart() -> None:
    """Two equal reasons are written alike, and nobody changes one afterwards."""
    given_facts: dict[str, str | int | bool | tuple[str, ...] | None] = {"b": 1, "a": ("x",), "c": None, "d": True}
    reason = Reason("a", held=True, facts=given_facts)
    given_facts["b"] = 2
    assert list(reason.facts.items()) == [("a", ("x",)), ("b", 1), ("c", None), ("d", True)]
    assert hash(reason) == hash(Reason("a", held=True, facts=dict(reason.facts)))

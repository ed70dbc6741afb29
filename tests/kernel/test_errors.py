"""Laws of the three errors: each says what a host needs and nothing it must not show."""

import pytest

from omnicore.kernel.errors import Conflict, Malformed, OmnicoreError, Refused


class SoldOut(Refused):
    code = "test.sold_out"
    status = 410


@pytest.mark.parametrize(
    ("error", "status", "title"),
    [
        (OmnicoreError("x"), 500, "OmnicoreError"),
        (Conflict("order O1"), 409, "Conflict"),
        (Refused(), 409, "Refused"),
        (SoldOut(sku="TEE-M", wanted=2), 410, "SoldOut"),
        (Malformed("$.a", "is missing"), 422, "Malformed"),
    ],
)
def test_every_error_has_its_problem_form(error: OmnicoreError, status: int, title: str) -> None:
    """Whatever is refused, a web host can answer in the standard form (RFC 9457) with the right status."""
    problem = error.problem()
    assert problem["status"] == status == error.status
    assert problem["title"] == title
    assert problem["detail"] == str(error)
    assert isinstance(problem["type"], str)


def test_a_refusal_carries_its_code_and_facts() -> None:
    """The shop's program can tell why from a stable code, not from a sentence."""
    refusal = SoldOut(sku="TEE-M", wanted=2, nodes=("a", "b"))
    assert refusal.problem() == {
        "type": "https://omnicore.dev/problems/test.sold_out",
        "title": "SoldOut",
        "status": 410,
        "detail": "test.sold_out sku=TEE-M wanted=2 nodes=('a', 'b')",
        "code": "test.sold_out",
        "facts": {"sku": "TEE-M", "wanted": 2, "nodes": ("a", "b")},
    }
    assert str(SoldOut("no more", sku="TEE-M")) == "no more"


def test_a_recorded_refusal_is_the_same_refusal() -> None:
    """A refusal that was recorded comes back as the same error, and one of an unknown code as a plain refusal."""
    refusal = SoldOut(sku="TEE-M")
    again = Refused.rebuild(refusal.code, refusal.message, refusal.facts)
    assert type(again) is SoldOut
    assert again.problem() == refusal.problem()
    assert type(Refused.rebuild("test.gone", "x", {})) is Refused


def test_a_conflict_names_what_moved() -> None:
    """Who was too late learns on what."""
    assert Conflict("order O1").about == "order O1"


def test_malformed_data_is_located_from_any_level() -> None:
    """The path grows as the complaint travels out, and the reason stays."""
    bad = Malformed("$.quantity", "is missing").under("[2]").under(".lines")
    assert (bad.path, bad.reason) == ("$.lines[2].quantity", "is missing")
    assert bad.problem()["path"] == "$.lines[2].quantity"
    assert bad.problem()["reason"] == "is missing"
    assert Malformed("$", "is missing").under(".lines").path == "$.lines"

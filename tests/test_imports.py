"""What does importing omnicore bring in? Only what is used, and nothing that a plain install lacks."""

import subprocess
import sys

import pytest

import omnicore
import omnicore.testing

NOT_AT_ONCE = ("asyncio", "attr", "babel", "cattrs", "dateutil", "hypothesis", "pytest", "sqlite3")


def imported(code: str) -> set[str]:
    """Run code in an interpreter of its own; give the top-level names of the modules it then has."""
    listing = f"import sys\nbare = set(sys.modules)\n{code}\nprint(*sorted(set(sys.modules) - bare))"
    ran = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    return {name.partition(".")[0] for name in ran.stdout.split()}


def test_the_demo_needs_no_test_tools() -> None:
    """Whoever installs omnicore alone can play the demo and open the demonstration shop."""
    blocked = "import sys\nsys.modules['hypothesis'] = sys.modules['pytest'] = None\n"
    loaded = imported(blocked + "import omnicore.testing.shop, omnicore.testing.payments, omnicore.cli.demo")
    assert "omnicore" in loaded
    imported(blocked + "from omnicore.testing import Clock, Ids")


def test_importing_omnicore_loads_nothing_at_once() -> None:
    """A worker that needs only the tax tables does not pay for the rest."""
    assert imported("import omnicore").isdisjoint(NOT_AT_ONCE)


def test_money_needs_nothing_but_attrs() -> None:
    """The values of the kernel come with attrs and the standard library alone."""
    loaded = imported("import omnicore\nomnicore.Money")
    assert loaded - set(sys.stdlib_module_names) <= {"omnicore", "attr", "attrs"}
    assert loaded.isdisjoint(NOT_AT_ONCE[2:] + NOT_AT_ONCE[:1])


@pytest.mark.parametrize("door", [omnicore, omnicore.testing], ids=["omnicore", "testing"])
def test_every_name_at_the_front_door_is_there(door: object) -> None:
    """Whatever the front doors list can be had, and nothing else."""
    assert dir(door) == sorted(dir(door))
    assert all(getattr(door, name) is not None for name in dir(door))
    with pytest.raises(AttributeError):
        getattr(door, "Till")  # noqa: B009 - a name that is not there

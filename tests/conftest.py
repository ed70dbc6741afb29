"""How hard do the laws try, and how is a failure run again?

Two Hypothesis profiles. `check`, the default, draws the same examples on every machine, then as many again from one
fresh seed, which the header of the run shows; `OMNICORE_SEED=<seed>` repeats it. `deep` (`just deep`) draws 10,000
examples for each law, all of them fresh.
"""

import inspect
import os
from collections.abc import Generator

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, Verbosity, settings

FRESH_SEED = int(os.environ.get("OMNICORE_SEED") or int.from_bytes(os.urandom(4), "big"))

# The machine may be slow and shared, so no law has a deadline and none fails for being slow to draw.
_SHARED = settings(deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("check", _SHARED, derandomize=True, max_examples=30, stateful_step_count=50)
settings.register_profile("deep", _SHARED, max_examples=10_000, stateful_step_count=100)
settings.register_profile(
    "debug", _SHARED, max_examples=10, verbosity=Verbosity.verbose, phases=[Phase.explicit, Phase.generate]
)
settings.load_profile("check")


def pytest_report_header() -> str:
    """Show the seed that this run alone tries."""
    return f"omnicore: fresh seed {FRESH_SEED} (repeat with OMNICORE_SEED={FRESH_SEED})"


@pytest.fixture(scope="session")
def fresh_seed() -> int:
    """Give the run's seed to a test that draws without Hypothesis: run it for a few fixed seeds and for this one."""
    return FRESH_SEED


@pytest.fixture(scope="session")
def deep() -> bool:
    """Tell a test with sizes of its own (commands, kills) whether the night-long run was asked for."""
    return settings.get_current_profile_name() == "deep"


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Try a law on its fixed examples first, then on those of the fresh seed."""
    result = yield
    law = getattr(pyfuncitem.obj, "__func__", pyfuncitem.obj)
    if hypothesis.is_hypothesis_test(law) and settings().derandomize:
        arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
        hypothesis.seed(FRESH_SEED)(law)
        try:
            pyfuncitem.obj(**arguments)
        except BaseException as failure:
            failure.add_note(f"Found by the fresh seed; repeat with OMNICORE_SEED={FRESH_SEED}")
            raise
        finally:
            hypothesis.seed(None)(law)
    return result

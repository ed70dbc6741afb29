"""How are things timed so that noise hits all alike?

Cases take turns, a pass each, so that a neighbour who takes the cores takes them from every case. What only computes is
judged by its best pass, because whatever disturbs makes it slower; what waits for a disk or a lock by its median.
"""

import gc
from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter, process_time

Passed = Mapping[str, list[float]]
"""Microseconds for each thing done, by case, one for each pass."""


def clocked(work: Callable[[], object], count: int) -> tuple[float, float]:
    """Time one pass that does ``count`` things; microseconds each, on the wall and of this process's CPU."""
    gc.collect()
    gc.disable()
    try:
        began, spent = perf_counter(), process_time()
        work()
        return (perf_counter() - began) * 1e6 / count, (process_time() - spent) * 1e6 / count
    finally:
        gc.enable()


def timed(work: Callable[[], object], count: int) -> float:
    """Time one pass that does ``count`` things; microseconds each."""
    return clocked(work, count)[0]


def in_turns(
    cases: Mapping[str, Callable[[], object]],
    *,
    count: int,
    passes: int,
    prepare: Mapping[str, Callable[[], object]] | None = None,
    cpu: dict[str, list[float]] | None = None,
) -> Passed:
    """Time every case in turn, ``passes`` times over, after one pass of each that does not count.

    What ``prepare`` has for a case is done before each of its passes, outside the clock. ``cpu`` is given what each
    pass took of this process's CPU, which is less disturbed by neighbours.
    """
    found: dict[str, list[float]] = {name: [] for name in cases}
    for nth in range(passes + 1):
        for name, work in cases.items():
            if prepare and name in prepare:
                prepare[name]()
            micros, spent = clocked(work, count)
            if nth:
                found[name].append(micros)
                if cpu is not None:
                    cpu.setdefault(name, []).append(spent)
    return found


def best(found: Passed) -> dict[str, float]:
    """Give the quickest pass of each case."""
    return {name: min(each) for name, each in found.items()}


def middle(found: Passed) -> dict[str, float]:
    """Give the median pass of each case."""
    return {name: median(each) for name, each in found.items()}


def spread(found: list[float]) -> float:
    """Say how far passes are apart: the slowest less the quickest, over the median."""
    return round((max(found) - min(found)) / median(found), 2)

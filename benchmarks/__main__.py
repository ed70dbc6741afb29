"""How are the benchmarks run? ``uv run --group bench python -m benchmarks [--json] [--only O1,H3] [--growth]``.

The exit code says whether the benchmarks ran, not whether targets are met: that is in each row's ``ok``. A backend or
target that cannot be measured here is an error and ends the run at once.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import evolve

from benchmarks import growth, hot_stock, machines, money, orders, peers
from benchmarks.backends import BACKENDS, NEEDS, Backend, NotThere, chosen
from benchmarks.sizes import FULL, TINY, Sizes
from benchmarks.targets import TARGETS, Bound, Measured

MILLION = 1_000_000


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Ratios of omnicore to its floors.")
    parser.add_argument("--json", action="store_true", help="JSON lines, one object for each target and backend")
    parser.add_argument("--only", default="", help="targets, comma-separated: O1,H3")
    parser.add_argument("--backend", default=",".join(BACKENDS), help="databases, comma-separated")
    parser.add_argument("--growth", action="store_true", help="growth curves in place of the targets")
    parser.add_argument("--deep", action="store_true", help="growth curves up to a million orders")
    parser.add_argument("--tiny", action="store_true", help="just enough to see that everything runs; no figure counts")
    parser.add_argument("--folder", default=None, help="where databases are put: a disk, not memory")
    return parser.parse_args(argv)


def _measured(sizes: Sizes, wanted: frozenset[str], backends: tuple[Backend, ...], folder: Path) -> Iterator[Measured]:
    yield from money.measure(sizes, wanted)
    yield from machines.measure(sizes, wanted)
    for backend in backends:
        place = folder / backend.name
        place.mkdir()
        yield from orders.measure(sizes, wanted, backend, place)
        yield from hot_stock.measure(sizes, wanted, backend, place)


def _line(found: Measured) -> str:
    target = TARGETS[found.id]
    sign = "<=" if target.bound is Bound.AT_MOST else ">="
    verdict = "ok" if found.ok else "MISSED"
    beside = "".join(f"  {name} {micros:,.2f}" for name, micros in found.peers_us.items())
    figures = (
        f"{found.floor_us:12,.3f} {found.ours_us:12,.3f} {found.ratio:8.2f} {sign} {target.target:<5g} {verdict:6}"
    )
    return f"{found.id:3} {found.backend:13} {target.says:42} {figures}{beside}"


def main(argv: list[str] | None = None) -> int:
    """Measure, and print each figure as it is found."""
    asked = _arguments(argv)
    names = tuple(asked.backend.split(","))
    every = [id_ for id_ in TARGETS if any(name.startswith(NEEDS.get(id_, "")) for name in names)]
    wanted = frozenset(asked.only.split(",") if asked.only else every)
    if strangers := wanted - TARGETS.keys():
        print(f"there is no target called {', '.join(sorted(strangers))}", file=sys.stderr)
        return 2
    sizes = TINY if asked.tiny else FULL
    if asked.deep:
        sizes = evolve(sizes, stored=(*sizes.stored, MILLION))
    try:
        with chosen(names, wanted) as backends, TemporaryDirectory(dir=asked.folder) as folder:
            if asked.growth or asked.deep:
                for backend in backends:
                    for curve in growth.measure(sizes, backend, Path(folder, backend.name)):
                        print(json.dumps(curve), flush=True)
                return 0
            if not asked.json:
                print(f"{'':60}    floor, us     ours, us    ratio   target         peers, us")
            for found in _measured(sizes, wanted, backends, Path(folder)):
                print(json.dumps(found.row()) if asked.json else _line(found), flush=True)
    except NotThere as error:
        print(error, file=sys.stderr)
        return 2
    if peers.missing:
        print(f"not installed, so not compared with: {', '.join(sorted(peers.missing))}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())

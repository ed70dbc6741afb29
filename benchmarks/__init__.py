"""What does omnicore cost beside code written by hand, and beside the libraries one would use instead?

``uv run --group bench python -m benchmarks`` measures every target of ``targets`` and prints a table; the figures that
count are ratios taken in one run, in which floor, ours and peers take turns. ``docs/performance.md`` reads them.
"""

"""How reliable is omnicore, measured? ``uv run --group bench python -m benchmarks.reliability [--short]``."""

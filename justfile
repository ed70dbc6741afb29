# `just` lists the recipes; `just check` is what CI runs.

set shell := ["bash", "-euo", "pipefail", "-c"]

dev := "uv run --group dev"

# List the recipes.
list:
    @just --list --unsorted

# Everything CI checks.
check: style types imports test-covered coverage docs

# Formatting and lint, without changing a file.
style:
    {{ dev }} ruff format --check
    {{ dev }} ruff check

# Mend formatting and what ruff can mend by itself.
fix:
    {{ dev }} ruff check --fix
    {{ dev }} ruff format

# mypy --strict on everything; pyright says whether users see a type for every public name.
types:
    {{ dev }} mypy
    {{ dev }} pyright --verifytypes omnicore --ignoreexternal

# Rings, file order inside contexts, front doors, no I/O in the core.
imports:
    {{ dev }} lint-imports --no-logo

# The tests, as plain `pytest` runs them: `just test tests/kernel -k money`.
test *args:
    uv run pytest {{ args }}

# The tests once more under the coverage tool; subprocesses count too.
test-covered:
    rm -rf .coverage && mkdir .coverage
    COVERAGE_PROCESS_START="$PWD/pyproject.toml" COVERAGE_FILE="$PWD/.coverage/data" uv run pytest

# Judge the branches the last covered run took: kernel 100 %, all of src 95 %.
coverage:
    {{ dev }} coverage combine --quiet
    {{ dev }} coverage report --fail-under=95
    {{ dev }} coverage report --fail-under=100 --include='src/omnicore/kernel/*'

# Every sabotaged database the library ships, and the law that catches it.
sabotage:
    uv run python -m omnicore.testing

# 10^5 stateful commands, 10,000 examples a law, full kill matrices: for a night, not for a change.
deep *args:
    uv run pytest --hypothesis-profile=deep {{ args }}

# Benchmarks beside their floors and peers, all or some: `just bench --only O1,H3`, `just bench --growth`.
bench *args:
    uv run --group bench python -m benchmarks {{ args }}

# Figures of reliability, each with its controls: `just reliability --short`, `just reliability --only kills --seed 7`.
reliability *args:
    uv run --group bench python -m benchmarks.reliability {{ args }}

# Build the documentation; a warning is an error.
docs:
    {{ dev }} sphinx-build -W --keep-going -q -n docs docs/_build/html

# Write the generated pages afresh: state machines, laws, refusals.
diagrams:
    uv run python docs/generate.py

# Gather changelog fragments into CHANGELOG.md for a release: `just changelog 0.2.0`.
changelog version:
    {{ dev }} towncrier build --version {{ version }}

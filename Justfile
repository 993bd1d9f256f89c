# Short names for what we do every day; `just` alone lists them.

_:
    @just --list

# install everything into .venv
setup:
    uv sync

# all that must hold every day; before a push also test-slow and test-screens
check:
    uv run ruff format --check .
    uv run ruff check .
    uv run mypy
    uv run lint-imports
    uv run pytest -m "not docker and not slow and not screens"

# the quick tests: no containers, no emulators killed and started again
test *ARGS:
    uv run pytest -m "not docker and not slow and not screens" {{ARGS}}

# the quick tests in an order and with examples that nobody has tried: what fails here is told with its seed
explore *ARGS:
    uv run pytest -m "not docker and not slow and not screens" \
      --randomly-seed=default --hypothesis-profile=default {{ARGS}}

# the views of the terminal UI, drawn and compared; UPDATE_GOLDEN=1 accepts what is drawn
test-screens *ARGS:
    uv run pytest -m "screens and not slow" {{ARGS}}

# whole emulators, killed and started again, without containers
test-slow *ARGS:
    uv run pytest -m "slow and not docker" {{ARGS}}

# real containers: needs an engine and scripts/base-image
test-docker *ARGS:
    HFAAS_REQUIRE_DOCKER=1 uv run pytest -m docker {{ARGS}}

# run a sample: just sample hello
sample NAME *ARGS:
    uv run hfaas run -f samples/{{NAME}}/pipeline.yaml --output out {{ARGS}}

# what files that are made from code must look like
generate:
    uv run python -m hfaas_deploy.language.schema >docs/fdl.schema.json
    uv run python -m hfaas_deploy.language.reference >docs/fdl-keys.md
    uv run python -m hfaas_tui.ui.reference >docs/tui-keys.md

# resolve all dependencies anew and rewrite the pins in pyproject.toml
pins:
    uv run python scripts/pins.py

# lengths of files and functions beside the aims of the house style
sizes:
    uv run python scripts/sizes.py

bench *ARGS:
    uv run python -m benchmarks {{ARGS}}

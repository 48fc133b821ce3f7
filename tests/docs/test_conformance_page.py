"""What the page on conformance says is what the tool does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
import yaml

from connexeo.tools.conformance.authentication import LoginOptions
from connexeo.tools.conformance.cli import app
from connexeo.tools.conformance.registry import LAYERS
from connexeo.tools.conformance.reports.document import SCHEMA
from connexeo.tools.conformance.verdicts import Severity, State

PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"
text = PAGE.read_text()


def table(heading: str) -> list[str]:
    """First column of the table that has this heading, without marks."""
    rows = re.search(rf"^\| {heading} \|.*\n\|.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert rows is not None
    return [name for row in rows[1].splitlines() for name in re.findall(r"`([^`]+)`", row.split(" | ")[0])]


def test_layers_states_and_severities_are_all_there() -> None:
    assert sorted(table("Layer")) == sorted(LAYERS)
    assert sorted(table("State")) == sorted(map(str, State))
    assert sorted(table("Severity")) == sorted(map(str, Severity))


def test_options_are_those_of_the_command() -> None:
    commands = typer.main.get_group(app).commands.values()
    options = {name for each in commands for parameter in each.params for name in parameter.opts}
    shown = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))
    assert {name for name in shown if not name.startswith("--connexeo")} <= options


def test_options_of_pytest_are_all_there() -> None:
    plugin = (SCHEMA.parents[1] / "pytest_plugin.py").read_text()
    options = set(re.findall(r'addoption\(\s*"(--connexeo-[a-z-]+)"', plugin))
    shown = {name.rstrip("-") for name in re.findall(r"--connexeo-[a-z-]+", text)}
    second = {"--connexeo-second-basic", "--connexeo-second-token"}
    assert shown - {"--connexeo-second"} == options - second


def test_variables_are_those_of_logins() -> None:
    names = set(re.findall(r"\| `([A-Z_]+)(?:=\w+)?`|, `([A-Z_]+)` \|", text))
    shown = {name for pair in names for name in pair if name}
    assert shown | {"PROVIDER"} == {name.upper() for name in LoginOptions.__dataclass_fields__}


@pytest.mark.parametrize("block", re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
def test_snippets_for_ci_are_valid(block: str) -> None:
    snippet = yaml.safe_load(block)
    assert "connexeo conformance https://" in str(snippet)


@pytest.mark.parametrize("block", re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
def test_programs_compile(block: str) -> None:
    compile(block, str(PAGE), "exec")


def test_members_of_the_report_are_those_of_its_schema() -> None:
    import json

    members = set(json.loads(SCHEMA.read_text())["properties"])
    assert set(table("Member")) == members - {"format", "tool"}

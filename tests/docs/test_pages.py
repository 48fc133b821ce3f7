from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from connexeo.settings import (
    Billing,
    BillingPlan,
    Federation,
    Instance,
    OidcProvider,
    Role,
    Settings,
    Upstream,
    load_settings,
)
from connexeo.tools.cli import app

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"
PAGES = sorted([*DOCS.glob("*.md"), REPOSITORY / "README.md"])

page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)


def code_blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def documented_settings(heading: str) -> Iterator[tuple[str, str, str]]:
    """Name, default and meaning in the tables of the sections whose heading fits."""
    text = (DOCS / "configuration.md").read_text()
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        if re.match(heading, section):
            yield from re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", section, re.MULTILINE)


def defaults(model: type[BaseModel]) -> dict[str, str]:
    """Field → default as TOML writes it."""

    def written(value: Any) -> str:
        if value is None:
            return "unset"
        if value is PydanticUndefined:
            return "required"
        if isinstance(value, bool):
            return f"`{str(value).lower()}`"
        if value == {}:
            return "`{}`"
        if isinstance(value, BaseModel):
            return "see below"
        if isinstance(value, tuple):
            return "`[" + ", ".join(f'"{entry}"' for entry in value) + "]`"
        return f"`{value}`" if isinstance(value, int | float) else f'`"{value}"`'

    return {
        name: written(field.get_default(call_default_factory=True))
        for name, field in model.model_fields.items()
    }


OWN = r"(?!OpenID|Roles|Billing|Plans|Other instances|Federation|Back-ends|Not settings)"
OIDC = r"OpenID"
ROLES = r"Roles"
BILLING = r"Billing"
PLANS = r"Plans"
INSTANCES = r"Other instances"
FEDERATION = r"Federation"
UPSTREAMS = r"Back-ends of a federation"


@pytest.mark.parametrize(
    ("heading", "model"),
    [
        (OWN, Settings),
        (OIDC, OidcProvider),
        (ROLES, Role),
        (BILLING, Billing),
        (PLANS, BillingPlan),
        (INSTANCES, Instance),
        (FEDERATION, Federation),
        (UPSTREAMS, Upstream),
    ],
)
def test_every_setting_is_documented_and_nothing_else(heading: str, model: type[BaseModel]) -> None:
    rows = list(documented_settings(heading))
    names = [name for name, _, _ in rows]
    assert sorted(names) == sorted(model.model_fields)
    assert {name: default for name, default, _ in rows} == defaults(model)
    assert all(meaning.endswith(".") for _, _, meaning in rows)


def test_the_settings_file_of_the_page_is_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example, *_ = code_blocks((DOCS / "configuration.md").read_text(), "toml")
    config = tmp_path / "connexeo.toml"
    config.write_text(example)
    monkeypatch.setenv("CONNEXEO_CONFIG", str(config))
    settings = load_settings()
    assert set(tomllib.loads(example)) <= set(Settings.model_fields)
    assert settings.oidc[0].title == "River login"
    assert settings.catalogues == (str(tmp_path / "catalogue"), "https://stac.river.example/v1")


def test_the_federation_of_the_page_is_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example, *_ = code_blocks((DOCS / "federation.md").read_text(), "toml")
    config = tmp_path / "federation.toml"
    config.write_text(example)
    monkeypatch.setenv("CONNEXEO_CONFIG", str(config))
    federation = load_settings().federation
    assert federation is not None
    assert federation.order == ("north", "south")


@page
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]*)(?:#[\w-]*)?\)", page.read_text()):
        if target and "://" not in target:
            assert (page.parent / target).exists(), target


@page
def test_links_to_headings_lead_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#:]*)#([\w-]+)\)", page.read_text()):
        headings = re.findall(r"^#+ (.*)$", (page.parent / (target or page.name)).read_text(), re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@page
def test_pages_name_no_folders_of_a_machine(page: Path) -> None:
    assert not re.search(r"/(home|root|work|tmp|Users)/", page.read_text())


@page
def test_commands_exist(page: Path) -> None:
    """Commands and options of the examples are those of the command line."""
    lines = [line for block in code_blocks(page.read_text(), "bash") for line in block.splitlines()]
    for line in lines:
        words = shlex.split(line, comments=True)
        if "connexeo" not in words[:2]:
            continue
        command: Any = typer.main.get_command(app)
        options: set[str] = set()
        for word in words[words.index("connexeo") + 1 :]:
            if word.startswith("-"):
                assert word in options, f"{line}: {word}"
            elif hasattr(command, "get_command"):
                # `connexeo conformance URL` is short for `connexeo conformance run URL`.
                name = "run" if word.startswith("https://") else word
                command = command.get_command(typer.Context(command), name)
                assert command is not None, f"{line}: {word}"
                options = {name for parameter in command.params for name in parameter.opts}


def test_there_are_commands_to_check() -> None:
    text = "".join(path.read_text() for path in PAGES)
    assert len(re.findall(r"^(?:\S+ )?connexeo \w+", text, re.MULTILINE)) > 15


def test_every_page_is_reached_from_the_first() -> None:
    linked = set(re.findall(r"\(([\w-]+\.md)\)", (DOCS / "index.md").read_text()))
    assert linked == {path.name for path in DOCS.glob("*.md")} - {"index.md"}

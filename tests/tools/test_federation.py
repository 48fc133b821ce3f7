"""``connexeo federation``, on what a federation has kept of its back-ends."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from rich.console import Console
from typer.testing import CliRunner

from connexeo.drivers.federation.snapshots.kinds import COLLECTION, COLLECTIONS, PROCESSES
from connexeo.drivers.federation.snapshots.state import UpstreamState
from connexeo.drivers.federation.snapshots.store import Snapshot, SnapshotStore
from connexeo.generated import load_processes
from connexeo.tools import federation as command
from fake_driver import make_collection

CONFIG = """
driver = "federation"
[federation]
{settings}
[[federation.upstreams]]
id = "alps"
url = "https://alps.example"
collections = {{deny = ["SECRET*"]}}
[[federation.upstreams]]
id = "coast"
url = "https://coast.example"
processes = {{allow = ["add"]}}
[[federation.upstreams]]
id = "delta"
url = "https://delta.example"
"""

Run = Callable[..., Any]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """What two of three back-ends have said."""
    folder = tmp_path / "data"
    folder.mkdir()
    store = SnapshotStore(folder)
    ndvi = next(each for each in load_processes() if each["id"] == "ndvi")
    lists = {
        "alps": [make_collection("RIVERS", title="Rivers"), make_collection("SECRETS"), {"id": "ODD"}],
        "coast": [make_collection("RIVERS", title="[Streams]"), make_collection("SECRETS"), "odd"],
    }
    for upstream, collections in lists.items():
        store.put(Snapshot(upstream, COLLECTIONS, "", orjson.dumps(collections), 5.0))
        store.put(Snapshot(upstream, PROCESSES, "", orjson.dumps([ndvi]), 5.0))
    full = make_collection("RIVERS", title="Rivers", **{"of_the_alps": [1]})
    store.put(Snapshot("alps", COLLECTION, "RIVERS", orjson.dumps(full), 5.0))
    store.put_state(UpstreamState("alps").answered(1_800_000_000.0, 0.25))
    store.put_state(
        UpstreamState("coast").answered(1_800_000_000.0, 1.0).failed(1_800_000_060.0, "cannot be reached")
    )
    store.note_failure("alps", "file_formats", 6.0, "HTTP 500 [Internal]")
    store.close()
    return folder


@pytest.fixture
def run(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command on a wide terminal; the settings are those of ``[federation]``."""
    monkeypatch.setattr(command, "output", Console(highlight=False, width=200))

    def run(*arguments: str, settings: str = "", data: Path = data) -> Any:
        config = tmp_path / "federation.toml"
        config.write_text(CONFIG.format(settings=settings))
        given = [*arguments, "--config", str(config), "--data", str(data)]
        environment = {"CONNEXEO_CONFIG": None, "CONNEXEO_DATA": None}
        return CliRunner().invoke(command.app, given, env=environment)

    return run


def lines(text: str) -> dict[str, str]:
    """The rows of a table by their first column."""
    return {line.split()[0]: " ".join(line.split()[1:]) for line in text.splitlines() if line.strip()}


def test_states_are_told_with_what_is_wrong(run: Run) -> None:
    result = run("status")
    assert result.exit_code == 0, result.output
    found = lines(result.stdout)
    assert found["alps"] == (
        "online 2027-01-15 08:00:00Z 2027-01-15 08:00:00Z 0.25 file_formats: HTTP 500 [Internal]"
    )
    assert found["coast"] == "offline 2027-01-15 08:01:00Z 2027-01-15 08:00:00Z 1.00 cannot be reached"
    assert found["delta"] == "not checked yet"


def test_a_collection_is_explained(run: Run) -> None:
    result = run("explain", "collection", "RIVERS")
    assert result.exit_code == 0, result.output
    assert "collection RIVERS, at alps, coast" in result.stdout
    found = lines(result.stdout)
    assert found["of_the_alps"] == "alps [1]"
    assert found["title"] == 'alps, coast "Rivers"'
    differ = result.stdout.partition("Where they differ")[2]
    assert "/title: " in differ
    assert 'alps: "Rivers"' in differ
    assert 'coast: "[Streams]"' in differ
    assert '→ "Rivers"' in differ
    # What a reader could not know.
    assert "delta has not told yet what it has" in result.stdout
    assert "of coast only the entry of the list is known" in result.stdout


def test_whom_to_prefer_is_minded(run: Run) -> None:
    result = run("explain", "collection", "RIVERS", settings='prefer = ["coast"]')
    assert '→ "[Streams]"' in result.stdout


def test_what_the_settings_leave_out_has_no_part(run: Run) -> None:
    result = run("explain", "collection", "SECRETS")
    assert "collection SECRETS, at coast\n" in result.stdout
    assert "alps has it too, but `collections` in its settings leaves it out" in result.stdout
    result = run("explain", "process", "ndvi")
    assert "process ndvi, at alps\n" in result.stdout
    assert "coast has it too, but `processes` in its settings leaves it out" in result.stdout


def test_what_is_not_listed_for_want_of_others_says_so(run: Run) -> None:
    text = "`merge` asks for what all back-ends have, and coast does not"
    settings = 'merge = {processes = "intersection", collections = "intersection"}'
    assert text in run("explain", "process", "ndvi", settings=settings).stdout
    assert text not in run("explain", "process", "ndvi").stdout
    assert "asks for what all" not in run("explain", "collection", "RIVERS", settings=settings).stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("collection", "RIVER"), "no back-end has the collection 'RIVER' (delta: it has not told yet"),
        (("process", "add"), "no back-end has the process 'add'"),
    ],
)
def test_what_nobody_has_is_said(run: Run, arguments: tuple[str, str], message: str) -> None:
    result = run("explain", *arguments)
    assert result.exit_code == 1
    assert message in result.stderr


def test_alike_identifiers_are_suggested(run: Run, data: Path) -> None:
    store = SnapshotStore(data)
    store.put(Snapshot("delta", COLLECTIONS, "", b"[]", 5.0))
    store.put(Snapshot("delta", PROCESSES, "", b"null", 5.0))
    store.close()
    assert "Did you mean RIVERS?" in run("explain", "collection", "RIVER").stderr
    # Of what is left out nobody is told.
    only = "no back-end has the collection 'SECRET'. Did you mean SECRETS?"
    assert only in run("explain", "collection", "SECRET").stderr


def test_what_is_malformed_is_said(run: Run) -> None:
    result = run("explain", "collection", "ODD")
    assert result.exit_code == 0, result.output
    assert "mended alps: " in result.stdout


def test_whatever_else_is_wrong_is_one_line(run: Run, tmp_path: Path) -> None:
    nothing = run("status", data=tmp_path / "elsewhere")
    assert nothing.exit_code == 1
    assert "there is no federation.sqlite in" in nothing.stderr
    assert "name its data folder with --data" in nothing.stderr
    faulty = run("status", settings="nonsense = 3")
    assert faulty.exit_code == 1
    assert "nonsense" in faulty.stderr
    absent = CliRunner().invoke(command.app, ["status", "--config", str(tmp_path / "none.toml")])
    assert absent.exit_code == 1
    assert "there is no file" in absent.stderr


def test_a_narrow_terminal_cuts_values_only(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    monkeypatch.setattr(command, "output", Console(highlight=False, width=70, file=file))
    assert run("explain", "collection", "RIVERS").exit_code == 0
    found = lines(file.getvalue())
    assert found["cube:dimensions"].startswith("alps, coast {")
    assert found["stac_version"] == 'alps, coast "1.0.0"'

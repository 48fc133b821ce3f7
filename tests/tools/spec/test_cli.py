import sys
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
import yaml
from typer.testing import CliRunner

from connexeo.tools.cli import app
from connexeo.tools.spec.build import build_document
from connexeo.tools.spec.sources import SpecFolder

Write = Callable[..., SpecFolder]

runner = CliRunner()


@pytest.mark.parametrize("command", [[], ["build"], ["check"], ["diff"], ["show"], ["docs"]])
def test_every_command_has_help(command: list[str]) -> None:
    result = runner.invoke(app, ["spec", *command, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_build_writes_json_to_standard_output() -> None:
    result = runner.invoke(app, ["spec", "build"])
    assert result.exit_code == 0
    assert orjson.loads(result.stdout) == build_document()


def test_build_writes_files(tmp_path: Path) -> None:
    for name, load in (("a.json", orjson.loads), ("a.yaml", yaml.safe_load)):
        result = runner.invoke(app, ["spec", "build", "--no-overlays", "-o", str(tmp_path / name)])
        assert result.exit_code == 0
        assert load((tmp_path / name).read_bytes()) == build_document(apply_overlays=False)


def test_build_refuses_a_result_that_is_not_valid(tmp_path: Path) -> None:
    overlay = tmp_path / "o.yaml"
    actions = [{"target": "$.components.schemas.link", "remove": True}]
    overlay.write_text(
        yaml.safe_dump({"overlay": "1.0.0", "info": {"title": "T", "version": "1"}, "actions": actions})
    )
    target = tmp_path / "a.json"
    command = ["spec", "build", "--overlay", str(overlay), "-o", str(target)]
    result = runner.invoke(app, command)
    assert result.exit_code == 1
    assert "points at nothing" in result.stderr
    assert not target.exists()
    assert runner.invoke(app, [*command, "--no-check"]).exit_code == 0
    assert target.exists()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["build", "--base", "missing.yaml"], "missing.yaml cannot be read: No such file"),
        (["build", "--overlay", "missing.yaml"], "missing.yaml cannot be read"),
        (["build", "--spec", "/"], "/ is not a spec folder"),
        (["check", "--spec", "/"], "/ is not a spec folder"),
        (["diff", "missing.yaml", "missing.yaml"], "missing.yaml cannot be read"),
        (["show", "list-job"], "did you mean list-jobs"),
        (["docs", "-o", "/missing/folder/a.html"], "No such file"),
    ],
)
def test_errors_are_one_line_and_exit_code_2(command: list[str], message: str) -> None:
    result = runner.invoke(app, ["spec", *command])
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_check_lists_faults_and_fails(write_spec: Write) -> None:
    folder = write_spec(
        {"errors.yaml": {"Odd": {"http": 7, "tags": ["T"], "message": "M", "description": "D"}}}
    )
    result = runner.invoke(app, ["spec", "check", "--spec", str(folder.root)])
    assert result.exit_code == 1
    assert "spec/errors.yaml, Odd: http is a status between 400 and 599" in result.stdout
    assert "1 fault" in result.stderr


def test_check_of_a_sound_folder_succeeds(write_spec: Write) -> None:
    result = runner.invoke(app, ["spec", "check", "--spec", str(write_spec().root)])
    assert (result.exit_code, result.stdout) == (0, "")


def test_diff_exit_codes_and_json(tmp_path: Path) -> None:
    document = build_document(apply_overlays=False)
    first, second = tmp_path / "a.json", tmp_path / "b.yaml"
    first.write_bytes(orjson.dumps(document))
    second.write_text(yaml.safe_dump(document))
    assert runner.invoke(app, ["spec", "diff", str(first), str(second)]).exit_code == 0
    del document["paths"]["/me"]
    second.write_text(yaml.safe_dump(document))
    result = runner.invoke(app, ["spec", "diff", "--json", str(first), str(second)])
    assert result.exit_code == 1
    assert orjson.loads(result.stdout) == [
        {"place": "#/paths/~1me/get", "kind": "removed", "message": "GET /me is gone", "breaking": True}
    ]
    text = runner.invoke(app, ["spec", "diff", str(first), str(second)])
    assert "breaking  removed  #/paths/~1me/get  GET /me is gone" in text.stdout
    assert "1 differences, 1 of them breaking" in text.stderr


def test_show_finds_handlers_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "beach_handlers.py").write_text("\n\nasync def list_jobs(context): ...\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry not in ("", str(tmp_path))])
    result = runner.invoke(app, ["spec", "show", "list-jobs", "--handlers", "beach_handlers"])
    assert result.exit_code == 0, result.output
    assert "beach_handlers.py:3" in result.output


def test_show_and_docs(tmp_path: Path) -> None:
    result = runner.invoke(app, ["spec", "show", "GET /jobs"])
    assert result.exit_code == 0
    assert "list-jobs" in result.stdout
    result = runner.invoke(app, ["spec", "docs", "-o", str(tmp_path / "a.html")])
    assert result.exit_code == 0
    assert (tmp_path / "a.html").read_text().startswith("<!doctype html>")

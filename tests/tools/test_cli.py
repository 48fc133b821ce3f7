import pytest
from typer.testing import CliRunner

from connexeo.tools.cli import app

runner = CliRunner()


@pytest.mark.parametrize("command", ["serve", "demo", "run", "new", "users", "spec", "generate"])
def test_every_command_is_there_and_has_help(command: str) -> None:
    result = runner.invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert f" {command} [OPTIONS]" in result.output


def test_the_version_is_printed() -> None:
    result = runner.invoke(app, ["--version"])
    assert result.exit_code == 0
    assert result.stdout.strip().count(".") == 2


def test_without_a_command_there_is_help() -> None:
    assert "Commands" in runner.invoke(app, []).output

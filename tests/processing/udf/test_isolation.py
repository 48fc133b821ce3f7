"""Whether there are walls, and what they leave visible."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from connexeo.processing.udf import isolation, sandbox
from connexeo.processing.udf.limits import UdfLimits
from connexeo.processing.udf.pool import Pool


@pytest.fixture
def asked() -> None:
    """Nothing is known yet."""
    isolation.why_not.cache_clear()


@pytest.fixture(autouse=True)
def _forgotten() -> object:
    yield
    isolation.why_not.cache_clear()


def test_other_systems(asked: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert "x86_64 or aarch64" in str(isolation.why_not())


def test_no_bubblewrap(asked: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert isolation.why_not() == "bubblewrap (bwrap) is not installed"
    with pytest.raises(FileNotFoundError, match="bwrap"):
        isolation.command(UdfLimits(), filter_fd=3, info_fd=4)


@pytest.mark.parametrize(
    ("program", "reason"),
    [("exit 1", "does not start"), ('printf \'{"child-pid": 1}\' >&"$fd"; exit 1', "does not start")],
)
def test_bubblewrap_that_fails(
    asked: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, reason: str
) -> None:
    fake = tmp_path / "bwrap"
    find = 'while [ "$1" != --info-fd ]; do shift; done; fd=$2\n'
    fake.write_text(f"#!/bin/bash\n{find}{program}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}")
    assert reason in str(isolation.why_not())


def test_walls_with_holes_are_none(asked: None, sandboxes: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter that lets everything through is found out."""
    monkeypatch.setattr(isolation, "system_calls", lambda: b"\x06\0\0\0\0\0\xff\x7f")
    assert sandbox.probe() == "a sandbox does not hold here (['fork', 'socket'])"


def test_folders_that_are_hidden(sandboxes: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where somebody keeps data among libraries."""
    data = tmp_path / "data"
    (data / "inner").mkdir(parents=True)
    (data / "connexeo.sqlite").touch()
    (tmp_path / "connexeo").mkdir()
    (tmp_path / "connexeo" / "code.py").touch()
    (tmp_path / "library.py").touch()
    monkeypatch.setattr(isolation, "_libraries", lambda: [(str(tmp_path), "/libraries/0")])
    source, target = os.pipe()
    os.write(target, isolation.system_calls())
    os.close(target)
    command = isolation.command(UdfLimits(hidden=(str(data), "/nowhere")), filter_fd=source, info_fd=2)
    look = "import os; print([(str(p), f) for p, _, f in os.walk('/libraries')])"
    command = [*command[: command.index("-I")], "-I", "-S", "-c", look]
    found = subprocess.run(command, pass_fds=[source], env={}, capture_output=True, text=True, check=True)
    os.close(source)
    assert "library.py" in found.stdout
    assert "('/libraries/0/data', [])" in found.stdout
    assert "('/libraries/0/connexeo', [])" in found.stdout


def test_nothing_heavy_is_loaded_to_find_out(sandboxes: Pool) -> None:
    code = (
        "import sys; from connexeo.processing.udf.isolation import why_not; assert why_not() is None; "
        "print({'numpy', 'xarray', 'openeo'} & sys.modules.keys())"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"

"""Folders for temporary files, and what becomes of them when their processes are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from connexeo.drivers.local.temporary import TemporaryFolder
from connexeo.generated.errors import StorageFailure

HOLDER = """
import subprocess, sys
from pathlib import Path
from connexeo.drivers.local.temporary import TemporaryFolder
folder = TemporaryFolder(Path(sys.argv[1]))
(folder.new("result") / "half").write_text("written")
child = subprocess.Popen(["sleep", "600"], pass_fds=[folder.descriptor]).pid if sys.argv[2:] else 0
print(child, flush=True)
sys.stdin.read()
"""


@contextmanager
def holder(base: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Another process that has a folder, and its child."""
    command = [sys.executable, "-c", HOLDER, str(base), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())
        process.kill()


def test_the_folder_of_a_process_that_was_killed_is_swept(tmp_path: Path) -> None:
    with holder(tmp_path) as (process, _):
        assert TemporaryFolder(tmp_path).sweep() == 0
        assert [path.name for path in tmp_path.glob("*/*/*")] == ["half"]
        process.kill()
        process.wait()
        assert TemporaryFolder(tmp_path).sweep() == 1
    assert list(tmp_path.iterdir()) == []


def test_a_child_that_lives_keeps_the_folder(tmp_path: Path) -> None:
    with holder(tmp_path, "child") as (process, child):
        process.kill()
        process.wait()
        assert TemporaryFolder(tmp_path).sweep() == 0
        pidfd = os.pidfd_open(child)
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        os.close(pidfd)
        wait_for_the_end_of(child)
        assert TemporaryFolder(tmp_path).sweep() == 1
    assert list(tmp_path.iterdir()) == []


def wait_for_the_end_of(pid: int) -> None:
    """Of a process that is nobody's child any longer, or a zombie: its files are closed."""
    status = Path(f"/proc/{pid}/status")
    while status.exists() and "State:\tZ" not in status.read_text():
        time.sleep(0.01)


def test_own_folders(tmp_path: Path) -> None:
    """They are for nobody else to read, have new names, and go."""
    folder = TemporaryFolder(tmp_path)
    assert list(tmp_path.iterdir()) == []
    first, second = folder.new("result"), folder.new("result")
    assert first != second
    assert first.parent == second.parent == folder.path
    assert [path.stat().st_mode & 0o777 for path in (folder.path, first)] == [0o700, 0o700]
    assert folder.sweep() == 0
    folder.remove()
    assert list(tmp_path.iterdir()) == []
    folder.remove()


def test_a_folder_that_somebody_removed_is_made_again(tmp_path: Path) -> None:
    folder = TemporaryFolder(tmp_path)
    folder.path.rmdir()
    assert folder.new("result").is_dir()
    assert TemporaryFolder(tmp_path).sweep() == 0
    folder.remove()


def test_what_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    """Links, files, folders of other names, and folders that are too young to be locked yet."""
    base = tmp_path / "base"
    base.mkdir()
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    (base / "connexeo-run-link").symlink_to(precious)
    (base / "connexeo-run-file").touch()
    (base / "connexeo-metrics-1").mkdir()
    (base / ".connexeo-run-young").mkdir()
    (base / ".connexeo-run-old").mkdir()
    os.utime(base / ".connexeo-run-old", (0, 0))
    assert TemporaryFolder(base).sweep() == 1
    assert not (base / ".connexeo-run-old").exists()
    assert len(list(base.iterdir())) == 4
    assert (precious / "file").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
def test_folders_of_other_users_are_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "connexeo-run-other"
    other.mkdir()
    os.chown(other, 65534, 65534)
    assert TemporaryFolder(tmp_path).sweep() == 0
    assert other.exists()


def test_no_room_for_it(tmp_path: Path) -> None:
    folder = TemporaryFolder(tmp_path / "gone")
    with pytest.raises(StorageFailure):
        folder.new("result")

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sqlalchemy import Engine

from connexeo.drivers.local.files.store import find_file
from connexeo.drivers.local.state.state import transaction
from connexeo.drivers.local.storage import Storage
from connexeo.drivers.local.workspace import LocalWorkspace
from connexeo.generated.errors import (
    FileNotFound,
    FileOperationUnsupported,
    FilePathInvalid,
    StorageFailure,
    StorageQuotaExceeded,
)
from connexeo.processing.environment import Workspace

CONTENT = os.urandom(5_000_000)


def workspace_of(
    user: str, engine: Engine, storage: Storage, folder: Path, quota: int | None = None
) -> Workspace:
    return LocalWorkspace(engine, storage, user, folder / f"scratch-{user}", quota=quota)


def source(folder: Path, content: bytes = CONTENT) -> Path:
    path = folder / "source"
    path.write_bytes(content)
    return path


def test_saved_files_can_be_used(engine: Engine, storage: Storage, tmp_path: Path) -> None:
    mine = workspace_of("alice", engine, storage, tmp_path)
    mine.save("deep/ä.tif", source(tmp_path))
    assert not (tmp_path / "source").exists()
    copy = mine.file("deep/ä.tif")
    assert copy.name == "ä.tif"
    assert copy.is_relative_to(tmp_path / "scratch-alice")
    assert copy.read_bytes() == CONTENT
    assert mine.file("deep/ä.tif") == copy
    mine.save("deep/ä.tif", source(tmp_path, b"new"))
    assert mine.file("deep/ä.tif").read_bytes() == b"new"
    assert copy.read_bytes() == CONTENT, "who uses the old one goes on"
    assert len(storage.names("files")) == 1
    with transaction(engine) as connection:
        assert find_file(connection, "alice", "deep/ä.tif")["size"] == 3


def test_what_is_not_mine(engine: Engine, folder_storage: Storage, tmp_path: Path) -> None:
    mine, theirs = (workspace_of(user, engine, folder_storage, tmp_path) for user in ("alice", "bob"))
    mine.save("a/b", source(tmp_path))
    for path in ("a/b", "a", "../scratch-alice/a", ""):
        with pytest.raises(FileNotFound):
            theirs.file(path)
    with pytest.raises(FileOperationUnsupported):
        mine.file("a")
    theirs.save("a/b", source(tmp_path, b"bob's"))
    assert mine.file("a/b").read_bytes() == CONTENT


def test_what_cannot_be_saved(engine: Engine, folder_storage: Storage, tmp_path: Path) -> None:
    mine = workspace_of("alice", engine, folder_storage, tmp_path, quota=10)
    mine.save("a/b", source(tmp_path, b"12345"))
    for path, error in (
        ("../c", FilePathInvalid),
        ("a/b/c", FilePathInvalid),
        ("a", FileOperationUnsupported),
        ("c", StorageQuotaExceeded),
    ):
        with pytest.raises(error):
            mine.save(path, source(tmp_path, b"123456"))
    mine.save("a/b", source(tmp_path, b"1234567890"))
    assert len(folder_storage.names("files")) == 1


def test_content_that_is_lost(engine: Engine, storage: Storage, tmp_path: Path) -> None:
    mine = workspace_of("alice", engine, storage, tmp_path)
    mine.save("a", source(tmp_path))
    storage.delete("files")
    with pytest.raises(StorageFailure):
        mine.file("a")


def test_files_are_linked_where_that_is_possible(
    engine: Engine, folder_storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = workspace_of("alice", engine, folder_storage, tmp_path)
    mine.save("a", source(tmp_path))
    assert mine.file("a").stat().st_nlink == 2

    def refuse(*_: object) -> None:
        raise OSError(18, "another file system")

    monkeypatch.setattr(os, "link", refuse)
    mine.save("b", source(tmp_path))
    assert mine.file("b").stat().st_nlink == 1
    assert mine.file("b").read_bytes() == CONTENT
    assert [path.name for path in mine.file("b").parent.iterdir()] == ["b"]

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from connexeo.drivers.local.drafts import PART, YOUNG
from connexeo.drivers.local.storage import DRAFTS, REMOTE_CHUNK, Storage
from connexeo.generated.errors import StorageFailure
from connexeo.settings import Settings

LARGE = os.urandom(PART + 2**19)
"""More than one part of an upload."""


def write(storage: Storage, key: str, content: bytes = b"content") -> None:
    with storage.writing(key) as file:
        file.write(content)


def read(storage: Storage, key: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join(storage.read(key, start, end))


def test_what_was_written_can_be_read(storage: Storage) -> None:
    write(storage, "jobs/j-1/2/result.tif", LARGE)
    assert storage.size("jobs/j-1/2/result.tif") == len(LARGE)
    assert read(storage, "jobs/j-1/2/result.tif") == LARGE
    with storage.open("jobs/j-1/2/result.tif") as file:
        file.seek(-10, os.SEEK_END)
        assert file.read() == LARGE[-10:]
        file.seek(3)
        assert file.read(4) == LARGE[3:7]


@pytest.mark.parametrize(
    ("start", "end"),
    [(0, 0), (0, 1), (5, 5), (7, REMOTE_CHUNK + 9), (len(LARGE) - 1, None), (100, len(LARGE) + 5)],
)
def test_parts_can_be_read(storage: Storage, start: int, end: int | None) -> None:
    write(storage, "files/a", LARGE)
    assert read(storage, "files/a", start, end) == LARGE[start:end]


def test_empty_content(storage: Storage) -> None:
    write(storage, "files/a", b"")
    assert storage.size("files/a") == 0
    assert read(storage, "files/a") == b""


def test_what_is_not_there(storage: Storage) -> None:
    with pytest.raises(FileNotFoundError):
        storage.size("files/a")
    with pytest.raises(FileNotFoundError):
        read(storage, "files/a")
    with pytest.raises(FileNotFoundError):
        storage.open("files/a").read()
    storage.delete("files/a")
    assert storage.names("files") == []


@pytest.mark.parametrize("content", [b"some", LARGE])
def test_failure_in_the_middle_leaves_nothing(storage: Storage, content: bytes) -> None:
    def fail() -> None:
        with storage.writing("files/a") as file:
            file.write(content)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert storage.names("files") == []
    with pytest.raises(FileNotFoundError):
        storage.size("files/a")


def test_unfinished_content_cannot_be_seen_in_a_folder(folder_storage: Storage) -> None:
    with folder_storage.writing("files/a") as file:
        file.write(b"half")
        file.flush()
        assert folder_storage.names("files") == folder_storage.names("") == []
    assert folder_storage.names("") == ["files"]
    assert os.listdir(folder_storage.path(DRAFTS) or "") == []


def test_put_moves_a_file(storage: Storage, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(LARGE)
    storage.put(source, "files/a")
    assert not source.exists()
    assert read(storage, "files/a") == LARGE


def test_put_from_another_file_system(folder_storage: Storage) -> None:
    other = Path("/dev/shm")
    if not other.is_dir():
        pytest.skip("there is no /dev/shm here")
    write(folder_storage, "files/first")
    folder = folder_storage.path("files")
    assert folder is not None
    if other.stat().st_dev == folder.stat().st_dev:
        pytest.skip("/dev/shm is on the same file system as temporary files")
    source = other / f"connexeo-test-{os.getpid()}"
    source.write_bytes(LARGE)
    folder_storage.put(source, "files/a")
    assert not source.exists()
    assert read(folder_storage, "files/a") == LARGE
    assert folder_storage.sweep_drafts() == 0


def test_put_that_fails_keeps_the_source(storage: Storage, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        storage.put(tmp_path / "missing", "files/a")
    assert storage.names("files") == []


def test_trees_are_deleted_and_their_neighbours_are_not(storage: Storage) -> None:
    for key in ("jobs/j-1/1/a", "jobs/j-1/1/deep/er/b", "jobs/j-1/11/a", "jobs/j-12/1/a"):
        write(storage, key)
    assert storage.names("jobs/j-1") == ["1", "11"]
    assert storage.names("jobs") == ["j-1", "j-12"]
    storage.delete("jobs/j-1/1")
    assert storage.names("jobs/j-1") == ["11"]
    storage.delete("jobs/j-1/1")
    storage.delete("jobs/j-1")
    assert storage.names("jobs/j-1") == []
    assert read(storage, "jobs/j-12/1/a") == b"content"


def test_single_contents_are_deleted(storage: Storage) -> None:
    for key in ("files/a", "files/ab"):
        write(storage, key)
    storage.delete("files/a")
    assert storage.names("files") == ["ab"]


def test_others_see_it_at_once(storage: Storage) -> None:
    assert storage.names("files") == []
    write(storage, "files/a", b"one")
    assert storage.size("files/a") == 3
    storage.delete("files/a")
    write(storage, "files/a", b"three")
    assert storage.size("files/a") == 5
    assert read(storage, "files/a") == b"three"


def test_readiness(storage: Storage) -> None:
    assert storage.check()
    write(storage, "files/a")
    assert storage.check()


def test_paths_are_those_of_folders(storage: Storage, tmp_path: Path) -> None:
    write(storage, "files/a")
    path = storage.path("files/a")
    assert (path is not None) == storage.is_local
    if path is not None:
        assert path.read_bytes() == b"content"
        assert path.is_relative_to(tmp_path.resolve())


def test_object_storage_that_cannot_be_reached(
    s3_server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    storage = Storage("s3://nowhere/else")
    (tmp_path / "a").write_bytes(b"a")
    assert not storage.check()
    with pytest.raises(StorageFailure) as caught:
        storage.size("files/a")
    assert "127.0.0.1" not in caught.value.message
    with pytest.raises(StorageFailure):
        write(storage, "files/a")
    with pytest.raises(StorageFailure):
        storage.put(tmp_path / "a", "files/a")
    assert (tmp_path / "a").exists()


FULL = """
import resource, signal
from connexeo.drivers.local.storage import Storage
from connexeo.generated.errors import StorageFailure
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
storage = Storage(sys.argv[1])
try:
    with storage.writing("files/a") as file:
        for _ in range(200):
            file.write(bytes(1000))
except StorageFailure:
    print("failed")
"""


def test_full_disk_leaves_nothing(folder_storage: Storage) -> None:
    root = folder_storage.path("")
    command = [sys.executable, "-c", f"import sys\n{FULL}", str(root)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer.stdout == "failed\n"
    assert folder_storage.names("") == []
    assert os.listdir(folder_storage.path(DRAFTS) or "") == []


WRITING = """
from connexeo.drivers.local.storage import Storage
draft = Storage(sys.argv[1]).draft("files/a")
draft.write(bytes(2**20))
draft.file.flush()
print("written", flush=True)
sys.stdin.read()
"""


def test_drafts_of_killed_writers_are_swept(folder_storage: Storage) -> None:
    root = str(folder_storage.path(""))
    drafts = folder_storage.path(DRAFTS)
    assert drafts is not None
    command = [sys.executable, "-c", f"import sys\n{WRITING}", root]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "written\n"
        (draft,) = drafts.iterdir()
        assert folder_storage.sweep_drafts() == 0, "too young to tell"
        past = draft.stat().st_mtime - YOUNG - 10
        os.utime(draft, (past, past))
        assert folder_storage.sweep_drafts() == 0, "its writer lives"
        writer.kill()
    assert folder_storage.sweep_drafts() == 1
    assert list(drafts.iterdir()) == []


def test_settings_name_the_storage(tmp_path: Path) -> None:
    assert Storage.from_settings(Settings(data=tmp_path)).path("files/a") == tmp_path / "storage/files/a"
    assert (
        Storage.from_settings(Settings(data=tmp_path, storage=str(tmp_path / "b"))).path("a")
        == tmp_path / "b/a"
    )
    assert not Storage.from_settings(Settings(data=tmp_path, storage="memory://c")).is_local

from __future__ import annotations

import threading

import pytest
from sqlalchemy import Engine

from connexeo.drivers.local.files.store import (
    Blob,
    blobs,
    document,
    find_file,
    list_files,
    new_name,
    remove_file,
    replace_file,
    room_for,
)
from connexeo.drivers.local.state.state import transaction
from connexeo.generated.errors import (
    FileNotFound,
    FileOperationUnsupported,
    FilePathInvalid,
    StorageQuotaExceeded,
)

SUM = "5f" * 32


def store(engine: Engine, user: str, path: str, size: int = 10, quota: int | None = None) -> str | None:
    with transaction(engine) as connection:
        return replace_file(connection, user, path, Blob(new_name(), size, SUM), quota)[1]


def paths(engine: Engine, user: str, limit: int | None = None, after: str | None = None) -> list[str]:
    with transaction(engine, writing=False) as connection:
        return [row["path"] for row in list_files(connection, user, limit, after)]


def test_files_of_others_do_not_exist(engine: Engine) -> None:
    store(engine, "alice", "a/b")
    assert paths(engine, "bob") == []
    for path in ("a/b", "a", "never"):
        with transaction(engine) as connection:
            with pytest.raises(FileNotFound):
                find_file(connection, "bob", path)
            with pytest.raises(FileNotFound):
                remove_file(connection, "bob", path)
    store(engine, "bob", "a")
    store(engine, "bob", "c")
    assert (paths(engine, "alice"), paths(engine, "bob")) == (["a/b"], ["a", "c"])


def test_replacing_names_the_blob_that_is_to_go(engine: Engine) -> None:
    assert store(engine, "alice", "a") is None
    with transaction(engine) as connection:
        first = find_file(connection, "alice", "a")
    assert store(engine, "alice", "a", 20) == first["blob"]
    with transaction(engine) as connection:
        second = find_file(connection, "alice", "a")
        assert (second["size"], second["checksum"], second["media_type"]) == (
            20,
            SUM,
            "application/octet-stream",
        )
        assert second["modified"] >= first["modified"]
        assert blobs(connection) == {second["blob"]}
        assert remove_file(connection, "alice", "a") == second["blob"]
        with pytest.raises(FileNotFound):
            find_file(connection, "alice", "a")


def test_what_is_a_folder_is_no_file(engine: Engine) -> None:
    store(engine, "alice", "a/b/c")
    for folder in ("a", "a/b"):
        with pytest.raises(FileOperationUnsupported, match=f"'{folder}' is a folder"):
            store(engine, "alice", folder)
        with transaction(engine) as connection:
            with pytest.raises(FileOperationUnsupported):
                find_file(connection, "alice", folder)
            with pytest.raises(FileOperationUnsupported):
                remove_file(connection, "alice", folder)
    # Nothing in it counts that only begins alike.
    for path in ("a/b.", "a/b0", "a!", "a0", "a/b-c", "ab"):
        store(engine, "alice", path)
    with transaction(engine) as connection:
        for path in paths(engine, "alice"):
            remove_file(connection, "alice", path)
        assert room_for(connection, "alice", "a/b", None) is None


def test_what_is_a_file_is_no_folder(engine: Engine) -> None:
    store(engine, "alice", "a/b")
    for path in ("a/b/c", "a/b/c/d"):
        with pytest.raises(FilePathInvalid, match="'a/b' is a file"):
            store(engine, "alice", path)
    store(engine, "bob", "a/b/c")


def test_pages_are_in_the_order_of_bytes(engine: Engine) -> None:
    names = ["a", "B", "_", "a b", "a/b", "a.b", "Ä", "ä", "z", "Z", "日本", "a-b", "10", "9"]
    names.remove("a")
    for name in names:
        store(engine, "alice", name)
    ordered = sorted(names, key=str.encode)
    assert paths(engine, "alice") == ordered
    found: list[str] = []
    while page := paths(engine, "alice", 3, found[-1] if found else None):
        found += page
    assert found == ordered
    assert paths(engine, "alice", 2**80) == ordered


def test_quota(engine: Engine) -> None:
    store(engine, "alice", "a", 600, quota=1000)
    store(engine, "bob", "a", 900, quota=1000)
    with transaction(engine) as connection:
        assert room_for(connection, "alice", "b", 1000) == 400
        assert room_for(connection, "alice", "a", 1000) == 1000, "what is replaced makes room"
        assert room_for(connection, "alice", "b", 500) == 0, "the quota was lowered"
        assert room_for(connection, "alice", "b", None) is None
    with pytest.raises(StorageQuotaExceeded):
        store(engine, "alice", "b", 401, quota=1000)
    assert paths(engine, "alice") == ["a"]
    store(engine, "alice", "b", 400, quota=1000)
    store(engine, "alice", "a", 600, quota=1000)


def test_quota_holds_for_changes_at_the_same_time(engine: Engine) -> None:
    start = threading.Barrier(8)
    refused: list[str] = []

    def change(path: str) -> None:
        start.wait()
        try:
            store(engine, "alice", path, 300, quota=1000)
        except StorageQuotaExceeded:
            refused.append(path)

    threads = [threading.Thread(target=change, args=(f"file{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(paths(engine, "alice")) == 3
    assert len(refused) == 5


def test_file_and_folder_of_one_name_at_the_same_time(engine: Engine) -> None:
    start = threading.Barrier(6)
    failed: list[str] = []

    def change(path: str) -> None:
        start.wait()
        try:
            store(engine, "alice", path)
        except (FilePathInvalid, FileOperationUnsupported):
            failed.append(path)

    wanted = ["a", "a/1", "a/2/3", "a/2", "a/4", "a"]
    threads = [threading.Thread(target=change, args=(path,)) for path in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = paths(engine, "alice")
    assert kept
    assert failed
    assert not any(other.startswith(f"{path}/") for path in kept for other in kept)


def test_document(engine: Engine) -> None:
    store(engine, "alice", "areas/ä.geojson", 2**40)
    with transaction(engine) as connection:
        row = find_file(connection, "alice", "areas/ä.geojson")
    described = document(row)
    assert described["modified"] == row["modified"].strftime("%Y-%m-%dT%H:%M:%SZ")
    assert described == {
        "path": "areas/ä.geojson",
        "size": 2**40,
        "modified": described["modified"],
        "type": "application/geo+json",
        "file:checksum": f"1220{SUM}",
    }


def test_names_of_blobs_tell_nothing() -> None:
    names = {new_name() for _ in range(100)}
    assert len(names) == 100
    assert all(len(name) == 32 and set(name) <= set("0123456789abcdef") for name in names)

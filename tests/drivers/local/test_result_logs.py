"""Logs of synchronous computations: found by their owner, and by nobody else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from connexeo.drivers.local.result_logs import MAX_ENTRIES, ResultLogs
from connexeo.generated.errors import NotFound, StorageFailure

ENTRY = {"level": "info", "message": "hello", "code": None, "data": {"a": 1}, "node": "inspect1"}


def test_entries_are_those_of_the_contract(tmp_path: Path) -> None:
    logs = ResultLogs(tmp_path)
    identifier = logs.save("ana", [ENTRY])
    assert logs.load("ana", identifier) == [
        {"id": "1", "level": "info", "message": "hello", "data": {"a": 1}, "path": [{"node_id": "inspect1"}]}
    ]


def test_another_worker_finds_them(tmp_path: Path) -> None:
    identifier = ResultLogs(tmp_path).save("ana", [])
    assert ResultLogs(tmp_path).load("ana", identifier) == []


@pytest.mark.parametrize("identifier", ["0" * 32, "../../etc/passwd", "", "x", "0" * 32 + "\n"])
def test_unknown_identifiers(tmp_path: Path, identifier: str) -> None:
    with pytest.raises(NotFound):
        ResultLogs(tmp_path).load("ana", identifier)


def test_logs_of_another_user_do_not_exist(tmp_path: Path) -> None:
    logs = ResultLogs(tmp_path)
    identifier = logs.save("ana", [ENTRY])
    with pytest.raises(NotFound):
        logs.load("ben", identifier)


def test_old_logs_are_gone(tmp_path: Path) -> None:
    logs = ResultLogs(tmp_path, lifetime=60)
    identifier = logs.save("ana", [ENTRY])
    path = tmp_path / f"{identifier}.json"
    os.utime(path, (0, 0))
    with pytest.raises(NotFound):
        logs.load("ana", identifier)
    ResultLogs(tmp_path, lifetime=60).save("ana", [])
    assert not path.exists()


def test_too_many_entries_are_cut(tmp_path: Path) -> None:
    logs = ResultLogs(tmp_path)
    assert len(logs.load("ana", logs.save("ana", [ENTRY] * (MAX_ENTRIES + 5)))) == MAX_ENTRIES


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(StorageFailure):
        ResultLogs(blocked).save("ana", [])

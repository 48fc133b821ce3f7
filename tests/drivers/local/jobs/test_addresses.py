"""Which addresses lead to results here, for whom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from connexeo.drivers.local.jobs.addresses import items_at
from connexeo.drivers.local.state.state import transaction
from connexeo.generated.errors import JobNotFinished
from desks import ANA

if TYPE_CHECKING:
    from .conftest import Desk
else:
    Desk = Any

FILES = {"a.txt": b"0123456789", "b ü.txt": b"b"}


@pytest.fixture
def job_id(desk: Desk) -> str:
    """A job that has finished."""
    identifier: str = desk.create(title="Mine")
    desk.finish(identifier, FILES)
    return identifier


@pytest.fixture
def permission(desk: Desk, job_id: str) -> str:
    return str(desk(desk.driver.list_results, ANA, job_id, partial=False).permission)


def ids_at(
    desk: Desk, scratch: Path, url: str, user: str = "bob", secret: bytes | None = None
) -> list[str] | None:
    with transaction(desk.state.engine, writing=False) as connection:
        items = items_at(connection, desk.storage, [secret] if secret else desk.secrets, user, url, scratch)
    return None if items is None else [item["id"] for item in items]


def test_signed_addresses_are_for_everybody(desk: Desk, job_id: str, permission: str, tmp_path: Path) -> None:
    for start in ("https://here.example/api", "http://127.0.0.1:8080", ""):
        assert ids_at(desk, tmp_path, f"{start}/results/{job_id}/{permission}") == list(FILES)
    one = f"/results/{job_id}/{permission}/items/{quote('b ü.txt')}"
    assert ids_at(desk, tmp_path, one) == ["b ü.txt"]


def test_other_addresses_are_for_the_owner(desk: Desk, job_id: str, tmp_path: Path) -> None:
    url = f"https://here.example/jobs/{job_id}/results"
    assert ids_at(desk, tmp_path, url, "ana") == list(FILES)
    assert ids_at(desk, tmp_path, url, "bob") is None
    new = f"https://here.example/jobs/{desk.create()}/results"
    with pytest.raises(JobNotFinished):
        ids_at(desk, tmp_path, new, "ana")
    assert ids_at(desk, tmp_path, new, "bob") is None


def test_addresses_elsewhere(desk: Desk, job_id: str, permission: str, tmp_path: Path) -> None:
    signed = f"/results/{job_id}/{permission}"
    for url in (
        "https://there.example/collections/c",
        f"https://here.example{signed[:-1]}",
        f"https://here.example{signed}/a.txt",
        f"https://here.example/x?y={signed}",
        f"https://here.example/results/j-{'0' * 32}/{permission}",
        f"https://here.example/jobs/{job_id}/results/more",
        "https://here.example/jobs/../results",
        "http://[broken",
    ):
        assert ids_at(desk, tmp_path, url, "bob") is None
    assert ids_at(desk, tmp_path, signed, secret=b"somebody else's secret") is None

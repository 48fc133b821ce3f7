"""Results for their owner, for whoever has a signed address, and for processes that load them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from connexeo.drivers.local.jobs.results import PURPOSE, local_items
from connexeo.drivers.local.state.signing import Signer
from connexeo.drivers.local.state.state import transaction
from connexeo.drivers.local.state.tables import jobs
from connexeo.drivers.local.storage import Storage
from connexeo.generated.errors import JobNotFinished, JobNotFound, NotFound, ResultLinkExpired
from desks import ANA

if TYPE_CHECKING:
    from .conftest import Desk
else:
    Desk = Any

FILES = {"a.txt": b"0123456789", "b ü.txt": b"b"}


@pytest.fixture
def job_id(desk: Desk) -> str:
    """A job that has finished."""
    identifier = desk.create(title="Mine")
    desk.finish(identifier, FILES)
    return identifier


def permission_of(desk: Desk, job_id: str) -> str:
    return str(desk(desk.driver.list_results, ANA, job_id, partial=False).permission)


def read(desk: Desk, content: Any, start: int = 0, end: int | None = None) -> bytes:
    async def collect() -> bytes:
        return b"".join(
            [chunk async for chunk in content.chunks(start, content.size if end is None else end)]
        )

    return bytes(desk(collect))


def test_whoever_has_a_permission_sees_the_same(desk: Desk, job_id: str) -> None:
    results = desk(desk.driver.list_results, ANA, job_id, partial=False)
    shared = desk(desk.driver.list_shared_results, job_id, results.permission)
    assert shared == results
    assert shared.document["expires"] == f"{shared.expires:%Y-%m-%dT%H:%M:%SZ}"
    assert [item["id"] for item in shared.items] == list(FILES)
    for item in shared.items:
        one = desk(desk.driver.describe_shared_item, job_id, results.permission, item["id"])
        assert list(one.items) == [item]


def test_files(desk: Desk, job_id: str) -> None:
    permission = permission_of(desk, job_id)
    for name, content in FILES.items():
        file = desk(desk.driver.download_result, job_id, permission, name)
        assert (file.name, file.media_type, file.size) == (name, "text/plain", len(content))
        assert file.modified == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        assert read(desk, file) == content
    assert read(desk, desk(desk.driver.download_result, job_id, permission, "a.txt"), 3, 6) == b"345"


@pytest.mark.parametrize(
    "path",
    ["", "c.txt", "../a.txt", "/a.txt", "a.txt/", "./a.txt", "..", "A.TXT", "\0", "a.txt\0", "x" * 9000],
)
def test_paths_that_lead_nowhere(desk: Desk, job_id: str, path: str) -> None:
    permission = permission_of(desk, job_id)
    with pytest.raises(NotFound):
        desk(desk.driver.download_result, job_id, permission, path)
    with pytest.raises(NotFound):
        desk(desk.driver.describe_shared_item, job_id, permission, path)


def _refused(desk: Desk, job_id: str, permission: str) -> None:
    for function, further in (
        (desk.driver.list_shared_results, ()),
        (desk.driver.describe_shared_item, ("a.txt",)),
        (desk.driver.download_result, ("a.txt",)),
        (desk.driver.download_result, ("missing.txt",)),
    ):
        with pytest.raises(ResultLinkExpired):
            desk(function, job_id, permission, *further)


def test_permissions_that_are_none(desk: Desk, job_id: str) -> None:
    permission = permission_of(desk, job_id)
    expiry, _, signature = permission.partition(".")
    later = f"{int(expiry, 16) + 1:x}"
    for wrong in (
        "", ".", "x", "\0", "ü", f"{later}.{signature}", f"{expiry}.{signature[:-1]}", f"{expiry}.",
        f"{expiry}.{signature.swapcase()}", f"{expiry}{signature}", signature, f" {permission}", "f" * 10_000,
    ):  # fmt: skip
        _refused(desk, job_id, wrong)


def test_permission_for_something_else(desk: Desk, job_id: str) -> None:
    other = desk.create()
    desk.finish(other, FILES)
    _refused(desk, job_id, permission_of(desk, other))
    _refused(desk, "j-" + "0" * 32, permission_of(desk, job_id))
    _refused(desk, "j-\0", permission_of(desk, job_id))
    subject = f"{job_id}/1"
    assert Signer(desk.secrets, PURPOSE).is_valid(subject, permission_of(desk, job_id))
    _refused(desk, job_id, Signer(desk.secrets, "processes").sign(subject, 100)[0])
    _refused(desk, job_id, Signer([b"another secret of some bytes"], PURPOSE).sign(subject, 100)[0])
    _refused(desk, job_id, Signer(desk.secrets, PURPOSE).sign(job_id, 100)[0])


def test_permissions_expire(desk: Desk, job_id: str) -> None:
    _refused(desk, job_id, Signer(desk.secrets, PURPOSE).sign(f"{job_id}/1", -1)[0])
    results = desk(desk.driver.list_results, ANA, job_id, partial=False)
    lifetime = results.expires - datetime.now(UTC)
    assert timedelta(days=7) - lifetime < timedelta(seconds=30)


def test_no_permission_outlives_the_results(desk: Desk, job_id: str) -> None:
    gone = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
    desk.write(lambda connection: connection.execute(update(jobs).values(unpublished=gone)))
    results = desk(desk.driver.list_results, ANA, job_id, partial=False)
    assert gone - timedelta(seconds=2) <= results.expires <= gone


def test_secrets_can_be_exchanged(desk: Desk, job_id: str) -> None:
    old = permission_of(desk, job_id)
    desk.secrets.insert(0, b"the new secret of many bytes")
    desk.driver = desk.make_driver()
    new = permission_of(desk, job_id)
    for permission in (old, new):
        assert desk(desk.driver.list_shared_results, job_id, permission).document["id"] == job_id
    desk.secrets.pop()
    desk.driver = desk.make_driver()
    _refused(desk, job_id, old)
    assert desk(desk.driver.list_shared_results, job_id, new).document["id"] == job_id


def test_permission_ends_with_its_run(desk: Desk, job_id: str) -> None:
    permission = permission_of(desk, job_id)
    desk.finish(job_id, {"a.txt": b"new"})
    _refused(desk, job_id, permission)
    renewed = permission_of(desk, job_id)
    assert read(desk, desk(desk.driver.download_result, job_id, renewed, "a.txt")) == b"new"
    desk(desk.driver.delete_job, ANA, job_id)
    _refused(desk, job_id, renewed)


def test_file_that_is_gone(desk: Desk, job_id: str) -> None:
    desk.storage.delete(f"jobs/{job_id}")
    with pytest.raises(NotFound):
        desk(desk.driver.download_result, job_id, permission_of(desk, job_id), "a.txt")


def test_download_goes_on_when_the_job_is_deleted(desk: Desk, job_id: str) -> None:
    file = desk(desk.driver.download_result, job_id, permission_of(desk, job_id), "a.txt")
    desk(desk.driver.delete_job, ANA, job_id)
    assert desk.storage.names("jobs") == []
    assert read(desk, file) == FILES["a.txt"]


def test_results_to_be_loaded(desk: Desk, job_id: str, tmp_path: Path) -> None:
    with transaction(desk.state.engine, writing=False) as connection:
        items = local_items(connection, desk.storage, "ana", job_id, tmp_path / "scratch")
    assert [item["id"] for item in items] == list(FILES)
    found = {
        name: Path(asset["href"]).read_bytes() for item in items for name, asset in item["assets"].items()
    }
    assert found == FILES
    assert not (tmp_path / "scratch").exists()


def test_results_to_be_loaded_from_afar(desk: Desk, tmp_path: Path) -> None:
    desk.storage = Storage("memory://results-to-load")
    job_id = desk.create()
    desk.finish(job_id, FILES)
    for _ in range(2):
        with transaction(desk.state.engine, writing=False) as connection:
            items = local_items(connection, desk.storage, "ana", job_id, tmp_path / "scratch")
    found = {
        name: Path(asset["href"]).read_bytes() for item in items for name, asset in item["assets"].items()
    }
    assert found == FILES
    copies = [path.name for path in (tmp_path / "scratch").rglob("*") if path.is_file()]
    assert sorted(copies) == sorted(FILES)


def test_results_that_cannot_be_loaded(desk: Desk, job_id: str, tmp_path: Path) -> None:
    new, failed = desk.create(), desk.create()
    desk(desk.driver.start_job, ANA, failed)
    desk.take(failed)
    desk.end(failed, "error", {"level": "error", "message": "x"})
    with transaction(desk.state.engine, writing=False) as connection:
        for identifier, user, error in (
            (new, "ana", JobNotFinished),
            (failed, "ana", JobNotFinished),
            (job_id, "bob", JobNotFound),
            ("../x", "ana", JobNotFound),
        ):
            with pytest.raises(error):
                local_items(connection, desk.storage, user, identifier, tmp_path)


def test_many_at_once(desk: Desk, job_id: str) -> None:
    permission = permission_of(desk, job_id)

    async def everything() -> list[str]:
        calls = [desk.driver.download_result(job_id, permission, "a.txt") for _ in range(50)]
        return [content.name for content in await asyncio.gather(*calls)]

    assert desk(everything) == ["a.txt"] * 50

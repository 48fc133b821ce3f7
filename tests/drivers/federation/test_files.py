"""Files at back-ends: where paths lead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from connexeo.drivers.federation.files import FederatedFiles
from connexeo.generated.errors import FileNotFound, FilePathInvalid, InfrastructureBusy
from drivers.federation.test_asking import ANA, asking_at


def files(asked: list[str]) -> FederatedFiles:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/credentials/basic"):
            return httpx.Response(200, json={"access_token": "t"})
        asked.append(f"{request.method} {request.url.raw_path.decode()}")
        return httpx.Response(200, json={"path": "other.txt", "size": 1})

    return FederatedFiles(asking_at(answer))


async def body() -> AsyncIterator[bytes]:
    yield b"x"


def upload(path: str, asked: list[str]) -> Any:
    return asyncio.run(files(asked).upload_file(ANA, path, body(), size=1))


def test_the_first_folder_is_the_back_end() -> None:
    asked: list[str] = []
    stored = upload("alps/with spaces/a%2Fb#c.txt", asked)
    assert asked == ["PUT /api/files/with%20spaces/a%252Fb%23c.txt"]
    assert (stored["path"], stored["federation:backends"]) == ("alps/with spaces/a%2Fb#c.txt", ["alps"])
    with pytest.raises(FilePathInvalid, match="one of alps/"):
        upload("a.txt", asked)
    with pytest.raises(FileNotFound):
        asyncio.run(files(asked).delete_file(ANA, "coast/a.txt"))
    assert len(asked) == 1


@pytest.mark.parametrize("path", ["alps/..", "alps/../jobs/j-1", "alps/a/./b", "alps/a/../../jobs"])
def test_no_path_leads_out_of_the_files(path: str) -> None:
    asked: list[str] = []
    with pytest.raises(FilePathInvalid, match="can be called"):
        upload(path, asked)
    with pytest.raises(FilePathInvalid):
        asyncio.run(files(asked).delete_file(ANA, path))
    with pytest.raises(FilePathInvalid):
        asyncio.run(files(asked).download_file(ANA, path))
    assert asked == []


def test_users_may_be_slow_and_back_ends_may_not() -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/credentials/basic"):
            return httpx.Response(200, json={"access_token": "t"})
        await request.aread()
        if request.url.path.endswith("/hangs"):
            await asyncio.Event().wait()
        return httpx.Response(200, json={"path": "a"})

    async def slow() -> AsyncIterator[bytes]:
        for _ in range(4):
            await asyncio.sleep(0.1)
            yield b"x"

    async def run(path: str) -> Any:
        asking = asking_at(answer)
        quick = asking.members.federation.model_copy(update={"request_timeout": 0.2})
        asking.members.federation = quick  # type: ignore[misc]
        return await FederatedFiles(asking).upload_file(ANA, path, slow(), size=4)

    assert asyncio.run(run("alps/a"))["path"] == "alps/a"
    with pytest.raises(InfrastructureBusy, match=r"'alps' does not answer: it has not gone on with the file"):
        asyncio.run(run("alps/hangs"))

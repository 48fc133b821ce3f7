"""Tasks in child processes: answers, errors, logs, questions, and ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop

from connexeo.drivers.local.computing.computing import WAITING, Computing
from connexeo.drivers.local.computing.failures import ChildDied, TaskFailed, node_of
from connexeo.drivers.local.computing.host import Child, Listener
from connexeo.drivers.local.environment import Sources
from connexeo.drivers.local.state import State
from connexeo.drivers.local.storage import Storage
from connexeo.generated.errors import (
    FileNotFound,
    InfrastructureBusy,
    OpenEOError,
    ProcessGraphComplexity,
    RequestTimeout,
)
from connexeo.settings import Settings
from served import children

TESTS = Path(__file__).parents[3]
DEFINITIONS = str(TESTS / "odd_processes" / "definitions")


@pytest.fixture(autouse=True)
def processes_of_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(TESTS))


@asynccontextmanager
async def computing_in(folder: Path, **options: Any) -> AsyncIterator[Computing]:
    settings = Settings(data=folder / "data", result_memory=2**26)
    state = State.from_settings(settings)
    sources = Sources(process_modules=("odd_processes",), process_definitions=(DEFINITIONS,))
    computing = Computing(settings, sources, state, Storage.from_settings(settings), **options)
    # Servers that other tests have started may be there.
    before = children(os.getpid())
    await state.start()
    try:
        yield computing
    finally:
        await computing.stop()
        await state.stop()
    assert children(os.getpid()) == before


def graph(process_id: str, **arguments: Any) -> dict[str, Any]:
    return {"process_graph": {"only": {"process_id": process_id, "arguments": arguments, "result": True}}}


def request(folder: Path, process_id: str, **arguments: Any) -> dict[str, Any]:
    return {"process": graph(process_id, **arguments), "folder": str(folder / "out"), "max_bytes": 2**20}


def run(folder: Path, use: Callable[[Computing], Awaitable[Any]], **options: Any) -> Any:
    async def within() -> Any:
        async with computing_in(folder, **options) as computing:
            return await use(computing)

    return asyncio.run(within())


async def when(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - other processes set no events
            await asyncio.sleep(0.01)


def test_answers_and_logs(tmp_path: Path) -> None:
    logs: list[Mapping[str, Any]] = []

    async def use(computing: Computing) -> Any:
        asked = request(tmp_path, "inspect", data=[1], message="look", level="warning")
        return await computing.run("result", "maria", asked, on_log=logs.append)

    answer = run(tmp_path, use)
    assert answer["media_type"] == "application/json"
    assert Path(answer["files"][0]).read_bytes() == b"[1]"
    assert [(log["level"], log["message"], log["node"]) for log in logs] == [("warning", "look", "only")]


def test_one_child_answers_again_after_an_error(tmp_path: Path) -> None:
    async def use(computing: Computing) -> None:
        for _ in range(2):
            with pytest.raises(OpenEOError, match="node 'only'") as caught:
                await computing.run("result", "maria", request(tmp_path, "clip", x=1, min=3, max=2))
            assert (caught.value.code, node_of(caught.value)) == ("MinMaxSwapped", "only")
            pids.append(children(os.getpid()))

    pids: list[list[int]] = []
    before = children(os.getpid())
    run(tmp_path, use)
    assert len(pids[0]) == len(before) + 1
    assert pids[0] == pids[1]


def test_failures_are_for_the_logs_of_the_provider(tmp_path: Path) -> None:
    async def use(computing: Computing) -> None:
        with pytest.raises(TaskFailed) as caught:
            await computing.run("result", "maria", {"process": graph("e"), "folder": str(tmp_path)})
        assert "Traceback" in caught.value.traceback
        assert "Traceback" not in caught.value.message

    run(tmp_path, use)


def test_a_child_that_is_killed(tmp_path: Path) -> None:
    async def use(computing: Computing) -> None:
        running = asyncio.create_task(
            computing.run("result", "maria", request(tmp_path, "wait_for", path=str(tmp_path / "never")))
        )
        await when((tmp_path / "never.waiting").exists)
        os.kill(int((tmp_path / "never.waiting").read_text()), signal.SIGKILL)
        with pytest.raises(ChildDied, match="more memory") as caught:
            await running
        assert caught.value.status == -signal.SIGKILL
        assert await computing.run("result", "maria", request(tmp_path, "absolute", x=-1))

    run(tmp_path, use)


@pytest.mark.parametrize("loop", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_a_child_that_has_just_died_while_it_waited(tmp_path: Path, loop: Callable[..., None]) -> None:
    """Nobody has noticed yet; the task is done by another one."""
    answers: list[str] = []

    async def use() -> None:
        async with computing_in(tmp_path) as computing:
            await computing.run("result", None, request(tmp_path, "add", x=1, y=2))
            (child,) = computing._free
            os.kill(child._process.pid, signal.SIGKILL)
            wait_until_dead(child._process.pid)
            assert child.idle
            answer = await computing.run("result", None, request(tmp_path, "add", x=1, y=3))
            answers.extend(answer["files"])
            assert [other is child for other in computing._free] == [False]

    loop(use())
    assert [Path(name).read_bytes() for name in answers] == [b"4"]


def wait_until_dead(pid: int) -> None:
    """And leave it to the event loop to notice, which does not run meanwhile."""
    # A thread of asyncio may have taken note of it already.
    with contextlib.suppress(ChildProcessError):
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


@pytest.mark.parametrize("by", ["timeout", "cancelling"])
def test_children_are_killed(tmp_path: Path, by: str) -> None:
    async def use(computing: Computing) -> None:
        asked = request(tmp_path, "wait_for", path=str(tmp_path / "never"))
        if by == "timeout":
            with pytest.raises(RequestTimeout, match="longer than the 3 s"):
                await computing.run("result", "maria", asked, timeout=3)
        else:
            running = asyncio.create_task(computing.run("result", "maria", asked))
            await when((tmp_path / "never.waiting").exists)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
        assert children(os.getpid()) == before

    before = children(os.getpid())
    run(tmp_path, use)


def test_too_much_memory(tmp_path: Path) -> None:
    async def use(computing: Computing) -> None:
        asked = request(tmp_path, "array_create", data=[1], repeat=10**9)
        with pytest.raises(ProcessGraphComplexity, match="synchronous processing allows"):
            await computing.run("result", "maria", asked)

    run(tmp_path, use)


def test_too_many_wait(tmp_path: Path) -> None:
    async def use(computing: Computing) -> None:
        asked = request(tmp_path, "wait_for", path=str(tmp_path / "go"))
        running = [asyncio.create_task(computing.run("result", "maria", asked)) for _ in range(WAITING)]
        await when((tmp_path / "go.waiting").exists)
        with pytest.raises(InfrastructureBusy):
            await computing.run("result", "maria", asked)
        assert len(children(os.getpid())) == len(before) + 1
        (tmp_path / "go").touch()
        await asyncio.gather(*running)

    before = children(os.getpid())
    run(tmp_path, use)


def test_several_work_at_a_time(tmp_path: Path) -> None:
    async def use(computing: Computing) -> None:
        names = ("a", "b")
        asked = [
            request(tmp_path / "results" / name, "wait_for", path=str(tmp_path / name)) for name in names
        ]
        running = [asyncio.create_task(computing.run("result", "maria", one)) for one in asked]
        for name in names:
            await when((tmp_path / f"{name}.waiting").exists)
        for name in names:
            (tmp_path / name).touch()
        await asyncio.gather(*running)

    run(tmp_path, use, processes=2)


def test_questions_are_answered_beside_the_event_loop(tmp_path: Path) -> None:
    asked: list[tuple[str, Mapping[str, Any], bool]] = []

    def answer(name: str, arguments: Mapping[str, Any]) -> Any:
        asked.append((name, arguments, threading.current_thread() is threading.main_thread()))
        if arguments["path"] == "missing.json":
            raise FileNotFound(path="missing.json")
        return str(tmp_path / "numbers.json")

    async def use() -> list[Any]:
        child = await Child.start()
        sources: dict[str, list[str]] = {
            "catalogues": [],
            "process_modules": ["odd_processes"],
            "process_definitions": [DEFINITIONS],
        }
        answers: list[Any] = []
        try:
            for name in ("numbers.json", "missing.json"):
                task = request(tmp_path, "size_of_file", path=name) | {"user": "maria", "memory": 2**32}
                try:
                    answers.append(
                        await child.ask(
                            "result", task | {"sources": sources}, listener=Listener(answer=answer)
                        )
                    )
                except OpenEOError as error:
                    answers.append(error.code)
        finally:
            await child.kill()
        return answers

    (tmp_path / "numbers.json").write_text("[1, 2]")
    first, second = asyncio.run(use())
    assert Path(first["files"][0]).read_bytes() == b"6"
    assert second == "FileNotFound"
    assert asked == [("file", {"path": name}, False) for name in ("numbers.json", "missing.json")]


def test_children_know_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNEXEO_SECRET", "a secret of 16 or more")
    monkeypatch.setenv("GDAL_CACHEMAX", "64")

    async def use(computing: Computing) -> Any:
        return await computing.run("result", "maria", request(tmp_path, "variables"))

    names = json.loads(Path(run(tmp_path, use)["files"][0]).read_bytes())
    assert "GDAL_CACHEMAX" in names
    assert "CONNEXEO_SECRET" not in names


HOST = """
import asyncio, sys
from pathlib import Path
from connexeo.drivers.local.computing.host import Child, Listener

async def main():
    child = await Child.start(end_with_host={end_with_host})
    await child.ask("result", {request!r}, listener=Listener(), remove=[{folder!r}])

asyncio.run(main())
"""


@pytest.mark.parametrize("end_with_host", [True, False])
def test_children_end_with_a_host_that_is_killed(tmp_path: Path, end_with_host: bool) -> None:
    sources = {
        "catalogues": (),
        "process_modules": ("odd_processes",),
        "process_definitions": (DEFINITIONS,),
    }
    asked = request(tmp_path, "wait_for", path=str(tmp_path / "never"))
    code = HOST.format(
        end_with_host=end_with_host,
        request={**asked, "user": None, "memory": 2**32, "sources": sources},
        folder=str(tmp_path / "removed"),
    )
    (tmp_path / "removed").mkdir()

    async def use() -> None:
        host = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
        await when(lambda: (tmp_path / "never.waiting").exists() or host.returncode is not None)
        child = (tmp_path / "never.waiting").read_text()
        host.kill()
        await host.wait()
        await when(
            lambda: not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text()
        )

    asyncio.run(use())
    # One that is killed may or may not come to that.
    assert end_with_host or not (tmp_path / "removed").exists()

"""The microservice on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
from pydantic import SecretStr

from connexeo.drivers.interface import User
from connexeo.drivers.local.state import State
from connexeo.drivers.local.stored_processes.checking import ProcessChecks
from connexeo.drivers.local.stored_processes.finding import ProcessFinder
from connexeo.drivers.local.stored_processes.store import MAX_STORED
from connexeo.drivers.local.stored_processes.user_defined_processes import (
    MAX_BYTES,
    MAX_SUMMARY,
    LocalUserDefinedProcesses,
)
from connexeo.generated.errors import (
    OpenEOError,
    PredefinedProcessExists,
    ProcessGraphInvalid,
    ProcessGraphNotFound,
    ProcessInvalid,
    ProcessUnsupported,
    RequestInvalid,
    RequestTooLarge,
    StorageQuotaExceeded,
)
from connexeo.processing.definitions import default_definitions
from connexeo.processing.evaluation import evaluate
from connexeo.settings import Settings

T = TypeVar("T")
Put = Callable[[str, str, dict[str, Any]], None]
ANA, BO = User("river~ana"), User("bo")
NUMBER = {"type": "number"}


class Parts:
    """The parts of the driver that are about stored processes, at work for the time of one call."""

    def __init__(self, database_url: str, data: Path) -> None:
        self.state = State(database_url)
        definitions = default_definitions()
        settings = Settings(data=data, secret=SecretStr("a secret of the tests"))
        self.finder = ProcessFinder(settings, self.state, definitions)
        self.checks = ProcessChecks(self.finder, definitions)
        self.service = LocalUserDefinedProcesses(self.state, definitions, self.finder, self.checks)

    def run(self, *calls: Callable[[], Coroutine[Any, Any, T]], together: bool = False) -> list[T]:
        async def work() -> list[T]:
            await self.state.start()
            try:
                if together:
                    return list(await asyncio.gather(*(call() for call in calls)))
                return [await call() for call in calls]
            finally:
                await self.state.stop()

        return asyncio.run(work())

    def store(self, user: User, process_id: str, process: dict[str, Any]) -> None:
        self.run(lambda: self.service.store_custom_process(user, process_id, process))

    def describe(self, user: User, process_id: str) -> Any:
        return self.run(lambda: self.service.describe_custom_process(user, process_id))[0]

    def faults(self, user: User | None, process: dict[str, Any]) -> list[str]:
        (found,) = self.run(lambda: self.checks.validate(user, process))
        return [fault.message for fault in found]

    def permission(self, user: User, process_id: str) -> str:
        return self.run(lambda: self.service.share_custom_process(user, process_id))[0]

    def evaluate(self, user: User, process: dict[str, Any]) -> Any:
        (known,) = self.run(lambda: self.finder.used_by(user.id, process))
        from connexeo.processing.environment import Environment

        return evaluate(process, environment=Environment(user_processes=known))


@pytest.fixture
def parts(database_url: str, tmp_path: Path) -> Parts:
    return Parts(database_url, tmp_path)


def node(
    process_id: str, *, namespace: str | None = None, result: bool = True, **arguments: Any
) -> dict[str, Any]:
    named = {} if namespace is None else {"namespace": namespace}
    return {"process_id": process_id, "arguments": arguments, "result": result, **named}


def process(parameters: list[str] | None = None, /, **nodes: Any) -> dict[str, Any]:
    listed = [{"name": name, "description": "", "schema": NUMBER} for name in parameters or ()]
    return {"process_graph": nodes, **({} if parameters is None else {"parameters": listed})}


def x(name: str = "x") -> dict[str, str]:
    return {"from_parameter": name}


DOUBLE = process(["x"], m=node("multiply", x=x(), y=2))


def test_a_process_comes_back_as_it_was_stored(parts: Parts) -> None:
    stored = {**DOUBLE, "id": "other", "summary": "Doubles", "links": [], "public": True, "zeta": [1.5, None]}
    parts.store(ANA, "double", stored)
    assert parts.describe(ANA, "double") == {**stored, "id": "double"}
    assert list(parts.describe(ANA, "double")["process_graph"]) == ["m"]
    with pytest.raises(ProcessGraphNotFound):
        parts.describe(BO, "double")


def test_a_process_is_replaced_completely(parts: Parts) -> None:
    parts.store(ANA, "double", {**DOUBLE, "summary": "Doubles"})
    other = process(["x"], a=node("add", x=x(), y=x()))
    parts.store(ANA, "double", other)
    assert parts.describe(ANA, "double") == {**other, "id": "double"}
    (page,) = parts.run(lambda: parts.service.list_custom_processes(ANA, limit=None, offset=None))
    assert [one["id"] for one in page.items] == ["double"]
    assert "summary" not in page.items[0]


def test_what_fails_replaces_nothing(parts: Parts) -> None:
    parts.store(ANA, "double", DOUBLE)
    with pytest.raises(ProcessUnsupported):
        parts.store(ANA, "double", process(["x"], m=node("spin", x=x())))
    assert parts.describe(ANA, "double") == {**DOUBLE, "id": "double"}


def test_many_at_once_leave_one_of_them(parts: Parts) -> None:
    variants = [process([], **{f"n{number}": node("pi")}) for number in range(12)]
    calls = [partial(parts.service.store_custom_process, ANA, "same", one) for one in variants]
    parts.run(*calls, together=True)
    assert parts.describe(ANA, "same") in [{**one, "id": "same"} for one in variants]


def test_deletion(parts: Parts) -> None:
    parts.store(ANA, "double", DOUBLE)
    with pytest.raises(ProcessGraphNotFound):
        parts.run(lambda: parts.service.delete_custom_process(BO, "double"))
    parts.run(lambda: parts.service.delete_custom_process(ANA, "double"))
    for call in (parts.service.delete_custom_process, parts.service.describe_custom_process):
        with pytest.raises(ProcessGraphNotFound, match="'double'"):
            parts.run(lambda call=call: call(ANA, "double"))  # type: ignore[misc]


@pytest.mark.parametrize("process_id", ["", "a\0b", "../double", "x" * 100_000, "' OR '1'='1", "double "])
def test_ids_that_nothing_has(parts: Parts, process_id: str) -> None:
    parts.store(ANA, "double", DOUBLE)
    with pytest.raises(ProcessGraphNotFound) as caught:
        parts.describe(ANA, process_id)
    assert len(caught.value.message) < 400


def test_pages(parts: Parts) -> None:
    ids = ["a", "B", "b_2", "größe", "z9"]
    for number, name in enumerate(ids):
        parts.store(ANA, name, {**DOUBLE, "summary": f"Number {number}"})
    parts.store(BO, "c", DOUBLE)
    seen: list[Any] = []
    offset: str | None = None
    while True:
        (page,) = parts.run(partial(parts.service.list_custom_processes, ANA, limit=2, offset=offset))
        seen += page.items
        offset = page.next_offset
        if offset is None:
            break
        assert len(page.items) == 2
    assert {one["id"] for one in seen} == set(ids)
    assert len(seen) == len(ids)
    assert all(one.keys() == {"id", "summary", "parameters"} for one in seen)
    with pytest.raises(RequestInvalid, match="next"):
        parts.run(lambda: parts.service.list_custom_processes(ANA, limit=2, offset="a\0"))


@pytest.mark.parametrize(
    ("process_id", "stored", "error", "message"),
    [
        ("add", DOUBLE, PredefinedProcessExists, "predefined"),
        ("x" * 201, DOUBLE, ProcessInvalid, "at most 200"),
        ("p", process([], n=node("p")), ProcessGraphInvalid, "in a circle.*'p' → 'p'"),
        ("p", process([], n=node("p", namespace="user")), ProcessGraphInvalid, "in a circle"),
        ("p", process([], n=node("add", x=1)), OpenEOError, "'y' is required"),
        ("p", process([], n=node("gone")), ProcessUnsupported, "'gone' is not predefined"),
        ("p", process([], n=node("add", x=x(), y=1)), ProcessGraphInvalid, "'x', which is not available"),
        ("p", process(["x", "x"], n=node("pi")), ProcessInvalid, "two parameters 'x'"),
        ("p", {**DOUBLE, "returns": {"schema": {"type": "bool"}}}, ProcessInvalid, "return value"),
        ("p", {"process_graph": {}}, ProcessGraphInvalid, "no nodes"),
        ("p", {**DOUBLE, "description": "x" * MAX_SUMMARY}, ProcessInvalid, "Shorten"),
        ("p", {**DOUBLE, "examples": ["x" * MAX_BYTES]}, RequestTooLarge, str(MAX_BYTES)),
    ],
)
def test_what_is_not_stored(
    parts: Parts, process_id: str, stored: dict[str, Any], error: type[OpenEOError], message: str
) -> None:
    with pytest.raises(error, match=message):
        parts.store(ANA, process_id, stored)
    with pytest.raises(ProcessGraphNotFound):
        parts.describe(ANA, process_id)


def test_deep_nesting_is_not_stored(parts: Parts) -> None:
    deep: Any = 1
    for _ in range(500):
        deep = [deep]
    for stored in ({**DOUBLE, "examples": deep}, process(None, n=node("add", x=deep, y=1))):
        with pytest.raises(OpenEOError) as caught:
            parts.store(ANA, "deep", stored)
        assert caught.value.code in ("ProcessInvalid", "ProcessGraphInvalid")


def test_parameters_that_are_not_listed(parts: Parts) -> None:
    parts.store(ANA, "open", process(None, n=node("add", x=x("any"), y=1)))
    assert parts.evaluate(ANA, process(None, n=node("open", any=4))) == 5


def test_circles_through_others_are_not_stored(parts: Parts) -> None:
    parts.store(ANA, "a", process([], n=node("pi")))
    parts.store(ANA, "b", process([], n=node("a")))
    with pytest.raises(ProcessGraphInvalid, match="'a' → 'b' → 'a'"):
        parts.store(ANA, "a", process([], n=node("b")))


def test_circles_that_come_about_are_found_when_they_are_used(parts: Parts, put: Put) -> None:
    """Two requests at the same moment may each see a sound process."""
    put(ANA.id, "a", process([], n=node("b")))
    put(ANA.id, "b", process([], n=node("a")))
    (message,) = parts.faults(ANA, process(None, n=node("a")))
    assert "'a' → 'b' → 'a'" in message


def test_the_number_of_processes_is_bounded(parts: Parts, put: Put) -> None:
    for number in range(MAX_STORED):
        put(ANA.id, f"p{number}", DOUBLE)
    with pytest.raises(StorageQuotaExceeded, match="Delete some"):
        parts.store(ANA, "one_more", DOUBLE)
    parts.store(ANA, "p7", {**DOUBLE, "summary": "replaced"})
    parts.store(BO, "one_more", DOUBLE)
    assert parts.describe(ANA, "p7")["summary"] == "replaced"


def test_users_use_their_own(parts: Parts) -> None:
    parts.store(ANA, "double", DOUBLE)
    parts.store(BO, "double", process(["x"], m=node("multiply", x=x(), y=20)))
    graph = process(None, n=node("double", x=4))
    assert (parts.evaluate(ANA, graph), parts.evaluate(BO, graph)) == (8, 80)
    assert parts.faults(ANA, graph) == []
    for user in (None, User("carla")):
        (message,) = parts.faults(user, graph)
        assert "'double' is not predefined, and no stored one" in message


def test_a_stored_process_precedes_one_that_was_predefined_later(parts: Parts, put: Put) -> None:
    put(ANA.id, "pi", process([], n=node("e")))
    assert parts.evaluate(ANA, process(None, n=node("pi"))) == pytest.approx(2.71828, abs=1e-4)
    assert parts.evaluate(BO, process(None, n=node("pi"))) == pytest.approx(3.14159, abs=1e-4)
    assert parts.evaluate(ANA, process(None, n=node("pi", namespace="backend"))) == pytest.approx(
        3.14159, abs=1e-4
    )


def test_shared_processes(parts: Parts) -> None:
    """What the author's process calls is the author's too, whoever runs it."""
    parts.store(ANA, "double", DOUBLE)
    parts.store(
        ANA,
        "quadruple",
        process(["x"], a=node("double", result=False, x=x()), b=node("double", x={"from_node": "a"})),
    )
    parts.store(BO, "double", process(["x"], m=node("multiply", x=x(), y=100)))
    permission = parts.permission(ANA, "quadruple")
    address = f"https://anywhere.example/shared/processes/{permission}"
    graph = process(None, n=node("quadruple", namespace=address, x=3))
    assert parts.faults(BO, graph) == []
    assert parts.faults(None, graph) == []
    assert parts.evaluate(BO, graph) == 12
    (shown,) = parts.run(lambda: parts.service.describe_shared_process(permission))
    inner = f"/shared/processes/{parts.permission(ANA, 'double')}"
    assert [one["namespace"] for one in shown["process_graph"].values()] == [inner, inner]
    parts.store(BO, "mine", process(["y"], n=node("quadruple", namespace=address, x=x("y"))))
    assert parts.evaluate(BO, process(None, n=node("mine", y=1))) == 4


def test_a_shared_process_ends_with_the_process(parts: Parts) -> None:
    parts.store(ANA, "double", DOUBLE)
    permission = parts.permission(ANA, "double")
    graph = process(None, n=node("double", namespace=f"https://x.example/shared/processes/{permission}", x=3))
    assert parts.evaluate(BO, graph) == 6
    parts.run(lambda: parts.service.delete_custom_process(ANA, "double"))
    with pytest.raises(ProcessGraphNotFound, match="link"):
        parts.run(lambda: parts.service.describe_shared_process(permission))
    (message,) = parts.faults(BO, graph)
    assert "its author has deleted it" in message


def test_wrong_links(parts: Parts) -> None:
    parts.store(ANA, "double", DOUBLE)
    permission = parts.permission(ANA, "double")
    for text in ("", "x", permission[:-2], permission.replace(".", "..")):
        with pytest.raises(ProcessGraphNotFound, match="link"):
            parts.run(lambda text=text: parts.service.describe_shared_process(text))  # type: ignore[misc]
    graph = process(None, n=node("triple", namespace=f"https://x.example/shared/processes/{permission}", x=3))
    assert "the link leads to 'double'" in parts.faults(BO, graph)[0]
    graph = process(None, n=node("double", namespace="/shared/processes/nothing", x=3))
    assert "not complete" in parts.faults(BO, graph)[0]


def test_circles_through_shared_processes(parts: Parts, put: Put) -> None:
    address = f"/shared/processes/{parts.permission(ANA, 'a')}"
    put(ANA.id, "a", process([], n=node("a", namespace=address)))
    (message,) = parts.faults(BO, process(None, n=node("a", namespace=address)))
    assert "in a circle" in message

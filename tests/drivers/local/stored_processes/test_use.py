from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from connexeo.drivers.local.state.state import transaction
from connexeo.drivers.local.stored_processes import used_by
from connexeo.drivers.local.stored_processes.use import MAX_ASKED, MAX_USED
from connexeo.generated.errors import ProcessGraphComplexity

if TYPE_CHECKING:
    from sqlalchemy import Engine

Put = Callable[[str, str, dict[str, Any]], None]
Make = Callable[..., dict[str, Any]]


@contextmanager
def _statements(engine: Engine) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *more: Any) -> None:
        if "stored_processes" in statement:
            seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def _used(engine: Engine, process: Any, **more: Any) -> dict[str, Any]:
    with transaction(engine, writing=False) as connection:
        return used_by(connection, "ana", process, **more)


def test_only_what_is_used(engine: Engine, put: Put, calling: Make) -> None:
    for name, calls in {"a": ["b"], "b": ["c", "add"], "c": [], "other": []}.items():
        put("ana", name, calling(*calls))
    put("bo", "d", calling())
    with _statements(engine) as seen:
        assert _used(engine, calling("a", "d")).keys() == {"a", "b", "c"}
    assert len(seen) == 3  # a, d, pi; then b; then c, add


def test_callbacks_are_looked_into(engine: Engine, put: Put, calling: Make) -> None:
    put("ana", "a", calling())
    inner = {"process_graph": {"x": {"process_id": "a", "arguments": {}, "result": True}}}
    graph = {"r": {"process_id": "reduce_dimension", "arguments": {"reducer": inner}, "result": True}}
    assert _used(engine, {"process_graph": graph}).keys() == {"a"}


def test_namespaces(engine: Engine, put: Put) -> None:
    put("ana", "a", {"process_graph": {}})
    for namespace, found in (
        (None, {"a"}),
        ("user", {"a"}),
        ("backend", set()),
        ("https://x.example", set()),
    ):
        node: dict[str, Any] = {"process_id": "a", "arguments": {}, "namespace": namespace}
        assert _used(engine, {"process_graph": {"n": node}}).keys() == found


def test_no_query_for_what_cannot_be_stored(engine: Engine, calling: Make) -> None:
    with _statements(engine) as seen:
        assert _used(engine, calling("add"), besides={"pi", "add"}) == {}
    assert not seen


def test_circles_end(engine: Engine, put: Put, calling: Make) -> None:
    put("ana", "a", calling("b"))
    put("ana", "b", calling("a", "b"))
    assert _used(engine, calling("a")).keys() == {"a", "b"}


def test_long_chains_are_loaded_only_so_far_as_validation_follows(
    engine: Engine, put: Put, calling: Make
) -> None:
    for number in range(40):
        put("ana", f"p{number}", calling(f"p{number + 1}"))
    assert 20 < len(_used(engine, calling("p0"))) < 30


def test_bounds(engine: Engine, put: Put, calling: Make) -> None:
    for number in range(MAX_USED + 1):
        put("ana", f"p{number}", calling())
    with pytest.raises(ProcessGraphComplexity, match=str(MAX_USED)):
        _used(engine, calling(*(f"p{number}" for number in range(MAX_USED + 1))))
    with pytest.raises(ProcessGraphComplexity, match=str(MAX_ASKED)):
        _used(engine, calling(*(f"q{number}" for number in range(MAX_ASKED + 1))))


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 10_000, "' OR 1=1 --", "größe"])
def test_ids_that_are_none(engine: Engine, put: Put, calling: Make, name: str) -> None:
    put("ana", "a", calling())
    assert _used(engine, calling(name)) == {}

"""Every error code of the contract, from its definition to the response, and every place that raises one."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from connexeo.generated import errors, load_processes
from connexeo.generated.errors import HTTP_STATUS, OpenEOError, ProcessError
from connexeo.server.errors import error_response

REPOSITORY = Path(__file__).parents[2]
CODES: dict[str, dict[str, Any]] = yaml.safe_load((REPOSITORY / "spec" / "errors.yaml").read_text("utf-8"))
EXCEPTIONS = {
    code: fault for process in load_processes() for code, fault in process.get("exceptions", {}).items()
}
CLASSES = {
    name: value
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, OpenEOError)
}
SOURCES = sorted(path for root in ("handlers", "tools") for path in (REPOSITORY / root).rglob("*.py"))


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def answered(code: str, **values: str) -> tuple[int, dict[str, Any]]:
    """Status and body of the response to an error."""
    scope = {"type": "http", "path": "/result", "method": "POST", "state": {"request_id": "r1"}}
    response = error_response(CLASSES[code](**values), scope)
    return response.status_code, orjson.loads(bytes(response.body))


@pytest.mark.parametrize("code", CODES)
def test_code_is_answered_with_its_status_and_message(code: str) -> None:
    entry = CODES[code]
    values = {name: f"the {name}" for name in placeholders(entry["message"])}
    status, body = answered(code, **values)
    assert status == entry["http"]
    assert body == {"id": "r1", "code": code, "message": entry["message"].format(**values)}


@pytest.mark.parametrize("code", EXCEPTIONS)
def test_exception_of_a_process_is_a_fault_of_the_request(code: str) -> None:
    status, body = answered(code)
    assert status == CODES.get(code, {"http": 400})["http"]
    assert body["code"] == code
    assert body["message"]


def test_there_are_no_other_codes() -> None:
    assert set(CLASSES) - {"OpenEOError", "ProcessError"} == set(CODES) | set(EXCEPTIONS) == set(HTTP_STATUS)
    assert {code for code, fault in CLASSES.items() if issubclass(fault, ProcessError)} == {
        "ProcessError",
        *(set(EXCEPTIONS) - set(CODES)),
    }


def misfits(source: str) -> Iterator[str]:
    """Errors that are made without a message of their own, and not with the values that their template needs."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name | ast.Attribute):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        given = {keyword.arg for keyword in node.keywords}
        if name in CLASSES and not node.args and None not in given:
            needed = placeholders(CLASSES[name].template)
            if given != needed:
                yield f"line {node.lineno}: {name} needs {sorted(needed)} and gets {sorted(map(str, given))}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_errors_are_made_with_what_their_message_needs(path: Path) -> None:
    assert list(misfits(path.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("raise CollectionNotFound()", 1),
        ("raise errors.CollectionNotFound(id='a')", 1),
        ("raise CollectionNotFound(identifier='a', other=1)", 1),
        ("raise CollectionNotFound(identifier='a')", 0),
        ("raise CollectionNotFound('There is none.')", 0),
        ("raise CollectionNotFound(**values)", 0),
        ("raise AuthenticationRequired()", 0),
    ],
)
def test_misfits_are_found(source: str, count: int) -> None:
    assert len(list(misfits(source))) == count

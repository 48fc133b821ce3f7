"""What is wrong with a request body, in the words and codes of openEO."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import jsonschema_rs

from connexeo.generated.errors import OpenEOError, ProcessGraphInvalid, ProcessGraphMissing, RequestInvalid
from connexeo.server.schema import Validator

LARGEST_DESCRIBED = 1_000_000
"""Bytes times levels of nesting of a body up to which the fault is looked for.

Telling valid from invalid is quick for any body. But the validator explains a fault by copying the value at each
level that has alternatives, as callbacks do: half a megabyte at 50 levels took 7 seconds and 1.6 GB.
"""


def body_fault(validator: Validator, body: Any, size: int) -> OpenEOError:
    """The openEO error for a body of ``size`` bytes that its validator refuses."""
    if size * nesting(body) > LARGEST_DESCRIBED:
        return RequestInvalid(
            reason="the body does not conform to the API, and is too large or too deeply nested to say where"
        )
    try:
        fault = max(validator.iter_errors(body), key=lambda error: len(error.instance_path))
    except ValueError:
        # How jsonschema-rs says that it cannot follow any deeper.
        return RequestInvalid(
            reason="the body does not conform to the API, and is too deeply nested to say where"
        )
    return _openeo_error(fault, body)


def describe(fault: jsonschema_rs.ValidationError) -> str:
    """What is wrong, short enough to read: a long value is cut."""
    message = fault.message
    if len(message) > 300:
        message = f"{message[:140]} … {message[-140:]}"
    return message


def nesting(value: Any) -> int:
    """Levels of objects and lists in a JSON value; 0 for a scalar."""
    depth = 0
    level = [value]
    while level := [entry for entry in level if isinstance(entry, dict | list)]:
        depth += 1
        level = [child for entry in level for child in (entry.values() if isinstance(entry, dict) else entry)]
    return depth


def _openeo_error(fault: jsonschema_rs.ValidationError, body: Any) -> OpenEOError:
    """Faults of a process have codes of their own."""
    path = [str(part) for part in fault.instance_path]
    message = describe(fault)
    if isinstance(body, Mapping):
        process = body.get("process", body)
        if "process_graph" in path:
            return ProcessGraphInvalid(f"The process graph is invalid at {_pointer(path)}: {message}")
        if re.search(r"""["']process(_graph)?["'] is a required property""", fault.message) and (
            not isinstance(process, Mapping) or "process_graph" not in process
        ):
            return ProcessGraphMissing()
    return RequestInvalid(reason=f"{_pointer(path)}: {message}")


def _pointer(path: list[str]) -> str:
    return "/".join(path) if path else "the body"

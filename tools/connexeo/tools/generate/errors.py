"""Writes ``errors.py``: one exception class per openEO error code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from connexeo.tools.generate.source import BANNER, docstring, literal

_HEAD = '''"""Errors of the openEO API and of its processes, one class per code.

{banner}

    OpenEOError                 every error that a client gets to see
    ├── {example:<24}one per code of spec/errors.yaml
    └── ProcessError            one subclass per exception that a process definition names
"""

from __future__ import annotations

from typing import Any, ClassVar


class OpenEOError(Exception):
    """An error with a code of the openEO API; ``values`` fill the template of its message."""

    code: ClassVar[str] = "Internal"
    template: ClassVar[str] = "{{message}}"

    def __init__(self, message: str | None = None, /, **values: Any) -> None:
        self.values = values
        self.message = message if message is not None else self.template.format_map(_Given(values))
        super().__init__(self.message)


class _Given(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


class ProcessError(OpenEOError):
    """An exception that a process definition declares."""
'''


def errors_source(errors: Mapping[str, Any], processes: Iterable[Mapping[str, Any]]) -> str:
    """Source of the module.

    An exception of a process that is named like an error of the API is that error: both tell of the same fault.
    """
    exceptions = {code: told for code, told in process_exceptions(processes).items() if code not in errors}
    parts = [_HEAD.format(banner=BANNER, example=next(iter(errors), ""))]
    for code, error in errors.items():
        parts.append(_class(code, "OpenEOError", error["description"], error["message"]))
    for code, (message, ids) in exceptions.items():
        text = f"Thrown by {', '.join(f'``{i}``' for i in ids)}."
        parts.append(_class(code, "ProcessError", text, message))
    statuses = {code: int(error["http"]) for code, error in errors.items()}
    statuses.update(dict.fromkeys(exceptions, 400))
    entries = "".join(f"    {literal(code)}: {status},\n" for code, status in statuses.items())
    parts.append(
        f'HTTP_STATUS: dict[str, int] = {{\n{entries}}}\n"""HTTP status by code; 400 for those of processes."""\n'
    )
    return "\n\n".join(parts)


def process_exceptions(processes: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, list[str]]]:
    """Code → message and ids of the processes that name it, both sorted.

    Processes word the message of a code differently; the most frequent one becomes the template.
    """
    messages: dict[str, Counter[str]] = {}
    ids: dict[str, list[str]] = {}
    for process in processes:
        for code, exception in process.get("exceptions", {}).items():
            messages.setdefault(code, Counter())[exception["message"]] += 1
            ids.setdefault(code, []).append(process["id"])
    return {
        code: (min(counter, key=lambda text: (-counter[text], text)), sorted(ids[code]))
        for code, counter in sorted(messages.items())
    }


def _class(code: str, base: str, description: str, message: str) -> str:
    return (
        f"class {code}({base}):\n{docstring(description)}\n"
        f"    code = {literal(code)}\n"
        f"    template = {literal(message)}\n"
    )

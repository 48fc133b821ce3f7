"""What users have at back-ends, entry by entry: jobs, services, files and their logs, as the contract has them."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import Any

import jsonschema_rs

from connexeo.drivers.federation.merging.contract import compiled_schema
from connexeo.drivers.federation.merging.instants import EPOCH, instant

_ROUNDS = 8


class Belonging(StrEnum):
    """A sort of entries; the values are names of schemas."""

    JOB = "batch_job"
    SERVICE = "service"
    FILE = "file"
    LOG_ENTRY = "log_entry"


def sound_entry(sort: Belonging, entry: Any) -> dict[str, Any] | None:
    """An entry without those of its properties that clients could not read; None when it is nothing without them.

    Times that are written without a zone are taken as UTC.

    Args:
        sort: What it is.
        entry: As a back-end sent it; it is not changed.
    """
    if not isinstance(entry, dict):
        return None
    validator = _validator(sort)
    sound = dict(entry)
    for _ in range(_ROUNDS):
        try:
            faults = list(validator.iter_errors(sound))
        except ValueError:
            # What is nested too deeply to be judged.
            return None
        if not faults:
            return sound
        for name in {_property(fault) for fault in faults}:
            if name is None or name not in sound:
                return None
            told = sound.pop(name)
            time = _as_time(told)
            if time is not None and time != told:
                sound[name] = time
    return None


def _property(fault: jsonschema_rs.ValidationError) -> str | None:
    """What a fault is in; None when it is about the whole."""
    path: list[Any] = list(fault.instance_path)
    return path[0] if path and isinstance(path[0], str) else None


def _as_time(value: Any) -> str | None:
    """The time that a text means, as the contract wants it."""
    since = instant(value)
    return None if since is None else (EPOCH + since).isoformat().replace("+00:00", "Z")


@cache
def _validator(sort: Belonging) -> jsonschema_rs.Draft7Validator:
    return compiled_schema(f"#/components/schemas/{sort.value}")

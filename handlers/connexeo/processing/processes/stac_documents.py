"""Changes of STAC documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connexeo.generated.errors import ProcessParameterInvalid
from connexeo.processing.process import process


@process
def stac_modify(data: Any, changes: Mapping[str, Any]) -> Any:
    """A STAC document with a JSON Merge Patch (RFC 7386) applied.

    Raises:
        ProcessParameterInvalid: The data is no STAC document.
    """
    if not isinstance(data, Mapping):
        reason = "a STAC document is expected: an object such as an Item or a Collection."
        raise ProcessParameterInvalid(process="stac_modify", parameter="data", reason=reason)
    return _patched(data, changes)


def _patched(target: Any, patch: Any) -> Any:
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _patched(result.get(name), value)
    return result

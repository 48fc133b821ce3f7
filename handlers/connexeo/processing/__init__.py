"""Process graphs: read, validated, and evaluated on data cubes."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connexeo.processing.environment import Environment
    from connexeo.processing.evaluation import evaluate, execute
    from connexeo.processing.validation import validate

__all__ = ["Environment", "evaluate", "execute", "validate"]

_MODULES = {
    "Environment": "environment",
    "evaluate": "evaluation",
    "execute": "evaluation",
    "validate": "validation",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for and no more: validation must not load what only evaluation needs."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)

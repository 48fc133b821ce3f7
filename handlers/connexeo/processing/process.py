"""The decorator that makes a module-level function the implementation of an openEO process.

A process function takes plain keyword arguments named as in the process definition and returns a value; a keyword-only
parameter `environment` receives the `Environment` of the run. What the arguments may be is told in `values.py`.
"""

from __future__ import annotations

import builtins
import keyword
from collections import defaultdict
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

ProcessFunction = Callable[..., Any]
_Function = TypeVar("_Function", bound=ProcessFunction)

_REGISTERED: defaultdict[str, dict[str, ProcessFunction]] = defaultdict(dict)


class PerPixel(Exception):
    """Raised by a process function that can't give its result for all pixels of a block at once.

    It is no error: whoever carries the callback through a cube calls it again, with plain values for each pixel. It
    must be raised for blocks of any values or for none: the type of a cube's values is found out on a few of them.
    """


def function_name(process_id: str) -> str:
    """The name of the function that implements a process: `_` is added where Python has the word already."""
    taken = keyword.iskeyword(process_id) or hasattr(builtins, process_id)
    return f"{process_id}_" if taken else process_id


def process(function: _Function) -> _Function:
    """Register a module-level function as the implementation of the process that it is named after.

    Raises:
        ValueError: The function's name is not the one that `function_name` gives for its process.
    """
    name = function.__name__
    process_id = name.removesuffix("_")
    if function_name(process_id) != name:
        raise ValueError(f"Name the function {function_name(process_id)!r} rather than {name!r}")
    _REGISTERED[function.__module__][process_id] = function
    return function


def registered(module: str) -> Mapping[str, ProcessFunction]:
    """Process id to function, of all functions that an imported module has registered."""
    return MappingProxyType(_REGISTERED.get(module, {}))

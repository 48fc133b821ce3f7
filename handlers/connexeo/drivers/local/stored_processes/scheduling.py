"""What is done with a process in the event loop, and what beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import orjson

T = TypeVar("T")

LARGE = 65_536
"""Bytes of a process above which it is looked at beside the event loop."""


async def scheduled(process: Any, function: Callable[..., T], *args: Any, **more: Any) -> T:
    """The value of a function of a process: at once where that takes next to no time, else from a thread."""
    if _is_small(process):
        return function(*args, **more)
    return await asyncio.to_thread(function, *args, **more)


def _is_small(process: Any) -> bool:
    try:
        return len(orjson.dumps(process)) < LARGE
    except orjson.JSONEncodeError:
        # Nested more deeply than orjson writes, though it reads as much.
        return False

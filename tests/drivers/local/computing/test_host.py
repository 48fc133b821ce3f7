"""The process that computes, as its host sees it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from connexeo.drivers.local.computing.failures import ChildDied
from connexeo.drivers.local.computing.host import Child, Listener


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_a_child_that_is_dead_before_it_is_asked(
    run: Callable[[Coroutine[Any, Any, None]], None],
) -> None:
    """Event loops differ in what they say of a pipe that is closed."""

    async def use() -> None:
        child = await Child.start()
        os.kill(child._process.pid, signal.SIGKILL)
        await child._process.wait()
        assert not child.idle
        with pytest.raises(ChildDied):
            await child.ask("result", {}, listener=Listener())
        child.lease(1.0)
        await child.kill()

    run(use())

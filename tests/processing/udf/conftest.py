"""A sandbox that all tests share, as starting one takes a second."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from connexeo.processing.udf import pool
from connexeo.processing.udf.channel import Message, Values
from connexeo.processing.udf.isolation import why_not
from connexeo.processing.udf.limits import UdfLimits


class OnePool(pool.Pool):
    """Whatever it is for, the same sandbox."""

    def call(
        self,
        key: Hashable,
        limits: UdfLimits,
        header: Mapping[str, Any],
        arrays: Sequence[Values],
        on_log: Callable[[Any], None],
    ) -> Message:
        return super().call("one", limits, header, arrays, on_log)


@pytest.fixture(scope="session")
def sandboxes() -> Iterator[pool.Pool]:
    """Where sandboxes come from, if there can be any."""
    reason = why_not()
    if reason is not None:
        pytest.skip(f"no sandbox can be started here: {reason}")
    one = OnePool()
    yield one
    one.close()


@pytest.fixture
def sandboxed(sandboxes: pool.Pool, monkeypatch: pytest.MonkeyPatch) -> pool.Pool:
    """User-defined functions run, all in one sandbox."""
    monkeypatch.setattr(pool, "POOL", sandboxes)
    return sandboxes

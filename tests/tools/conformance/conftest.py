"""Callers, and servers that are no good."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from connexeo.tools.conformance.budget import Budget
from connexeo.tools.conformance.caller import Caller
from connexeo.tools.conformance.connection import open_client
from connexeo.tools.conformance.contract import Contract, load_contract
from misbehaving import Misbehaving, Reply


@pytest.fixture(scope="session")
def contract() -> Contract:
    """The contract of the newest version."""
    return load_contract("1.3.0")


@pytest.fixture
def misbehave() -> Iterator[Callable[..., Misbehaving]]:
    """Starts servers with replies; the last one is given again and again."""
    with ExitStack() as stack:

        def start(*replies: Reply) -> Misbehaving:
            server = Misbehaving(list(replies))
            stack.callback(server.close)
            return server

        yield start


@pytest.fixture
def call(contract: Contract) -> Iterator[Callable[..., Caller]]:
    """Makes callers of a URL; further fields by keyword."""
    with ExitStack() as stack:

        def make(url: str, **more: Any) -> Caller:
            client = stack.enter_context(open_client(url, timeout=5, insecure=more.pop("insecure", False)))
            return Caller("user", url, client, contract, more.pop("budget", Budget()), **more)

        yield make

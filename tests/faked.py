"""Servers in front of the fake driver."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from asgi_client import Client, connected
from connexeo.server.app import create_app
from connexeo.settings import Settings
from fake_driver import FakeDriver

MakeClient = Callable[..., Client]


@pytest.fixture(scope="module")
def driver() -> FakeDriver:
    """The driver behind ``client``."""
    return FakeDriver()


@pytest.fixture(scope="module")
def client(driver: FakeDriver) -> Iterator[Client]:
    """A client of a server with the default settings."""
    with connected(create_app(Settings(access_log=False), driver=driver)) as connection:
        yield connection


@pytest.fixture
def make_client() -> Iterator[MakeClient]:
    """Makes a client of a server with other settings, another driver or another document."""
    with ExitStack() as stack:

        def make(driver: FakeDriver | None = None, document: Any = None, **settings: Any) -> Client:
            chosen = Settings(**{"access_log": False, **settings})
            app = create_app(chosen, driver=driver or FakeDriver(), document=document)
            return stack.enter_context(connected(app))

        yield make

"""Real back-ends, proxies in front of them, and front-ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from federation.fake_upstream import FakeUpstream
from federation.harness import BASIC, PASSWORD, FrontEnd, StartFrontEnd, front_end_starter
from federation.proxy import FaultProxy
from served import Server, StartServer, link_demo

NAMES = ("alps", "coast", "delta")
LISTS = ("/collections", "/processes", "/file_formats", "/jobs", "/files", "/services")


# Nothing lasts longer than its module: front-ends ask their back-ends all the time.


@pytest.fixture(scope="module")
def start_lasting_front_end(
    start_server: StartServer, tmp_path_factory: pytest.TempPathFactory
) -> StartFrontEnd:
    """Starts front-ends that run until the end of the module."""
    return front_end_starter(start_server, lambda: tmp_path_factory.mktemp("front"))


@pytest.fixture
def start_front_end(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartFrontEnd]:
    """Starts front-ends of one test."""
    with ExitStack() as stack:
        start = StartServer(lambda: tmp_path_factory.mktemp("server"), stack)
        yield front_end_starter(start, lambda: tmp_path_factory.mktemp("front"))


@pytest.fixture(scope="module")
def real_upstreams(
    start_server: StartServer, demo_collections: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[Server]:
    """Two back-ends with the demo collections, each a process of its own."""
    folders = [link_demo(demo_collections, tmp_path_factory.mktemp("upstream")) for _ in range(2)]
    return [
        start_server("--demo", data=folder, workers=1, title=f"Demo {number}")
        for number, folder in enumerate(folders)
    ]


@pytest.fixture(scope="module")
def proxies(real_upstreams: list[Server]) -> Iterator[dict[str, FaultProxy]]:
    """Three ways to the two back-ends, which the federation takes for three."""
    with ExitStack() as stack:
        made = {}
        for number, name in enumerate(NAMES):
            made[name] = FaultProxy(real_upstreams[number % len(real_upstreams)].url)
            stack.callback(made[name].close)
        yield made


@pytest.fixture
def upstreams(proxies: dict[str, FaultProxy]) -> Iterator[list[dict[str, Any]]]:
    """Configuration of the three; everything passes again after the test."""
    for proxy in proxies.values():
        proxy.heal()
        proxy.requests.clear()
    yield [{"id": name, "url": proxy.url, **BASIC} for name, proxy in proxies.items()]
    for proxy in proxies.values():
        proxy.heal()


@pytest.fixture(scope="module")
def shared_front_end(start_lasting_front_end: StartFrontEnd, proxies: dict[str, FaultProxy]) -> FrontEnd:
    """A front-end that many tests use."""
    upstreams = [{"id": name, "url": proxy.url, **BASIC} for name, proxy in proxies.items()]
    return start_lasting_front_end(upstreams, users=["ana", "ben"], workers=1)


@pytest.fixture
def front_end(
    shared_front_end: FrontEnd,
    upstreams: list[dict[str, Any]],
    ana: str,
    wait_until: Callable[[Callable[[], object], str], None],
) -> FrontEnd:
    """The shared front-end, with all back-ends there and up to date."""

    def is_healthy() -> bool:
        return shared_front_end.online() == set(NAMES) and not any(
            shared_front_end.missing(path, ana) for path in LISTS
        )

    wait_until(is_healthy, "the federation does not recover")
    return shared_front_end


@pytest.fixture(scope="module")
def ana(shared_front_end: FrontEnd, token_of: Callable[..., str]) -> str:
    """Token of a user of the shared front-end."""
    return token_of(shared_front_end.server, "ana", PASSWORD)


@pytest.fixture
def start_fake() -> Iterator[Callable[..., FakeUpstream]]:
    """Starts small back-ends for one test."""
    with ExitStack() as stack:

        def start(**attributes: Any) -> FakeUpstream:
            made = FakeUpstream(**attributes)
            stack.callback(made.close)
            return made

        yield start


@pytest.fixture
def start_proxy() -> Iterator[Callable[[str], FaultProxy]]:
    """Starts proxies for one test."""
    with ExitStack() as stack:

        def start(upstream: str) -> FaultProxy:
            proxy = FaultProxy(upstream)
            stack.callback(proxy.close)
            return proxy

        yield start

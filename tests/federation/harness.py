"""Federations for tests: a front-end process, back-ends, and proxies between them that fail on demand."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from served import Server, StartServer

Json = dict[str, Any]

BASIC = {"accounts": {"*": {"username": "demo", "password": "demo"}}}
"""Everybody of the front-end is demo at the back-end."""

QUICK: Json = {
    "deadline": 1.0,
    "probe_interval": 0.8,
    "refresh_interval": 30.0,
    "refresh_timeout": 20.0,
    "request_timeout": 4.0,
    "breaker": {"failures": 2, "pause": 0.5},
}
"""Times of a federation for tests that wait for what it notices."""

MARGIN = 2.0
"""Durations are multiplied by it: these tests may run on a busy machine."""


@dataclass(frozen=True)
class FrontEnd:
    """A running front-end."""

    server: Server
    config: Path

    @property
    def url(self) -> str:
        """Of the API."""
        return self.server.url

    def get(self, path: str, token: str | None = None, **params: Any) -> httpx.Response:
        """The answer to a GET."""
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        url = path if "://" in path else f"{self.url}{path}"
        return httpx.get(url, headers=headers, params=params or None, timeout=90)

    def post(self, path: str, body: Any, token: str | None = None) -> httpx.Response:
        """The answer to a POST."""
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        return httpx.post(f"{self.url}{path}", headers=headers, json=body, timeout=90)

    def missing(self, path: str, token: str | None = None) -> list[str]:
        """``federation:missing`` of a list."""
        answer = self.get(path, token)
        assert answer.status_code == 200, answer.text
        found = answer.json()["federation:missing"]
        assert isinstance(found, list)
        return sorted(found)

    def members(self) -> dict[str, Json]:
        """``federation`` of the capabilities."""
        found: dict[str, Json] = self.get("/").json()["federation"]
        return found

    def online(self) -> set[str]:
        """Back-ends that answered their last check."""
        return {each for each, member in self.members().items() if member["status"] == "online"}

    def configure(self, upstreams: Iterable[Mapping[str, Any]], **settings: Any) -> None:
        """Another configuration, while it runs."""
        write_configuration(self.config, upstreams, **settings)


StartFrontEnd = Callable[..., FrontEnd]


def front_end_starter(start_server: StartServer, folder: Callable[[], Path]) -> StartFrontEnd:
    """Starts front-ends, each with a data folder of its own unless one is given."""

    def start(
        upstreams: Iterable[Mapping[str, Any]],
        *,
        data: Path | None = None,
        workers: int = 1,
        users: Iterable[str] = (),
        oidc: Iterable[Mapping[str, Any]] = (),
        **settings: Any,
    ) -> FrontEnd:
        place = folder()
        config = place / "federation.toml"
        write_configuration(config, upstreams, oidc=oidc, **settings)
        data = data or place / "data"
        for name in users:
            _add_user(config, data, name)
        server = start_server("--config", str(config), data=data, workers=workers, metrics="true")
        return FrontEnd(server, config)

    return start


def write_configuration(
    path: Path,
    upstreams: Iterable[Mapping[str, Any]],
    *,
    oidc: Iterable[Mapping[str, Any]] = (),
    **settings: Any,
) -> None:
    """The TOML file of a front-end; the times of ``QUICK`` unless others are given."""
    lines = ['driver = "federation"', 'title = "All together"']
    lines += [f"oidc = {toml(list(oidc))}"] if oidc else []
    lines += ["[federation]"]
    lines += [f"{key} = {toml(value)}" for key, value in (QUICK | settings).items()]
    for upstream in upstreams:
        lines += ["[[federation.upstreams]]"]
        lines += [f"{key} = {toml(value)}" for key, value in upstream.items()]
    unfinished = path.with_suffix(".new")
    unfinished.write_text("\n".join(lines) + "\n")
    unfinished.replace(path)


def toml(value: Any) -> str:
    """A value as TOML."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def within(seconds: float, condition: Callable[[], object], text: str) -> float:
    """Wait until something is true; the seconds that it took. Fails after ``MARGIN`` times the seconds."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > seconds * MARGIN + 1.0:
            pytest.fail(text)
        time.sleep(0.05)
    return time.monotonic() - started


def measured(request: Callable[[], httpx.Response]) -> tuple[httpx.Response, float]:
    """An answer, and the seconds that it took."""
    started = time.monotonic()
    answer = request()
    return answer, time.monotonic() - started


def _add_user(config: Path, data: Path, name: str) -> None:
    import subprocess
    import sys

    from served import environment

    command = [sys.executable, "-m", "connexeo.tools", "users", "add", name, "--password-stdin"]
    subprocess.run(
        [*command, "--config", str(config), "--data", str(data)],
        input=f"{PASSWORD}\n",
        text=True,
        env=environment(),
        check=True,
        capture_output=True,
        timeout=60,
    )


PASSWORD = "rivers-and-lakes"

"""A back-end in this process that takes everything, and keeps what it was asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.contract import Contract, load_contract
from connexeo.tools.conformance.discovery import Discovery
from connexeo.tools.conformance.fuzzing.belongings import Belongings
from connexeo.tools.conformance.fuzzing.document import fuzzed_operations
from connexeo.tools.conformance.fuzzing.gateway import Gateway
from connexeo.tools.conformance.fuzzing.judgement import Judgement
from connexeo.tools.conformance.fuzzing.permission import Permission
from connexeo.tools.conformance.fuzzing.requests import RequestJudge
from connexeo.tools.conformance.inspection import Inspection
from connexeo.tools.conformance.options import Options
from connexeo.tools.conformance.session import open_backend

URL = "https://backend.example/openeo/1.3"


@pytest.fixture(scope="session")
def contract() -> Contract:
    """The contract of the newest version."""
    return load_contract("1.3.0")


@dataclass
class Pretender:
    """Answers as a back-end might."""

    asked: list[httpx.Request] = field(default_factory=list)
    answers: dict[tuple[str, str], httpx.Response | Exception] = field(default_factory=dict)
    """Method and path below the API's URL → answer, where it is not what is expected."""
    created: int = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        self.asked.append(request)
        path = request.url.raw_path.decode().removeprefix("/openeo/1.3").partition("?")[0]
        prepared = self.answers.get((request.method, path))
        if isinstance(prepared, Exception):
            raise prepared
        if prepared is not None:
            return prepared
        if request.method == "POST" and path in {"/jobs", "/services"}:
            self.created += 1
            name = f"made-here-{self.created}"
            return httpx.Response(201, headers={"OpenEO-Identifier": name, "Location": f"{URL}{path}/{name}"})
        return httpx.Response({"DELETE": 204, "PATCH": 204}.get(request.method, 200), json={})

    @property
    def changes(self) -> list[str]:
        """What was asked for that changes something."""
        return [
            f"{request.method} {request.url.raw_path.decode().removeprefix('/openeo/1.3')}"
            for request in self.asked
            if request.method not in {"GET", "TRACE"}
        ]


@dataclass
class Somebody:
    """A login that needs nobody."""

    def token(self, client: httpx.Client, discovery: Discovery) -> str:
        """The bearer token."""
        return "basic//secret"

    def renewed(self, client: httpx.Client, discovery: Discovery) -> str | None:
        """None: it does not expire."""
        return None


@dataclass
class Stage:
    """A gateway in front of the pretender."""

    pretender: Pretender
    backend: BackEnd
    gateway: Gateway

    def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> int:
        """The status of a request that somebody has thought up."""
        status, _, _ = self.gateway.reply(method, path, headers, body)
        return status

    @property
    def mine(self) -> str:
        """Beginning of all names of this run."""
        return self.backend.name("")


@pytest.fixture
def stage(contract: Contract) -> Callable[..., Stage]:
    """Sets up a gateway: options by keyword, and what may be read."""

    def make(
        readable: tuple[tuple[str, str], ...] = (),
        requests: int = 1000,
        without: tuple[str, ...] = (),
        **options: Any,
    ) -> Stage:
        pretender = Pretender()
        client = httpx.Client(transport=httpx.MockTransport(pretender))
        endpoints = [
            {"path": each.path, "methods": [each.method]}
            for each in contract.operations
            if each.name not in without
        ]
        discovery = Discovery(URL, URL, "1.3.0", {"endpoints": endpoints}, None, None, (), ())
        inspection = Inspection(contract)
        backend = open_backend(client, discovery, contract, Options(**options), inspection, Somebody(), None)
        graph = {"sum": {"process_id": "add", "arguments": {"x": 1, "y": 2}, "result": True}}
        belongings = Belongings(backend, graph, "XYZ")
        names = frozenset(operation.name for operation in fuzzed_operations(backend))
        permission = Permission(contract, names, belongings, frozenset(readable))
        judgement = Judgement(contract, RequestJudge(contract))
        return Stage(pretender, backend, Gateway(backend, permission, belongings, judgement, requests))

    return make

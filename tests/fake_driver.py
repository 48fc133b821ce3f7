"""A complete driver in memory, for tests of everything above the drivers.

Users are ``alice`` and ``bob`` with the password ``secret``; the token of ``alice`` is ``basic//alice-token``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from connexeo.drivers.interface import ComputedResult, Json, Page, Token, User, Validation
from connexeo.generated import load_processes
from connexeo.generated.errors import (
    CollectionNotFound,
    CredentialsInvalid,
    NotFound,
    PermissionsInsufficient,
    ProcessGraphMissing,
    ProcessGraphNotFound,
    TokenInvalid,
)
from connexeo.settings import Settings
from fake_files import FakeFiles
from fake_jobs import FakeJobs
from fake_services import FakeServices

PASSWORD = "secret"


def make_collection(identifier: str, **properties: object) -> dict[str, object]:
    """A small valid collection."""
    return {
        "stac_version": "1.0.0",
        "type": "Collection",
        "id": identifier,
        "title": f"Collection {identifier}",
        "description": f"What the tests call {identifier}.",
        "license": "CC-BY-4.0",
        "extent": {
            "spatial": {"bbox": [[5.0, 51.0, 6.5, 52.0]]},
            "temporal": {"interval": [["2024-01-01T00:00:00Z", None]]},
        },
        "links": [{"rel": "license", "href": "https://licenses.example/cc-by"}],
        "cube:dimensions": {
            "x": {"type": "spatial", "axis": "x", "extent": [5.0, 6.5]},
            "y": {"type": "spatial", "axis": "y", "extent": [51.0, 52.0]},
            "t": {"type": "temporal", "extent": ["2024-01-01T00:00:00Z", None]},
            "bands": {"type": "bands", "values": ["B04", "B08"]},
        },
        "summaries": {"eo:bands": [{"name": "B04"}, {"name": "B08"}]},
        **properties,
    }


@dataclass
class FakeCapabilities:
    """Formats, and parts whose readiness the test decides."""

    additions: dict[str, object] = field(default_factory=dict)
    parts: dict[str, bool] = field(default_factory=lambda: {"memory": True})

    async def capabilities(self, user: User | None) -> Json:
        return self.additions

    async def list_file_types(self, user: User | None) -> Json:
        formats = {"GTiff": {"title": "GeoTIFF", "gis_data_types": ["raster"], "parameters": {}}}
        return {"input": {}, "output": formats}

    async def list_udf_runtimes(self, user: User | None) -> Json:
        return {"Python": {"type": "language", "default": "3", "versions": {"3": {"libraries": {}}}}}

    async def ready(self) -> Mapping[str, bool]:
        return self.parts


@dataclass
class FakeDiscovery:
    """Collections from a dictionary; private ones for users only."""

    collections: dict[str, Json]
    private: set[str] = field(default_factory=set)
    calls: int = 0
    """How often the collections were listed."""

    async def list_collections(self, user: User | None, *, limit: int | None, offset: str | None) -> Page:
        self.calls += 1
        visible = [c for name, c in self.collections.items() if user is not None or name not in self.private]
        start = int(offset or 0)
        end = len(visible) if limit is None else start + limit
        return Page(visible[start:end], str(end) if end < len(visible) else None)

    async def describe_collection(self, user: User | None, collection_id: str) -> Json:
        if collection_id not in self.collections or (collection_id in self.private and user is None):
            raise CollectionNotFound(identifier=collection_id)
        return self.collections[collection_id]

    async def list_collection_queryables(self, user: User | None, collection_id: str) -> Json:
        await self.describe_collection(user, collection_id)
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {"eo:cloud_cover": {"type": "number"}},
        }


@dataclass
class FakeProcesses:
    """Process definitions from a list."""

    processes: Sequence[Json]

    async def list_processes(self, user: User | None) -> Page:
        return Page(self.processes)


@dataclass
class FakeProcessing:
    """Accepts every process, and computes a text file."""

    seen: list[Json] = field(default_factory=list)
    """Processes that came, in order."""

    async def validate_custom_process(self, user: User | None, process: Json) -> Validation:
        self.seen.append(process)
        known = {"add", "load_collection"}
        errors = [
            {"code": "ProcessUnsupported", "message": f"{node['process_id']} is not there"}
            for node in process["process_graph"].values()
            if node["process_id"] not in known
        ]
        return Validation(errors)

    async def compute_result(self, user: User, request: Json, *, request_id: str) -> ComputedResult:
        self.seen.append(request)
        if not request["process"]["process_graph"]:
            raise ProcessGraphMissing()
        folder = Path(tempfile.mkdtemp(prefix="connexeo-fake-"))
        path = folder / "result.txt"
        path.write_text("42")
        return ComputedResult(folder, [path], "text/plain", log_id="abc123")

    async def debug_result(self, user: User, log_id: str) -> Page:
        if log_id != "abc123":
            raise NotFound()
        return Page([{"id": "1", "level": "info", "message": f"computed for {user.id}"}])


def make_process(process_id: str) -> dict[str, object]:
    """A small valid process of a user."""
    graph = {"a": {"process_id": "add", "arguments": {"x": 1, "y": 2}, "result": True}}
    return {"id": process_id, "summary": "Three", "process_graph": graph}


@dataclass
class FakeUserDefinedProcesses:
    """Processes of users, in the order in which they were stored; a permission is ``<user>.<id>``.

    At first ``alice`` has ``kept`` and ``old``.
    """

    stored: dict[tuple[str, str], Json] = field(
        default_factory=lambda: {("alice", name): make_process(name) for name in ("kept", "old")}
    )

    async def list_custom_processes(self, user: User, *, limit: int | None, offset: str | None) -> Page:
        start = int(offset or 0)
        mine = [
            {key: value for key, value in process.items() if key != "process_graph"}
            for (owner, _), process in self.stored.items()
            if owner == user.id
        ]
        end = len(mine) if limit is None else start + limit
        return Page(mine[start:end], str(end) if end < len(mine) else None)

    async def describe_custom_process(self, user: User, process_graph_id: str) -> Json:
        return self._find(user.id, process_graph_id)

    async def store_custom_process(self, user: User, process_graph_id: str, process: Json) -> None:
        self.stored[user.id, process_graph_id] = {**process, "id": process_graph_id}

    async def delete_custom_process(self, user: User, process_graph_id: str) -> None:
        self._find(user.id, process_graph_id)
        del self.stored[user.id, process_graph_id]

    async def share_custom_process(self, user: User, process_graph_id: str) -> str:
        return f"{user.id}.{process_graph_id}"

    async def describe_shared_process(self, permission: str) -> Json:
        owner, _, process_graph_id = permission.partition(".")
        return self._find(owner, process_graph_id)

    def _find(self, owner: str, process_graph_id: str) -> Json:
        if (owner, process_graph_id) not in self.stored:
            raise ProcessGraphNotFound(identifier=process_graph_id)
        return self.stored[owner, process_graph_id]


@dataclass
class FakeAccounts:
    """Users with one token each: ``<name>-token``."""

    users: dict[str, User]
    disabled: set[str] = field(default_factory=set)
    tokens: list[Token] = field(default_factory=list)
    """Tokens that were looked at, in order."""

    async def authenticate(self, token: Token) -> User:
        self.tokens.append(token)
        name = token.value.split(".")[0].removesuffix("-token")
        if not token.value.split(".")[0].endswith("-token") or name not in self.users:
            raise TokenInvalid()
        if name in self.disabled:
            raise PermissionsInsufficient()
        return self.users[name]

    async def authenticate_basic(self, username: str, password: str) -> str:
        if username not in self.users or password != PASSWORD:
            raise CredentialsInvalid()
        return f"{username}-token"

    async def authenticate_oidc(self) -> Sequence[Json]:
        return [{"id": "here", "issuer": "https://login.example", "title": "Here"}]

    async def describe_account(self, user: User) -> Json:
        return {"user_id": user.id, "name": user.name}


class FakeDriver:
    """All microservices that have a protocol; the others are not supported."""

    def __init__(
        self, collections: Sequence[Json] | None = None, processes: Sequence[Json] | None = None
    ) -> None:
        if collections is None:
            collections = [
                make_collection("alpha"),
                make_collection("deep/er/beta"),
                make_collection("hidden"),
            ]
        self.capabilities = FakeCapabilities()
        self.data_discovery = FakeDiscovery({str(c["id"]): c for c in collections}, private={"hidden"})
        self.process_discovery = FakeProcesses(load_processes() if processes is None else processes)
        self.data_processing = FakeProcessing()
        self.user_defined_processes = FakeUserDefinedProcesses()
        self.batch_jobs: FakeJobs | None = FakeJobs()
        self.file_storage = FakeFiles()
        self.secondary_services = FakeServices()
        self.account_management = FakeAccounts({name: User(name, name.title()) for name in ("alice", "bob")})
        self.running = False

    async def start(self) -> None:
        self.running = True

    async def stop(self) -> None:
        self.running = False


def without_jobs() -> FakeDriver:
    """A driver that lacks one microservice, and one operation of another."""
    driver = FakeDriver()
    driver.batch_jobs = None
    driver.capabilities.list_udf_runtimes = None  # type: ignore[method-assign,assignment]
    return driver


def create_driver(settings: Settings) -> FakeDriver:
    """Factory, as ``CONNEXEO_DRIVER=fake_driver:create_driver`` names it."""
    return FakeDriver()

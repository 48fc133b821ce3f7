"""Callers, and servers that are no good."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.budget import Budget
from connexeo.tools.conformance.caller import Caller
from connexeo.tools.conformance.connection import open_client
from connexeo.tools.conformance.contract import Contract, load_contract
from connexeo.tools.conformance.discovery import Discovery
from connexeo.tools.conformance.inspection import Inspection
from connexeo.tools.conformance.options import Options
from connexeo.tools.conformance.session import open_backend
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


Handler = Callable[[httpx.Request], httpx.Response]


@dataclass
class Somebody:
    """A login that needs nobody."""

    value: str = field(default="basic//secret-of-somebody", repr=False)

    def token(self, client: httpx.Client, discovery: Discovery) -> str:
        """The bearer token."""
        return self.value

    def renewed(self, client: httpx.Client, discovery: Discovery) -> str | None:
        """None: it does not expire."""
        return None


@pytest.fixture
def pretend(contract: Contract) -> Callable[..., tuple[BackEnd, Inspection]]:
    """Makes a back-end of a function that answers its requests; options by keyword."""

    def make(handler: Handler, offered: tuple[str, ...] = (), **options: Any) -> tuple[BackEnd, Inspection]:
        client = httpx.Client(transport=httpx.MockTransport(handler))
        url = "https://backend.example/openeo"
        endpoints = [
            {"path": path, "methods": [method]} for method, path in (each.split(" ") for each in offered)
        ]
        capabilities = {"title": "Pretended", "backend_version": "7", "endpoints": endpoints}
        discovery = Discovery(url, url, "1.3.0", capabilities, None, None, (), ())
        inspection = Inspection(contract)
        backend = open_backend(client, discovery, contract, Options(**options), inspection, Somebody(), None)
        return backend, inspection

    return make


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A self-signed one, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("certificate")
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return str(files[0]), str(files[1])

"""A small OpenID Connect issuer on loopback, for tests.

It knows discovery, keys, userinfo, and the token endpoint with client credentials, refresh tokens and the device
flow (which it approves by itself, or when ``/activate`` is opened). There are no passwords: whoever asks is
``subject``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass
class _Device:
    challenge: str | None
    approved: bool


@dataclass
class OidcIssuer:
    """The issuer; tests read and change its attributes."""

    subject: str = "ana"
    """``sub`` of whoever uses the device flow."""
    userinfo: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {"ana": {"name": "Ana Lind", "email": "ana@river.example"}}
    )
    """Claims of the userinfo endpoint by subject."""
    approve: bool = True
    """Whether the device flow needs nobody to open ``/activate``."""
    broken: bool = False
    """Answer 503 to everything."""
    hits: Counter[str] = field(default_factory=Counter)
    """Number of requests by path."""
    authorizations: list[str] = field(default_factory=list)
    """``Authorization`` headers that came to the userinfo endpoint."""
    metadata: dict[str, Any] = field(default_factory=dict)
    """Overrides of the discovery document."""
    gate: threading.Event = field(default_factory=threading.Event)
    """Answers wait while it is cleared."""

    def __post_init__(self) -> None:
        self.gate.set()
        self._opaque: dict[str, str] = {}
        self._devices: dict[str, _Device] = {}
        self._key: RSAKey | ECKey | OKPKey = RSAKey.generate_key(
            2048, {"kid": secrets.token_hex(4), "use": "sig"}
        )
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """The issuer, as in ``iss``."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def provider(self, provider_id: str = "river", **settings: Any) -> dict[str, Any]:
        """Settings of an ``OidcProvider`` for this issuer, with a default client for the device flow."""
        client = {"id": "river-public", "grant_types": [f"{DEVICE_GRANT}+pkce", "refresh_token"]}
        return {
            "id": provider_id,
            "issuer": self.url,
            "title": "River ID",
            "default_clients": [client],
            "allow_private_network": True,
        } | settings

    def rotate_keys(self, key: RSAKey | ECKey | OKPKey | None = None) -> None:
        """Sign with a new key; the old one is gone."""
        self._key = key or ECKey.generate_key("P-256", {"kid": secrets.token_hex(4), "use": "sig"})

    def jwt(self, subject: str = "ana", *, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """An access token that can be verified without asking; claims that are None are left out."""
        now = int(time.time())
        payload = {"iss": self.url, "sub": subject, "iat": now, "exp": now + 300} | claims
        kept = {name: value for name, value in payload.items() if value is not None}
        algorithm = "RS256" if isinstance(self._key, RSAKey) else "ES256"
        given = {"alg": algorithm, "kid": self._key.kid} | (header or {})
        head = {name: value for name, value in given.items() if value is not None}
        registry = JWSRegistry(algorithms=[head["alg"]], strict_check_header=False)
        return jwt.encode(head, kept, self._key, registry=registry)

    def opaque(self, subject: str = "ana") -> str:
        """An access token that only the userinfo endpoint understands."""
        token = secrets.token_urlsafe(24)
        self._opaque[token] = subject
        return token

    def revoke(self, token: str) -> None:
        """Forget an opaque token."""
        del self._opaque[token]

    def close(self) -> None:
        """Stop the server."""
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str, query: dict[str, str], form: dict[str, str], authorization: str) -> Any:
        """Status and body for a request."""
        if self.broken:
            return 503, {"error": "temporarily_unavailable"}
        if path == "/.well-known/openid-configuration":
            return 200, self._discovery()
        if path == "/jwks":
            return 200, KeySet([self._key]).as_dict(private=False)
        if path == "/userinfo":
            return self._answer_userinfo(authorization)
        if path == "/device":
            return 200, self._start_device(form)
        if path == "/activate" and query.get("code") in self._devices:
            self._devices[query["code"]].approved = True
            return 200, {"approved": True}
        if path == "/token":
            return self._answer_token(form, authorization)
        return 404, {"error": "not_found"}

    def _discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/jwks",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "token_endpoint": f"{self.url}/token",
            "device_authorization_endpoint": f"{self.url}/device",
            "authorization_endpoint": f"{self.url}/authorize",
            "scopes_supported": ["openid", "email", "offline_access"],
            "grant_types_supported": ["client_credentials", "refresh_token", DEVICE_GRANT],
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        } | self.metadata

    def _answer_userinfo(self, authorization: str) -> Any:
        self.authorizations.append(authorization)
        token = authorization.removeprefix("Bearer ")
        subject = self._opaque.get(token)
        if subject is None:
            try:
                subject = jwt.decode(token, self._key).claims["sub"]
            except JoseError:
                return 401, {"error": "invalid_token"}
        return 200, {"sub": subject} | self.userinfo.get(subject, {})

    def _start_device(self, form: dict[str, str]) -> dict[str, Any]:
        code = secrets.token_hex(8)
        self._devices[code] = _Device(form.get("code_challenge"), self.approve)
        return {
            "device_code": code,
            "user_code": code[:6],
            "verification_uri": f"{self.url}/activate",
            "verification_uri_complete": f"{self.url}/activate?code={code}",
            "expires_in": 300,
            "interval": 1,
        }

    def _answer_token(self, form: dict[str, str], authorization: str) -> Any:
        grant = form.get("grant_type")
        if grant == "client_credentials" and (
            form.get("client_secret") or authorization.startswith("Basic ")
        ):
            client = form.get("client_id") or base64.b64decode(authorization[6:]).decode().partition(":")[0]
            return 200, self._tokens(client)
        if grant == "refresh_token" and form.get("refresh_token", "").startswith("refresh-"):
            return 200, self._tokens(form["refresh_token"].removeprefix("refresh-"))
        if grant == DEVICE_GRANT and form.get("device_code") in self._devices:
            device = self._devices[form["device_code"]]
            if not device.approved:
                return 400, {"error": "authorization_pending"}
            verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            if device.challenge in (None, base64.urlsafe_b64encode(verifier).decode().rstrip("=")):
                return 200, self._tokens(self.subject)
        return 400, {"error": "invalid_grant"}

    def _tokens(self, subject: str) -> dict[str, Any]:
        info = self.userinfo.get(subject, {})
        return {
            "access_token": self.jwt(subject, **info),
            "refresh_token": f"refresh-{subject}",
            "id_token": self.jwt(subject, aud="river-public", at_hash="x", **info),
            "token_type": "Bearer",
            "expires_in": 300,
        }


def _handler(issuer: OidcIssuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0"))).decode()
            self._answer({name: values[0] for name, values in parse_qs(body).items()})

        def _answer(self, form: dict[str, str]) -> None:
            url = urlsplit(self.path)
            issuer.hits[url.path] += 1
            issuer.gate.wait()
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            status, body = issuer.answer(url.path, query, form, self.headers.get("authorization", ""))
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            return

    return Handler

"""A small OpenID Connect issuer on loopback, for tests.

It knows discovery, keys, userinfo, and the token endpoint with client credentials, refresh tokens and the device
flow with PKCE (which it approves by itself, or when ``/activate`` is opened). Users have no passwords: whoever
approves a device is ``subject``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


PUBLIC = "river-public"
"""Client of the device flow, without a secret."""


@dataclass
class _Device:
    client: str
    challenge: str | None
    approved: bool
    denied: bool = False
    polled: float = -math.inf


@dataclass
class OidcIssuer:
    """The issuer; tests read and change its attributes."""

    subject: str = "ana"
    """``sub`` of whoever uses the device flow."""
    userinfo: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {"ana": {"name": "Ana Lind", "email": "ana@river.example"}}
    )
    """Claims of the userinfo endpoint by subject."""
    clients: dict[str, str | None] = field(default_factory=lambda: {PUBLIC: None})
    """Secrets of clients, None for public ones; clients that are not here may give any secret."""
    approve: bool = True
    """Whether the device flow needs nobody to open ``/activate``."""
    interval: int = 1
    """Seconds between two polls of a device; whoever is quicker is told to slow down."""
    lifetime: float = 300.0
    """Seconds for which access tokens are valid; those with a negative one have expired already."""
    refresh_once: bool = False
    """Whether a refresh token is good for one use, and a new one comes with each answer."""
    clock: Callable[[], float] = time.monotonic
    """Measures the seconds between polls."""
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
        self._refresh: dict[str, tuple[str, str]] = {}
        self._former: list[RSAKey | ECKey | OKPKey] = []
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
        client = {"id": PUBLIC, "grant_types": [f"{DEVICE_GRANT}+pkce", "refresh_token"]}
        return {
            "id": provider_id,
            "issuer": self.url,
            "title": "River ID",
            "default_clients": [client],
            "allow_private_network": True,
        } | settings

    def rotate_keys(self, key: RSAKey | ECKey | OKPKey | None = None, *, keep: bool = False) -> None:
        """Sign with a new key; the old one is gone, or still published."""
        self._former = [*self._former, self._key] if keep else []
        self._key = key or ECKey.generate_key("P-256", {"kid": secrets.token_hex(4), "use": "sig"})

    def jwt(self, subject: str = "ana", *, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """An access token that can be verified without asking; claims that are None are left out."""
        now = int(time.time())
        payload = {"iss": self.url, "sub": subject, "iat": now, "exp": int(now + self.lifetime)} | claims
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
        """Forget an opaque token, or a refresh token; those that tell everything themselves can only expire."""
        del (self._opaque if token in self._opaque else self._refresh)[token]

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
            return 200, KeySet([self._key, *self._former]).as_dict(private=False)
        if path == "/userinfo":
            return self._answer_userinfo(authorization)
        if path == "/device":
            return self._start_device(form)
        if path == "/activate" and query.get("code") in self._devices:
            device = self._devices[query["code"]]
            device.denied = "deny" in query
            device.approved = not device.denied
            return 200, {"approved": device.approved}
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

    def _start_device(self, form: dict[str, str]) -> Any:
        client = form.get("client_id", "")
        if client not in self.clients:
            return 401, {"error": "invalid_client"}
        code = secrets.token_hex(8)
        self._devices[code] = _Device(client, form.get("code_challenge"), self.approve)
        return 200, {
            "device_code": code,
            "user_code": code[:6],
            "verification_uri": f"{self.url}/activate",
            "verification_uri_complete": f"{self.url}/activate?code={code}",
            "expires_in": 300,
            "interval": self.interval,
        }

    def _answer_token(self, form: dict[str, str], authorization: str) -> Any:
        client, secret = _client(form, authorization)
        if not client or secret != self.clients.get(client, secret or "nobody's"):
            return 401, {"error": "invalid_client"}
        grant = form.get("grant_type")
        if grant == "client_credentials" and secret is not None:
            # A client that is its own user needs no refresh token (RFC 6749, 4.4.3).
            answer = self._tokens(client, client)
            return 200, {key: value for key, value in answer.items() if key != "refresh_token"}
        if grant == "refresh_token":
            given = form.get("refresh_token", "")
            known, subject = self._refresh.get(given, ("", ""))
            if known == client:
                if not self.refresh_once:
                    return 200, self._tokens(subject, client) | {"refresh_token": given}
                del self._refresh[given]
                return 200, self._tokens(subject, client)
        if grant == DEVICE_GRANT and form.get("device_code") in self._devices:
            return self._poll(form, client)
        return 400, {"error": "invalid_grant"}

    def _poll(self, form: dict[str, str], client: str) -> Any:
        code = form["device_code"]
        device = self._devices[code]
        now, before = self.clock(), device.polled
        device.polled = now
        # Clients round their intervals.
        if now - before < 0.9 * self.interval:
            return 400, {"error": "slow_down"}
        if device.denied:
            return 400, {"error": "access_denied"}
        if not device.approved:
            return 400, {"error": "authorization_pending"}
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).decode().rstrip("=")
        if device.client != client or device.challenge not in (None, challenge):
            return 400, {"error": "invalid_grant"}
        del self._devices[code]
        return 200, self._tokens(self.subject, client)

    def _tokens(self, subject: str, client: str) -> dict[str, Any]:
        info = self.userinfo.get(subject, {})
        refresh = secrets.token_urlsafe(24)
        self._refresh[refresh] = (client, subject)
        return {
            # The identifier makes each token another one, also within a second.
            "access_token": self.jwt(subject, jti=secrets.token_hex(8), **info),
            "refresh_token": refresh,
            "id_token": self.jwt(subject, aud=client, at_hash="x", **info),
            "token_type": "Bearer",
            "expires_in": int(self.lifetime),
        }


def _client(form: dict[str, str], authorization: str) -> tuple[str, str | None]:
    """Id and secret of the client that asks, from the form or HTTP Basic."""
    if authorization.startswith("Basic "):
        client, _, secret = base64.b64decode(authorization[6:]).decode().partition(":")
        return unquote(client), unquote(secret)
    return form.get("client_id", ""), form.get("client_secret")


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

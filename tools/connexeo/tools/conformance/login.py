"""Logging in: what every way of it has in common, and the two that need nobody else."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx
import orjson

from connexeo.tools.conformance.answer import whole_body
from connexeo.tools.conformance.decoding import Undecodable
from connexeo.tools.conformance.discovery import Discovery

_LARGEST = 1024 * 1024

_JWT_CLASS = re.compile(r"https://api\.openeo\.org/[^/]+/authentication/jwt$")


class LoginError(Exception):
    """Nobody could be logged in; the message says why, and holds no secret."""


class Login(Protocol):
    """A way to get a token."""

    def token(self, client: httpx.Client, discovery: Discovery) -> str:
        """The whole bearer token, such as ``basic//abc``.

        Raises:
            LoginError: when there is none.
        """

    def renewed(self, client: httpx.Client, discovery: Discovery) -> str | None:
        """Another token after one has expired; None when there is no way to get one without asking somebody.

        Raises:
            LoginError: when it is refused.
        """


@dataclass(frozen=True, slots=True)
class Bearer:
    """A bearer token that somebody has already."""

    value: str = field(repr=False)
    """Whole, with its prefix if it has one."""

    def token(self, client: httpx.Client, discovery: Discovery) -> str:
        """The token as it was given."""
        return self.value

    def renewed(self, client: httpx.Client, discovery: Discovery) -> str | None:
        """None: there is just this one."""
        return None


@dataclass(frozen=True, slots=True)
class Basic:
    """User name and password, by ``GET /credentials/basic``."""

    username: str
    password: str = field(repr=False)

    def token(self, client: httpx.Client, discovery: Discovery) -> str:
        """Exchange them for a token.

        Raises:
            LoginError: when they are refused.
        """
        url = f"{discovery.url}/credentials/basic"
        # As bytes: httpx would write names in Latin-1, where the rest of openEO is UTF-8.
        pair = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        status, answer = ask(client, "GET", url, headers={"Authorization": f"Basic {pair}"})
        if status in {401, 403}:
            raise LoginError(f"user name or password is wrong: {url} answers HTTP {status}")
        if status in {404, 501}:
            raise LoginError(
                f"the back-end has no login with user name and password (HTTP {status} from {url})"
            )
        token = answer.get("access_token")
        if status != 200 or not isinstance(token, str) or not token:
            raise LoginError(f"{url} gives no access_token (HTTP {status})")
        return bearer_value(discovery, "basic", "", token)

    def renewed(self, client: httpx.Client, discovery: Discovery) -> str | None:
        """The same once more."""
        return self.token(client, discovery)


def bearer_value(discovery: Discovery, method: str, provider: str, token: str) -> str:
    """The bearer token to send: a JWT itself where the back-end lists that it takes them, else with its prefix."""
    classes = discovery.capabilities.get("conformsTo")
    listed = isinstance(classes, list) and any(
        isinstance(each, str) and _JWT_CLASS.match(each) for each in classes
    )
    return token if listed and _is_jwt(token) else f"{method}/{provider}/{token}"


def ask(client: httpx.Client, method: str, url: str, **request: Any) -> tuple[int, Mapping[str, Any]]:
    """Status and JSON object of an answer; anything else is an empty object.

    Raises:
        LoginError: when there is no answer.
    """
    try:
        with client.stream(method, url, **request) as response:
            body = whole_body(response, _LARGEST)
    except Undecodable as error:
        raise LoginError(f"the answer of {url} cannot be read: {error}") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise LoginError(f"{url} cannot be reached: {error or type(error).__name__}") from error
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    return response.status_code, document if isinstance(document, dict) else {}


def _is_jwt(token: str) -> bool:
    """Whether it is a JSON Web Token that says who issued it, as the standard asks for."""
    parts = token.split(".")
    if len(parts) != 3:
        return False
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return False
    return isinstance(claims, dict) and "iss" in claims

"""Providers as the API describes them, and users as the providers describe them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from connexeo.drivers.interface import User
from connexeo.drivers.oidc.roles import roles_of

if TYPE_CHECKING:
    from connexeo.settings import OidcClient, OidcProvider

_SAFE = re.compile(r"[A-Za-z0-9._-]")
_LONGEST_SUBJECT = 150


def describe_provider(provider: OidcProvider) -> dict[str, Any]:
    """One of the ``providers`` of ``GET /credentials/oidc``."""
    described: dict[str, Any] = {
        "id": provider.id,
        # The API forbids the slash at the end; clients append `/.well-known/openid-configuration`.
        "issuer": provider.issuer.rstrip("/"),
        "title": provider.title,
        "scopes": list(provider.scopes),
    }
    if provider.description is not None:
        described["description"] = provider.description
    if provider.default_clients:
        described["default_clients"] = [_describe_client(client) for client in provider.default_clients]
    if provider.authorization_parameters:
        described["authorization_parameters"] = dict(provider.authorization_parameters)
    return described


def _describe_client(client: OidcClient) -> dict[str, Any]:
    described: dict[str, Any] = {"id": client.id, "grant_types": list(client.grant_types)}
    if client.redirect_urls:
        described["redirect_urls"] = list(client.redirect_urls)
    return described


def user_id(provider_id: str, subject: str) -> str:
    """``<provider>~<subject>``, made of the characters that the API allows in user ids.

    Other characters of the subject become ``~`` and two hexadecimal digits per UTF-8 byte, so that no two
    subjects share an id. Very long ones are replaced by their SHA-256. No account of HTTP Basic can have such a
    name, since those hold no ``~``.
    """
    safe = "".join(c if _SAFE.match(c) else "".join(f"~{b:02x}" for b in c.encode()) for c in subject)
    if len(safe) > _LONGEST_SUBJECT:
        safe = "~sha256." + hashlib.sha256(subject.encode()).hexdigest()
    return f"{provider_id}~{safe}"


def user_of(provider: OidcProvider, claims: Mapping[str, Any]) -> User:
    """The user that verified claims stand for; they must have a ``sub``."""
    name = next((n for key in ("name", "preferred_username", "nickname") if (n := _text(claims, key))), None)
    return User(
        id=user_id(provider.id, claims["sub"]),
        name=name,
        email=_text(claims, "email"),
        provider=provider.id,
        roles=roles_of(provider, claims) or frozenset(),
    )


def _text(claims: Mapping[str, Any], key: str) -> str | None:
    value = claims.get(key)
    if not isinstance(value, str):
        return None
    return "".join(filter(str.isprintable, value)).strip()[:256] or None

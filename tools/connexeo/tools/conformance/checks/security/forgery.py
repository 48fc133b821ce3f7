"""Tokens that nobody has given out, made of one that somebody has."""

from __future__ import annotations

import base64
import re
from typing import Any

import orjson

_PREFIXED = re.compile(r"(basic|oidc)/([^/]*)/(.+)", re.DOTALL)
"""Method, provider, and the token of that provider."""

_NOBODY = "conformance-nobody"

_ENDING = 12
"""Characters that are exchanged at most; the last one alone may hold nothing but padding."""


def _encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).rstrip(b"=").decode()


EXPIRED = ".".join(
    (
        _encoded({"alg": "RS256", "typ": "JWT", "kid": "conformance"}),
        _encoded({"iss": "https://conformance.example", "sub": _NOBODY, "exp": 946684800}),
        "c2lnbmF0dXJlIG9mIG5vYm9keQ",
    )
)
"""A JWT of nobody, which ended with the last century."""


def parted(token: str) -> tuple[str, str]:
    """What stands before the token of a provider, with the slash; empty when nothing does. And that token."""
    found = _PREFIXED.fullmatch(token)
    return (f"{found[1]}/{found[2]}/", found[3]) if found else ("", token)


def forgeries(token: str) -> dict[str, str]:
    """The token as it was never given out, by what was done to it."""
    prefix, secret = parted(token)
    length = min(_ENDING, max(1, len(secret) // 2))
    changed = "".join("B" if each == "A" else "A" for each in secret[-length:])
    forged = {
        "with another end": f"{prefix}{secret[:-length]}{changed}",
        "that is cut short": f"{prefix}{secret[: -max(6, len(secret) // 4)] or 'A'}",
    }
    parts = secret.split(".")
    if len(parts) == 3 and all(parts):
        unsigned = _encoded({"alg": "none", "typ": "JWT"})
        forged["that is an unsigned JWT"] = f"{prefix}{unsigned}.{parts[1]}."
        forged["whose claims were changed"] = f"{prefix}{parts[0]}.{_of_nobody(parts[1])}.{parts[2]}"
    return forged


def _of_nobody(claims: str) -> str:
    """The claims of somebody else, who does not exist."""
    try:
        value = orjson.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    except ValueError:
        return claims[::-1]
    return _encoded({**value, "sub": _NOBODY}) if isinstance(value, dict) else claims[::-1]


def strange_providers(token: str) -> dict[str, str]:
    """The token under methods and providers that are not there; none when it has none."""
    prefix, secret = parted(token)
    if not prefix:
        return {}
    return {
        "an unknown provider": f"oidc/conformance-no-provider/{secret}",
        "an unknown method": f"magic//{secret}",
    }

"""Access tokens of HTTP Basic: signed, so that they need no table."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from connexeo.drivers.local.state.secret import derive_key
from connexeo.drivers.oidc.verification import json_part
from connexeo.generated.errors import TokenInvalid

_ALGORITHM = "HS256"


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a valid token says."""

    user_id: str
    generation: int
    """The account's ``token_generation`` when the token was made."""


class Tokens:
    """Makes and reads JSON Web Tokens with the claims ``iss``, ``sub``, ``iat``, ``exp`` and ``gen``.

    Args:
        secrets: The present secret, which signs, then former ones, whose tokens stay good until they expire.
        issuer: What the tokens name as theirs.
        lifetime: Seconds until a token expires.
        now: The time in seconds since 1970.
    """

    def __init__(
        self, secrets: Sequence[bytes], *, issuer: str, lifetime: int, now: Callable[[], float] = time.time
    ) -> None:
        derived = [derive_key(secret, "connexeo: tokens of HTTP Basic, HS256") for secret in secrets]
        self._keys = {_key_id(key): OctKey.import_key(key) for key in derived}
        self._kid = _key_id(derived[0])
        self._issuer = issuer
        self._lifetime = lifetime
        self._now = now

    def issue(self, user_id: str, generation: int) -> str:
        """A new token; it consists of URL-safe characters only."""
        now = int(self._now())
        claims = {
            "iss": self._issuer,
            "sub": user_id,
            "iat": now,
            "exp": now + self._lifetime,
            "gen": generation,
        }
        return jwt.encode({"alg": _ALGORITHM, "kid": self._kid}, claims, self._keys[self._kid], [_ALGORITHM])

    def is_ours(self, token: str) -> bool:
        """Whether a token claims to be one of these, valid or not."""
        return self._key_of(token) is not None

    def read(self, token: str) -> TokenClaims:
        """The claims of a valid token.

        Raises:
            TokenInvalid: when it is malformed, not signed with one of the secrets, or expired.
        """
        key = self._key_of(token)
        if key is None:
            raise TokenInvalid()
        try:
            claims = jwt.decode(token, key, [_ALGORITHM]).claims
        except (JoseError, ValueError, RecursionError) as error:
            raise TokenInvalid() from error
        if claims["iss"] != self._issuer or claims["exp"] <= self._now():
            raise TokenInvalid()
        return TokenClaims(claims["sub"], claims["gen"])

    def _key_of(self, token: str) -> OctKey | None:
        header = json_part(token, 0) or {}
        kid = header.get("kid")
        if header.get("alg") != _ALGORITHM or not isinstance(kid, str):
            return None
        return self._keys.get(kid)


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"kid" + key).hexdigest()[:16]

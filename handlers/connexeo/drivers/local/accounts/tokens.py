"""Access tokens of HTTP Basic: signed, so that they need no table."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
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
    """Makes and reads JSON Web Tokens with the claims ``iss``, ``sub``, ``iat``, ``exp`` and ``gen``."""

    def __init__(
        self, secret: bytes, *, issuer: str, lifetime: int, now: Callable[[], float] = time.time
    ) -> None:
        key = derive_key(secret, "connexeo: tokens of HTTP Basic, HS256")
        self._key = OctKey.import_key(key)
        self._kid = hashlib.sha256(b"kid" + key).hexdigest()[:16]
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
        return jwt.encode({"alg": _ALGORITHM, "kid": self._kid}, claims, self._key, [_ALGORITHM])

    def is_ours(self, token: str) -> bool:
        """Whether a token claims to be one of these, valid or not."""
        header = json_part(token, 0)
        return header is not None and header.get("alg") == _ALGORITHM and header.get("kid") == self._kid

    def read(self, token: str) -> TokenClaims:
        """The claims of a valid token.

        Raises:
            TokenInvalid: when it is malformed, not signed with the present secret, or expired.
        """
        if not self.is_ours(token):
            raise TokenInvalid()
        try:
            claims = jwt.decode(token, self._key, [_ALGORITHM]).claims
        except (JoseError, ValueError, RecursionError) as error:
            raise TokenInvalid() from error
        if claims["iss"] != self._issuer or claims["exp"] <= self._now():
            raise TokenInvalid()
        return TokenClaims(claims["sub"], claims["gen"])

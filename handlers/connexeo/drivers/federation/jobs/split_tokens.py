"""Tokens of users as they are kept as long as a split job needs them: encrypted, and bound to the user."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from connexeo.drivers.federation.credentials import FederatedUser
from connexeo.drivers.interface import Token, User
from connexeo.drivers.local.state.secret import derive_key

_PURPOSE = "connexeo: tokens of split jobs"
_HEADER = {"alg": "dir", "enc": "A256GCM"}


class TokenBox:
    """Encrypts with a key made of the first secret, and decrypts with any, so that secrets can be exchanged.

    The format is JSON Web Encryption with AES-GCM: what was tampered with is not decrypted.

    Args:
        secrets: The deployment's present secret, then former ones.
    """

    def __init__(self, secrets: Sequence[bytes]) -> None:
        self._keys = [derive_key(secret, _PURPOSE) for secret in secrets]

    def seal(self, user: User) -> str | None:
        """What can be kept of who asks; None where nothing has to be."""
        from joserfc import jwe
        from joserfc.jwk import OctKey

        token = user.token if isinstance(user, FederatedUser) else None
        if user.provider == "basic" or token is None:
            return None
        given = [user.id, token.method, token.provider, token.value]
        return jwe.encrypt_compact(_HEADER, orjson.dumps(given), OctKey.import_key(self._keys[0]))

    def open(self, sealed: str | None, user_id: str, provider: str) -> User:
        """The user, with the token if it can be had."""
        user = User(user_id, provider=provider)
        for key in self._keys if sealed is not None else ():
            given = _decrypted(sealed, key)
            if given is not None and given[0] == user_id:
                return FederatedUser.of(user, Token(*given[1:]))
        return user


def _decrypted(sealed: str | None, key: bytes) -> list[str] | None:
    from joserfc import jwe
    from joserfc.errors import JoseError
    from joserfc.jwk import OctKey

    try:
        plain = jwe.decrypt_compact(str(sealed), OctKey.import_key(key), algorithms=list(_HEADER.values()))
    except (JoseError, ValueError):
        return None
    given = orjson.loads(plain.plaintext or b"null")
    return given if isinstance(given, list) and len(given) == 4 else None

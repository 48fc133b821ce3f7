"""Signed, expiring permissions: whoever has one may read one thing for some time, without an account."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Sequence

from connexeo.drivers.local.state.secret import derive_key

_BYTES = 18
"""Of a signature: 144 bits."""


class Signer:
    """Signs with the first secret, and believes what any of them has signed, so that secrets can be exchanged.

    A permission is text of URL-safe characters: when it expires, and an HMAC-SHA256 of that and what it is for.

    Args:
        secrets: The present secret, then former ones.
        purpose: What the permissions are for; those for another purpose are worth nothing here.
        now: The time in seconds since 1970.
    """

    def __init__(
        self, secrets: Sequence[bytes], purpose: str, *, now: Callable[[], float] = time.time
    ) -> None:
        self._keys = [derive_key(secret, f"connexeo: {purpose}") for secret in secrets]
        self._now = now

    def sign(self, subject: str, lifetime: float) -> tuple[str, float]:
        """A permission for one thing, and when it expires, in seconds since 1970."""
        expires = int(self._now() + lifetime)
        return f"{expires:x}.{_signature(self._keys[0], subject, expires)}", float(expires)

    def is_valid(self, subject: str, permission: str) -> bool:
        """Whether a permission is for this thing, and has not expired."""
        moment, dot, signature = permission.partition(".")
        if not dot or not permission.isascii() or len(moment) > 16:
            return False
        try:
            expires = int(moment, 16)
        except ValueError:
            return False
        if moment != f"{expires:x}":
            return False
        signed = [hmac.compare_digest(_signature(key, subject, expires), signature) for key in self._keys]
        return any(signed) and expires > self._now()


def _signature(key: bytes, subject: str, expires: int) -> str:
    digest = hmac.digest(key, f"{expires:x}\n{subject}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest[:_BYTES]).decode()

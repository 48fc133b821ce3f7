"""The key that tokens are signed with."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import secrets
import stat
from pathlib import Path

log = logging.getLogger(__name__)

_SHORTEST = 16


def load_secret(folder: Path) -> bytes:
    """The secret in the file ``secret`` of a folder; made when it is not there.

    Workers that start at the same time agree on one: the file appears under its name complete, or not at all.

    Raises:
        ValueError: when the file is damaged.
    """
    path = folder / "secret"
    if not path.exists():
        _make(path)
    secret = path.read_bytes().strip()
    if len(secret) < _SHORTEST:
        raise ValueError("the file with the secret is too short; delete it, and all users log in again")
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        log.warning("other users of this machine may read or change the file with the secret")
    return secret


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".secret-{os.getpid()}-{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_urlsafe(48).encode())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(
                draft, path
            )  # unlike a rename, this leaves a file alone that another worker has put there
        except FileExistsError:
            log.debug("another worker has made the secret")
    finally:
        draft.unlink()


def checked_secret(secret: str) -> bytes:
    """A secret from the settings.

    Raises:
        ValueError: when it is too short.
    """
    if len(secret.encode()) < _SHORTEST:
        raise ValueError(f"secret: must have at least {_SHORTEST} characters")
    return secret.encode()


def derive_key(secret: bytes, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose, so that one secret can serve several."""
    return hmac.digest(secret, purpose.encode(), hashlib.sha256)

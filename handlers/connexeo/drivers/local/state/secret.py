"""The secrets that tokens and links are signed with: the present one, and those before it."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import secrets
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connexeo.settings import Settings

log = logging.getLogger(__name__)

_SHORTEST = 16


def load_secrets(settings: Settings) -> tuple[bytes, ...]:
    """The present secret of a deployment, which signs, then the former ones, which are still believed.

    Without the setting ``secret`` the present one is kept in a file in the data folder, and made when it is not there.

    Raises:
        ValueError: when one is too short, or the file is damaged.
    """
    present, former = check_secrets(settings)
    if present is None:
        present = load_secret(settings.data)
    return (present, *(secret for secret in former if secret != present))


def check_secrets(settings: Settings) -> tuple[bytes | None, list[bytes]]:
    """The present secret, if it is in the settings, and the former ones; reads no file.

    Raises:
        ValueError: when one is too short.
    """
    present = None if settings.secret is None else _checked("secret", settings.secret.get_secret_value())
    former = [_checked("former_secrets", secret.get_secret_value()) for secret in settings.former_secrets]
    return present, former


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


def _checked(setting: str, secret: str) -> bytes:
    if len(secret.encode()) < _SHORTEST:
        raise ValueError(f"{setting}: must have at least {_SHORTEST} characters")
    return secret.encode()


def derive_key(secret: bytes, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose, so that one secret can serve several."""
    return hmac.digest(secret, purpose.encode(), hashlib.sha256)

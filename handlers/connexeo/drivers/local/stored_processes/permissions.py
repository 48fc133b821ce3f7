"""Permissions to read a stored process without an account: what the links for sharing have in them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from connexeo.drivers.local.state.signing import Signer

SHARED = "/shared/processes/"
"""Where shared processes are, below the address of the API."""

_FOREVER = float(2**40)
_IN_PATH = re.compile(re.escape(SHARED) + r"([A-Za-z0-9_.-]+)/?")


class Shared(NamedTuple):
    """The process that a permission is for."""

    user_id: str
    process_id: str


class Permissions:
    """Gives permissions that do not expire, the same one each time, so that links can be published.

    A permission ends with the process. It tells whose process it is, and can be made by this deployment only.

    Args:
        secrets: The present secret, then former ones.
    """

    def __init__(self, secrets: Sequence[bytes]) -> None:
        # A clock that stands still: permissions with the same end for ever.
        self._signer = Signer(secrets, "processes", now=lambda: 0.0)

    def grant(self, shared: Shared) -> str:
        """The permission for a process."""
        subject = _subject(shared)
        named = base64.urlsafe_b64encode(subject.encode()).decode().rstrip("=")
        return f"{named}.{self._signer.sign(subject, _FOREVER)[0]}"

    def read(self, permission: str) -> Shared | None:
        """The process that a permission is for; None when it is not one of ours."""
        named, _, signed = permission.partition(".")
        try:
            subject = base64.urlsafe_b64decode(named + "=" * (-len(named) % 4)).decode()
        except (binascii.Error, ValueError):
            return None
        if not self._signer.is_valid(subject, signed):
            return None
        user_id, _, process_id = subject.rpartition("/")
        return Shared(user_id, process_id)

    def read_address(self, address: str) -> Shared | None:
        """The process that an address of a shared process leads to, if we have given it out.

        Under which name we are reached does not matter: nobody else can have made the permission in it.
        """
        try:
            path = urlsplit(address).path
        except ValueError:
            return None
        found = _IN_PATH.search(path)
        if found is None or found.end() != len(path):
            return None
        return self.read(found.group(1))


def _subject(shared: Shared) -> str:
    return f"{shared.user_id}/{shared.process_id}"

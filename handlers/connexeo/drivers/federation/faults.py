"""What can go wrong between the federation and one of its back-ends."""

from __future__ import annotations

from typing import Any


class UpstreamFault(Exception):
    """A back-end did not answer as it should.

    Attributes:
        upstream: Its id.
        reason: What happened, for logs and for users.
    """

    def __init__(self, upstream: str, reason: str) -> None:
        super().__init__(f"{upstream}: {reason}")
        self.upstream = upstream
        self.reason = reason


class Unreachable(UpstreamFault):
    """No connection, or one that broke."""


class TooSlow(UpstreamFault):
    """No complete answer before the deadline."""


class Busy(UpstreamFault):
    """It says itself that it cannot answer now.

    Attributes:
        retry_after: Seconds after which it wants to be asked again.
        status: HTTP status.
    """

    def __init__(
        self, upstream: str, reason: str, retry_after: float | None = None, status: int = 503
    ) -> None:
        super().__init__(upstream, reason)
        self.retry_after = retry_after
        self.status = status


class Garbled(UpstreamFault):
    """An answer that is no openEO document, or too large a one."""


class NotAsked(UpstreamFault):
    """It was not asked at all: it has not answered for some time, or nobody may ask it in this user's name."""


class Refused(UpstreamFault):
    """It understood the request, and answers with an error.

    Attributes:
        status: HTTP status.
        code: Code of the openEO error; empty when it sent none.
        message: Its message; empty when it sent none.
    """

    def __init__(self, upstream: str, status: int, document: Any = None) -> None:
        error = document if isinstance(document, dict) else {}
        self.status = status
        self.code = _text(error.get("code"))
        self.message = _text(error.get("message"))
        told = f"{self.code}: {self.message}" if self.code else self.message
        super().__init__(upstream, f"HTTP {status}" + (f" {told}" if told else ""))


_ABOUT_CREDENTIALS = frozenset(
    {"AuthenticationRequired", "AuthenticationSchemeInvalid", "TokenInvalid", "CredentialsInvalid"}
)


def is_about_credentials(fault: Refused) -> bool:
    """Whether a back-end has refused whoever asked, and not what was asked for."""
    return fault.status in (401, 403) and (fault.code in _ABOUT_CREDENTIALS or not fault.code)


def _text(value: Any) -> str:
    return value[:2000] if isinstance(value, str) else ""

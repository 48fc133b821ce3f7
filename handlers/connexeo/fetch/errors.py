"""What can go wrong when a URL is fetched.

::

    FetchError
    ├── FetchRefused    the policy forbids it; nothing was sent to the address in question
    ├── FetchTooLarge   more bytes than the policy allows, after decompression
    ├── FetchTimeout    the whole exchange took longer than the policy allows
    └── FetchFailed     the server cannot be reached, breaks the protocol, or answers with the wrong thing

Messages name the host only: paths and queries of URLs may carry keys.
"""

from __future__ import annotations

_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


class FetchError(Exception):
    """Base of all errors of this package."""


class FetchRefused(FetchError):
    """The policy forbids the URL, an address that it leads to, or a redirect."""


class FetchTooLarge(FetchError):
    """The answer has more bytes than the policy allows."""


class FetchTimeout(FetchError):
    """The exchange, with all its redirects, did not end in time."""


class FetchFailed(FetchError):
    """The server cannot be reached, or its answer cannot be used.

    ``status`` is the HTTP status where there was one; ``passing`` tells whether it may be over in a moment.
    """

    def __init__(self, message: str, status: int | None = None, *, passing: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.passing = passing or status in _PASSING

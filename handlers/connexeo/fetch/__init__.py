"""The one HTTP client for URLs that users supply."""

from connexeo.fetch.client import Fetched, GuardedClient
from connexeo.fetch.downloads import Downloads
from connexeo.fetch.errors import FetchError, FetchFailed, FetchRefused, FetchTimeout, FetchTooLarge
from connexeo.fetch.patience import patiently
from connexeo.fetch.policy import FetchPolicy

__all__ = [
    "Downloads",
    "FetchError",
    "FetchFailed",
    "FetchPolicy",
    "FetchRefused",
    "FetchTimeout",
    "FetchTooLarge",
    "Fetched",
    "GuardedClient",
    "patiently",
]

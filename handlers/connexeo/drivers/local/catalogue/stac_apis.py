"""Collections and items of STAC APIs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Protocol
from urllib.parse import quote, urlencode, urlsplit

import orjson

from connexeo.drivers.local.catalogue.documents import (
    BrokenDocument,
    brief,
    check_collection,
    public_collection,
)
from connexeo.drivers.local.catalogue.recheck import Recheck
from connexeo.fetch import FetchError, FetchFailed, patiently
from connexeo.generated.errors import Internal
from connexeo.processing.reading.footprints import Box, Interval
from connexeo.processing.reading.stac_links import next_page, own_address, with_remote_assets

_log = logging.getLogger(__name__)

_PAGES = 1000
_PAGE_SIZE = 250
_RETRY = 30.0
"""Seconds until an API that failed is asked again."""
REMOTE = frozenset({"http", "https", "s3", "gs"})
"""Schemes of assets that are read. An API is not to make us open files of this machine."""


class SourceUnavailable(Exception):
    """A source cannot tell whether it has a collection; the message is its host."""


class JsonClient(Protocol):
    """Fetches JSON documents; `connexeo.fetch.GuardedClient` is one."""

    def get_json(self, url: str) -> Any:
        """The document at a URL.

        Raises:
            FetchError: it cannot be had.
        """


class StacApiSource:
    """The collections of a STAC API, fetched every few minutes; those fetched last stay while it fails.

    One total deadline holds for all pages of the collections, and one for all pages of a search.
    """

    def __init__(
        self, url: str, client: JsonClient, *, refresh: float = 300.0, deadline: float = 30.0
    ) -> None:
        self._url = url.rstrip("/")
        self._client = client
        self._deadline = deadline
        self._recheck = Recheck(refresh)
        self._lock = threading.Lock()
        self._documents: Mapping[str, bytes] | None = None
        self._briefs: Mapping[str, bytes] = {}

    def entries(self) -> Mapping[str, bytes]:
        """What a list shows of each collection, as JSON, by id; none while the API has never answered."""
        self._refresh()
        return self._briefs

    def generation(self) -> object:
        """Something that is another object whenever the collections have been fetched anew."""
        self._refresh()
        return self._briefs

    def document(self, id: str) -> dict[str, Any] | None:
        """The public collection; None where there is none with this id.

        Raises:
            SourceUnavailable: the API fails, and has not answered before.
        """
        if self._documents is not None:
            self._refresh()
            stored = self._documents.get(id)
            return None if stored is None else orjson.loads(stored)
        if not self._recheck.due():
            raise SourceUnavailable(self._host)
        # Whoever runs a single job needs a single collection.
        try:
            document = self._client.get_json(f"{self._url}/collections/{quote(id, safe='')}")
            public = public_collection(check_collection(document), f"{self._url}/collections/")
        except BrokenDocument as error:
            _log.warning("A collection of %s is left out: %s: %s", self._host, id, error)
            return None
        except FetchError as error:
            if isinstance(error, FetchFailed) and error.status == 404:
                return None
            self._failed(error)
            raise SourceUnavailable(self._host) from error
        return public if public["id"] == id else None

    def items(self, id: str, bbox: Box | None, interval: Interval | None) -> Iterator[dict[str, Any]] | None:
        """Items that the API finds, with absolute asset hrefs; None where there is no such collection.

        Raises:
            Internal: the API fails, while iterating.
        """
        return None if self.document(id) is None else self._search(id, bbox, interval)

    def _search(self, id: str, bbox: Box | None, interval: Interval | None) -> Iterator[dict[str, Any]]:
        query: dict[str, Any] = {"collections": id, "limit": _PAGE_SIZE}
        if bbox is not None:
            query["bbox"] = ",".join(map(str, bbox))
        if interval is not None and interval != (None, None):
            query["datetime"] = "/".join(".." if each is None else _rfc3339(each) for each in interval)
        try:
            # A computation is lost if a page fails. Whoever wants samples, without limits, answers a request meanwhile.
            patient = bbox is not None or interval is not None
            for page in self._pages(f"{self._url}/search?{urlencode(query)}", patient=patient):
                for item in page.get("features") or []:
                    if isinstance(item, dict) and isinstance(item.get("assets"), dict):
                        yield with_remote_assets(item, own_address(item, self._url), REMOTE)
        except FetchError as error:
            raise Internal(f"The catalogue of the collection '{id}' does not answer properly.") from error

    @property
    def _host(self) -> str:
        return urlsplit(self._url).netloc.rpartition("@")[2]

    def _failed(self, error: FetchError) -> None:
        _log.warning("The STAC API %s fails: %s", self._host, error)
        self._recheck.postpone(_RETRY)

    def _refresh(self) -> None:
        """Fetch the collections when that is due; one thread does, others go on with what is known."""
        if not self._recheck.due() or not self._lock.acquire(blocking=self._documents is None):
            return
        try:
            if self._recheck.due():
                begun = time.monotonic()
                self._fetch_collections()
                self._recheck.looked(begun)
        except FetchError as error:
            self._failed(error)
        finally:
            self._lock.release()

    def _fetch_collections(self) -> None:
        documents: dict[str, bytes] = {}
        briefs: dict[str, bytes] = {}
        for page in self._pages(f"{self._url}/collections"):
            for document in page.get("collections") or []:
                try:
                    public = public_collection(check_collection(document), f"{self._url}/collections/")
                except BrokenDocument as error:
                    name = document.get("id") if isinstance(document, dict) else None
                    _log.warning("A collection of %s is left out: %s: %s", self._host, name, error)
                    continue
                documents.setdefault(public["id"], orjson.dumps(public))
                briefs.setdefault(public["id"], orjson.dumps(brief(public)))
        self._briefs, self._documents = briefs, documents

    def _pages(self, url: str, *, patient: bool = False) -> Iterator[Mapping[str, Any]]:
        """Pages along their `next` links.

        Args:
            url: Of the first page.
            patient: Whether to ask again for what fails for a moment.

        Raises:
            FetchError: a page cannot be had, or all of them not before the deadline.
        """
        end = time.monotonic() + self._deadline
        seen: set[str] = set()
        following: str | None = url
        while following is not None:
            if time.monotonic() > end or len(seen) >= _PAGES or following in seen:
                raise FetchFailed("the pages do not end in time")
            seen.add(following)
            ask = partial(self._client.get_json, following)
            page = patiently(ask) if patient else ask()
            if not isinstance(page, dict):
                raise FetchFailed("the answer is not a STAC document")
            yield page
            following = next_page(page, following)


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")

"""Lists that come from several back-ends, as one list in pages: every entry once, and no more than were asked for."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson

from connexeo.drivers.federation.connection import Connection
from connexeo.drivers.federation.faults import Garbled, Refused
from connexeo.drivers.federation.identifiers import ELSEWHERE
from connexeo.drivers.federation.snapshots.fetching import next_link
from connexeo.generated.errors import RequestInvalid

MAX_PAGES = 1000
"""Pages of one back-end that one page here may take."""
_MAX_CURSOR = 2**16
_UNSUPPORTED = frozenset({405, 501})

Entry = dict[str, Any]
Key = Callable[[Entry], Any]


@dataclass(frozen=True, slots=True)
class Place:
    """How far the list of one back-end has been told."""

    url: str | None = None
    """Its page that is next; None for the first."""
    skip: int = 0
    """Entries of that page that have been told."""
    done: bool = False
    """Whether there are no more."""


Places = Mapping[str, Place]


@dataclass(frozen=True, slots=True)
class Told:
    """Entries of one back-end, from a place on."""

    entries: Sequence[Entry]
    places: Sequence[Place] = field(repr=False)
    """Where the list goes on behind as many entries as the number; one more than there are entries."""


def read_cursor(offset: str | None, upstreams: Iterable[str]) -> dict[str, Place]:
    """Where each back-end's list goes on.

    Raises:
        RequestInvalid: when the offset is none that was given out.
    """
    if not offset:
        return {each: Place() for each in upstreams}
    try:
        packed = base64.urlsafe_b64decode(offset + "=" * (-len(offset) % 4))
        unpacked = zlib.decompressobj().decompress(packed, _MAX_CURSOR)
        told = orjson.loads(unpacked)
        return {
            each: Place(done=True) if url is False else Place(str(url) if url else None, max(int(skip), 0))
            for each, (url, skip) in told.items()
        }
    except (binascii.Error, zlib.error, ValueError, TypeError, AttributeError) as error:
        raise RequestInvalid(
            reason="query parameter 'offset': follow the `next` links of the list"
        ) from error


def cursor(places: Places) -> str:
    """The offset of the page that starts there."""
    told = {each: [False if place.done else place.url, place.skip] for each, place in places.items()}
    packed = zlib.compress(orjson.dumps(told), 9)
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


async def read_from(
    connection: Connection,
    place: Place,
    path: str,
    name: str,
    *,
    limit: int | None,
    authorization: str,
    deadline: float,
) -> Told:
    """Entries of one back-end from a place on: as many as are wanted, or all.

    Args:
        connection: The way to it.
        place: Where to start.
        path: Of the list.
        name: Property of the entries.
        limit: How many are wanted; None for all.
        authorization: In whose name.
        deadline: Seconds.

    Raises:
        UpstreamFault: when it does not answer, or with something else.
    """
    entries: list[Entry] = []
    places = [place]
    url, skip = place.url, place.skip
    seen: set[str] = set()
    while not place.done:
        if url is not None and not _is_below(connection, url):
            raise Garbled(connection.id, f"the pages of {path} lead elsewhere")
        # A first page has as many entries as were told of it, and more, whatever was asked for then.
        wanted = None if limit is None and not skip else skip + (limit or 1)
        try:
            answer = (
                await connection.get(path, deadline, authorization, limit=wanted)
                if url is None
                else await connection.get(url, deadline, authorization)
            )
        except Refused as refused:
            if url is None and refused.status in _UNSUPPORTED:
                # It lists the operation among its endpoints, and says here that it has no such thing.
                return Told([], [Place(done=True)])
            raise
        document = answer.object()
        found = document.get(name)
        if not isinstance(found, list):
            raise Garbled(connection.id, f"the answer of {path} has no {name}")
        following = next_link(document, answer.url)
        after = Place(following) if following is not None else Place(done=True)
        page = _page(found, Place(url, skip), after)
        entries += page.entries
        places[-1:] = page.places
        seen.add(answer.url)
        if following is None or (limit is not None and len(entries) >= limit):
            break
        if following in seen or len(seen) >= MAX_PAGES:
            raise Garbled(connection.id, f"the pages of {path} never end")
        url, skip = following, 0
    return Told(entries, places)


def _page(found: Sequence[Any], start: Place, after: Place) -> Told:
    """Entries of a page from a place on; what is no object is left out, but counted."""
    entries: list[Entry] = []
    places = [start]
    for number, entry in enumerate(found[start.skip :], start=start.skip + 1):
        rest = Place(start.url, number) if number < len(found) else after
        if isinstance(entry, dict):
            entries.append(entry)
            places.append(rest)
        else:
            places[-1] = rest
    if not found[start.skip :]:
        places[-1] = after
    return Told(entries, places)


def _is_below(connection: Connection, url: str) -> bool:
    """Whether an address is one of the back-end's API: offsets come from users, who may have made them up."""
    if not connection.is_here(url):
        return False
    base, path = urlsplit(connection.upstream.url).path, urlsplit(url).path
    return path.startswith(f"{base}/") and ELSEWHERE.isdisjoint(unquote(path).split("/"))


def merged_page(
    told: Mapping[str, Told], places: Places, key: Key, limit: int | None
) -> tuple[list[tuple[str, Entry]], str | None]:
    """The entries of a page, each with its back-end, and the offset of the following page.

    Of the entries that are next in the lists of the back-ends, the one with the smallest key comes first. Back-ends
    that did not answer keep their place; they alone are no reason for another page.

    Args:
        told: What each back-end told.
        places: Where the lists of all started.
        key: What entries are compared by.
        limit: Most entries.
    """
    page: list[tuple[str, Entry]] = []
    taken = dict.fromkeys(told, 0)
    while limit is None or len(page) < limit:
        heads = [
            (key(each.entries[taken[upstream]]), upstream)
            for upstream, each in told.items()
            if taken[upstream] < len(each.entries)
        ]
        if not heads:
            break
        _, upstream = min(heads)
        page.append((upstream, told[upstream].entries[taken[upstream]]))
        taken[upstream] += 1
    after = {**places, **{upstream: told[upstream].places[count] for upstream, count in taken.items()}}
    more = any(not after[upstream].done for upstream in told)
    return page, cursor(after) if more else None


def started(places: Places, upstreams: Iterable[str]) -> dict[str, Place]:
    """Places of all back-ends that are configured now; new ones start at their beginning."""
    return {each: places.get(each, Place()) for each in upstreams}

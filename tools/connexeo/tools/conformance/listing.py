"""Lists of what a user has, whole and in pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connexeo.tools.conformance.backend import BackEnd, next_page
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.resources import Entry
from connexeo.tools.conformance.shapes import listed, objects, text
from connexeo.tools.conformance.verdicts import NotTestable, Severity, Violation, require

PAGES_WANTED = 5
"""Into how many pages a list is cut about."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Where a list is, and what its entries are called by."""

    path: str
    key: str
    """Of the array."""
    name: str = "id"
    """Of what identifies an entry."""

    def identify(self, entry: Mapping[str, Any]) -> str:
        """What the entry is called, empty when it is not told."""
        return text(entry.get(self.name))


def read_whole(backend: BackEnd, listing: Listing) -> Exchange:
    """The list without ``limit``.

    Raises:
        Violated: when it is not answered with an object.
    """
    answer = backend.user.get(listing.path)
    require(answer.ok, f"the list is answered with HTTP {answer.status}", answer)
    answer.object()
    return answer


def entries_of(answer: Exchange, listing: Listing) -> list[Entry]:
    """What is listed in an answer."""
    return [Entry(entry, answer) for entry in objects(answer.object().get(listing.key))]


def everything(backend: BackEnd, listing: Listing) -> list[Entry]:
    """What is listed now, on all pages."""
    found: list[Entry] = []
    for answer, document in backend.pages(backend.user, listing.path):
        require(isinstance(document.get(listing.key), list), f"there is no array `{listing.key}`", answer)
        found += entries_of(answer, listing)
    return found


def find(backend: BackEnd, listing: Listing, name: str) -> Entry | None:
    """The entry of one thing in the list as it is now."""
    return next((each for each in everything(backend, listing) if listing.identify(each.value) == name), None)


def faults_of_arrays(answer: Exchange, listing: Listing) -> Iterator[Violation]:
    """A list has an array of its entries, and one of links."""
    document = answer.object()
    for key in (listing.key, "links"):
        if not isinstance(document.get(key), list):
            yield Violation(f"there is no array `{key}`", answer)


def faults_of_whole(answer: Exchange, listing: Listing, own: list[str]) -> Iterator[Violation]:
    """Without ``limit`` everything is listed at once: what this run has created is there."""
    if next_page(answer.object()) is not None:
        yield Violation("without `limit` there is a page only, with a link to the next", answer)
        return
    names = Counter(listing.identify(entry.value) for entry in entries_of(answer, listing))
    missing = [name for name in own if name not in names]
    if missing:
        yield Violation(f"the list lacks {listed(missing)}", answer.showing([]), severity=Severity.MAJOR)
    twice = [name for name in own if names[name] > 1]
    if twice:
        yield Violation(f"the list repeats {listed(twice)}", answer.showing([]), severity=Severity.MAJOR)


def faults_of_pages(backend: BackEnd, listing: Listing) -> Iterator[Violation]:
    """Pages are as long as asked for at most, and have each entry once.

    Others may use the account meanwhile: what is listed before and after must be on the pages.

    Raises:
        NotTestable: when there is too little to see pages.
    """
    whole = [listing.identify(entry.value) for entry in everything(backend, listing)]
    if len(whole) < 2:
        raise NotTestable("there is too little in the list to see pages")
    limit = -(-len(whole) // PAGES_WANTED)
    found: Counter[str] = Counter()
    first: Exchange | None = None
    for answer, document in backend.pages(backend.user, listing.path, limit):
        first = first or answer
        entries = document.get(listing.key)
        require(isinstance(entries, list), f"a page has no array `{listing.key}`", answer)
        if len(entries or ()) > limit:
            ignored = len(entries or ()) >= len(whole)
            message = (
                "`limit` is ignored: there is one page with all"
                if ignored
                else "a page is longer than `limit`"
            )
            severity = None if ignored else Severity.MAJOR
            yield Violation(message, answer.showing([]), severity=severity)
            return
        found.update(listing.identify(entry) for entry in objects(entries))
    after = {listing.identify(entry.value) for entry in everything(backend, listing)}
    # Names are those of the user: they are not told.
    if any(found[name] > 1 for name, count in Counter(whole).items() if name in after and count == 1):
        yield Violation("an entry is on several pages", first, severity=Severity.MAJOR)
    if any(name not in found for name in whole if name in after):
        yield Violation("an entry of the list is on no page", first, severity=Severity.MAJOR)

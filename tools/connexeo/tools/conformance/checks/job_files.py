"""Files that batch jobs leave: they can be read, and are what the metadata says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.checks.job_results import NEEDS, RESULTS, SOURCE, assets_of, results
from connexeo.tools.conformance.contents import digest_differs, incomplete, mismatch
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.shapes import is_absolute, text
from connexeo.tools.conformance.verdicts import NotTestable, Severity, Violation

_FILES = 5


@dataclass(frozen=True, slots=True)
class File:
    """An asset with what its link leads to."""

    asset: Mapping[str, Any]
    bare: Exchange
    """The answer without a token."""
    answer: Exchange
    """The same, or with a token where one is needed."""

    @property
    def media_type(self) -> str:
        """That of the asset, without parameters."""
        return text(self.asset.get("type")).partition(";")[0].strip().lower()


def files(backend: BackEnd) -> list[File]:
    """The first files of the results, with their contents.

    Raises:
        NotTestable: when no asset has a link that could be followed.
    """
    found: list[File] = []
    for asset in assets_of(backend.once(results).value).values():
        href = text(asset.get("href"))
        if not href.startswith(("http://", "https://")) or len(found) >= _FILES:
            continue
        bare = backend.anonymous.get(href)
        answer = backend.user.get(href) if bare.status in {401, 403} else bare
        found.append(File(asset, bare, answer))
    if not found:
        raise NotTestable("no asset has an absolute URL of HTTP")
    return found


def _read(backend: BackEnd) -> Iterator[File]:
    """Files that have come, which those that have not must not hide.

    Raises:
        NotTestable: when none has.
    """
    come = [file for file in backend.once(files) if file.answer.ok and not file.answer.truncated]
    if not come:
        raise NotTestable("no file of the results could be read in full")
    yield from come


@requirement(869, mend="Give each asset `href`, `type` and `title`.", **NEEDS)
def described(backend: BackEnd) -> Iterator[Violation]:
    """Assets have a link, a media type and a title."""
    found = backend.once(results)
    assets = assets_of(found.value)
    if not assets:
        raise NotTestable("there are no assets")
    for asset in assets.values():
        for key in ("href", "type", "title"):
            if not text(asset.get(key)):
                severity = Severity.MINOR if key == "title" else None
                yield Violation(f"an asset has no `{key}`", found.exchange.showing(asset), severity=severity)
    for asset in assets.values():
        if text(asset.get("href")) and not is_absolute(text(asset["href"])):
            yield Violation("the `href` of an asset is not absolute", found.exchange.showing(asset))


@check(
    "jobs.files-readable", "Files of results can be read by their links", source=SOURCE,
    mend="Give links that work: signed ones, best without a token.", **NEEDS,
)  # fmt: skip
def readable(backend: BackEnd) -> Iterator[Violation]:
    """Links of assets lead to files."""
    for file in backend.once(files):
        if not file.answer.ok:
            yield Violation(
                f"the link of an asset leads to HTTP {file.answer.status}", file.answer, place=RESULTS
            )
        elif not file.bare.ok:
            message = f"the link of an asset needs a token: HTTP {file.bare.status} without one"
            yield Violation(message, file.bare, place=RESULTS, severity=Severity.MINOR)


@check(
    "jobs.file-types", "Files are what their media types say", source=SOURCE,
    mend="Let `type` be the media type of the file.", **NEEDS,
)  # fmt: skip
def types(backend: BackEnd) -> Iterator[Violation]:
    """The bytes fit the media type of the asset."""
    for file in _read(backend):
        if why := mismatch(file.media_type, file.answer.body):
            message = f"a file that is called {file.media_type} is something else: {why}"
            yield Violation(message, file.answer, place=RESULTS)


@check(
    "jobs.files-complete", "Files are complete", source=SOURCE,
    mend="Send files to their end, and describe those that are there.", **NEEDS,
)  # fmt: skip
def complete(backend: BackEnd) -> Iterator[Violation]:
    """Files end where their formats and the metadata say, and have the checksum that is told."""
    for file in _read(backend):
        size, checksum = file.asset.get("file:size"), text(file.asset.get("file:checksum"))
        length = len(file.answer.body)
        if isinstance(size, int) and size != length:
            message = f"`file:size` is {size}, but {length} bytes come"
            yield Violation(message, file.answer, place=RESULTS)
        elif checksum and digest_differs(checksum, file.answer.body):
            yield Violation("`file:checksum` is not that of the file", file.answer, place=RESULTS)
        elif why := incomplete(file.answer.body):
            yield Violation(f"a file is not complete: {why}", file.answer, place=RESULTS)

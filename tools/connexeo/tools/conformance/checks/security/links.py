"""Signed links open what was signed, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.batch import Job, finished_job
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.registry import check
from connexeo.tools.conformance.shapes import mapping, targets, text
from connexeo.tools.conformance.verdicts import NotTestable, Severity, Violation, require

_SIGNATURE = re.compile(r"(^|[-_])(signature|sig|hmac)$", re.IGNORECASE)
_SECRET = re.compile(r"token|hash|key|secret", re.IGNORECASE)
_END = re.compile(r"(^|[-_])(expires|expiry|expiration|exp)$", re.IGNORECASE)

_FILE = re.compile(r"\.\w{1,7}$")
"""The end of the name of a file."""

_LONG = 16
"""Characters from which a value may be a signature."""

_DAY = 86_400

_RANGE = {"Range": "bytes=0-1023"}
"""The beginning is enough to know a file again."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value of a URL, with where it stands."""

    name: str
    value: str
    """As it is encoded."""
    start: int

    def replaced(self, url: str, value: str) -> str:
        """The URL with another value."""
        return f"{url[: self.start]}{value}{url[self.start + len(self.value) :]}"


def parameters(url: str) -> list[Parameter]:
    """Those of the query."""
    found: list[Parameter] = []
    query = urlsplit(url).query
    start = url.find("?") + 1
    for part in query.split("&") if query else ():
        name, equals, value = part.partition("=")
        found.append(Parameter(name, value, start + len(name) + len(equals)))
        start += len(part) + 1
    return found


def signatures(url: str, *known: str) -> list[Parameter]:
    """What may be the signature: parameters of such a name, else long ones, else long parts of the path.

    Args:
        url: a link.
        known: parts of the path that are something else.
    """
    found = parameters(url)
    for pattern in (_SIGNATURE, _SECRET):
        named = [each for each in found if pattern.search(each.name) and len(each.value) >= _LONG // 2]
        if named:
            return named
    return [each for each in found if len(each.value) >= _LONG] or _long_parts(url, known)


def _long_parts(url: str, known: tuple[str, ...]) -> list[Parameter]:
    path = urlsplit(url).path
    start = url.find(path, url.find("://") + 3)
    found: list[Parameter] = []
    for part in path.split("/"):
        if len(part) >= _LONG and part not in known and not _FILE.search(part):
            found.append(Parameter("", part, start))
        start += len(part) + 1
    return found


def altered(value: str) -> str:
    """The value with another letter in its middle: the last one of Base64 may hold nothing but padding."""
    for index in sorted(range(len(value)), key=lambda index: abs(index - len(value) // 2)):
        letter = value[index]
        if letter.isascii() and letter.isalnum() and "%" not in value[max(0, index - 2) : index]:
            first, second = ("1", "2") if letter.isdigit() else ("a", "b") if letter.islower() else ("A", "B")
            return f"{value[:index]}{second if letter == first else first}{value[index + 1 :]}"
    return value


def _links(job: Job, document: dict[str, object]) -> list[str]:
    assets = mapping(document.get("assets")).values()
    hrefs = [text(mapping(asset).get("href")) for asset in assets][:2]
    return [each for each in (*targets(document, "canonical")[:1], *hrefs) if each.startswith("http")]


@check(
    "security.altered-link",
    "A signed link to results whose signature or end was changed opens nothing",
    layer="security",
    source="openEO API, GET /jobs/{job_id}/results: signed URLs",
    operations=("GET /jobs/{job_id}/results",),
    severity=Severity.CRITICAL,
    writes=True,
    costs=True,
    mend="Compare the whole signature, over path and end, before anything is sent.",
)
def altered_link(backend: BackEnd) -> Iterator[Violation]:
    """Links to the results of the job of this run, each with one other letter."""
    job = backend.once(finished_job)
    answer = job.caller.get(f"{job.path}/results")
    require(answer.ok, f"the results are answered with HTTP {answer.status}", answer)
    signed = False
    for link in _links(job, answer.object()):
        asked = signatures(link, job.id)
        # A link that needs a token is not signed.
        original = backend.anonymous.get(link, headers=_RANGE) if asked else None
        if original is None or not original.ok:
            continue
        signed = True
        changed = [each.replaced(link, altered(each.value)) for each in asked]
        opened = [shown for url in changed if (shown := _opened(backend, url, original)) is not None]
        if len(opened) == len(changed):
            message = "a link with another signature opens the same"
            yield Violation(message, opened[0], place="GET /jobs/{job_id}/results")
            continue
        yield from _prolonged(backend, link, original)
    if not signed:
        raise NotTestable("no link to the results is signed")


def _prolonged(backend: BackEnd, link: str, original: Exchange) -> Iterator[Violation]:
    for end in parameters(link):
        if _END.search(end.name) and end.value.isdecimal():
            later = end.replaced(link, str(int(end.value) + _DAY))
            shown = _opened(backend, later, original)
            if shown is not None:
                message = "a link whose end was put off opens the same"
                yield Violation(message, shown, place="GET /jobs/{job_id}/results")


def _opened(backend: BackEnd, url: str, original: Exchange) -> Exchange | None:
    """The answer when it is that of the original link; a page of somebody else is none."""
    answer = backend.anonymous.get(url, headers=_RANGE)
    return answer if answer.ok and answer.body == original.body else None

"""The back-ends of a federation, as the capabilities tell of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.extents import instant, is_rfc_3339
from connexeo.tools.conformance.registry import check
from connexeo.tools.conformance.shapes import texts
from connexeo.tools.conformance.verdicts import NotApplicable, NotTestable, Severity, Violation

SOURCE = "Federation Extension 0.1.0"
CLASS = "https://api.openeo.org/extensions/federation/"


def member_states(backend: BackEnd) -> dict[str, str]:
    """Back-ends of the federation → ``online`` or ``offline``."""
    members = backend.capabilities.get("federation")
    if not isinstance(members, Mapping):
        raise NotApplicable("the back-end is no federation: `GET /` has no `federation`")
    return {
        str(name): str(about.get("status", "online")) if isinstance(about, Mapping) else "online"
        for name, about in members.items()
    }


def described(backend: BackEnd) -> dict[str, Mapping[str, Any]]:
    """What is said of each of them."""
    member_states(backend)
    return {
        name: about
        for name, about in backend.capabilities["federation"].items()
        if isinstance(about, Mapping)
    }


@check(
    "federation.members",
    "A federation has two back-ends or more, each with the URL of its API",
    layer="federation",
    source=SOURCE,
    mend="Give each member of `federation` an absolute `url`.",
)
def members(backend: BackEnd) -> Iterator[Violation]:
    """The property of the capabilities."""
    answer = backend.anonymous.get("/")
    if len(member_states(backend)) < 2:
        yield Violation("`federation` has fewer than two back-ends", answer)
    for name, about in described(backend).items():
        if not _is_absolute(about.get("url")):
            yield Violation(f"the back-end {name} has no absolute `url`", answer)


def _is_absolute(url: Any) -> bool:
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
    except ValueError:
        return False
    return parts is not None and parts.scheme in {"http", "https"} and bool(parts.netloc)


@check(
    "federation.class",
    "Who is a federation advertises the conformance class of the extension, and the other way round",
    layer="federation",
    source=SOURCE,
    mend=f"List {CLASS}0.1.0 in `conformsTo`, and the back-ends in `federation`.",
)
def conformance_class(backend: BackEnd) -> Iterator[Violation]:
    """Class and property."""
    classes = backend.capabilities.get("conformsTo")
    advertised = any(name.startswith(CLASS) for name in texts(classes))
    if isinstance(backend.capabilities.get("federation"), Mapping):
        if not advertised and backend.contract.version not in {"1.0", "1.1"}:
            yield Violation(
                "`federation` is there, its conformance class is not",
                backend.anonymous.get("/"),
                severity=Severity.MINOR,
            )
    elif advertised:
        yield Violation(
            "the conformance class is advertised, but there is no `federation`", backend.anonymous.get("/")
        )
    else:
        raise NotApplicable("the back-end is no federation: `GET /` has no `federation`")


@check(
    "federation.description",
    "Each back-end has a title and the times of its checks",
    layer="federation",
    source="Federation Extension 0.1.0; what users need",
    severity=Severity.MINOR,
    mend="Give each member of `federation` a `title`, `last_status_check` and `last_successful_check`.",
)
def description(backend: BackEnd) -> Iterator[Violation]:
    """What users and clients show of each back-end, an offline one too."""
    answer = backend.anonymous.get("/")
    for name, about in described(backend).items():
        lacking = [
            key for key in ("title", "last_status_check", "last_successful_check") if not about.get(key)
        ]
        if lacking and not (about.get("status") == "offline" and lacking == ["last_successful_check"]):
            yield Violation(f"the back-end {name} has no {', '.join(lacking)}", answer)


@check(
    "federation.check-times",
    "The last successful check is that of the last check while a back-end is online, and never later",
    layer="federation",
    source=SOURCE,
    mend="Set both to the same time after a check that was successful, and only `last_status_check` after another.",
)
def check_times(backend: BackEnd) -> Iterator[Violation]:
    """The two times of each back-end."""
    answer = backend.anonymous.get("/")
    told = False
    for name, about in described(backend).items():
        times = [about.get(f"last_{what}_check") for what in ("status", "successful")]
        last, good = (instant(each) if is_rfc_3339(each) else None for each in times)
        if last is None or good is None:
            continue
        told = True
        if good > last:
            yield Violation(f"the back-end {name} was checked successfully after it was checked last", answer)
        elif about.get("status", "online") == "online" and good != last:
            yield Violation(f"the back-end {name} is online, but its last check was not successful", answer)
    if not told:
        raise NotTestable("no back-end has both times")

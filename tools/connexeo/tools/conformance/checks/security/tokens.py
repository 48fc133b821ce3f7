"""What needs a token is refused without one, and with any that is not valid."""

from __future__ import annotations

from collections.abc import Iterator

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.checks.security.forgery import EXPIRED, forgeries, strange_providers
from connexeo.tools.conformance.checks.security.probes import (
    Probe,
    closed_operations,
    intrude,
    private_reading,
)
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.verdicts import NotApplicable, NotTestable, Severity, Violation

SOURCE = "openEO API, Authentication"
MEND = "Check the token before anything else, for this operation too."
REFUSED = "Refuse it with 403 TokenInvalid."

UNKNOWN = "basic//conformance-not-a-token"
"""A token that nobody has given out."""

GARBAGE = {
    "an unknown token of HTTP Basic": UNKNOWN,
    "no method and provider": "conformance",
    "nothing behind method and provider": "basic//",
    "an unknown provider": "oidc/conformance-no-provider/abc.def.ghi",
    "an unknown method": "magic//abc",
    "three empty parts": "//",
    "half a JWT": "eyJhbGciOiJSUzI1NiJ9.e30",
    "a JWT that has expired": f"oidc/conformance-no-provider/{EXPIRED}",
    "a JWT without a method": EXPIRED,
}
"""Bearer tokens that no back-end can have given out, by what they have."""

HEADERS = {
    "empty": "",
    "the scheme alone": "Bearer",
    "of another scheme": "Basic Y29uZjpjb25m",
    "a token without its scheme": UNKNOWN,
    "a wrong token with the scheme in lower case": f"bearer {UNKNOWN}",
    "two tokens": f"Bearer {UNKNOWN}, Bearer {UNKNOWN}",
}
"""Values of the header ``Authorization``, by what they are."""

_NOT_THERE = {405, 429, 501}
"""Statuses that say nothing of tokens: the operation is not there after all, or too much was asked."""

_LATER = {400, 404, 409, 410, 413, 415, 422}
"""Statuses of checks that ought to come after that of the token."""


@requirement(101, layer="security", mend=f"{MEND} Answer 401 AuthenticationRequired.")
def no_token(backend: BackEnd) -> Iterator[Violation]:
    """Every operation that needs a token, without one."""
    for probe in _closed(backend):
        answer = intrude(backend, probe)
        if answer.ok:
            yield Violation(
                f"HTTP {answer.status} without a token", answer, severity=Severity.CRITICAL, place=probe.name
            )
        elif answer.status not in {401, *_NOT_THERE}:
            yield Violation(
                f"{_told(answer)} without a token, not 401",
                answer,
                severity=_severity(answer, probe, {403}),
                place=probe.name,
            )


@requirement(102, layer="security", mend=REFUSED)
def wrong_token(backend: BackEnd) -> Iterator[Violation]:
    """Every operation that needs a token, with one that is not valid."""
    for probe in _closed(backend):
        answer = intrude(backend, probe, UNKNOWN)
        if answer.ok:
            yield Violation(
                f"HTTP {answer.status} with a token that nobody has given out",
                answer,
                severity=Severity.CRITICAL,
                place=probe.name,
            )
        elif answer.status not in {403, *_NOT_THERE}:
            # 401 is what the general part of the standard has for credentials that are not right.
            yield Violation(
                f"{_told(answer)} with a wrong token, not 403",
                answer,
                severity=_severity(answer, probe, {401}),
                place=probe.name,
            )


def _closed(backend: BackEnd) -> list[Probe]:
    probes = closed_operations(backend)
    if not probes:
        raise NotApplicable("nothing that is offered needs a token")
    return probes


def _told(answer: Exchange) -> str:
    return f"HTTP {answer.status} {answer.code or ''}".rstrip()


def _severity(answer: Exchange, probe: Probe, alike: set[int]) -> Severity | None:
    """Whoever refuses for another reason keeps the door closed; clients cannot tell what is wrong."""
    about_other = answer.status in _LATER and (probe.about_one or probe.json is not None)
    return Severity.MINOR if answer.status in alike or about_other else None


@check(
    "security.malformed-token",
    "A token of a form that nobody gives out is refused, with no failure of the server",
    layer="security",
    source=SOURCE,
    mend=REFUSED,
)
def malformed_token(backend: BackEnd) -> Iterator[Violation]:
    """One operation, with all kinds of malformed tokens."""
    probe = private_reading(backend)
    for kind, token in GARBAGE.items():
        answer = probe.send(backend.anonymous, token=token)
        if answer.status not in {401, 403, 429}:
            yield _let_in(answer, "a malformed token", probe, kind)
    for kind, header in HEADERS.items():
        answer = backend.anonymous.request(probe.method, probe.path, headers={"Authorization": header})
        # 400 is for headers that are not understood, see RFC 6750, section 3.1.
        if answer.status not in {400, 401, 403, 429}:
            yield _let_in(answer, f"an Authorization header that is {kind}", probe)


def _let_in(answer: Exchange, what: str, probe: Probe, kind: str = "") -> Violation:
    severity = Severity.CRITICAL if answer.ok else None
    place = f"{probe.name}, {kind}" if kind else probe.name
    return Violation(f"HTTP {answer.status} for {what}, not 403", answer, severity=severity, place=place)


@check(
    "security.forged-token",
    "A valid token that was changed is refused",
    layer="security",
    source=SOURCE,
    account=True,
    mend="Verify signatures, and compare tokens as a whole.",
)
def forged_token(backend: BackEnd) -> Iterator[Violation]:
    """The user's own token with another end, and as an unsigned JWT."""
    probe, token = _accepted(backend)
    for kind, forged in forgeries(token).items():
        answer = probe.send(backend.anonymous, token=forged)
        if answer.status not in {401, 403, 429}:
            yield _let_in(answer, f"a token {kind}", probe)


def _accepted(backend: BackEnd) -> tuple[Probe, str]:
    """A request that needs a token, and the user's, which is accepted for it.

    Raises:
        NotTestable: when there is none, or it is refused.
    """
    probe = private_reading(backend)
    answer = probe.send(backend.user)
    # After the request: the token may have been renewed by it.
    token = backend.user.tokens.current() if backend.user.tokens else None
    if not token:
        raise NotTestable("the account has no token")
    if answer.status in {401, 403}:
        raise NotTestable(f"the account's token is refused with HTTP {answer.status} at {probe.name}")
    return probe, token


@check(
    "security.token-provider",
    "A token that is said to be of a method or provider that is not there is refused",
    layer="security",
    source="openEO API, securitySchemes: the Bearer token",
    severity=Severity.MINOR,
    account=True,
    mend="Look at method and provider before the token itself; refuse unknown ones with 403.",
)
def token_provider(backend: BackEnd) -> Iterator[Violation]:
    """The user's own token under other names."""
    probe, token = _accepted(backend)
    changed = strange_providers(token)
    if not changed:
        raise NotTestable("the token has no method and provider in front")
    for kind, other in changed.items():
        answer = probe.send(backend.anonymous, token=other)
        if answer.ok:
            yield Violation(
                f"HTTP {answer.status} for a valid token of {kind}, not 403", answer, place=probe.name
            )


@check(
    "security.scheme-case",
    "The scheme of the Authorization header is understood in any letter case",
    layer="security",
    source="RFC 9110, section 11.1",
    severity=Severity.MINOR,
    account=True,
)
def scheme_case(backend: BackEnd) -> Iterator[Violation]:
    """``bearer`` instead of ``Bearer``."""
    probe, token = _accepted(backend)
    answer = backend.anonymous.request(probe.method, probe.path, headers={"Authorization": f"bearer {token}"})
    if answer.status in {400, 401, 403}:
        yield Violation(f"HTTP {answer.status} for the scheme `bearer`, where `Bearer` is accepted", answer)


@check(
    "security.head",
    "HEAD gives nothing away that GET does not",
    layer="security",
    source="RFC 9110, section 9.3.2",
    severity=Severity.CRITICAL,
    mend=MEND,
)
def head(backend: BackEnd) -> Iterator[Violation]:
    """HEAD of what needs a token, without one."""
    probe = private_reading(backend)
    answer = backend.anonymous.request("HEAD", probe.path)
    if answer.ok:
        yield Violation(f"HTTP {answer.status} for HEAD without a token", answer, place=f"HEAD {probe.path}")

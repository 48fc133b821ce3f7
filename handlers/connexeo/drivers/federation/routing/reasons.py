"""Why back-ends cannot run a process, and the error that tells a user so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connexeo.generated import errors
from connexeo.generated.errors import InfrastructureBusy, OpenEOError, PermissionsInsufficient, RequestInvalid

UNKNOWN = "InfrastructureBusy"
"""Code of reasons that may be none, were the back-end to answer."""
NO_ACCOUNT = "PermissionsInsufficient"
NOT_CHOSEN = ""
"""Code of the reason that the user wants others."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a back-end cannot run a process."""

    code: str
    """Of the openEO error that it would be if the back-end were the only one."""
    subject: str
    """What is missing."""
    text: str
    """In words, as part of a sentence."""


Reasons = Mapping[str, Sequence[Reason]]
"""Back-end → all its reasons; none: it can run the process."""


def in_words(reasons: Sequence[Reason]) -> str:
    """All reasons of one back-end."""
    unsaid = [reason.subject for reason in reasons if reason.code == UNKNOWN]
    texts = [reason.text for reason in reasons if reason.code != UNKNOWN]
    if unsaid:
        texts.append(f"it has not said yet which {' and '.join(unsaid)} it has")
    return ", ".join(texts)


def refusal(reasons: Reasons, hint: str = "") -> OpenEOError:
    """The error when nobody can run a process, with the reasons of each back-end.

    Its code is that of what all of them lack. Those that the user has not chosen, or has no account at, do not count.

    Args:
        reasons: Of all back-ends.
        hint: A sentence for the end of the message.
    """
    told = "; ".join(f"{upstream}: {in_words(each)}" for upstream, each in reasons.items())
    message = f"No back-end can run this process. {told}.{hint}"
    asked = _without(_without(list(reasons.values()), NOT_CHOSEN), NO_ACCOUNT)
    for reason in asked[0] if asked else ():
        lacking = (reason.code, reason.subject)
        if all(lacking in {(one.code, one.subject) for one in each} for each in asked):
            return _error(reason, message)
    if any(all(one.code == UNKNOWN for one in each) for each in asked):
        return InfrastructureBusy(message)
    if all(any(one.code == NO_ACCOUNT for one in each) for each in asked):
        return PermissionsInsufficient(message)
    return RequestInvalid(message)


def _without(reasons: list[Sequence[Reason]], code: str) -> list[Sequence[Reason]]:
    """Reasons of the back-ends that do not have a certain one, or of all if all have it."""
    return [each for each in reasons if all(one.code != code for one in each)] or reasons


def _error(reason: Reason, message: str) -> OpenEOError:
    found = getattr(errors, reason.code, None)
    if isinstance(found, type) and issubclass(found, OpenEOError):
        return found(message)
    return RequestInvalid(message)

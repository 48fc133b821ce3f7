"""Rules for logs, which are the same for those of batch jobs, of services, and of synchronous processing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any

from connexeo.tools.conformance.backend import next_page
from connexeo.tools.conformance.caller import Caller
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.extents import instant, is_rfc_3339
from connexeo.tools.conformance.resources import object_of
from connexeo.tools.conformance.shapes import mapping, objects, text
from connexeo.tools.conformance.traces import STACK_TRACE
from connexeo.tools.conformance.verdicts import NotTestable, Severity, Violation, require

LEVELS = ("debug", "info", "warning", "error")
"""From what is least to what is most severe."""

_LONGEST = 2000
"""Characters of a message that count as short."""

_SLACK = timedelta(seconds=10)
"""By how much clocks of machines may differ that write into one log."""

_PAGES = 20


@dataclass(frozen=True, slots=True)
class Log:
    """A log, as one request gives it."""

    reader: Caller
    path: str
    exchange: Exchange
    document: Mapping[str, Any]

    @property
    def entries(self) -> list[Mapping[str, Any]]:
        """Its entries, as far as they are objects."""
        return objects(self.document.get("logs"))

    @property
    def ids(self) -> list[str]:
        """Their identifiers."""
        return [text(entry.get("id")) for entry in self.entries]

    def again(self, **query: Any) -> Log:
        """The same log, asked for otherwise."""
        return read_log(self.reader, self.path, **query)

    def need(self, most: int = 1) -> None:
        """End the check when there are fewer entries, or they cannot be told apart.

        Raises:
            NotTestable: when it cannot be told with these entries.
        """
        if len(self.ids) < most:
            raise NotTestable(f"the log has {_amount(len(self.ids))}, at least {most} are needed")
        if "" in self.ids or len(set(self.ids)) < len(self.ids):
            raise NotTestable("builds on identifiers of entries, which are missing or not unique")


def read_log(reader: Caller, path: str, **query: Any) -> Log:
    """Ask for a log.

    Raises:
        Violated: when there is none.
    """
    answer = reader.get(path, params=query or None)
    asked = f" with {', '.join(f'{key}={value}' for key, value in query.items())}" if query else ""
    if set(query) & {"offset"}:
        asked = " with `offset`"
    require(answer.ok, f"the log{asked} is answered with HTTP {answer.status}", answer)
    return Log(reader, path, answer, object_of(answer) or {})


def has_arrays(log: Log) -> Iterator[Violation]:
    """``logs`` and ``links`` are there."""
    for key in ("logs", "links"):
        if not isinstance(log.document.get(key), list):
            yield Violation(f"there is no array `{key}`", log.exchange)


def keeps_offset(log: Log) -> Iterator[Violation]:
    """Only what comes after the entry that ``offset`` names is sent."""
    log.need()
    last = log.again(offset=log.ids[-1])
    if repeated := [each for each in last.ids if each in log.ids]:
        yield Violation(
            f"after the last entry come {_amount(len(repeated))} from before it, none may",
            last.exchange,
        )
        return
    if len(log.ids) > 1:
        middle = log.again(offset=log.ids[0])
        expected = log.ids[1:]
        if middle.ids[: len(expected)] != expected[: len(middle.ids)] or not middle.ids:
            yield Violation(
                f"after the first of {len(log.ids)} entries come {_amount(len(middle.ids))}, "
                "which are not those that follow it",
                middle.exchange,
            )
    if (empty := log.again(offset="")).ids[:1] != log.ids[:1]:
        yield Violation("`offset` without a value does not begin with the first entry", empty.exchange)


def keeps_level(log: Log) -> Iterator[Violation]:
    """Entries that are less severe than ``level`` are left out, and no others."""
    log.need()
    for level in ("error", "warning"):
        wanted = LEVELS[LEVELS.index(level) :]
        found = log.again(level=level)
        lower = [entry for entry in found.entries if entry.get("level") in LEVELS[: LEVELS.index(level)]]
        if lower:
            # Who does not filter, and does not say so, is only less comfortable.
            claims = found.document.get("level") in wanted
            yield Violation(
                f"with `level={level}` comes an entry of the level {lower[0]['level']}",
                found.exchange,
                severity=Severity.MAJOR if claims else None,
            )
        kept = [entry for entry in log.entries if entry.get("level") in wanted]
        missing = [entry for entry in kept if text(entry.get("id")) not in found.ids]
        if missing and next_page(found.document) is None:
            yield Violation(
                f"with `level={level}` an entry of the level {missing[0]['level']} is missing",
                found.exchange,
                severity=Severity.MAJOR,
            )


def keeps_limit(log: Log) -> Iterator[Violation]:
    """There are no more entries than ``limit``, and links lead to the others."""
    log.need(2)
    page = log.again(limit=1)
    if len(page.entries) > 1:
        yield Violation(f"with `limit=1` come {_amount(len(page.entries))}", page.exchange)
        return
    seen = list(page.ids)
    last = page
    while len(seen) < min(len(log.ids), _PAGES):
        target = next_page(last.document)
        if target is None:
            yield Violation(
                f"after {_amount(len(seen))} of {len(log.ids)} no link `next` leads on",
                last.exchange,
                severity=Severity.MAJOR,
            )
            return
        if "://" not in target:
            yield Violation("the link `next` is not absolute", last.exchange)
            return
        last = read_log(log.reader, target)
        if not last.entries or set(last.ids) & set(seen):
            break
        seen += last.ids
    if seen != log.ids[: len(seen)] or len(seen) < min(len(log.ids), _PAGES):
        yield Violation(
            "the pages have other entries than the whole log", last.exchange, severity=Severity.MAJOR
        )


def tells_level(log: Log) -> Iterator[Violation]:
    """``level`` is the least level of what can be among the entries."""
    for asked in (None, "error"):
        found = log if asked is None else log.again(level=asked)
        told = found.document.get("level", "debug")
        if told not in LEVELS:
            # That is for the schema to say.
            continue
        levels = [entry["level"] for entry in found.entries if entry.get("level") in LEVELS]
        least = min((LEVELS.index(each) for each in levels), default=len(LEVELS))
        if least < LEVELS.index(told):
            yield Violation(
                f"`level` is {told}, but there is an entry of the level {LEVELS[least]}", found.exchange
            )
        elif asked is not None and told != asked:
            how = "missing, which means debug," if "level" not in found.document else told
            yield Violation(f"`level` is {how} where {asked} was asked for", found.exchange)


def are_identified(log: Log) -> Iterator[Violation]:
    """Entries have ``id``, ``level`` and ``message``, and keep their identifiers."""
    log_entries(log)
    for entry in log.entries:
        for key in ("id", "level", "message"):
            if not text(entry.get(key)):
                yield Violation(f"an entry has no `{key}`", log.exchange.showing(entry))
        if text(entry.get("level")) and entry["level"] not in LEVELS:
            yield Violation(
                f"the level of an entry is {entry['level']!r}, none of {', '.join(LEVELS)}",
                log.exchange.showing(entry),
            )
    ids = [each for each in log.ids if each]
    if len(set(ids)) < len(ids):
        yield Violation(
            "several entries have the same identifier, so that `offset` cannot tell them apart",
            log.exchange,
            severity=Severity.MAJOR,
        )
        return
    again = log.again()
    shared = min(len(ids), len(again.ids))
    if again.ids[:shared] != ids[:shared]:
        yield Violation("entries have other identifiers when they are asked for again", again.exchange)


def have_times(log: Log) -> Iterator[Violation]:
    """Entries have a time in UTC, and the oldest comes first."""
    log_entries(log)
    for entry in log.entries:
        time = entry.get("time")
        if time is None:
            yield Violation("an entry has no `time`", log.exchange.showing(entry), severity=Severity.MINOR)
        elif not is_rfc_3339(time):
            message = "the time of an entry is no date and time of RFC 3339"
            yield Violation(message, log.exchange.showing(entry))
        elif (moment := instant(time)) is not None and moment.utcoffset():
            yield Violation(
                "the time of an entry is not in UTC", log.exchange.showing(entry), severity=Severity.MINOR
            )
    times = [each for entry in log.entries if (each := instant(entry.get("time"))) is not None]
    if any(late - early > _SLACK for late, early in pairwise(times)):
        yield Violation("entries are not in the order of their times, the oldest first", log.exchange)


def are_short(log: Log) -> Iterator[Violation]:
    """Messages are short, and have no stack traces."""
    for entry in log_entries(log):
        message = text(entry.get("message"))
        if STACK_TRACE.search(str(entry.get("message"))):
            told = "a message has a stack trace, which belongs into `stacktrace`"
            yield Violation(told, log.exchange.showing(entry))
        elif len(message) > _LONGEST:
            told = f"a message is longer than {_LONGEST} characters"
            yield Violation(told, log.exchange.showing({**mapping(entry), "message": message[:200]}))


def log_entries(log: Log) -> Sequence[Mapping[str, Any]]:
    """Its entries.

    Raises:
        NotTestable: when it is empty.
    """
    if not log.entries:
        raise NotTestable("the log is empty")
    return log.entries


def _amount(number: int) -> str:
    return {0: "no entries", 1: "one entry"}.get(number, f"{number} entries")

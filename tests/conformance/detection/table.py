"""The page about all this: ``docs/mutations.md``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from conformance.detection.leniency import RECOMMENDED
from conformance.detection.official import SUITE
from conformance.detection.trial import Detection
from conformance.mutations import Fault
from conformance.mutations.catalogue import AREAS
from connexeo.tools.conformance.report import Finding
from connexeo.tools.conformance.verdicts import Severity

Official = Mapping[str, Mapping[str, Any]]
"""Results of the official suite, by fault."""

_INTRODUCTION = f"""# Mutations

Does `connexeo conformance` find what is wrong with a back-end? Here faults are put in front of our own server, which
keeps the contract: a proxy passes everything on as it is, and spoils what one fault is about, in a way that real
back-ends do it. Each fault is switched on alone. The tool has found it when its report has a failure that the
report without the fault has not. Without any fault the report has no failure and no warning.

The official test suite (`{SUITE}`) is given the same faults. Its column is generous: a fault counts as seen as soon as
any test of the suite ends otherwise than without the fault, whatever its message says.

This page is written by a command; run it in the folder `tests`, where `--cache` is a folder for the suite's environment
and FILE keeps its results, so that an interrupted run goes on:

```bash
python -m conformance.detection --table ../docs/mutations.md --official FILE --cache FOLDER
```

The tests try a part of the faults each time, some of each area and all critical ones; with
`CONNEXEO_TEST_MUTATIONS=all` in the environment `pytest tests/conformance/test_mutations.py` tries all.
"""

_HOW = """## How it was done

The tool ran with an account, a second account, `--write`, `--allow-costs` and a fixed seed. It ran the layers that the
fault belongs to and `schema`, without random requests, and of these the checks that ask for something the fault
spoils; the others cannot notice it. It stopped at the first check that found the fault, which the tables name;
`--thorough` goes on. Where a fault breaks the login or the discovery, the tool ends with an error that says so, which
counts as found.

A warning is enough for these faults, as they break a recommendation:
"""

_SUITE = """## The official suite

The packages `general`, `collections`, `processes/metadata` and `workflows` ran, offline and with HTTP Basic, which
needs the few changes in `tests/conformance/suite_plugin.py`. A package that asks for nothing that the fault spoils was
not run, as it cannot notice it. `processes/processing` was not run at all: it executes each example of each process.
The suite has no tests of files, other users' property, conditional requests, the federation extension, or secondary
services except for their types.
"""


def page(detections: Sequence[Detection], official: Official) -> str:
    """The whole page."""
    by_id = {detection.fault.id: detection for detection in detections}
    areas = {
        area: [by_id[fault.id] for fault in faults if fault.id in by_id] for area, faults in AREAS.items()
    }
    parts = [
        _INTRODUCTION,
        "## Totals\n",
        _totals(areas, official),
        _severe(detections),
        *_missed(detections),
        _HOW,
        _lenient(detections),
        _SUITE,
    ]
    for area, members in areas.items():
        if members:
            parts += [f"## {_name(area)}\n", _rows(members, official)]
    return "\n".join(parts)


def _name(area: str) -> str:
    return {"cors": "CORS"}.get(area, area.replace("_", " ").capitalize())


def _totals(areas: Mapping[str, Sequence[Detection]], official: Official) -> str:
    def row(name: str, members: Sequence[Detection]) -> Iterator[str]:
        yield name
        yield str(len(members))
        yield _share(members, lambda each: each.found)
        tried = [each for each in members if each.fault.id in official]
        yield _share(tried, lambda each: _seen(each.fault, official))

    rows = [row(_name(area), members) for area, members in areas.items() if members]
    everything = [each for members in areas.values() for each in members]
    rows.append(map("**{}**".format, row("all", everything)))
    return _table(("Area", "Faults", "connexeo conformance", "official suite"), rows)


def _share(members: Sequence[Detection], counted: Callable[[Detection], bool]) -> str:
    number = sum(map(counted, members))
    return f"{number} of {len(members)} ({100 * number // len(members)} %)" if members else "not tried"


def _severe(detections: Sequence[Detection]) -> str:
    failures = [each for each in detections if each.told or any(map(_is_failure, each.findings))]
    return f"{len(failures)} of {len(detections)} are reported as failures, the others that were found as warnings.\n"


def _is_failure(finding: Finding) -> bool:
    return finding.severity is not Severity.MINOR


def _missed(detections: Iterable[Detection]) -> Iterator[str]:
    missed = [each for each in detections if not each.found]
    if missed:
        yield "Not found, or not taken as serious as it is:\n"
        yield "".join(f"- `{each.fault.id}`: {each.fault.title}{_said(each)}\n" for each in missed)


def _said(detection: Detection) -> str:
    checks = dict.fromkeys(f"`{finding.check.id}`" for finding in detection.findings)
    return f" (only warnings, by {', '.join(checks)})" if checks else ""


def _lenient(detections: Iterable[Detection]) -> str:
    lines = [
        f"- `{each.fault.id}`: {RECOMMENDED[each.fault.id]}\n"
        for each in detections
        if each.fault.id in RECOMMENDED
    ]
    return "".join(lines)


def _rows(members: Iterable[Detection], official: Official) -> str:
    rows = (
        (
            f"{each.fault.title} (`{each.fault.id}`)",
            each.fault.rule,
            f"`{each.by}`" if each.by and not each.told else each.by or "**not found**",
            _told(each.fault, official),
        )
        for each in members
    )
    return _table(("Fault", "Rule broken", "Found by", "Official suite"), rows)


def _told(fault: Fault, official: Official) -> str:
    if fault.id not in official:
        return "not tried"
    return "seen" if _seen(fault, official) else "not seen"


def _seen(fault: Fault, official: Official) -> bool:
    return bool(official[fault.id]["differs"])


def _table(head: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)

"""The report as JSON; ``report.schema.json`` describes it.

Two runs that find the same differ in ``run`` and in the evidence of findings only: times, and what the server made up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson

from connexeo.tools.conformance.registry import LAYERS
from connexeo.tools.conformance.report import Finding, Report, Result, untold
from connexeo.tools.conformance.verdicts import Severity, State
from connexeo.tools.spec.documents import SpecError
from connexeo.tools.spec.profiles import Requirement, load_levels, load_requirements
from connexeo.tools.spec.sources import find_spec

FORMAT = "connexeo-conformance/1"
"""Name and version of the format; a change that breaks readers gets a new number."""

SCHEMA = Path(__file__).with_name("report.schema.json")


def to_document(report: Report) -> dict[str, Any]:
    """The report as JSON."""
    return {
        "format": FORMAT,
        "tool": {"name": "connexeo", "version": version("connexeo")},
        "backend": {
            "url": report.url,
            "title": report.title,
            "api_version": report.api_version,
            "backend_version": report.backend_version,
            "contract_version": report.contract_version,
        },
        "options": {"layers": list(report.layers), "write": report.write, "seed": report.seed},
        "complete": report.complete,
        "notes": list(report.notes),
        "summary": _summary(report),
        "findings": [_finding(finding) for finding in report.findings],
        "checks": [_result(result) for result in report.results],
        "profiles": _profiles(report),
        "process_profiles": [
            {"name": each.name, "asked": len(each.asked), "missing": list(each.missing)}
            for each in report.process_profiles
        ],
        "run": {
            "started": report.run.started,
            "seconds": report.run.seconds,
            "requests": report.run.requests,
            "left_over": list(report.run.left_over),
        },
    }


def dump(document: Mapping[str, Any]) -> bytes:
    """The document as text, ready for a file."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def read_report(path: Path) -> dict[str, Any]:
    """A report that was written before.

    Raises:
        SpecError: when the file is no such report.
    """
    try:
        document = orjson.loads(path.read_bytes())
    except OSError as error:
        raise SpecError(f"{path} cannot be read: {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        raise SpecError(f"{path} is not JSON: {error}") from error
    found = document.get("format") if isinstance(document, dict) else None
    if found != FORMAT:
        raise SpecError(
            f"{path} is no report of `connexeo conformance --json` (its format is {found or 'missing'}, not {FORMAT})"
        )
    fault = next(_validator().iter_errors(document), None)
    if fault is not None:
        place = "/".join(map(str, fault.instance_path))
        raise SpecError(f"{path} is damaged at {place or 'its top'}: {fault.message[:200]}")
    return document  # type: ignore[no-any-return] # by its format


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    """What readers need; newer reports may have more."""
    return jsonschema_rs.Draft202012Validator(_open(orjson.loads(SCHEMA.read_bytes())))


def _open(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {
            key: _open(value)
            for key, value in schema.items()
            if not (key == "additionalProperties" and value is False)
        }
    return [_open(each) for each in schema] if isinstance(schema, list) else schema


def stable(document: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a report that is the same in two runs that find the same."""
    findings = [
        {key: each[key] for key in each if key not in {"evidence", "count"}} for each in document["findings"]
    ]
    return {**{key: value for key, value in document.items() if key != "run"}, "findings": findings}


def _summary(report: Report) -> dict[str, Any]:
    def states(layer: str | None) -> dict[str, int]:
        return {str(state): report.count(state, layer) for state in State}

    severities = [finding.severity for finding in report.findings]
    present = [layer for layer in LAYERS if any(result.check.layer == layer for result in report.results)]
    return {
        "checks": states(None),
        "coverage": {
            "asked": len(report.results),
            "told": report.told,
            "untold": [
                {"state": str(each.state), "reason": each.reason, "count": each.count}
                for each in untold(report)
            ],
        },
        "findings": {str(severity): severities.count(severity) for severity in Severity},
        "layers": {layer: states(layer) for layer in present},
    }


def _finding(finding: Finding) -> dict[str, Any]:
    evidence = finding.evidence
    return {
        "fingerprint": finding.fingerprint,
        "check": finding.check.id,
        "layer": finding.check.layer,
        "requirement": finding.check.title,
        "source": finding.check.source,
        "severity": str(finding.severity),
        "place": finding.place,
        "places": list(finding.places),
        "message": finding.message,
        "mend": finding.mend,
        "count": finding.count,
        "known": finding.known,
        "evidence": {"request": evidence.request, "answer": evidence.answer} if evidence else None,
    }


def _result(result: Result) -> dict[str, Any]:
    return {
        "id": result.check.id,
        "layer": result.check.layer,
        "requirement": result.check.title,
        "source": result.check.source,
        "number": result.check.requirement,
        "state": str(result.state),
        "reason": result.reason,
        "findings": [finding.fingerprint for finding in result.findings],
    }


def _profiles(report: Report) -> dict[str, Any]:
    """Levels with their counts, and every requirement with its state; empty when none was looked at."""
    if not report.requirements:
        return {"levels": [], "requirements": []}
    spec = find_spec()
    requirements = load_requirements(spec)
    levels = [
        {"level": level, "meaning": meaning, **_level(report, requirements, level)}
        for level, meaning in load_levels(spec).items()
    ]
    listed = [
        {
            "number": number,
            "levels": list(each.levels),
            "area": each.area,
            "endpoint": each.endpoint,
            "text": each.text,
            "state": str(report.requirements.get(number, State.SKIPPED)),
        }
        for number, each in requirements.items()
    ]
    return {"levels": levels, "requirements": listed}


def _level(report: Report, requirements: Mapping[int, Requirement], level: str) -> dict[str, Any]:
    members = [number for number, each in requirements.items() if level in each.levels]
    states = [report.requirements.get(number, State.SKIPPED) for number in members]
    counts = Counter(states)
    return {
        "reached": _reached(counts),
        "asked": len(members),
        **{str(state): counts[state] for state in State},
    }


def _reached(counts: Mapping[State, int]) -> bool | None:
    """Whether a level is reached; None when too little is known, or nothing of it is offered."""
    if counts[State.FAIL] or counts[State.WARNING]:
        return False
    if counts[State.SKIPPED] or counts[State.ERROR] or not counts[State.PASS]:
        return None
    return True

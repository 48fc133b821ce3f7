"""``connexeo conformance`` finds seeded faults, and nothing where there is none.

``CONNEXEO_TEST_MUTATIONS=all`` tries all faults; otherwise it is the selection of ``detection/selection.py``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.detection.leniency import RECOMMENDED, STUCK
from conformance.detection.selection import KINDS, selected
from conformance.detection.trial import Detection, Laboratory, laboratory
from conformance.detection.world import add_stranger
from conformance.mutations import DRESSES, faults
from conformance.mutations.fault import Turn
from conformance.mutations.message import Answer
from connexeo.tools.conformance.verdicts import Severity, State
from served import Server

ENOUGH = 0.95
PAGE = Path(__file__).parents[2] / "docs" / "mutations.md"

pytestmark = [pytest.mark.xdist_group("mutations"), pytest.mark.timeout(3000)]


@pytest.fixture(scope="module")
def lab(demo_server: Server) -> Iterator[Laboratory]:
    """The demo server with a second account, behind a proxy."""
    add_stranger(demo_server.data)
    with laboratory(demo_server) as lab:
        yield lab


@pytest.fixture(scope="module")
def detections(lab: Laboratory) -> list[Detection]:
    """What is said of each fault."""
    wanted = faults() if os.environ.get("CONNEXEO_TEST_MUTATIONS") == "all" else selected()
    return [lab.examine(fault) for fault in wanted]


@pytest.mark.parametrize("dress", ["", *DRESSES])
def test_without_faults_nothing_is_found(lab: Laboratory, dress: str) -> None:
    report = lab.learn(dress)
    assert [(finding.check.id, finding.message) for finding in report.findings] == []
    assert [result.reason for result in report.results if result.state is State.ERROR] == []
    assert report.complete
    assert report.run.left_over == ()


def test_an_alteration_that_changes_nothing_is_not_found(lab: Laboratory) -> None:
    async def pass_on(turn: Turn) -> Answer:
        return await turn.send(turn.request)

    fault = replace(faults()[0], id="nothing", on=("* /*",), layers=("collections",), apply=pass_on)
    detection = lab.examine(fault)
    assert detection.findings == ()
    assert not detection.found


def test_almost_all_faults_are_found(detections: list[Detection]) -> None:
    found = [detection for detection in detections if detection.found]
    assert len(detections) >= 50
    assert len(found) >= ENOUGH * len(detections), _told(detections)


def test_all_critical_faults_are_found(detections: list[Detection]) -> None:
    critical = [each for each in detections if each.fault.severity is Severity.CRITICAL]
    assert critical
    assert [each.fault.id for each in critical if not each.found] == []


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_fault_is_found(detections: list[Detection], kind: str) -> None:
    found = {each.fault.id for each in detections if each.found}
    assert set(KINDS[kind]) <= found


def test_checks_cope_with_faults(detections: list[Detection]) -> None:
    assert [(each.fault.id, each.crashed) for each in detections if each.crashed] == []


def test_exceptions_are_known_faults() -> None:
    known = {fault.id: fault for fault in faults()}
    assert {*RECOMMENDED, *STUCK} <= set(known)
    assert not any(known[id].severity is Severity.CRITICAL for id in RECOMMENDED)


def test_the_page_tells_of_all_faults() -> None:
    page = PAGE.read_text()
    assert [fault.id for fault in faults() if f"{fault.title} (`{fault.id}`)" not in page] == []


def _told(detections: list[Detection]) -> str:
    """What was not found, and what was said instead."""
    missed = [each for each in detections if not each.found]
    lines = [
        f"{each.fault.id:40} {each.fault.title:60} "
        + ", ".join(f"{finding.check.id} ({finding.severity})" for finding in each.findings)
        for each in missed
    ]
    return "\n".join([f"{len(missed)} of {len(detections)} faults were not found:", *lines])

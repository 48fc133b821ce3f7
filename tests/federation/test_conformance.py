"""A federation keeps the contract: what ``connexeo conformance`` has to say of it, with all back-ends and without one.

What takes long is left out: jobs are run once, and there are no random requests.
"""

from __future__ import annotations

from collections.abc import Collection

import pytest

from connexeo.tools.conformance.login import Bearer
from connexeo.tools.conformance.options import Options
from connexeo.tools.conformance.report import Result
from connexeo.tools.conformance.session import run
from connexeo.tools.conformance.verdicts import State
from federation.harness import QUICK, FrontEnd, within
from federation.proxy import FaultProxy, hang

# Those of all exchanges, too.
ESSENTIAL = ("federation.", "answers.", "files.names", "profile.908")
SELECTED = (
    *ESSENTIAL,
    "collections.",
    "files.upward",
    "jobs.result-items",
    # Stored processes, and files.
    "profile.4",
    "profile.5",
    "validation.",
)
NEVER_ALL = {"federation.freshness", "federation.missing-offline", "federation.reachable"}
"""Of a federation without an offline back-end nobody can tell."""


def results(front: FrontEnd, token: str, *selected: str) -> dict[str, Result]:
    """What checks say, by their ids; everything that they create is removed again."""
    options = Options(write=True, allow_costs=True, only=selected, timeout=30, max_time=120, job_timeout=60)
    report = run(front.url, options, account=Bearer(token))
    assert report.complete
    assert report.run.left_over == ()
    return {each.check.id: each for each in report.results}


def said(found: dict[str, Result]) -> list[str]:
    """All findings, in words."""
    return [
        f"{each.check.id}: {finding.place}: {finding.message}"
        for each in found.values()
        for finding in each.findings
    ]


def untold(found: dict[str, Result]) -> Collection[str]:
    """Checks of the federation that could not say anything."""
    return {
        name for name, each in found.items() if name.startswith("federation.") and each.state != State.PASS
    }


def test_nothing_is_wrong_with_a_federation(front_end: FrontEnd, ana: str) -> None:
    found = results(front_end, ana, *SELECTED)
    assert said(found) == []
    assert untold(found) == NEVER_ALL
    # It was looked at, by and large.
    kept = {name for name, each in found.items() if each.state == State.PASS}
    assert {"profile.908", "jobs.result-items", "files.upward", "files.names", "profile.420"} <= kept


@pytest.mark.parametrize("fault", ["gone", "hung"])
def test_nor_with_one_that_lacks_a_back_end(
    front_end: FrontEnd, proxies: dict[str, FaultProxy], ana: str, fault: str
) -> None:
    # The one that would be asked first.
    if fault == "gone":
        proxies["alps"].refuse()
    else:
        proxies["alps"].fail(hang())
    noticed = QUICK["probe_interval"] + QUICK["deadline"]
    within(noticed, lambda: "alps" not in front_end.online(), "it is not seen that the back-end is gone")
    found = results(front_end, ana, *ESSENTIAL)
    assert said(found) == []
    assert untold(found) == set()

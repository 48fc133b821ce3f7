"""What the official test suite says of faults: a fault is seen when any of its tests ends otherwise than without it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.detection.relevance import seeing, spoiled_by
from conformance.detection.world import USER, demo_server
from conformance.mutations import Fault, Proxy, start_proxy
from conformance.official_suite import PACKAGES, REQUIREMENTS, Credentials, run_suite

SUITE = REQUIREMENTS[0]
BASES = 3
"""Runs without any fault; tests that do not end the same in all of them say nothing."""
FEW = 2
"""So few differing tests are tried once more, as they could be due to a slow machine."""
SECONDS = 240
"""A run that takes longer is stopped; the tests that are missing count as differing."""
EACH = 25
"""Faults that one server sees, before it is replaced by a fresh one."""


@dataclass(frozen=True)
class Places:
    """Where the suite is, and what it reads."""

    cache: Path
    """Folder of environments."""
    reference: Path
    """Published openEO documents."""


@dataclass
class Base:
    """What the suite does and says without any fault."""

    outcomes: dict[str, set[str]] = field(default_factory=dict)
    """By test, how it ended."""
    requests: dict[str, set[str]] = field(default_factory=dict)
    """By package, what it has asked: ``METHOD target``."""

    @property
    def stable(self) -> dict[str, str]:
        """Tests that always ended the same."""
        return {test: next(iter(ends)) for test, ends in self.outcomes.items() if len(ends) == 1}

    def packages(self, fault: Fault) -> tuple[str, ...]:
        """Packages that ask anything which the fault spoils; it makes no difference to the others."""
        return tuple(package for package in PACKAGES if spoiled_by(fault, self.requests[package]))


def run_base(places: Places, dress: str = "") -> Base:
    """Run the suite without faults, each package alone."""
    base = Base()
    with _proxy() as proxy:
        for _ in range(BASES):
            for package in PACKAGES:
                asked = base.requests.setdefault(package, set())
                with seeing(proxy, lambda request: asked.add(f"{request.method} {request.target}"), dress):  # noqa: B023
                    outcomes = _outcomes(places, proxy, (package,))
                for test, outcome in outcomes.items():
                    base.outcomes.setdefault(test, set()).add(outcome)
    return base


def try_faults(places: Places, wanted: Sequence[Fault], results: Path) -> dict[str, dict[str, Any]]:
    """Try faults that have no result in the file yet, and add theirs to it, one after the other."""
    found: dict[str, dict[str, Any]] = json.loads(results.read_text()) if results.exists() else {}
    todo = [fault for fault in wanted if fault.id not in found]
    bases: dict[str, Base] = {}
    for start in range(0, len(todo), EACH):
        with _proxy() as proxy:
            for fault in todo[start : start + EACH]:
                if fault.dress not in bases:
                    bases[fault.dress] = run_base(places, fault.dress)
                found[fault.id] = _try(places, proxy, fault, bases[fault.dress])
                results.write_text(json.dumps(found, indent=1))
    return found


def _try(places: Places, proxy: Proxy, fault: Fault, base: Base) -> dict[str, Any]:
    packages = base.packages(fault)
    started = time.monotonic()
    differs = _differing(places, proxy, fault, base, packages) if packages else {}
    if 0 < len(differs) <= FEW:
        again = tuple(package for package in packages if any(map(_in(package), differs)))
        second = _differing(places, proxy, fault, base, again or packages)
        differs = {test: end for test, end in differs.items() if test in second}
    seconds = round(time.monotonic() - started, 1)
    return {"packages": list(packages), "differs": differs, "seconds": seconds}


def _differing(
    places: Places, proxy: Proxy, fault: Fault, base: Base, packages: tuple[str, ...]
) -> dict[str, str]:
    """Tests that end otherwise than without the fault, and how."""
    proxy.switch(fault.id)
    try:
        outcomes = _outcomes(places, proxy, packages)
    except RuntimeError as error:
        # Nothing was tested at all: it ended before, by the fault.
        outcomes = {"the suite": str(error)[-300:]}
    finally:
        proxy.clear()
    expected = {test: end for test, end in base.stable.items() if any(_in(each)(test) for each in packages)}
    differing = {
        test: outcomes.get(test, "gone") for test in expected if outcomes.get(test) != expected[test]
    }
    # Some tests are made from what the back-end lists.
    return differing | {test: end for test, end in outcomes.items() if test not in base.outcomes}


def _in(package: str) -> Callable[[str], bool]:
    return lambda test: test.startswith(f"{package}/")


def _outcomes(places: Places, proxy: Proxy, packages: tuple[str, ...]) -> dict[str, str]:
    ran = run_suite(
        proxy.url,
        Credentials(USER.username, USER.password),
        cache=places.cache,
        reference=places.reference,
        packages=packages,
        seconds=SECONDS,
    )
    return {_plain(test): outcome for test, outcome in ran.outcomes.items()}


def _plain(test: str) -> str:
    """A test's name without the port of the proxy and other numbers of this run."""
    return re.sub(r"127\.0\.0\.1:\d+", "*", test)


@contextmanager
def _proxy() -> Iterator[Proxy]:
    with demo_server(sample=True) as server, start_proxy(server.url) as proxy:
        yield proxy

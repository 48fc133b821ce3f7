"""A plugin of pytest: with ``--connexeo-url`` every check is a test, in a provider's own CI.

    pytest --connexeo-url=https://openeo.example --connexeo-write

Accounts come from the environment, see ``authentication``. Tests of one's own take the fixture ``openeo_backend``.
Nothing is imported, and nothing happens, without the option.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from connexeo.tools.conformance.backend import BackEnd
    from connexeo.tools.conformance.inspection import Inspection
    from connexeo.tools.conformance.options import Options
    from connexeo.tools.conformance.registry import Check
    from connexeo.tools.conformance.report import Result

GROUP = "openEO conformance"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, all of which begin with ``--connexeo``."""
    group = parser.getgroup("connexeo", GROUP)
    group.addoption("--connexeo-url", metavar="URL", help="the back-end to test; adds a test for each check")
    group.addoption("--connexeo-layer", action="append", metavar="NAME", help="only checks of this layer")
    group.addoption("--connexeo-only", action="append", metavar="ID", help="only checks whose id begins so")
    group.addoption("--connexeo-write", action="store_true", help="create things, which are removed again")
    group.addoption("--connexeo-allow-costs", action="store_true", help="process at a back-end with prices")
    group.addoption("--connexeo-basic", metavar="USER:PASSWORD", help="account")
    group.addoption("--connexeo-token", metavar="TOKEN", help="account, by its whole bearer token")
    group.addoption("--connexeo-second-basic", metavar="USER:PASSWORD", help="another account")
    group.addoption("--connexeo-second-token", metavar="TOKEN", help="another account, by its token")
    group.addoption(
        "--connexeo-seed", type=int, default=1, metavar="N", help="the same seed makes the same run"
    )
    group.addoption("--connexeo-max-time", type=float, metavar="SECONDS", help="for the whole run")
    group.addoption("--connexeo-rate", type=float, metavar="N", help="requests per second at most")
    group.addoption(
        "--connexeo-baseline", metavar="FILE", help="earlier report (JSON); what is in there fails no test"
    )
    group.addoption("--connexeo-insecure", action="store_true", help="accept any certificate")
    group.addoption(
        "--connexeo-fail-on",
        default="major",
        choices=("critical", "major", "minor"),
        help="the least severity that fails a test",
    )


class Conformance:
    """The run of one pytest session; the back-end is looked for when the first test needs it."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._stack = ExitStack()
        self._back: tuple[BackEnd, Inspection] | None = None

    def _given(self, name: str) -> Any:
        return self._config.getoption(f"--connexeo-{name}")

    @property
    def options(self) -> Options:
        """What the options of pytest say."""
        from connexeo.tools.conformance.options import Options
        from connexeo.tools.conformance.registry import LAYERS

        layers = tuple(self._given("layer") or LAYERS)
        unknown = [name for name in layers if name not in LAYERS]
        if unknown:
            raise pytest.UsageError(f"there is no layer {unknown[0]}; there are {', '.join(LAYERS)}")
        return Options(
            layers=layers,
            only=tuple(self._given("only") or ()),
            write=self._given("write"),
            allow_costs=self._given("allow-costs"),
            seed=self._given("seed"),
            max_time=self._given("max-time") or Options().max_time,
            rate=self._given("rate") or 0.0,
            insecure=self._given("insecure"),
        )

    @property
    def back(self) -> tuple[BackEnd, Inspection]:
        """The back-end, and what looks at its answers."""
        if self._back is None:
            from connexeo.tools.conformance.authentication import LoginError, LoginOptions, login_from
            from connexeo.tools.conformance.discovery import DiscoveryError
            from connexeo.tools.conformance.session import opened
            from connexeo.tools.spec.documents import SpecError

            first = LoginOptions(basic=self._given("basic"), token=self._given("token"))
            second = LoginOptions(basic=self._given("second-basic"), token=self._given("second-token"))
            try:
                accounts = login_from(first), login_from(second, second=True)
                _ = self._baseline
                self._back = self._stack.enter_context(opened(self._given("url"), self.options, *accounts))
            except (DiscoveryError, LoginError, SpecError) as error:
                pytest.exit(f"connexeo: {error}", returncode=pytest.ExitCode.USAGE_ERROR)
            # SIGTERM and SIGHUP as Ctrl-C, so that pytest comes to its end and things are removed.
            self._stack.enter_context(self._back[0].interruption.watching())
        return self._back

    @cached_property
    def _baseline(self) -> Mapping[str, Any]:
        """Fingerprint → finding that was there before."""
        from connexeo.tools.conformance.reports.document import read_report

        path = self._given("baseline")
        findings = read_report(Path(path))["findings"] if path else []
        return {finding["fingerprint"]: finding for finding in findings}

    def run(self, check: Check) -> Result:
        """The outcome of one check."""
        from connexeo.tools.conformance.baseline import marked
        from connexeo.tools.conformance.runner import judge, run_check

        backend, inspection = self.back
        result = judge(backend, inspection, check) if check.run is None else run_check(backend, check)
        findings = (marked(each, self._baseline.get(each.fingerprint)) for each in result.findings)
        return replace(result, findings=tuple(findings))

    def close(self) -> tuple[str, ...]:
        """Remove what was created; gives what could not be removed."""
        if self._back is None:
            return ()
        backend, _ = self._back
        self._back = None
        with self._stack, backend.interruption.undisturbed(and_after=True):
            return tuple(backend.secrets.mask(each) for each in backend.ledger.clean(backend.budget))


class ConformanceCollector(pytest.Collector):
    """What the tests belong to: ids begin with ``connexeo::``."""

    def collect(self) -> list[pytest.Item]:
        """Nothing: the tests are added when all others are known."""
        return []


class ConformanceItem(pytest.Item):
    """One check as a test."""

    def __init__(self, *, check: Check, conformance: Conformance, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.check = check
        self.conformance = conformance

    def runtest(self) -> None:
        """Run the check."""
        from connexeo.tools.conformance.reports.junit import tell
        from connexeo.tools.conformance.verdicts import Severity, State

        result = self.conformance.run(self.check)
        lowest = Severity(self.config.getoption("--connexeo-fail-on")).rank
        failing = (each for each in result.findings if not each.known and each.severity.rank <= lowest)
        found = [tell(finding) for finding in failing]
        if found:
            raise Unkept("\n\n".join(found))
        if result.findings:
            self.add_report_section("call", "findings", "\n\n".join(map(tell, result.findings)))
        if result.state is State.ERROR:
            raise Unkept(result.reason)
        if result.state in {State.NOT_APPLICABLE, State.NOT_TESTABLE, State.SKIPPED}:
            pytest.skip(f"{result.state}: {result.reason}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Findings as they are told elsewhere, without a traceback of ours."""
        if isinstance(excinfo.value, Unkept):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[str, int | None, str]:
        """What the test is called."""
        return GROUP, None, f"{self.check.id}: {self.check.title}"


class Unkept(Exception):
    """The contract is not kept; the text has the findings."""


_conformance = pytest.StashKey[Conformance]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Get ready when there is something to test."""
    if config.getoption("--connexeo-url"):
        config.stash[_conformance] = Conformance(config)
        if config.getoption("dist", None) in {"load", "worksteal"}:
            # All checks in one process: some are judged by the requests of all others.
            config.option.dist = "loadscope"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add a test for each check; first, so that ``-k`` and the like see them."""
    conformance = config.stash.get(_conformance, None)
    if conformance is None:
        return
    from connexeo.tools.conformance.session import chosen

    checks = sorted(chosen(conformance.options), key=lambda check: check.run is None)
    parent = ConformanceCollector.from_parent(session, name="connexeo", nodeid="connexeo")
    made = [
        ConformanceItem.from_parent(parent, name=check.id, check=check, conformance=conformance)
        for check in checks
    ]
    if config.pluginmanager.hasplugin("xdist"):
        for item in made:
            item.add_marker(pytest.mark.xdist_group("connexeo"))
    # So that they are counted among what was collected.
    report = pytest.CollectReport(nodeid="connexeo", outcome="passed", longrepr=None, result=list(made))
    config.hook.pytest_collectreport(report=report)
    items.extend(made)


@pytest.fixture(scope="session")
def openeo_backend(request: pytest.FixtureRequest) -> BackEnd:
    """The back-end under test, with its callers ``anonymous``, ``user`` and ``stranger``."""
    conformance = request.config.stash.get(_conformance, None)
    if conformance is None:
        pytest.skip("needs --connexeo-url")
    return conformance.back[0]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove what was created, also after Ctrl-C."""
    conformance = session.config.stash.get(_conformance, None)
    if conformance is None:
        return
    left = conformance.close()
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_LEFT] = list(left)
    else:
        _warn(session.config, left)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """A process of pytest-xdist has ended: tell what it could not remove."""
    _warn(node.config, getattr(node, "workeroutput", {}).get(_LEFT, ()))


_LEFT = "connexeo_left_over"


def _warn(config: pytest.Config, left: Iterable[str]) -> None:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    for each in left:
        if reporter is not None:
            reporter.write_line(f"connexeo: left over, please remove: {each}", yellow=True)

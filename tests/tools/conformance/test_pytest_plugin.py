import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import httpx
import pytest

from loopback_site import LoopbackSite
from served import Server, environment

Run = Callable[..., subprocess.CompletedProcess[str]]

OTHERS = ("anyio", "hypothesispytest", "platformdirs", "schemathesis", "timeout", "typeguard", "zarr")
"""Plugins that happen to be installed here; to import them takes longer than most runs."""

ONLY = ("-p", "no:cacheprovider", "--connexeo-only", "security.", "--connexeo-layer", "security")

FEW = ("--connexeo-layer", "profiles", "--connexeo-only", "profile.2", "--connexeo-only", "profile.3")
"""Those that show what a site without anything but capabilities lacks, and what is judged by all requests."""


def without(plugins: Iterable[str]) -> list[str]:
    """Options of pytest that keep plugins from being imported."""
    return [part for name in plugins for part in ("-p", f"no:{name}")]


@pytest.fixture
def run_pytest(tmp_path: Path) -> Run:
    """Runs pytest in an empty folder, as a provider's CI does; with all plugins that are installed if need be."""

    def run(
        *arguments: object, test: str = "", others: bool = False, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        if test:
            (tmp_path / "test_own.py").write_text(test)
        command = [sys.executable, "-m", "pytest", "-W", "error", "-ra"]
        command += [] if others else without(OTHERS)
        command += map(str, arguments)
        kept = {key: value for key, value in environment().items() if not key.startswith("PYTEST_")}
        return subprocess.run(
            command,
            cwd=tmp_path,
            env=kept | variables,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


def test_every_check_is_a_test(demo_server: Server, run_pytest: Run) -> None:
    done = run_pytest(
        "--connexeo-url", demo_server.url, *ONLY, "--connexeo-basic", "demo:demo", "-v", others=True
    )
    assert done.returncode == pytest.ExitCode.OK, done.stdout
    assert "connexeo::security.open-door PASSED" in done.stdout
    assert "skipped: creates or changes something" in done.stdout


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_failures_tell_what_others_tell(run_pytest: Run, workers: tuple[str, ...]) -> None:
    site = LoopbackSite({"/": {"api_version": "1.2.0", "endpoints": []}})
    some = "--connexeo-url", site.url, *FEW, *workers
    try:
        done = run_pytest(*some)
        lenient = run_pytest(*some, "--connexeo-fail-on", "critical")
    finally:
        site.close()
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "MAJOR GET /: answers are without Access-Control-Allow-Origin" in done.stdout
    assert "curl -i" in done.stdout
    assert "Traceback" not in done.stdout
    assert "FAILED connexeo::profile.2" in done.stdout
    # One process makes them all, so that what is judged by all requests is.
    assert (
        len({line for line in done.stdout.splitlines() if line.startswith("FAILED connexeo::profile.2")}) == 1
    )
    assert lenient.returncode == pytest.ExitCode.OK, lenient.stdout


def test_tests_can_be_chosen(demo_server: Server, run_pytest: Run) -> None:
    done = run_pytest("--connexeo-url", demo_server.url, *ONLY, "-k", "open-door", "--collect-only", "-q")
    assert "connexeo::security.open-door" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("1/")


OWN = """
def test_own(openeo_backend):
    assert openeo_backend.anonymous.get("/").object()["title"] == "connexeo"
"""


def test_own_tests_ask_the_back_end(demo_server: Server, run_pytest: Run) -> None:
    done = run_pytest("--connexeo-url", demo_server.url, *ONLY, "-k", "test_own", test=OWN)
    assert "1 passed" in done.stdout
    done = run_pytest(test=OWN)
    assert "needs --connexeo-url" in done.stdout
    assert done.returncode == pytest.ExitCode.OK


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--connexeo-url", "http://127.0.0.1:9", *ONLY), "connexeo: nothing listens at 127.0.0.1:9"),
        (
            ("--connexeo-url", "http://x.invalid", "--connexeo-layer", "nonsense"),
            "there is no layer nonsense",
        ),
    ],
)
def test_mistakes_end_the_session(run_pytest: Run, arguments: tuple[str, ...], told: str) -> None:
    done = run_pytest(*arguments)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert told in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_what_is_known_fails_no_test(run_pytest: Run, run_command: Run, tmp_path: Path) -> None:
    site = LoopbackSite({"/": {"api_version": "1.2.0", "endpoints": []}})
    path = tmp_path / "before.json"
    try:
        run_command("conformance", site.url, "-l", "profiles", "--json", path)
        done = run_pytest("--connexeo-url", site.url, *FEW, "--connexeo-baseline", path)
        path.write_text("{}")
        broken = run_pytest("--connexeo-url", site.url, "--connexeo-baseline", path)
    finally:
        site.close()
    assert done.returncode == pytest.ExitCode.OK, done.stdout
    assert broken.returncode == pytest.ExitCode.USAGE_ERROR
    assert "its format is missing" in broken.stdout + broken.stderr


WAITS = """
import time
from connexeo.tools.conformance.batch import created_job

def test_waits(openeo_backend):
    openeo_backend.once(created_job)
    print("READY", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_whoever_interrupts_leaves_nothing_behind(demo_server: Server, tmp_path: Path, number: int) -> None:
    (tmp_path / "test_own.py").write_text(WAITS)
    command = [sys.executable, "-m", "pytest", *without(OTHERS), "-s", "-k", "test_waits"]
    command += ["--connexeo-url", demo_server.url]
    command += ["--connexeo-write", "--connexeo-basic", "demo:demo"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        assert any(b"READY" in line for line in process.stdout)
        os.kill(process.pid, number)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, output
    answer = httpx.get(f"{demo_server.url}/credentials/basic", auth=("demo", "demo"), timeout=30)
    headers = {"Authorization": f"Bearer basic//{answer.json()['access_token']}"}
    listed = httpx.get(f"{demo_server.url}/jobs", headers=headers, timeout=30).json()["jobs"]
    assert not any(str(job.get("title")).startswith("conformance_") for job in listed)


def test_nothing_is_imported_without_the_option() -> None:
    """Whatever else is tested where connexeo is installed does not wait for it."""
    code = "import sys, pytest; before = set(sys.modules); import connexeo.tools.conformance.pytest_plugin; "
    code += (
        "print(*sorted(name for name in set(sys.modules) - before if 'connexeo' in name or 'httpx' in name))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        "connexeo",
        "connexeo.tools",
        "connexeo.tools.conformance",
        "connexeo.tools.conformance.pytest_plugin",
    ]


def test_the_package_gives_what_it_promises() -> None:
    import connexeo.tools.conformance as package

    assert all(getattr(package, name) for name in package.__all__)
    with pytest.raises(AttributeError, match="no attribute nonsense"):
        _ = package.nonsense

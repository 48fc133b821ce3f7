from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest

from connexeo.tools.cli import main
from connexeo.tools.conformance.reports.document import read_report, stable
from loopback_site import LoopbackSite
from misbehaving import Misbehaving, silence
from served import Server, environment

Command = Callable[..., subprocess.CompletedProcess[str]]

READ = ("-l", "security", "-l", "federation")


@pytest.fixture
def run_here(monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs ``connexeo`` in this process: a short run in one of its own spends most of its time on imports."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = ["connexeo", *map(str, arguments)]
        output, told = StringIO(), StringIO()
        with monkeypatch.context() as patch, redirect_stdout(output), redirect_stderr(told):
            patch.setattr(sys, "argv", command)
            patch.setattr(sys, "stdin", StringIO())
            # Typer sets a hook of its own.
            patch.setattr(sys, "excepthook", sys.excepthook)
            for name in set(os.environ) - set(environment()):
                patch.delenv(name)
            # Where there is no terminal.
            patch.setenv("COLUMNS", "80")
            with pytest.raises(SystemExit) as end:
                main()
        code = end.value.code
        assert isinstance(code, int)
        return subprocess.CompletedProcess(command, code, output.getvalue(), told.getvalue())

    return run


@pytest.fixture
def site() -> Iterator[Callable[..., LoopbackSite]]:
    sites: list[LoopbackSite] = []

    def start(pages: dict[str, Any]) -> LoopbackSite:
        sites.append(LoopbackSite(pages))
        return sites[-1]

    yield start
    for each in sites:
        each.close()


def jobs(server: Server) -> list[str]:
    """Jobs of the user that a run has made."""
    answer = httpx.get(f"{server.url}/credentials/basic", auth=("demo", "demo"), timeout=30)
    headers = {"Authorization": f"Bearer basic//{answer.json()['access_token']}"}
    listed = httpx.get(f"{server.url}/jobs", headers=headers, timeout=30).json()["jobs"]
    return [job["id"] for job in listed if str(job.get("title")).startswith("conformance_")]


def test_a_run_writes_all_reports(demo_server: Server, run_command: Command, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("r.json", "r.html", "r.xml", "r.svg")]
    options = [
        part for pair in zip(("--json", "--html", "--junit", "--badge"), paths, strict=True) for part in pair
    ]
    done = run_command("conformance", demo_server.url, *READ, "--basic", "demo:demo", *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Nothing wrong was found." in done.stdout
    assert all(path.stat().st_size for path in paths)
    document = read_report(paths[0])
    assert document["complete"]
    assert document["options"] == {"layers": ["security", "federation"], "write": False, "seed": 1}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--json", "/no/such/folder/r.json"), "there is no folder"),
        (("--html", "."), "it is a folder"),
        (("--layer", "nonsense"), "there is no layer nonsense"),
        (("--fail-on", "nothing"), "none of critical, major, minor, never"),
        (("--max-time", "0"), "Invalid value"),
        (("--rate", "-1"), "Invalid value"),
        (("--max-requests", "0"), "Invalid value"),
        (("--baseline", "/no/such/file"), "does not exist"),
        (("--basic", "nobody"), "user:password"),
    ],
)
def test_mistakes_are_told_before_anything_is_sent(
    run_here: Command, arguments: tuple[str, ...], told: str
) -> None:
    site = LoopbackSite({})
    try:
        done = run_here("conformance", site.url, *arguments)
    finally:
        site.close()
    assert done.returncode == 2
    assert told in " ".join(done.stderr.replace("│", " ").split())
    assert site.requests == []


def test_a_baseline_of_another_format_is_refused(run_here: Command, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text(json.dumps({"format": "connexeo-conformance/99"}))
    site = LoopbackSite({})
    try:
        done = run_here("conformance", site.url, "--baseline", path)
    finally:
        site.close()
    assert done.returncode == 2
    assert "its format is connexeo-conformance/99" in done.stderr
    assert site.requests == []


@pytest.mark.parametrize(
    ("pages", "told"),
    [
        ({"/": "<html></html>"}, "is an HTML page"),
        ({"/": {"stac_version": "1.0.0"}}, "has no api_version"),
        ({}, "answers HTTP 404"),
        ({"/": 503}, "answers HTTP 503"),
    ],
)
def test_what_is_no_back_end_is_not_tested(
    site: Callable[..., LoopbackSite], run_here: Command, pages: dict[str, Any], told: str
) -> None:
    done = run_here("conformance", site(pages).url)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_host_that_is_silent_is_not_tested(
    misbehave: Callable[..., Misbehaving], run_here: Command
) -> None:
    done = run_here("conformance", misbehave(silence()).url, "--timeout", "0.3")
    assert done.returncode == 2
    assert "does not answer in time" in done.stderr


def test_a_wrong_password_is_told_without_it(demo_server: Server, run_here: Command) -> None:
    done = run_here("conformance", demo_server.url, "--basic", "demo:not-the-password")
    assert done.returncode == 2
    assert "user name or password is wrong" in done.stderr
    assert "not-the-password" not in done.stderr + done.stdout


def test_runs_are_cut_short_at_their_limits(demo_server: Server, run_here: Command, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    done = run_here("conformance", demo_server.url, "--max-requests", "10", "--json", path)
    assert done.returncode == 3
    assert read_report(path)["run"]["requests"] == 10
    assert "more with --max-requests" in done.stdout


def test_what_is_known_is_not_told_again(
    site: Callable[..., LoopbackSite], run_here: Command, tmp_path: Path
) -> None:
    url = site({"/": {"api_version": "1.2.0", "endpoints": []}}).url
    path = tmp_path / "first.json"
    first = run_here("conformance", url, *READ, "--json", path)
    assert first.returncode == 1
    second = run_here("conformance", url, *READ, "--baseline", path)
    assert second.returncode == 0
    assert "more in the baseline" in second.stdout
    assert "MAJOR" not in second.stdout
    assert run_here("conformance", url, *READ, "--fail-on", "never").returncode == 0


def test_two_runs_find_the_same(demo_server: Server, run_command: Command, tmp_path: Path) -> None:
    """With the layers that create things, but for random requests: those have a test of their own."""
    found = []
    for name in ("first.json", "second.json"):
        path = tmp_path / name
        done = run_command(
            "conformance",
            demo_server.url,
            "--write",
            "--basic",
            "demo:demo",
            "--json",
            path,
            "-q",
            *("-l", "profiles", "-l", "processes", "-l", "collections", "-l", "jobs", "-l", "files"),
            *("-l", "udp", "-l", "services", "-l", "security", "-l", "federation"),
        )
        assert done.returncode in {0, 1}, done.stderr
        found.append(stable(read_report(path)))
    assert found[0] == found[1]
    assert jobs(demo_server) == []


def test_reports_are_compared(
    site: Callable[..., LoopbackSite], demo_server: Server, run_here: Command, tmp_path: Path
) -> None:
    one, two, page, data = (tmp_path / name for name in ("one.json", "two.json", "c.html", "c.json"))
    bad = site({"/": {"api_version": "1.0.0", "title": "Bad", "endpoints": []}}).url
    run_here("conformance", demo_server.url, *READ, "--json", one)
    run_here("conformance", bad, *READ, "--json", two)
    done = run_here("conformance", "compare", one, two, "--html", page, "--json", data)
    assert (done.returncode, done.stderr) == (0, "")
    assert "They were not tested alike: version of the openEO API differ." in done.stdout
    assert "Bad" in page.read_text(encoding="utf-8")
    assert len(json.loads(data.read_text())["backends"]) == 2
    assert run_here("conformance", "compare", one).returncode == 2
    page.unlink()
    page.mkdir()
    assert run_here("conformance", "compare", one, two, "--html", page).returncode == 2


def test_checks_are_listed(run_here: Command) -> None:
    done = run_here("conformance", "checks", "-l", "security")
    assert done.returncode == 0
    assert "security." in done.stdout


WAITING = (
    "import sys, time; from connexeo.tools.conformance import registry as r; from connexeo.tools.conformance.batch "
    "import created_job\n"
    "@r.check('aaa.waits', 'Waits', layer='jobs', source='a test', writes=True, order=0)\n"
    "def waits(backend):\n"
    "    backend.once(created_job); print('READY', file=sys.stderr, flush=True); time.sleep(60)\n"
    "from connexeo.tools.cli import main; main()"
)
"""The command, with a check that creates a job and then takes its time."""


def started(server: Server, *options: object, **streams: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WAITING, "conformance", server.url, "--write", "--basic", "demo:demo"]
    command += ["--only", "aaa.", "-l", "jobs", *map(str, options)]
    return subprocess.Popen(command, env=environment(), **streams)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whoever_interrupts_leaves_nothing_behind(demo_server: Server, tmp_path: Path, number: int) -> None:
    path = tmp_path / "r.json"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with started(demo_server, "--json", path, **pipes) as process:
        assert process.stderr is not None
        assert b"READY" in process.stderr.readline()
        assert len(jobs(demo_server)) == 1
        process.send_signal(number)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 3
    assert jobs(demo_server) == []
    assert b"The run did not come to its end" in output
    assert not read_report(path)["complete"]


def test_a_terminal_that_is_closed_leaves_nothing_behind(demo_server: Server, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    ours, theirs = pty.openpty()
    # A session whose terminal it is: that gets SIGHUP when the other end is closed.
    with started(
        demo_server, "--json", path, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as process:
        os.close(theirs)
        seen = b""
        while b"READY" not in seen:
            seen += os.read(ours, 4096)
        os.close(ours)
        process.send_signal(signal.SIGHUP)
        process.wait(timeout=60)
    assert jobs(demo_server) == []
    assert not read_report(path)["complete"]


def test_tokens_that_a_server_echoes_are_in_no_report(
    site: Callable[..., LoopbackSite], run_here: Command, tmp_path: Path
) -> None:
    secret = "tok-1234567890-abc"
    echo = {"you": f"Bearer basic//{secret}", "url": f"https://x.example/?signature={secret}"}
    capabilities = {"api_version": "1.2.0", "title": f"Hello {secret}", "backend_version": echo["you"]}
    endpoints = [{"path": path, "methods": ["GET"]} for path in ("/jobs", "/collections", "/processes")]
    pages = {"/": {**capabilities, "endpoints": endpoints, **echo}} | {
        path: {"links": secret, **echo} for path in ("/jobs", "/collections", "/processes", "/conformance")
    }
    paths = {name: tmp_path / f"r.{name}" for name in ("json", "html", "junit", "badge")}
    options = [part for name, path in paths.items() for part in (f"--{name}", path)]
    done = run_here("conformance", site(pages).url, "--token", f"basic//{secret}", "--examples", 2, *options)
    assert done.returncode == 1, done.stderr
    assert read_report(paths["json"])["findings"]
    for text in (done.stdout, done.stderr, *(path.read_text() for path in paths.values())):
        assert secret not in text


def test_escape_sequences_of_a_server_do_not_reach_the_terminal(
    site: Callable[..., LoopbackSite], run_here: Command, tmp_path: Path
) -> None:
    nasty = "\x1b]0;owned\x07\x1b[2J"
    pages = {"/": {"api_version": "1.2.0", "title": nasty, "endpoints": [], "stac_version": nasty}}
    path = tmp_path / "r.json"
    done = run_here("conformance", site(pages).url, "-l", "profiles", "--json", path)
    assert "\x1b" not in done.stdout + done.stderr
    assert read_report(path)["backend"]["title"] == "\ufffd]0;owned\ufffd\ufffd[2J"

"""Run the official openEO test suite against a back-end: ``openeo-test-suite`` in an environment of its own.

Its package lacks what a checkout has: the API document, the process definitions with their examples, and example
requests. The first two are given by a folder of reference documents, the requests are here. Where the suite cannot
work at all as it is, offline and on a back-end with HTTP Basic, ``suite_plugin`` helps.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from conformance.peers.environments import environment

REQUIREMENTS = ("openeo-test-suite==0.2.2", "pytest-timeout==2.4.0")
PACKAGES = ("general", "collections", "processes/metadata", "workflows")
"""Parts of the suite that are quick; ``processes/processing`` executes each example of each process."""

_ADD = {"process_graph": {"sum": {"process_id": "add", "arguments": {"x": 1, "y": 2}, "result": True}}}
_PAYLOADS: dict[str, dict[str, Any]] = {
    "post_jobs": {"title": "three", "process": _ADD},
    "patch_jobs": {"title": "renamed", "process": _ADD},
    "put_process_graphs": {"id": "three", **_ADD},
    "post_result": {"process": _ADD},
    "post_validation": _ADD,
    "empty_payload": {},
}


@dataclass(frozen=True)
class Credentials:
    """How the suite logs in: HTTP Basic, or OpenID Connect with client credentials when a provider is named."""

    user: str
    """Name of the user, or identifier of the client."""
    secret: str
    """Password of the user, or secret of the client."""
    provider: str = ""
    """Identifier of the OpenID Connect provider."""

    def environment(self) -> dict[str, str]:
        """Environment variables as the suite and the openEO client read them."""
        if not self.provider:
            return {
                "OPENEO_AUTH_METHOD": "basic",
                "OPENEO_AUTH_BASIC_USERNAME": self.user,
                "OPENEO_AUTH_BASIC_PASSWORD": self.secret,
            }
        return {
            "OPENEO_AUTH_METHOD": "client_credentials",
            "OPENEO_AUTH_PROVIDER_ID": self.provider,
            "OPENEO_AUTH_CLIENT_ID": self.user,
            "OPENEO_AUTH_CLIENT_SECRET": self.secret,
        }


@dataclass(frozen=True)
class SuiteRun:
    """What came out of a run."""

    outcomes: dict[str, str]
    """``passed``, ``failed``, ``error`` or ``skipped`` by test, such as ``general/test_compliance::test_GET_me``."""
    messages: dict[str, str]
    """Why tests did not pass."""
    seconds: float
    """How long it took."""
    output: str
    """Last part of what was printed."""

    def counts(self) -> dict[str, int]:
        """Number of tests by outcome."""
        return dict(Counter(self.outcomes.values()))


def run_suite(
    url: str,
    credentials: Credentials,
    *,
    cache: Path,
    reference: Path,
    packages: tuple[str, ...] = PACKAGES,
    api_version: str = "1.3.0",
    collection: str = "peer-demo",
    seconds: int = 120,
    options: tuple[str, ...] = (),
) -> SuiteRun:
    """Run parts of the suite against the API at a URL.

    Args:
        url: the API, not the server.
        credentials: for whom the suite acts.
        cache: folder of environments.
        reference: published openEO documents: ``openeo-api-*.yaml``, ``processes``, ``process-tests``.
        packages: parts of the suite, as folders.
        api_version: what the back-end claims; the published document nearest to it is used.
        collection: Sentinel-2 data that the workflows load, see ``peers/sample.py``.
        seconds: the suite is stopped after this time; tests that did not run are missing among the outcomes.
        options: more options for pytest, such as ``--runner=http`` or ``--processes=add,min``.
    """
    python = environment(cache, "official-suite", *REQUIREMENTS)
    _add_schemas(cache)
    with tempfile.TemporaryDirectory(prefix="official-suite-") as name:
        folder = Path(name)
        package = _copy(python, folder)
        _add_assets(folder, reference, api_version)
        report = folder / "report.xml"
        command: list[str] = [str(python), "-m", "pytest", "-q", "-p", "openeo_test_suite.lib.pytest_plugin"]
        command += [
            "-p",
            "suite_plugin",
            "-p",
            "no:cacheprovider",
            "--timeout=60",
            f"--session-timeout={seconds}",
        ]
        command += [f"--openeo-backend-url={_address(url)}", f"--s2-collection={collection}"]
        command += [f"--junit-xml={report}", f"--rootdir={folder}", *options]
        command += [str(package / "tests" / part) for part in packages]
        started = time.monotonic()
        process = subprocess.run(
            command,
            cwd=folder,
            env=_environment(folder, cache) | credentials.environment(),
            capture_output=True,
            text=True,
            timeout=seconds + 120,
            check=False,
        )
        elapsed = time.monotonic() - started
        output = (process.stdout + process.stderr)[-5000:]
        if not report.exists():
            raise RuntimeError(f"the official suite did not run:\n{output}")
        outcomes, messages = read_report(report)
        return SuiteRun(outcomes, messages, elapsed, output)


def read_report(report: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Outcomes and messages by test of a JUnit XML file."""
    outcomes: dict[str, str] = {}
    messages: dict[str, str] = {}
    # Written by pytest a moment ago, from nobody else.
    for case in ET.parse(report).getroot().iter("testcase"):
        module = re.sub(r"^.*openeo_test_suite\.tests\.", "", case.get("classname", "")).replace(".", "/")
        test = f"{module}::{case.get('name')}"
        outcomes[test] = "passed"
        for tag, outcome in {"failure": "failed", "error": "error", "skipped": "skipped"}.items():
            element = case.find(tag)
            if element is not None:
                outcomes[test] = outcome
                messages[test] = element.get("message", "")
    return outcomes, messages


def _address(url: str) -> str:
    # The suite joins addresses without a slash when ``openeo`` is in the path, and else asks the well-known document.
    return url.rstrip("/") + ("/" if "openeo" in url.partition("://")[2].partition("/")[2] else "")


def _environment(folder: Path, cache: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    paths = os.pathsep.join([str(folder / "src"), str(Path(__file__).parent)])
    return kept | {"HOME": str(folder), "PYTHONPATH": paths, "SUITE_SCHEMAS": str(cache / "stac-schemas")}


def _copy(python: Path, folder: Path) -> Path:
    # Assets are looked for beside the package: a copy keeps runs apart and the environment as it was installed.
    [installed] = python.parent.parent.glob("lib/python*/site-packages/openeo_test_suite")
    package = folder / "src" / "openeo_test_suite"
    shutil.copytree(installed, package, ignore=shutil.ignore_patterns("__pycache__", "internal-tests"))
    return package


def _add_assets(folder: Path, reference: Path, api_version: str) -> None:
    processes = folder / "assets" / "processes"
    shutil.copytree(reference / "processes", processes)
    shutil.copytree(reference / "process-tests", processes / "tests")
    # Examples name cubes relative to their own file, the suite reads them relative to the process definition.
    shutil.copytree(reference / "process-tests" / "assets", processes / "assets")
    api = folder / "assets" / "openeo-api"
    api.mkdir(parents=True)
    document = yaml.load(_published(reference, api_version).read_text(), Loader=yaml.CSafeLoader)
    (api / "openapi.yaml").write_text(json.dumps(mended(document), default=str))
    payloads = folder / "src" / "openeo_test_suite" / "tests" / "general" / "payload_examples"
    for name, payload in _PAYLOADS.items():
        (payloads / name).mkdir(parents=True)
        (payloads / name / f"{name}_1.json").write_text(json.dumps(payload))


def _published(reference: Path, api_version: str) -> Path:
    documents = {_numbers(path.stem): path for path in reference.glob("openeo-api-*.yaml")}
    older = [version for version in documents if version <= _numbers(api_version)]
    return documents[max(older) if older else min(documents)]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def mended(schema: Any) -> Any:
    """The published document as the suite can use it.

    The suite reads it as OpenAPI 3.1, which has no ``nullable``; and ``oneOf`` in the schema of JSON Schemas has
    alternatives of which each one fits, so that no process description would ever be valid. The values of
    headers are text for it whatever their type, so they get none.
    """
    if isinstance(schema, list):
        return [mended(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {("anyOf" if key == "oneOf" else key): mended(value) for key, value in schema.items()}
    if isinstance(headers := parts.get("headers"), dict):
        parts["headers"] = {name: {**header, "schema": {}} for name, header in headers.items()}
    if parts.pop("nullable", None) is not True:
        return parts
    return {"anyOf": [{"type": "null"}, parts]}


def _add_schemas(cache: Path) -> None:
    """Schemas of STAC 1.0.0, which come with no newer release of pystac."""
    folder = cache / "stac-schemas"
    if not folder.exists():
        python = environment(cache, "official-suite", *REQUIREMENTS)
        command = [str(python), "-m", "pip", "install", "-qq", "--no-deps", "--target", str(folder)]
        subprocess.run([*command, "pystac==1.10.1"], check=True, timeout=300)

"""User-defined functions in the local driver: offered or not, with the limits of the deployment."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from connexeo.drivers.local.computing import child
from connexeo.drivers.local.computing.udfs import can_run_udfs, udf_limits
from connexeo.drivers.local.computing.world import World
from connexeo.drivers.local.driver import LocalDriver
from connexeo.drivers.local.environment import Sources, load_definitions
from connexeo.processing.udf import isolation
from connexeo.processing.udf.runtimes import VERSION
from connexeo.settings import Settings


class Silence:
    def tell(self, message: Any) -> None:
        """Nobody listens."""

    def ask(self, name: str, arguments: Any) -> Any:
        raise AssertionError(name)


def test_without_sandboxes_nothing_is_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "why_not", lambda: "there are no walls")
    settings = Settings(data=tmp_path)
    with capture_logs() as logs:
        assert not can_run_udfs(settings)
    assert logs == [{"event": "udf.not_offered", "reason": "there are no walls", "log_level": "warning"}]
    driver = LocalDriver(settings)
    assert not hasattr(driver.capabilities, "list_udf_runtimes")
    assert "run_udf" not in load_definitions(Sources.from_settings(settings))


def test_deployment_that_wants_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "why_not", lambda: pytest.fail("no sandbox has to be started"))
    assert not can_run_udfs(Settings(data=tmp_path, udf=False))


def test_with_sandboxes_it_is_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "why_not", lambda: None)
    settings = Settings(data=tmp_path)
    runtimes = asyncio.run(LocalDriver(settings).capabilities.list_udf_runtimes(None))
    assert runtimes["Python"]["default"] == VERSION
    assert {"numpy", "openeo", "xarray"} <= runtimes["Python"]["versions"][VERSION]["libraries"].keys()
    assert "run_udf" in load_definitions(Sources.from_settings(settings))


def test_limits_reach_children(tmp_path: Path) -> None:
    settings = Settings(
        data=tmp_path, storage=str(tmp_path / "files"), udf_memory=2**27, udf_timeout=7, udf_processes=3
    )
    request = {"sources": {"catalogues": []}, "udf": udf_limits(settings)}
    first, second = (World(request, Silence()).environment().udf for _ in range(2))
    assert (first.memory, first.timeout, first.processes) == (2**27, 7, 3)
    assert first.hidden == (str(tmp_path), str(tmp_path / "files"))
    assert first.run != second.run, "computations do not share sandboxes"


def test_sandboxes_end_with_the_task_that_pays_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "connexeo.processing.udf.pool", raising=False)
    assert child._end_sandboxes() == 0.0
    monkeypatch.setitem(
        sys.modules, "connexeo.processing.udf.pool", SimpleNamespace(close_sandboxes=lambda: 500.0)
    )
    assert 500 <= child._Usage().so_far(child._end_sandboxes())["cpu"] < 1000

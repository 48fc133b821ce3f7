"""Parts computed by workers of a real cluster on loopback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from distributed import Client

import slow_blocks
from clusters import DaskCluster, dask_cluster
from connexeo.generated.errors import Internal, NoDataAvailable, ProcessGraphComplexity
from connexeo.processing.execution import Execution, cluster, compute, compute_blocks, using
from connexeo.processing.execution.cluster import ClusterLost, connected


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """A scheduler and two workers."""
    with dask_cluster(tmp_path_factory.mktemp("dask"), workers=2) as made:
        yield made


def numbers(count: int = 8) -> Any:
    return da.arange(count, chunks=1)


def mapped(function: Callable[..., Any], array: Any, *arguments: Any) -> Any:
    return da.map_blocks(function, array, *arguments, dtype=int, meta=np.empty(0, int))  # type: ignore[no-untyped-call]


def computed(address: str, array: Any, on_block: Callable[[int], None] = lambda _: None) -> dict[int, int]:
    """Values by position."""
    found: dict[int, int] = {}

    def deliver(key: Any, block: Any) -> None:
        assert key[1] not in found
        found[key[1]] = int(block[0])
        on_block(len(found))

    with connected(address) as strategy, using(Execution(strategy=strategy)):
        compute_blocks([array], deliver)
    return found


def left(address: str) -> int:
    """Tasks at the scheduler."""
    with Client(address, set_as_default=False) as client:  # type: ignore[no-untyped-call]
        for _ in range(100):
            count: int = client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks))
            if not count:
                return 0
            time.sleep(0.02)
    return count


def test_blocks_are_computed_and_nothing_is_left(workers: DaskCluster) -> None:
    array = mapped(slow_blocks.noted, numbers(), str(workers.folder), 0.0)
    assert computed(workers.address, array) == {number: number + 1 for number in range(8)}
    assert left(workers.address) == 0


def test_planes_are_summed_up_by_workers(
    workers: DaskCluster, run: Callable[..., Any], cube: xr.DataArray
) -> None:
    nodes = {
        name: {"process_id": name, "arguments": {"data": {"from_parameter": "data"}}}
        for name in ("sd", "mean")
    }
    share = {"x": {"from_node": "sd"}, "y": {"from_node": "mean"}}
    divide = {"process_id": "divide", "arguments": share, "result": True}
    result = run("reduce_spatial", data=cube, reducer={"process_graph": {**nodes, "share": divide}})
    with connected(workers.address) as strategy, using(Execution(strategy=strategy)):
        found = compute(result.data)
    values = cube.values
    expected = np.nanstd(values, (2, 3), ddof=1) / np.nanmean(values, (2, 3))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert left(workers.address) == 0


def test_what_blocks_are_read_from_is_sent_once(workers: DaskCluster) -> None:
    source = slow_blocks.Source(8)
    array = da.from_array(source, chunks=1, lock=False, fancy=False, meta=np.empty(0, int))  # type: ignore[no-untyped-call]
    assert computed(workers.address, mapped(slow_blocks.noted, array, str(workers.folder), 0.0)) == {
        number: number + 1 for number in range(8)
    }
    assert source.sent == 1
    assert left(workers.address) == 0


def test_no_more_parts_are_made_than_are_under_way(workers: DaskCluster) -> None:
    made: list[int] = []
    written: list[int] = []
    ahead: list[int] = []
    array = mapped(slow_blocks.noted, numbers(40), str(workers.folder), 0.0)

    with connected(workers.address) as strategy:

        def counting(parts: Iterator[Any], deliver: Any) -> None:
            def counted() -> Iterator[Any]:
                for part in parts:
                    made.append(1)
                    ahead.append(len(made) - len(written))
                    yield part

            strategy(counted(), deliver)

        with using(Execution(strategy=counting)):
            compute_blocks([array], lambda key, block: written.append(1))
    assert len(written) == 40
    assert max(ahead) <= 2 * cluster.PARTS_PER_THREAD


def test_a_worker_that_is_killed_costs_a_retry(workers: DaskCluster) -> None:
    array = mapped(slow_blocks.noted, numbers(12), str(workers.folder), 0.3)
    killed: list[int] = []

    def kill_one(count: int) -> None:
        if count != 2:
            return
        # All may be done already where this thread had to wait: then it must not wait for ever.
        deadline = time.monotonic() + 10
        busy: list[Any] = []
        while not busy and time.monotonic() < deadline:
            busy = [each for each in workers.workers if (workers.folder / f"{each.pid}.busy").exists()]
        victim = (busy or workers.workers)[0]
        victim.kill()
        victim.wait()
        killed.append(victim.pid)
        workers.workers.remove(victim)

    try:
        assert computed(workers.address, array, kill_one) == {number: number + 1 for number in range(12)}
        assert killed
    finally:
        workers.start_worker()
    assert left(workers.address) == 0


def test_errors_of_processes_arrive_as_they_are(workers: DaskCluster) -> None:
    with pytest.raises(NoDataAvailable, match="There is none") as caught:
        computed(workers.address, mapped(slow_blocks.failing, numbers()))
    assert vars(caught.value)["node"] == "n"
    with pytest.raises(
        ProcessGraphComplexity, match="more memory than workers of the cluster have"
    ) as refused:
        computed(workers.address, mapped(slow_blocks.greedy, numbers()))
    assert vars(refused.value)["node"] == "n"
    assert left(workers.address) == 0


def test_whoever_is_killed_leaves_nothing(workers: DaskCluster, tmp_path: Path) -> None:
    program = (
        "import sys, test_cluster as t\n"
        "t.computed(sys.argv[1], t.mapped(t.slow_blocks.noted, t.numbers(50), sys.argv[2], 0.1), "
        "lambda count: print(count, flush=True))"
    )
    paths = os.pathsep.join([str(Path(slow_blocks.__file__).parent), str(Path(__file__).parent)])
    with subprocess.Popen(
        [sys.executable, "-c", program, workers.address, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": paths},
    ) as job:
        assert job.stdout is not None
        assert job.stdout.readline() == b"1\n"
        job.kill()
    assert left(workers.address) == 0


def test_whoever_writes_may_fail(workers: DaskCluster) -> None:
    def fail(count: int) -> None:
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError, match="the disk is full"):
        computed(workers.address, mapped(slow_blocks.noted, numbers(), str(workers.folder), 0.05), fail)
    assert left(workers.address) == 0


def test_a_scheduler_that_is_not_there_is_an_error_within_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cluster.CONNECT <= 10
    monkeypatch.setattr(cluster, "CONNECT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    begun = time.monotonic()
    with pytest.raises(ClusterLost, match="The cluster that computes does not answer"):
        computed(f"tcp://127.0.0.1:{port}", numbers())
    assert time.monotonic() - begun < 3


def test_a_scheduler_that_goes_away_is_an_error_within_seconds(tmp_path: Path) -> None:
    gone: list[float] = []

    def kill(count: int) -> None:
        if count == 1:
            assert alone.scheduler is not None
            alone.scheduler.kill()
            gone.append(time.monotonic())

    with dask_cluster(tmp_path, workers=1) as alone:
        array = mapped(slow_blocks.noted, numbers(), str(tmp_path), 0.2)
        with pytest.raises(ClusterLost):
            computed(alone.address, array, kill)
        assert time.monotonic() - gone[0] < 12


def test_a_scheduler_that_is_halted_is_an_error_within_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "SILENCE", 0.5)
    monkeypatch.setattr(cluster, "CONNECT", 1.0)

    def halt(count: int) -> None:
        assert alone.scheduler is not None
        os.kill(alone.scheduler.pid, signal.SIGSTOP)

    with dask_cluster(tmp_path, workers=1) as alone:
        array = mapped(slow_blocks.noted, numbers(), str(tmp_path), 0.05)
        begun = time.monotonic()
        with pytest.raises(ClusterLost):
            computed(alone.address, array, halt)
        assert time.monotonic() - begun < 15


def test_without_workers_somebody_is_told(tmp_path: Path) -> None:
    waiting: list[int] = []
    with dask_cluster(tmp_path, workers=0) as alone:

        def tell() -> None:
            if not waiting:
                alone.start_worker()
            waiting.append(1)

        with connected(alone.address, on_waiting=tell) as strategy, using(Execution(strategy=strategy)):
            compute_blocks([numbers(2)], lambda key, block: None)
    assert waiting


def test_parts_over_which_workers_die_are_given_up(tmp_path: Path) -> None:
    message = "died over the same part of the computation again and again"
    with (
        dask_cluster(tmp_path, workers=1, allowed_failures=0) as doomed,
        pytest.raises(Internal, match=message),
    ):
        computed(doomed.address, mapped(slow_blocks.dying, numbers(1)))

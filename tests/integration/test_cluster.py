"""Batch jobs from the queue to results, computed by the workers of a dask cluster."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from clusters import dask_cluster
from connexeo.drivers.local.state.state import transaction
from connexeo.drivers.local.state.tables import job_logs
from small_catalogue import write_catalogue
from working import Works, node, process, works

MEAN = process(mean=node("mean", data={"from_parameter": "data"}))
COMPOSITE = process(
    load=node("load_collection", id="images", spatial_extent=None, temporal_extent=None),
    months=node("aggregate_temporal_period", data={"from_node": "load"}, period="month", reducer=MEAN),
    save=node("save_result", data={"from_node": "months"}, format="gtiff"),
)


def messages(at: Works, job_id: str) -> str:
    with transaction(at.engine, writing=False) as connection:
        return str(connection.scalars(select(job_logs.c.entry).where(job_logs.c.job_id == job_id)).all())


def test_jobs_are_computed_by_a_cluster_with_the_gaps_that_users_allow(tmp_path: Path) -> None:
    catalogue = write_catalogue(tmp_path / "catalogue", days=(1, 31, 33))
    (catalogue / "images" / "day31" / "B04.tif").unlink()
    with dask_cluster(tmp_path, workers=1) as cluster:
        settings = {"catalogues": catalogue, "dask": cluster.address}
        with works(tmp_path, f"sqlite:///{tmp_path / 'state.sqlite'}", **settings) as at:
            at.start()
            job_id = at.add("ana", COMPOSITE, extra={"job_options": {"soft-errors": True}})
            at.wait("finished", "error", seconds=60)
            assert at.job(job_id)["status"] == "finished", messages(at, job_id)
            assert len(at.check_results(job_id)) == 2
            assert "The asset 'B04' of the item 'day31' cannot be read" in messages(at, job_id)
            log = (tmp_path / "dask.log").read_text()
            assert "Receive client connection" in log

"""Files and jobs that a process names, and what their back-end calls them."""

from __future__ import annotations

from typing import Any

import pytest

from connexeo.drivers.federation.identifiers import federated
from connexeo.drivers.federation.routing.references import Reference, localised_graph, references_of

URLS = {"alps": "https://alps.example/v1", "coast": "https://coast.example/openeo"}
SIGNED = "https://alps.example/results/1/abc"


@pytest.mark.parametrize(
    ("process_id", "arguments", "expected"),
    [
        (
            "load_uploaded_files",
            {"paths": ["alps/in/a.tif", "a.tif", 5]},
            [
                Reference("file", "alps/in/a.tif", "alps", "in/a.tif"),
                Reference("file", "a.tif", None, "a.tif"),
            ],
        ),
        ("run_udf", {"udf": "coast/udf.py"}, [Reference("file", "coast/udf.py", "coast", "udf.py")]),
        ("run_udf", {"udf": "import alps\nalps/2"}, []),
        ("run_udf", {"udf": "https://x.example/udf.py"}, []),
        ("load_result", {"id": "alps~j1"}, [Reference("job", "alps~j1", "alps", "j1")]),
        ("load_ml_model", {"id": "alps~j1"}, [Reference("job", "alps~j1", "alps", "j1")]),
        ("load_result", {"id": "j1"}, [Reference("job", "j1", None, "j1")]),
        ("load_result", {"id": "gone~j1"}, [Reference("job", "gone~j1", None, "gone~j1")]),
        ("load_result", {"id": {"from_parameter": "job"}}, []),
        ("load_result", {"id": SIGNED}, [Reference("job", SIGNED, "alps", SIGNED, bound=False)]),
        ("load_stac", {"url": SIGNED}, [Reference("job", SIGNED, "alps", SIGNED, bound=False)]),
        ("load_stac", {"url": "https://stac.example/collections/x"}, []),
        (
            "load_stac",
            {"url": "https://front.example/jobs/coast~j~2f1/results"},
            [
                Reference(
                    "job",
                    "https://front.example/jobs/coast~j~2f1/results",
                    "coast",
                    "https://coast.example/openeo/jobs/j%2F1/results",
                )
            ],
        ),
        (
            "load_stac",
            {"url": "https://alps.example/v1/jobs/j1/results"},
            [
                Reference(
                    "job",
                    "https://alps.example/v1/jobs/j1/results",
                    "alps",
                    "https://alps.example/v1/jobs/j1/results",
                )
            ],
        ),
        (
            "load_stac",
            {"url": "https://front.example/jobs/split~s1/results"},
            [
                Reference(
                    "job",
                    "https://front.example/jobs/split~s1/results",
                    None,
                    "https://front.example/jobs/split~s1/results",
                )
            ],
        ),
        ("add", {"x": "alps~j1"}, []),
    ],
)
def test_references_are_found(process_id: str, arguments: dict[str, Any], expected: list[Reference]) -> None:
    assert list(references_of(process_id, arguments, URLS)) == expected


def test_back_ends_get_their_own_names_in_callbacks_too() -> None:
    job = federated("alps", "job/ä 1")
    inner = {"u": {"process_id": "run_udf", "arguments": {"udf": "alps/udf.py", "id": job}}}
    process: dict[str, Any] = {
        "process_graph": {
            "l": {"process_id": "load_result", "arguments": {"id": job, "bands": [job]}},
            "f": {"process_id": "load_uploaded_files", "arguments": {"paths": ["alps/a", "alps/b"]}},
            "r": {"process_id": "reduce_dimension", "arguments": {"reducer": {"process_graph": inner}}},
        }
    }
    changed = localised_graph(process, URLS)["process_graph"]
    assert changed["l"]["arguments"] == {"id": "job/ä 1", "bands": [job]}
    assert changed["f"]["arguments"] == {"paths": ["a", "b"]}
    callback = changed["r"]["arguments"]["reducer"]["process_graph"]
    assert callback["u"]["arguments"] == {"udf": "udf.py", "id": job}
    assert process["process_graph"]["l"]["arguments"]["id"] == job

"""Random forests: trained on vector cubes, predicted in cubes, written to files and found again."""

from __future__ import annotations

import io
import json
import math
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, mapping
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from connexeo.fetch import FetchRefused
from connexeo.generated.errors import (
    FeatureUnsupported,
    FormatUnsuitable,
    JobNotFound,
    OpenEOError,
    ProcessParameterInvalid,
)
from connexeo.processing.cube import Band, Dimension, make_cube
from connexeo.processing.environment import Environment
from connexeo.processing.evaluation import evaluate, execute
from connexeo.processing.forest_files import NoForest, read_forest, write_forest
from connexeo.processing.forests import Forest
from connexeo.processing.formats import WrittenFile, write_result
from connexeo.processing.formats.registry import find_format, list_formats
from connexeo.processing.kinds import kinds_of_value
from connexeo.processing.planning.dry_run import DryRun, PixelsNeeded
from connexeo.processing.result import Result
from connexeo.processing.values import Array, LabeledList
from connexeo.processing.vectors import make_vector_cube

Run = Callable[..., Any]
BANDS = ("B02", "B03", "B04", "B08")


def training_data(count: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Predictors, a number that follows from them, and classes."""
    data = np.random.default_rng(0).random((count, len(BANDS))).astype(np.float32)
    numbers = data[:, 0] * 10 + data[:, 3]
    return data, numbers, np.where(data[:, 0] > 0.5, 7, np.where(data[:, 1] > 0.5, 3, 200))


def points(count: int) -> list[Point]:
    return [Point(number / 10, 45) for number in range(count)]


def vector(data: np.ndarray) -> xr.DataArray:
    return make_vector_cube(
        points(len(data)),
        data=data,
        dims=("geometry", "bands"),
        coords={"bands": list(BANDS)},
        dimensions=[Dimension("bands", "bands", bands=tuple(map(Band, BANDS)))],
    )


def geojson(values: Any, name: str = "target", **more: Any) -> dict[str, Any]:
    features = [
        {"type": "Feature", "geometry": mapping(point), "properties": {name: value, **more}}
        for point, value in zip(points(len(values)), np.asarray(values).tolist(), strict=True)
    ]
    return {"type": "FeatureCollection", "features": features}


def fit(task: str, run: Run, **more: Any) -> Forest:
    data, numbers, classes = training_data()
    target = geojson(classes if task == "class" else numbers)
    given = {"predictors": vector(data), "target": target, "num_trees": 8, "seed": 1, **more}
    model = (
        run("fit_class_random_forest", **given) if task == "class" else run("fit_regr_random_forest", **given)
    )
    assert isinstance(model, Forest)
    return model


@pytest.fixture
def model(run: Run) -> Forest:
    return fit("regr", run)


def unseen(count: int = 20_000) -> np.ndarray:
    return np.random.default_rng(5).random((len(BANDS), count)).astype(np.float32)


def test_regression_is_that_of_scikit_learn(model: Forest) -> None:
    data, numbers, _ = training_data()
    expected = RandomForestRegressor(n_estimators=8, max_features=1, random_state=1).fit(data, numbers)
    np.testing.assert_allclose(model.predict(unseen()), expected.predict(unseen().T), rtol=1e-6)
    assert model.predictors == BANDS
    assert kinds_of_value(model) == {"ml-model"}
    assert model.nbytes > 1000


def test_classification_is_that_of_scikit_learn(run: Run) -> None:
    data, _, classes = training_data()
    found = fit("class", run).predict(unseen())
    expected = RandomForestClassifier(n_estimators=8, max_features=1, random_state=1).fit(data, classes)
    assert (found == expected.predict(unseen().T)).all()
    assert set(found.tolist()) == {3, 7, 200}


@pytest.mark.parametrize(
    ("wanted", "used"), [(None, 1), ("onethird", 1), ("sqrt", 2), ("log2", 2), ("all", 4), (3, 3), (99, 4)]
)
def test_max_variables(wanted: Any, used: int, run: Run) -> None:
    data, numbers, _ = training_data()
    expected = RandomForestRegressor(n_estimators=8, max_features=used, random_state=1).fit(data, numbers)
    found = fit("regr", run, max_variables=wanted).predict(unseen(50))
    np.testing.assert_allclose(found, expected.predict(unseen(50).T), rtol=1e-6)


@pytest.mark.parametrize(
    "wrong", [{"num_trees": 0}, {"max_variables": 0}, {"max_variables": "many"}, {"seed": -1}]
)
def test_wrong_options(wrong: dict[str, Any], run: Run) -> None:
    with pytest.raises(ProcessParameterInvalid, match=f"'{next(iter(wrong))}'"):
        fit("regr", run, **wrong)


def test_the_target_may_be_a_vector_cube_in_another_order(model: Forest, run: Run) -> None:
    _, numbers, _ = training_data()
    cube = make_vector_cube(points(len(numbers)), data=numbers)
    same = fit("regr", run, target=cube.isel(geometry=slice(None, None, -1)))
    assert (same.predict(unseen(99)) == model.predict(unseen(99))).all()


def test_the_target_may_be_a_property_of_a_vector_cube(model: Forest, run: Run) -> None:
    _, numbers, _ = training_data()
    values = np.array([[f"site {n}", value] for n, value in enumerate(numbers)], object)
    cube = make_vector_cube(
        points(len(numbers)),
        data=values,
        dims=("geometry", "properties"),
        coords={"properties": ["name", "target"]},
    )
    features = [{"properties": {"height": value}} for value in numbers.tolist()]
    beside = make_vector_cube(points(len(numbers)), features=features)
    for target in (cube, beside):
        assert (fit("regr", run, target=target).predict(unseen(9)) == model.predict(unseen(9))).all()


def test_geometries_that_differ_belong_together_in_their_order(model: Forest, run: Run) -> None:
    _, numbers, _ = training_data()
    target = geojson(numbers, "height", site="x")
    for feature in target["features"]:
        feature["geometry"] = mapping(Point(feature["geometry"]["coordinates"]).buffer(0.01))
    assert (fit("regr", run, target=target).predict(unseen(9)) == model.predict(unseen(9))).all()


def test_samples_with_no_data_are_left_out(run: Run) -> None:
    data, numbers, _ = training_data()
    gaps = data.copy()
    gaps[3, 1] = np.nan
    target = geojson(numbers)
    target["features"][5]["properties"]["target"] = None
    kept = np.delete(np.arange(len(data)), [3, 5])
    expected = RandomForestRegressor(n_estimators=8, max_features=1, random_state=1).fit(
        data[kept], numbers[kept]
    )
    found = fit("regr", run, predictors=vector(gaps), target=target).predict(unseen(50))
    np.testing.assert_allclose(found, expected.predict(unseen(50).T), rtol=1e-6)


def test_dates_become_predictors_too(run: Run) -> None:
    data, numbers, _ = training_data()
    series = xr.concat([vector(data), vector(data * 2)], "t").assign_coords(
        t=np.array(["2020-01-01", "2020-02-01"], "datetime64[ns]")
    )
    cube = make_cube(series, [*vector(data).attrs["openeo"], Dimension("t", "temporal")])
    model = fit("regr", run, predictors=cube, target=geojson(numbers))
    assert model.predictors[3:5] == ("2020-01-01T00:00:00Z_B08", "2020-02-01T00:00:00Z_B02")


DATA = training_data()[0]


@pytest.mark.parametrize(
    ("predictors", "target", "message"),
    [
        (xr.DataArray(np.ones((2, 2)), dims=("y", "x")), geojson([1, 2]), "'predictors'.*vector data cube"),
        (vector(DATA), geojson([1, 2]), "'target'.*has 2 geometries, which are not the 60"),
        (vector(DATA[:2]), geojson([1, 2], "a", b=3), "'target'.*the property 'target', or a single"),
        (vector(DATA[:2]), geojson(["wood", "water"]), "'target'.*must be a number, not 'wood'"),
        (vector(DATA[:2] * np.nan), geojson([1, 2]), "'predictors'.*no geometry has values"),
        (
            vector(DATA[:2]),
            make_vector_cube(points(2), dims=("geometry", "properties"), coords={"properties": ["a", "b"]}),
            "'target'.*the property 'target'",
        ),
    ],
)
def test_samples_that_do_not_fit(predictors: Any, target: Any, message: str, run: Run) -> None:
    with pytest.raises(ProcessParameterInvalid, match=message):
        run("fit_regr_random_forest", predictors=predictors, target=target)


def test_nothing_is_trained_in_a_dry_run(environment: Environment) -> None:
    data, numbers, _ = training_data()
    graph = {
        "f": {
            "process_id": "fit_regr_random_forest",
            "arguments": {"predictors": {"from_parameter": "p"}, "target": geojson(numbers)},
            "result": True,
        }
    }
    with pytest.raises(OpenEOError) as caught:
        evaluate(graph, {"p": vector(data)}, environment=replace(environment, dry_run=DryRun()))
    assert isinstance(caught.value.__cause__, PixelsNeeded)


PREDICTION = {
    "process_graph": {
        "p": {
            "process_id": "predict_random_forest",
            "arguments": {"data": {"from_parameter": "data"}, "model": {"from_parameter": "context"}},
            "result": True,
        }
    }
}


def image(order: tuple[str, ...] = BANDS) -> xr.DataArray:
    values = np.random.default_rng(7).random((4, 6, 5)).astype(np.float32)
    values[2, 0, 0] = np.nan
    cube = xr.DataArray(values, dims=("bands", "y", "x"), coords={"bands": list(BANDS)}).sel(
        bands=list(order)
    )
    return make_cube(cube.chunk({"bands": 1, "y": 3}), [Dimension("bands", "bands")])


@pytest.mark.parametrize("order", [BANDS, BANDS[::-1]])
def test_prediction_in_a_cube(order: tuple[str, ...], model: Forest, run: Run) -> None:
    """As the Python client asks for it; bands are known by their names."""
    found = run("reduce_dimension", data=image(order), dimension="bands", reducer=PREDICTION, context=model)
    assert found.chunks is not None
    assert found.dtype == np.float32
    assert math.isnan(found.values[0, 0])
    expected = model.predict(image().values.reshape(4, -1)).reshape(6, 5)
    np.testing.assert_array_equal(found, expected)
    assert np.isnan(expected).sum() == 1


def test_prediction_for_plain_arrays(model: Forest, run: Run) -> None:
    values = [0.1, 0.2, 0.3, 0.4]
    expected = float(model.predict(np.array(values).reshape(4, 1))[0])
    assert run("predict_random_forest", data=values, model=model) == expected
    turned = LabeledList(values[::-1], BANDS[::-1])
    assert run("predict_random_forest", data=turned, model=model) == expected
    assert run("predict_random_forest", data=[0.1, None, 0.3, 0.4], model=model) is None
    assert run("predict_random_forest", data=Array(np.array(values)), model=model) == expected


def test_prediction_from_other_predictors(model: Forest, run: Run) -> None:
    with pytest.raises(
        ProcessParameterInvalid, match=r"with 4 predictors \(B02, B03, B04, B08\), not with 2"
    ):
        run("predict_random_forest", data=[1, 2], model=model)


@pytest.mark.parametrize(
    ("process_id", "name"), [("predict_random_forest", "model"), ("save_ml_model", "data")]
)
def test_no_model(process_id: str, name: str, run: Run) -> None:
    arguments = {name: {"nodes": 1}} if name == "data" else {name: {"nodes": 1}, "data": [1]}
    with pytest.raises(ProcessParameterInvalid, match=f"'{name}'.*a machine learning model"):
        run(process_id, **arguments)
    graph = {"n": {"process_id": process_id, "arguments": arguments, "result": True}}
    with pytest.raises(ProcessParameterInvalid, match="a machine learning model"):
        evaluate(graph)


def test_a_cube_is_no_model(run: Run) -> None:
    with pytest.raises(
        ProcessParameterInvalid, match="a machine learning model is expected, not a data cube"
    ):
        run("save_ml_model", data=image())


def save(model: Forest, folder: Path, **options: Any) -> WrittenFile:
    graph = {
        "s": {
            "process_id": "save_ml_model",
            "arguments": {"data": {"from_parameter": "m"}, "options": options},
            "result": True,
        }
    }
    (result,) = execute(graph, {"m": model}).results
    (written,) = write_result(result, folder)
    return written


def test_saved_models_are_those_that_were_trained(model: Forest, run: Run, tmp_path: Path) -> None:
    for one in (model, fit("class", run)):
        written = save(one, tmp_path, filename_prefix="woods")
        assert written.path.name == "woods.npz"
        assert written.roles == ("data", "ml-model:checkpoint")
        assert written.extra["ml-model:prediction_type"] == one.task
        read = read_forest(written.path)
        assert (read.task, read.predictors) == (one.task, one.predictors)
        np.testing.assert_array_equal(read.predict(unseen(99)), one.predict(unseen(99)))


def test_options_of_saving(model: Forest, run: Run) -> None:
    with pytest.raises(ProcessParameterInvalid, match="'options' of process 'save_ml_model'"):
        run("save_ml_model", data=model, options={"colour": "red"})


def test_models_are_no_format_to_choose(run: Run, tmp_path: Path) -> None:
    assert "ML-Model" not in list_formats()["output"]
    with pytest.raises(FormatUnsuitable):
        run("save_result", data=image(), format="ML-Model")
    with pytest.raises(FormatUnsuitable):
        find_format("ml-model").check(image(), {})
    assert isinstance(run("save_result", data=image(), format="netCDF"), Result)


class Workspace:
    """A job with a model, one with two and one without, and an uploaded model."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def results(self, job_id: str) -> list[dict[str, Any]]:
        count = {"j-0": 0, "j-1": 1, "j-2": 2}.get(job_id)
        if count is None:
            raise JobNotFound(identifier=job_id)
        picture = {"assets": {"a.png": {"href": "/a.png", "type": "image/png", "roles": ["data"]}}}
        paths = [str(self.path), "/other.npz"][:count]
        return [
            picture,
            *({"assets": {"m": {"href": path, "roles": ["ml-model:checkpoint"]}}} for path in paths),
        ]

    def file(self, path: str) -> Path:
        assert path == "models/mine.npz"
        return self.path

    def save(self, path: str, source: Path) -> None:
        raise AssertionError


class Web:
    """A STAC Item with a model, and our own results."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def results(self, url: str) -> list[dict[str, Any]] | None:
        return Workspace(self.path).results("j-1") if url.startswith("https://here.example/") else None

    def document(self, url: str) -> Any:
        if url != "https://models.example/items/woods.json":
            raise FetchRefused("the address is not allowed")
        return {
            "type": "Feature",
            "assets": {"model": {"href": "../woods.npz", "roles": ["ml-model:checkpoint"]}},
        }

    def file(self, url: str) -> Path:
        assert url == "https://models.example/woods.npz"
        return self.path


@pytest.fixture
def world(model: Forest, environment: Environment, tmp_path: Path) -> Environment:
    path = save(model, tmp_path).path
    return replace(environment, workspace=Workspace(path), web=Web(path))


def load(place: str, world: Environment) -> Any:
    graph = {"l": {"process_id": "load_ml_model", "arguments": {"id": place}, "result": True}}
    return evaluate(graph, environment=world)


@pytest.mark.parametrize(
    "place",
    ["j-1", "models/mine.npz", "https://here.example/results", "https://models.example/items/woods.json"],
)
def test_models_are_found(place: str, model: Forest, world: Environment) -> None:
    assert (load(place, world).predict(unseen(9)) == model.predict(unseen(9))).all()


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("j-0", "'id'.*leads to 0 models"),
        ("j-2", "'id'.*leads to 2 models"),
        (
            "https://evil.example/x?secret",
            "'https://evil.example/x' cannot be loaded: the address is not allowed",
        ),
    ],
)
def test_models_that_are_not_found(place: str, message: str, world: Environment) -> None:
    with pytest.raises(ProcessParameterInvalid, match=message):
        load(place, world)


def test_places_that_are_not_there(environment: Environment, world: Environment) -> None:
    with pytest.raises(JobNotFound):
        load("j-3", world)
    for place in ("j-1", "https://models.example/items/woods.json"):
        with pytest.raises(FeatureUnsupported):
            load(place, environment)


def test_addresses_are_not_fetched_in_a_dry_run(world: Environment) -> None:
    with pytest.raises(OpenEOError) as caught:
        load("https://models.example/items/woods.json", replace(world, dry_run=DryRun()))
    assert isinstance(caught.value.__cause__, PixelsNeeded)


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_nothing_is_unpickled(model: Forest, world: Environment, tmp_path: Path) -> None:
    mark = tmp_path / "exploded"
    path = save(model, tmp_path).path
    array = np.array([Bomb(mark)], object)
    np.savez(path, description=array, roots=array)
    for content in (path.read_bytes(), pickle.dumps(Bomb(mark))):
        path.write_bytes(content)
        with pytest.raises(ProcessParameterInvalid, match=r"'id'.*no file of a random forest"):
            load("j-1", world)
    assert not mark.exists()


def test_archives_have_a_limit(model: Forest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(model, tmp_path).path
    monkeypatch.setattr("connexeo.processing.forest_files.MAX_BYTES", 100)
    with pytest.raises(NoForest, match="more than the 100"):
        read_forest(path)


def test_a_header_that_promises_too_much(model: Forest, tmp_path: Path) -> None:
    path = save(model, tmp_path).path
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    huge = io.BytesIO()
    np.lib.format.write_array_header_1_0(huge, {"descr": "<f8", "fortran_order": False, "shape": (1 << 50,)})
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**members, "threshold.npy": huge.getvalue()}.items():
            archive.writestr(name, content)
    with pytest.raises(NoForest, match="no file of a random forest"):
        read_forest(path)


def broken(forest: Forest, name: str, index: Any, value: Any) -> Forest:
    array = getattr(forest, name).copy()
    array[index] = value
    return replace(forest, **{name: array})


@pytest.mark.parametrize(
    ("name", "index", "value"),
    [
        ("children", (5, 0), 3),  # a circle
        ("children", (5, 0), 10**6),
        ("children", (5, 1), -1),
        ("roots", 1, -1),
        ("roots", 1, 10**6),
        ("predictor", 0, 4),
        ("predictor", 0, -1),
        ("values", (0, 0), math.nan),
    ],
)
def test_broken_trees(name: str, index: Any, value: Any, model: Forest, tmp_path: Path) -> None:
    path = tmp_path / "broken.npz"
    write_forest(broken(model, name, index, value), path)
    with pytest.raises(NoForest, match="its trees are broken"):
        read_forest(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"roots": np.empty(0, np.int32)}, "broken"),
        ({"values": np.ones((3, 1))}, "broken"),
        ({"threshold": np.ones((3, 1), np.float32)}, "another type"),
        ({"predictors": ()}, "broken"),
        ({"task": "clustering"}, "task that is not known"),
    ],
)
def test_wrong_content(changes: dict[str, Any], message: str, model: Forest, tmp_path: Path) -> None:
    path = tmp_path / "wrong.npz"
    write_forest(replace(model, **changes), path)
    with pytest.raises(NoForest, match=message):
        read_forest(path)


def test_later_versions_are_refused(model: Forest, tmp_path: Path) -> None:
    path = tmp_path / "later.npz"
    write_forest(model, path)
    with np.load(path) as arrays:
        kept = dict(arrays)
    later = {**json.loads(bytes(kept["description"])), "version": 2}
    kept["description"] = np.frombuffer(json.dumps(later).encode(), np.uint8)
    np.savez(path, **kept)
    with pytest.raises(NoForest, match="version 2, this back-end reads version 1"):
        read_forest(path)


@settings(max_examples=30, deadline=None)
@given(position=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_damaged_files_are_refused_or_work(
    position: int, byte: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    forest = Forest(
        "regression",
        ("a",),
        np.empty(0),
        np.array([0], np.int32),
        np.array([[1, 2], [1, 1], [2, 2]], np.int32),
        np.array([0, 0, 0], np.int32),
        np.array([0.5, np.inf, np.inf]),
        np.array([[0.0], [1.0], [2.0]]),
    )
    path = folder / "damaged.npz"
    write_forest(forest, path)
    content = bytearray(path.read_bytes())
    content[position % len(content)] = byte
    path.write_bytes(content)
    try:
        read = read_forest(path)
    except NoForest:
        return
    assert np.isfinite(read.predict(np.array([[0.1, 0.9]] * len(read.predictors)))).all()

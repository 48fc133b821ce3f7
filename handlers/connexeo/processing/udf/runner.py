"""What runs inside of the sandbox: takes code and data, runs the one on the other, gives back what came of it.

It is started as a file of its own, without the packages of connexeo. What it says is not believed outside: the code of
the user can say the same. Messages are described in `channel`.
"""

from __future__ import annotations

import io
import json
import linecache
import logging
import math
import os
import resource
import struct
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO

FILE = "<udf>"
"""What the code of the user is called in tracebacks."""

_LONGEST_LINE = 10_000
_MOST_LINES = 40
_SIGNATURES = (
    "Define apply_datacube(cube: xarray.DataArray, context: dict) -> xarray.DataArray, the same with XarrayDataCube, "
    "apply_timeseries(series: pandas.Series, context: dict) -> pandas.Series, or a function of a UdfData. Types have "
    "to be given, and not as texts, which `from __future__ import annotations` makes of them."
)
"""Of a traceback: the first and the last half of it."""
_PLAIN_KINDS = "biufM"


class Refused(Exception):
    """What the code gave cannot be handed on; the message says why."""


class Channel:
    """The two pipes to the other side."""

    def __init__(self, source: BinaryIO, target: BinaryIO) -> None:
        self._source = source
        self._target = target
        self._lock = threading.Lock()

    def receive(self) -> tuple[dict[str, Any], list[Any]] | None:
        """A message and its arrays; None when there are no more."""
        head = self._source.read(4)
        if len(head) < 4:
            return None
        header = json.loads(self._source.read(struct.unpack(">I", head)[0]))
        return header, [self._array(*described) for described in header.pop("arrays", ())]

    def send(self, header: Mapping[str, Any], arrays: Sequence[Any] = ()) -> None:
        """Hand over a message."""
        described = [[array.dtype.str, array.shape] for array in arrays]
        text = json.dumps({**header, "arrays": described}).encode()
        with self._lock:
            self._target.write(struct.pack(">I", len(text)) + text)
            for array in arrays:
                self._target.write(array.reshape(-1).view("u1").data)
            self._target.flush()

    def _array(self, dtype: str, shape: Sequence[int]) -> Any:
        numpy = _numpy()
        array = numpy.empty(shape, dtype)
        if array.nbytes:
            view = memoryview(array.reshape(-1).view("u1"))
            while view:
                count = self._source.readinto(view)  # type: ignore[attr-defined]
                if not count:
                    raise EOFError("the data ends too early")
                view = view[count:]
        return array


def main() -> None:
    """Answer calls until there are no more."""
    channel = Channel(*_private_pipes())
    started = channel.receive()
    if started is None:
        return
    setup, _ = started
    _limit(setup["limits"])
    if setup["probe"]:
        channel.send(_probe())
        channel.receive()  # the end: until then, whoever probes looks at this process
        return
    sys.path += setup["paths"]
    run = _load_libraries(channel)
    channel.send({"ready": True})
    while (call := channel.receive()) is not None:
        header, arrays = call
        answer, results = _answer(run, header, arrays)
        channel.send(answer, results)


def _private_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Standard input and output, in whose places nothing comes and goes."""
    source, target = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    return source, target


def _limit(limits: Mapping[str, int]) -> None:
    """Set limits that can't be raised again."""
    for name, limit in limits.items():
        kind = getattr(resource, f"RLIMIT_{name}")
        _, hard = resource.getrlimit(kind)
        value = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (value, value))


def _probe() -> dict[str, Any]:
    """What can be done here that must not be possible."""
    return {"escapes": [name for name, attempt in _ESCAPES.items() if not _is_refused(attempt)]}


def _is_refused(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except OSError:
        return True
    return False


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _connect() -> None:
    import socket

    socket.socket().close()


_ESCAPES: dict[str, Callable[[], object]] = {
    "fork": _fork,
    "socket": _connect,
    "processes": lambda: os.listdir("/proc/1"),
    "passwords": lambda: os.stat("/etc/passwd"),
    "root": lambda: os.mkdir("/written"),
}


def _numpy() -> Any:
    import numpy

    return numpy


def _load_libraries(channel: Channel) -> Callable[[Any, Any], Any]:
    """The function of the openEO client that finds and calls the function of the user."""
    # It wants /proc, which is not here; libraries that would use it (dask) do without if it can't be imported.
    sys.modules["psutil"] = None  # type: ignore[assignment]
    from openeo.udf.run_code import run_udf_code

    sys.stdout = _Printed(channel, "info")
    sys.stderr = _Printed(channel, "warning")
    root = logging.getLogger()
    root.handlers[:] = [_Logged(channel)]
    root.setLevel(logging.INFO)
    logging.getLogger("openeo").setLevel(logging.WARNING)
    logging.getLogger("openeo.udf.debug.user").setLevel(logging.DEBUG)
    return run_udf_code


class _Printed(io.TextIOBase):
    """What is printed, line by line, as log entries."""

    def __init__(self, channel: Channel, level: str) -> None:
        self._channel = channel
        self._level = level
        self._rest = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        if len(self._rest) > _LONGEST_LINE:
            lines.append(self._rest)
            self._rest = ""
        for line in lines:
            self._log(line)
        return len(text)

    def flush(self) -> None:
        """Nothing is kept but what lacks the end of its line."""

    def end(self) -> None:
        """Log what is left."""
        if self._rest:
            self._log(self._rest)
            self._rest = ""

    def _log(self, line: str) -> None:
        if line.strip():
            self._channel.send({"log": {"level": self._level, "message": line[:_LONGEST_LINE]}})


class _Logged(logging.Handler):
    """Records of `logging`, among them those of `openeo.udf.inspect`, as log entries."""

    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            message = str(record.msg)
        entry: dict[str, Any] = {"level": _level(record.levelno), "message": message[:_LONGEST_LINE]}
        if hasattr(record, "code"):
            entry["code"] = str(record.code)[:_LONGEST_LINE]
        if getattr(record, "data", None) is not None:
            entry["data"] = _shown(record.data)  # type: ignore[attr-defined]
        self._channel.send({"log": entry})


def _level(number: int) -> str:
    names = ((logging.ERROR, "error"), (logging.WARNING, "warning"), (logging.INFO, "info"))
    return next((name for least, name in names if number >= least), "debug")


def _shown(data: Any) -> Any:
    """Data as JSON if that is short, else as text."""
    try:
        text = json.dumps(data)
    except (TypeError, ValueError, RecursionError):
        return repr(data)[:_LONGEST_LINE]
    return data if len(text) <= _LONGEST_LINE else text[:_LONGEST_LINE]


def _answer(
    run: Callable[[Any, Any], Any], header: Mapping[str, Any], arrays: list[Any]
) -> tuple[dict[str, Any], list[Any]]:
    results: list[Any] = []
    loaded = False
    try:
        code = _load(header["code"])
        loaded = True
        data = _make_data(header, arrays)
        run(code, data)
        return {"answer": _describe_data(data, results)}, results
    except Refused as refused:
        return {"refused": str(refused)}, []
    except MemoryError:
        return {"exceeded": "memory"}, []
    except BaseException as error:  # noqa: BLE001 - whatever the user's code raises, SystemExit too
        if isinstance(error.__cause__, MemoryError):
            return {"exceeded": "memory"}, []
        return {
            "error": _explain(error),
            "loaded": loaded and type(error).__name__ != "OpenEoUdfException",
        }, []
    finally:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, _Printed):
                stream.end()


def _load(source: str) -> Any:
    """The code, run once however often it is called, under a file name for which tracebacks find its lines."""
    from openeo.udf.run_code import load_module_from_string

    linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)
    code: Any = compile(source, FILE, "exec", dont_inherit=True)
    load_module_from_string(code)  # `exec` takes what is compiled as well
    return code


def _explain(error: BaseException) -> list[str]:
    """The lines of a traceback that are the user's."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == FILE]
    lines = [line for entry in traceback.format_list(frames) for line in entry.splitlines()]
    for entry in traceback.format_exception_only(error):
        lines += entry.rstrip("\n").splitlines()
    if type(error).__name__ == "OpenEoUdfException":
        lines.append(_SIGNATURES)
    if len(lines) > _MOST_LINES:
        lines = [*lines[: _MOST_LINES // 2], "  …", *lines[-_MOST_LINES // 2 :]]
    return [line[:500] for line in lines]


def _make_data(header: Mapping[str, Any], arrays: list[Any]) -> Any:
    from openeo.udf.feature_collection import FeatureCollection
    from openeo.udf.structured_data import StructuredData
    from openeo.udf.udf_data import UdfData
    from openeo.udf.xarraydatacube import XarrayDataCube

    features = header.get("features")
    return UdfData(
        proj=header["proj"],
        datacube_list=[XarrayDataCube(_make_cube(cube, arrays)) for cube in header["cubes"]],
        feature_collection_list=(
            None if features is None else [FeatureCollection("data", _make_frame(features))]
        ),
        structured_data_list=[StructuredData(value) for value in header["structured"]] or None,
        user_context=header["context"],
    )


def _make_cube(described: Mapping[str, Any], arrays: list[Any]) -> Any:
    import xarray

    coords = {
        name: labels if isinstance(labels, list) else arrays[labels]
        for name, labels in described["coords"].items()
    }
    return xarray.DataArray(
        arrays[described["values"]], dims=described["dims"], coords=coords, name=described["name"]
    )


def _make_frame(described: Mapping[str, Any]) -> Any:
    import geopandas
    import shapely

    shapes = shapely.from_wkb([None if wkb is None else bytes.fromhex(wkb) for wkb in described["shapes"]])
    return geopandas.GeoDataFrame(described["columns"], geometry=shapes, crs=described["crs"])


def _describe_data(data: Any, results: list[Any]) -> dict[str, Any]:
    cubes, collections = data.get_datacube_list() or [], data.get_feature_collection_list() or []
    structured = data.get_structured_data_list() or []
    described = {
        "cubes": [_describe_cube(cube, results) for cube in cubes],
        "features": [_describe_frame(collection) for collection in collections],
        "structured": [getattr(value, "data", value) for value in structured],
    }
    try:
        json.dumps(described)
    except (TypeError, ValueError, RecursionError) as error:
        raise Refused(f"structured data must be JSON: {error}") from None
    return described


def _describe_cube(cube: Any, results: list[Any]) -> dict[str, Any]:
    import xarray
    from openeo.udf.xarraydatacube import XarrayDataCube

    array = cube.get_array() if isinstance(cube, XarrayDataCube) else cube
    if not isinstance(array, xarray.DataArray):
        raise Refused(f"a data cube is expected, not a value of the type {type(array).__name__}")
    if array.dtype.kind not in "biuf":
        raise Refused(f"the data cube has values of the type {array.dtype}, it can hold numbers only")
    coords = {
        str(name): _describe_labels(array.coords[name], results)
        for name in array.dims
        if name in array.coords
    }
    results.append(_little_endian(array.values))
    return {
        "values": len(results) - 1,
        "dims": [str(name) for name in array.dims],
        "coords": coords,
        "name": None if array.name is None else str(array.name)[:_LONGEST_LINE],
    }


def _describe_labels(coordinate: Any, results: list[Any]) -> Any:
    values = coordinate.values
    if values.dtype.kind == "M":
        values = values.astype("M8[ns]")
    if values.dtype.kind in _PLAIN_KINDS:
        results.append(_little_endian(values))
        return len(results) - 1
    labels = values.tolist()
    if not all(isinstance(label, str | int | float) for label in labels):
        raise Refused(f"the labels of dimension '{coordinate.name}' must be texts, numbers or times")
    return labels


def _little_endian(array: Any) -> Any:
    if array.dtype.itemsize > 8 or (array.dtype.kind == "f" and array.dtype.itemsize == 2):
        array = array.astype("f4" if array.dtype.itemsize == 2 else "f8")
    return array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)


def _describe_frame(collection: Any) -> dict[str, Any]:
    frame = getattr(collection, "data", collection)
    if not hasattr(frame, "geometry"):
        raise Refused(f"a GeoDataFrame is expected, not a value of the type {type(frame).__name__}")
    shapes = [None if wkb is None else wkb.hex() for wkb in frame.geometry.to_wkb()]
    names = [name for name in frame.columns if name != frame.geometry.name]
    crs = None if frame.crs is None else frame.crs.to_epsg() or frame.crs.to_wkt()
    columns = {str(name): [_plain(value) for value in frame[name].tolist()] for name in names}
    return {"shapes": shapes, "columns": columns, "crs": crs}


def _plain(value: Any) -> Any:
    plain = value.item() if hasattr(value, "item") else value
    return None if isinstance(plain, float) and math.isnan(plain) else plain


if __name__ == "__main__":
    main()

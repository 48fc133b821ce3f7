"""Code of users: `run_udf` and `run_udf_externally`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from connexeo.processing.environment import Environment
from connexeo.processing.kinds import is_cube
from connexeo.processing.process import process
from connexeo.processing.values import Array, is_block

if TYPE_CHECKING:
    from connexeo.processing.udf.call import Call


@process
def run_udf(
    data: Any,
    udf: str,
    runtime: str,
    version: str | None = None,
    context: Any = None,
    *,
    environment: Environment,
) -> Any:
    """Run a function of the user on data, in a sandbox.

    In callbacks the function gets one block after the other, as a cube with the names and labels of the block. A cube
    that it is given directly is computed at once, as nothing tells what the function will make of it.

    Raises:
        InvalidRuntime: There is no such runtime.
        InvalidVersion: The runtime has no such version.
        FileNotFound: The user has no such file.
        UdfFailed: The function raised something, or gave what can't be used.
        ProcessGraphComplexity: It hit a limit.
    """
    from connexeo.processing.udf.call import CodeCall
    from connexeo.processing.udf.code import source_of
    from connexeo.processing.udf.runtimes import check_runtime

    check_runtime(runtime, version)
    code = source_of(udf, environment)
    return _run(
        data, CodeCall(code=code, context={} if context is None else context, environment=environment)
    )


@process
def run_udf_externally(data: Any, url: str, context: Any = None, *, environment: Environment) -> Any:
    """Let a service of the user run its function on data, which is sent there in the form that `docs/udf.md` tells.

    The service gets what a function gets in `run_udf`: blocks in callbacks, and otherwise a cube that is computed at
    once.

    Raises:
        UdfFailed: The service can't be reached, answers with an error, or gave what can't be used.
        ProcessGraphComplexity: The cube is larger than what is sent at once.
        FeatureUnsupported: Nothing is sent to URLs here.
    """
    from connexeo.processing.udf.services import ServiceCall, services_of, told_of_services

    plain = not (is_cube(data) or isinstance(data, Array) or is_block(data))
    given = {} if context is None else context
    call = ServiceCall(url=url, context=given, environment=environment, exact=plain)
    services_of(call)
    with told_of_services():
        return _run(data, call)


def _run(data: Any, call: Call) -> Any:
    from connexeo.processing.udf.on_blocks import run_on_block
    from connexeo.processing.udf.on_cubes import run_on_cube, run_on_plain
    from connexeo.processing.udf.place import current_place
    from connexeo.processing.udf.results import proj_of

    if is_cube(data):
        return run_on_cube(data, replace(call, proj=proj_of(data)))
    place = current_place()
    if isinstance(data, Array) or is_block(data):
        return run_on_block(data, call if place is None else replace(call, proj=place.proj))
    return run_on_plain(data, call)

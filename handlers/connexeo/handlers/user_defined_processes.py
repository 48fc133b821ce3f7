"""User-defined processes: what users store, and share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from starlette.responses import Response

from connexeo.drivers.interface import Json
from connexeo.generated import models
from connexeo.handlers.context import Context
from connexeo.handlers.links import link
from connexeo.handlers.lists import next_links

_SHARED = "/shared/processes/"


async def list_custom_processes(
    context: Context, *, limit: int | None = None, offset: str | None = None
) -> models.UserDefinedProcesses:
    """``GET /process_graphs``: the user's processes without their graphs."""
    assert context.driver.user_defined_processes is not None
    page = await context.driver.user_defined_processes.list_custom_processes(
        context.account, limit=limit, offset=offset
    )
    links = [
        link(context, "self", "/process_graphs", limit=limit, offset=offset),
        link(context, "root", "/"),
        *next_links(context, "/process_graphs", page, limit=limit),
    ]
    return cast(models.UserDefinedProcesses, {**page.extra, "processes": list(page.items), "links": links})


async def describe_custom_process(
    context: Context, *, process_graph_id: str
) -> models.DescribeCustomProcessResponse:
    """``GET /process_graphs/{process_graph_id}``, with the address that the process can be shared by."""
    microservice = context.driver.user_defined_processes
    assert microservice is not None
    process = await microservice.describe_custom_process(context.account, process_graph_id)
    permission = await microservice.share_custom_process(context.account, process_graph_id)
    links = [
        link(context, "self", f"/process_graphs/{process_graph_id}"),
        {
            **link(context, "canonical", _SHARED + permission),
            "title": "For everybody who has this link, as long as the process exists",
        },
    ]
    return cast(models.DescribeCustomProcessResponse, _with_links(process, links))


async def store_custom_process(
    context: Context, *, process_graph_id: str, body: models.ProcessGraphWithMetadata
) -> Response:
    """``PUT /process_graphs/{process_graph_id}``."""
    assert context.driver.user_defined_processes is not None
    await context.driver.user_defined_processes.store_custom_process(
        context.account, process_graph_id, cast(Json, body)
    )
    return Response(status_code=200)


async def delete_custom_process(context: Context, *, process_graph_id: str) -> None:
    """``DELETE /process_graphs/{process_graph_id}``."""
    assert context.driver.user_defined_processes is not None
    await context.driver.user_defined_processes.delete_custom_process(context.account, process_graph_id)


async def describe_shared_process(
    context: Context, *, permission: str
) -> models.DescribeSharedProcessResponse:
    """``GET /shared/processes/{permission}``: without an account, for whoever has the address."""
    assert context.driver.user_defined_processes is not None
    process = await context.driver.user_defined_processes.describe_shared_process(permission)
    links = [link(context, "self", _SHARED + permission), link(context, "canonical", _SHARED + permission)]
    return cast(models.DescribeSharedProcessResponse, _with_links(_absolute(context, process), links))


def _with_links(process: Mapping[str, Any], links: list[dict[str, Any]]) -> dict[str, Any]:
    """The process with our links before those that the user gave it, unless these claim to be ours."""
    ours = {each["rel"] for each in links}
    theirs = [each for each in process.get("links") or () if each.get("rel") not in ours]
    return {**process, "links": [*links, *theirs]}


def _absolute(context: Context, value: Any) -> Any:
    """A process whose namespaces that are paths of this API are absolute URLs; drivers know no URLs."""
    if isinstance(value, list):
        return [_absolute(context, one) for one in value]
    if not isinstance(value, Mapping):
        return value
    copy = {key: _absolute(context, one) for key, one in value.items()}
    namespace = copy.get("namespace")
    if "process_id" in copy and isinstance(namespace, str) and namespace.startswith(_SHARED):
        copy["namespace"] = context.url(namespace)
    return copy

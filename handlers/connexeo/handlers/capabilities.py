"""Capabilities: what this back-end is and can do."""

from __future__ import annotations

from typing import Any, cast

from starlette.responses import Response

from connexeo.drivers.interface import Selective
from connexeo.generated import models
from connexeo.handlers.context import Context, public, without_driver
from connexeo.handlers.landing import landing_page
from connexeo.handlers.reference import OPENAPI, OPENAPI_PATH, REFERENCE_PATH

STAC_VERSION = "1.0.0"

STAC_CONFORMANCE = (
    "https://api.stacspec.org/v1.0.0/core",
    "https://api.stacspec.org/v1.0.0/collections",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
)


@public
async def capabilities(context: Context) -> models.Capabilities | Response:
    """``GET /``: exactly the operations whose handler exists; a page for browsers."""
    additions = await context.driver.capabilities.capabilities(context.user)
    links = [*api_links(context), *additions.get("links", ())]
    if context.accepts_html():
        return await landing_page(context, links, additions.get("federation"))
    service = context.service
    settings = service.settings
    capable = context.driver.capabilities
    idle = capable.idle() if isinstance(capable, Selective) else ()
    document = {
        "id": settings.id,
        "title": settings.title,
        "description": settings.description,
        "type": "Catalog",
        "api_version": service.api_version,
        "backend_version": service.backend_version,
        "stac_version": STAC_VERSION,
        "production": settings.in_production,
        "conformsTo": conformance_classes(context),
        "endpoints": [each for each in service.endpoints if each["path"] not in idle],
        **additions,
        "links": links,
    }
    return cast(models.Capabilities, document)


@public
@without_driver
async def connect(context: Context) -> models.WellKnownDiscovery:
    """``GET /.well-known/openeo``: this instance, and others that the deployment names."""
    version: models.Version = {
        "url": context.url("/"),
        "production": context.settings.in_production,
        "api_version": context.service.api_version,
    }
    others: list[models.Version] = [
        {"url": each.url, "production": each.production, "api_version": each.api_version}
        for each in context.settings.instances
    ]
    return {"versions": [version, *others]}


@public
@without_driver
async def conformance(context: Context) -> models.OGCConformanceClasses:
    """``GET /conformance``."""
    return {"conformsTo": conformance_classes(context)}


@public
async def list_file_types(context: Context) -> models.FileFormats:
    """``GET /file_formats``."""
    formats = await context.driver.capabilities.list_file_types(context.user)
    return cast(models.FileFormats, formats)


@public
async def list_udf_runtimes(context: Context) -> models.UDFRuntimes:
    """``GET /udf_runtimes``."""
    runtimes = await context.driver.capabilities.list_udf_runtimes(context.user)
    return cast(models.UDFRuntimes, runtimes)


def conformance_classes(context: Context) -> list[str]:
    """The openEO API, STAC and what extensions add."""
    openeo = f"https://api.openeo.org/{context.service.api_version}"
    return [openeo, *STAC_CONFORMANCE, *context.service.conformance]


def api_links(context: Context) -> list[dict[str, Any]]:
    """Links to the parts of the API that are offered, and to its description."""
    json = "application/json"
    links = [
        ("self", "/", json, "This document"),
        ("root", "/", json, "Capabilities"),
        ("version-history", "/.well-known/openeo", json, "API versions of this back-end"),
        ("conformance", "/conformance", json, "Conformance classes"),
        ("data", "/collections", json, "Collections"),
        ("service-doc", REFERENCE_PATH, "text/html", "API reference"),
        ("service-desc", OPENAPI_PATH, OPENAPI, "OpenAPI document of what is offered"),
    ]
    offered = {OPENAPI_PATH, REFERENCE_PATH, *(endpoint["path"] for endpoint in context.service.endpoints)}
    return [
        {"rel": rel, "href": context.url(path), "type": media_type, "title": title}
        for rel, path, media_type, title in links
        if path in offered
    ]

"""Plugin for pytest that lets the official suite run offline, and on back-ends with HTTP Basic only.

- Schemas of STAC come from packages; extensions have none there, what they ask for is not tested.
- The part ``general`` knows OpenID Connect only; it logs in with HTTP Basic when that is asked for.
- Addresses that the suite joins with two slashes get one.
- It waits for jobs to be running, for minutes when they were too quick to be seen; here it goes on once they ended.

It is loaded in the environment of the suite, which has nothing of ours.
"""

from __future__ import annotations

import json
import os
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pystac
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7


def pytest_configure() -> None:
    """Replace what would not work."""
    stac: Any = import_module("stac_validator.validate")
    stac.fetch_and_parse_schema = _schema
    stac.jsonschema.validate = _validate
    compliance: Any = import_module("openeo_test_suite.lib.compliance_util")
    compliance.wait_job_statuses = _waiting(compliance.wait_job_statuses)
    session = import_module("requests").Session
    session.request = _with_single_slashes(session.request)
    if os.environ.get("OPENEO_AUTH_METHOD") == "basic":
        import_module("openeo").Connection.authenticate_oidc = _log_in


def _log_in(connection: Any, *_: Any, **__: Any) -> Any:
    user, password = (os.environ[f"OPENEO_AUTH_BASIC_{name}"] for name in ("USERNAME", "PASSWORD"))
    return connection.authenticate_basic(user, password)


def _with_single_slashes(request: Any) -> Any:
    def with_single_slashes(session: Any, method: str, url: str, *arguments: Any, **options: Any) -> Any:
        return request(session, method, re.sub(r"(?<!:)//+", "/", url), *arguments, **options)

    return with_single_slashes


def _waiting(wait: Any) -> Any:
    def waiting(*, job_statuses: list[str], **options: Any) -> Any:
        return wait(job_statuses=[*job_statuses, "finished", "error", "canceled"], **options)

    return waiting


def _schema(uri: str) -> Any:
    name = uri.partition("#")[0].rpartition("/")[2]
    folders = [Path(pystac.__file__).parent, Path(os.environ["SUITE_SCHEMAS"]) / "pystac"]
    version = re.search(r"/(v\d+\.\d+\.\d+)/", uri)
    part = f"stac-spec/{version[1]}" if version and "stacspec.org" in uri else "geojson"
    for folder in folders:
        path = folder / "validation" / "jsonschemas" / part / name
        if path.exists():
            return json.loads(path.read_text())
    return {}


def _validate(instance: Any, schema: Any, *_: Any, **__: Any) -> None:
    def retrieve(uri: str) -> Any:
        return Resource.from_contents(_schema(uri), default_specification=DRAFT7)

    # Both are typed differently from release to release.
    validators: Any = import_module("jsonschema.validators")
    registry: Any = Registry
    validator = validators.validator_for(schema, default=validators.Draft7Validator)
    validator(schema, registry=registry(retrieve=retrieve)).validate(instance)

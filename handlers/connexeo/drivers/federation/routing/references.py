"""What a process refers to that lies at one back-end: files and jobs of the user, by their identifiers here.

Pure functions on documents.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from connexeo.drivers.federation.identifiers import parsed
from connexeo.processing.calls import is_remote
from connexeo.settings.federation import SPLIT

Json = Any
Urls = Mapping[str, str]
"""Back-end → address of its API."""

_JOB = re.compile(r"/jobs/([^/]+)/results/?")


@dataclass(frozen=True, slots=True)
class Reference:
    """A file or the results of a job."""

    kind: str
    """``file`` or ``job``."""
    given: str
    """As the process names it."""
    upstream: str | None
    """Where it lies; None: at no back-end that is known."""
    local: str
    """As that back-end calls it."""
    bound: bool = True
    """Whether only that back-end can read it; others may read what has a signed address, with more effort."""


def references_of(process_id: Json, arguments: Mapping[str, Json], urls: Urls) -> Iterator[Reference]:
    """What the arguments of a node refer to; arguments that are references to nodes or parameters tell nothing."""
    if process_id == "load_uploaded_files":
        paths = arguments.get("paths")
        for path in paths if isinstance(paths, list) else ():
            if isinstance(path, str):
                yield _file(path, urls)
    elif process_id == "run_udf":
        udf = arguments.get("udf")
        if isinstance(udf, str) and "\n" not in udf and udf.partition("/")[0] in urls:
            yield _file(udf, urls)
    elif process_id in ("load_result", "load_ml_model"):
        job = arguments.get("id")
        if isinstance(job, str):
            yield _results(job, urls) if is_remote(job) else _job(job, urls)
    elif process_id == "load_stac":
        url = arguments.get("url")
        found = _results(url, urls) if isinstance(url, str) else None
        # Whatever is at no back-end may be anywhere.
        if found is not None and (found.upstream is not None or found.bound):
            yield found


def localised(process_id: Json, arguments: dict[str, Json], urls: Urls) -> dict[str, Json]:
    """The arguments of a node with what their back-end calls the things that they name."""
    known = {
        each.given: each.local
        for each in references_of(process_id, arguments, urls)
        if each.upstream is not None and each.local != each.given
    }
    if not known:
        return arguments
    changed = dict(arguments)
    for name in ("paths", "udf", "id", "url"):
        value = arguments.get(name)
        if isinstance(value, str):
            changed[name] = known.get(value, value)
        elif name == "paths" and isinstance(value, list):
            changed[name] = [known.get(each, each) if isinstance(each, str) else each for each in value]
    return changed


def localised_graph(value: Json, urls: Urls) -> Json:
    """A process, or any part of it, with the arguments of all its nodes localised."""
    if isinstance(value, list):
        return [localised_graph(each, urls) for each in value]
    if not isinstance(value, dict):
        return value
    copy = {key: localised_graph(each, urls) for key, each in value.items()}
    if isinstance(copy.get("process_id"), str) and isinstance(copy.get("arguments"), dict):
        copy["arguments"] = localised(copy["process_id"], copy["arguments"], urls)
    return copy


def _file(path: str, urls: Urls) -> Reference:
    upstream, _, rest = path.partition("/")
    if upstream in urls and rest:
        return Reference("file", path, upstream, rest)
    return Reference("file", path, None, path)


def _job(identifier: str, urls: Urls) -> Reference:
    found = parsed(identifier)
    if found is not None and found[0] in urls:
        return Reference("job", identifier, found[0], found[1])
    return Reference("job", identifier, None, identifier)


def _results(url: str, urls: Urls) -> Reference:
    """Results by their address: ours, that of a back-end, or a signed one that any can read."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return Reference("job", url, None, url, bound=False)
    path = _JOB.search(parts.path)
    if path is not None and path.end() == len(parts.path):
        found = parsed(unquote(path.group(1)))
        if found is not None and found[0] == SPLIT:
            return Reference("job", url, None, url)
        if found is not None and found[0] in urls:
            address = f"{urls[found[0]]}/jobs/{quote(found[1], safe='')}/results"
            return Reference("job", url, found[0], address)
    for upstream, base in urls.items():
        if url.startswith(f"{base}/jobs/") and path is not None:
            return Reference("job", url, upstream, url)
    for upstream, base in urls.items():
        theirs = urlsplit(base)
        if (theirs.scheme, theirs.netloc) == (parts.scheme, parts.netloc):
            return Reference("job", url, upstream, url, bound=False)
    return Reference("job", url, None, url, bound=False)

"""Logs of results, which stay at the back-ends that have computed these.

The contract gives them no address: a back-end tells it with each result. Its identifier here holds what the back-end
calls the log or, where that does not lead to it, the path below its API, which begins with a slash.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from connexeo.drivers.federation.asking import Asking
from connexeo.drivers.federation.connection import Call
from connexeo.drivers.federation.identifiers import ELSEWHERE, LONGEST, federated
from connexeo.drivers.federation.jobs.logs import log_page
from connexeo.drivers.federation.translation import object_of
from connexeo.drivers.interface import LogPage, User
from connexeo.generated.errors import NotFound
from connexeo.settings import Upstream

if TYPE_CHECKING:
    import httpx

SORT = "result_logs"

_PATH = re.compile(r"(?:/[\w.~!$&'()*+,;=:@%-]+)+", re.ASCII)


def log_id(upstream: Upstream, response: httpx.Response) -> str | None:
    """What users call the log of a result; None when its back-end links to none that can be asked for."""
    identifier = response.headers.get("openeo-identifier", "")
    for link in response.links.values():
        if link.get("rel") != "monitor" or "url" not in link:
            continue
        url = str(response.url.join(link["url"]))
        if identifier and url.endswith(_usual(identifier)):
            # Whoever is behind a proxy may not know its own address.
            found = federated(upstream.id, identifier)
        elif _is_path(url.removeprefix(upstream.url)):
            found = federated(upstream.id, url.removeprefix(upstream.url))
        else:
            continue
        return found if len(found) <= LONGEST else None
    return None


async def logs_of_result(asking: Asking, user: User, log_id: str) -> LogPage:
    """The log of a result, as its back-end gives it to the user.

    Raises:
        OpenEOError: NotFound when the user has none of this identifier; whatever is wrong at the back-end.
    """
    upstream, identifier = asking.find(log_id, NotFound())
    path = identifier if identifier.startswith("/") else _usual(identifier)
    if not _is_path(path):
        raise NotFound()
    answer = await asking.call(user, SORT, upstream, Call("GET", path), missing=NotFound())
    return log_page(upstream, object_of(answer), None)


def _usual(identifier: str) -> str:
    return f"/logs/{quote(identifier, safe='')}"


def _is_path(path: str) -> bool:
    """Whether it leads to something below the API."""
    return _PATH.fullmatch(path) is not None and ELSEWHERE.isdisjoint(unquote(path).split("/"))

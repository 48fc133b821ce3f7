"""Calls of user-defined functions that are elsewhere, at a URL that the user gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from connexeo.generated.errors import FeatureUnsupported, ProcessParameterInvalid
from connexeo.processing.udf.call import Call, UdfFailed, as_json, failed
from connexeo.processing.udf.documents import NotUdfData, read_document, write_document
from connexeo.processing.udf.preparation import EXTERNAL
from connexeo.processing.udf.values import Answer, Data

if TYPE_CHECKING:
    from connexeo.fetch import Fetched
    from connexeo.processing.environment import UdfServices

MAX_ANSWER = 64 * 2**20
"""Bytes of an answer."""
_WHOLE = 8 * 2**20
"""Bytes of a whole data cube, which takes several times as many as text."""
_ABOUT_DATA = frozenset({400, 409, 422, 500})
"""Statuses of services that may well work with other data."""


def services_of(call: ServiceCall) -> UdfServices:
    """The way to services.

    Raises:
        FeatureUnsupported: There is none here.
    """
    services = call.environment.udf_services
    if services is None:
        raise FeatureUnsupported("No data is sent to URLs in this environment, so that a UDF must run here.")
    return services


@contextmanager
def told_of_services() -> Iterator[None]:
    """Let what a service gave be told as an error of the process that calls it."""
    try:
        yield
    except UdfFailed as error:
        raise failed(error.reason, loaded=error.loaded, process=EXTERNAL) from error.__cause__


@dataclass(frozen=True, kw_only=True)
class ServiceCall(Call):
    """A service that has the code."""

    url: str
    exact: bool = False
    """Whether whole numbers in its answer stay such."""

    @property
    def room(self) -> int:
        """Bytes of a whole data cube that it can be given."""
        return _WHOLE

    def __call__(
        self,
        cubes: Sequence[Data] = (),
        *,
        features: Mapping[str, Any] | None = None,
        structured: Sequence[Any] = (),
    ) -> Answer:
        """What the service made of the data. Nothing is sent where nothing is to be computed.

        Raises:
            UdfFailed: It can't be reached, answers with an error, or with something that can't be read.
            FeatureUnsupported: Nothing is sent to URLs here.
        """
        from connexeo.processing.planning.dry_run import PixelsNeeded

        services = services_of(self)
        if self.environment.dry_run is not None:
            raise failed("it is only known to the service.", loaded=True) from PixelsNeeded()
        body = self._body(cubes, features, structured)
        fetched = self._fetched(services, body)
        try:
            return read_document(_parsed(fetched), cubes, process=EXTERNAL, exact=self.exact)
        except NotUdfData as error:
            raise failed(f"{self._service} gives what can't be read: {error}.") from error

    @property
    def _service(self) -> str:
        """The service for use in a message: paths and queries may carry keys."""
        try:
            host = urlsplit(self.url).hostname
        except ValueError:
            host = None
        return f"the service at {host}" if host else "the service"

    def _body(
        self, cubes: Sequence[Data], features: Mapping[str, Any] | None, structured: Sequence[Any]
    ) -> bytes:
        context = as_json(self.context, EXTERNAL)
        values = [as_json(value, EXTERNAL) for value in structured]
        crs = None if features is None else features["crs"]
        proj = {"EPSG": crs} if isinstance(crs, int) else self.proj
        try:
            return write_document(cubes, features=features, structured=values, proj=proj, context=context)
        except TypeError as error:
            reason = f"it can't be sent as JSON: {error}."
            raise ProcessParameterInvalid(process=EXTERNAL, parameter="data", reason=reason) from error

    def _fetched(self, services: UdfServices, body: bytes) -> Fetched:
        from connexeo.fetch import FetchError

        timeout = self.environment.udf.timeout
        try:
            fetched = services.post(self.url, body, timeout=timeout, max_bytes=MAX_ANSWER)
        except FetchError as error:
            raise failed(f"{self._service} can't be used: {error}.") from error
        if 300 <= fetched.status < 400:
            raise failed(f"{self._service} redirects (status {fetched.status}). Use the address where it is.")
        if not 200 <= fetched.status < 300:
            reason = f"{self._service} answers with status {fetched.status}{_message(fetched)}."
            raise failed(reason, loaded=fetched.status in _ABOUT_DATA)
        return fetched


def _parsed(fetched: Fetched) -> Any:
    import orjson

    try:
        return orjson.loads(fetched.body)
    except orjson.JSONDecodeError as error:
        raise NotUdfData("it is not JSON, in which no-data is null") from error


def _message(fetched: Fetched) -> str:
    """What an error says, if it is one as those of openEO."""
    try:
        document = _parsed(fetched)
    except NotUdfData:
        return ""
    message = document.get("message") if isinstance(document, Mapping) else None
    return f": {message[:500]}" if isinstance(message, str) and message else ""

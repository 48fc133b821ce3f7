"""Calls of user-defined functions."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from connexeo.generated.errors import (
    FeatureUnsupported,
    InfrastructureBusy,
    ProcessGraphComplexity,
    ProcessParameterInvalid,
)
from connexeo.processing.environment import Environment, LogEntry, LogLevel
from connexeo.processing.pixelwise import are_made_up
from connexeo.processing.udf.channel import Garbled
from connexeo.processing.udf.values import Answer, Data, describe, read_answer

MAX_ENTRIES = 1000
"""Log entries of one UDF that are kept, all its calls together."""
_MOST = 10_000
"""Characters of a log entry."""
_LEVELS = frozenset(get_args(LogLevel))
_COPIES = 4
"""How often a cube may be in the memory of a sandbox: as it came, computed on and to be returned."""
_PARAMETERS = {"run_udf": "udf", "run_udf_externally": "url"}
"""Process to the parameter that tells what is run."""


class UdfFailed(ProcessParameterInvalid):
    """The code of the user raised something, or gave what can't be used.

    Attributes:
        loaded: Whether the code as such could be loaded, so that it may work with other data.
        reason: What is wrong, without the process.
    """

    def __init__(self, message: str | None = None, /, *, loaded: bool = False, **values: Any) -> None:
        super().__init__(message, **values)
        self.loaded = loaded
        self.reason = str(values.get("reason", ""))


def failed(reason: str, *, loaded: bool = False, process: str = "run_udf") -> UdfFailed:
    """The exception for a reason."""
    return UdfFailed(process=process, parameter=_PARAMETERS[process], reason=reason, loaded=loaded)


@dataclass(frozen=True, kw_only=True)
class Call(ABC):
    """A UDF, and what it is called with besides the data."""

    context: Any
    environment: Environment
    proj: Mapping[str, Any] | None = None
    """Reference system, e.g. `{"EPSG": 32632}`."""

    @property
    @abstractmethod
    def room(self) -> int:
        """Bytes of a whole data cube that it can be given."""

    @abstractmethod
    def __call__(
        self,
        cubes: Sequence[Data] = (),
        *,
        features: Mapping[str, Any] | None = None,
        structured: Sequence[Any] = (),
    ) -> Answer:
        """What the UDF made of the data.

        Raises:
            UdfFailed: It can't be used, or gave what can't be handed on.
        """


@dataclass(frozen=True, kw_only=True)
class CodeCall(Call):
    """Code that runs in a sandbox."""

    code: str

    @property
    def room(self) -> int:
        """Bytes of a whole data cube that it can be given."""
        return self.environment.udf.memory // _COPIES

    def __call__(
        self,
        cubes: Sequence[Data] = (),
        *,
        features: Mapping[str, Any] | None = None,
        structured: Sequence[Any] = (),
    ) -> Answer:
        """What the code made of the data.

        Raises:
            UdfFailed: It raised something, or gave what can't be handed on.
            ProcessGraphComplexity: It hit a limit.
            FeatureUnsupported: Nothing can be isolated here.
            InfrastructureBusy: No sandbox can be started at the moment.
        """
        from connexeo.processing.udf.isolation import why_not

        if why_not() is not None:
            raise FeatureUnsupported(f"User-defined functions can't run here: {why_not()}.")
        described, arrays = describe(cubes)
        header = {
            "code": self.code,
            "context": as_json(self.context),
            "proj": self.proj,
            "cubes": described,
            "features": features,
            "structured": [as_json(value) for value in structured],
        }
        return self._answer(header, arrays)

    def _answer(self, header: Mapping[str, Any], arrays: Sequence[Any]) -> Answer:
        from connexeo.processing.udf.pool import POOL
        from connexeo.processing.udf.sandbox import NotStarted, Stopped

        digest = hashlib.sha256(self.code.encode(errors="surrogatepass")).digest()
        limits = self.environment.udf
        key = (limits, self.environment.node, digest)
        try:
            answer, results = POOL.call(key, limits, header, arrays, self._log)
            return self._read(answer, results)
        except Stopped as error:
            raise ProcessGraphComplexity(f"The user-defined function was stopped: {error}.") from None
        except NotStarted as error:
            message = "There is no room for the user-defined function at the moment. Try again later."
            raise InfrastructureBusy(message) from error
        except Garbled as error:
            raise failed(f"the code gave what can't be read: {error}.") from None

    def _read(self, answer: Mapping[str, Any], results: Sequence[Any]) -> Answer:
        if "answer" in answer:
            return read_answer(answer["answer"], results)
        if "refused" in answer:
            raise failed(f"{str(answer['refused'])[:_MOST]}.", loaded=True)
        if "exceeded" in answer:
            memory = self.environment.udf.memory / 2**20
            raise ProcessGraphComplexity(
                f"The user-defined function needs more than the {memory:.0f} MB of memory that it may take."
            )
        lines = answer.get("error")
        if not isinstance(lines, list):
            raise Garbled("no answer")
        text = "\n".join(str(line)[:500] for line in lines[:50])
        raise failed(f"the code fails:\n{text}", loaded=answer.get("loaded") is True)

    def _log(self, entry: Any) -> None:
        from connexeo.processing.udf.pool import POOL

        if are_made_up() or not isinstance(entry, Mapping):
            return
        count = POOL.count_entry((self.environment.udf, self.environment.node))
        if count > MAX_ENTRIES + 1:
            return
        if count > MAX_ENTRIES:
            entry = {
                "level": "warning",
                "message": f"Only the first {MAX_ENTRIES} entries of the UDF are kept.",
            }
        level, code, data = entry.get("level"), entry.get("code"), entry.get("data")
        if data is not None and len(json.dumps(data)) > 2 * _MOST:
            data = None
        known: LogLevel = level if level in _LEVELS else "info"
        self.environment.log(
            LogEntry(
                known,
                str(entry.get("message", ""))[:_MOST],
                None if code is None else str(code)[:100],
                data,
                self.environment.node,
            )
        )


def as_json(value: Any, process: str = "run_udf") -> Any:
    """A value of a graph as JSON.

    Raises:
        ProcessParameterInvalid: There is more in it than plain values.
    """
    try:
        return json.loads(json.dumps(value, default=_item))
    except (TypeError, ValueError, RecursionError) as error:
        reason = "it can only be given plain values: numbers, texts, arrays and objects."
        raise ProcessParameterInvalid(process=process, parameter="context", reason=reason) from error


def _item(value: Any) -> Any:
    if getattr(value, "ndim", None) == 0:
        return value.item()
    raise TypeError

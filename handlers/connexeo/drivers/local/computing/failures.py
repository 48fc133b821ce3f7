"""How computations fail, as hosts and children tell each other."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from connexeo.generated import errors as generated
from connexeo.generated.errors import Internal, OpenEOError


class ChildDied(Internal):
    """The child ended in the middle of a task: it was killed, or crashed.

    Attributes:
        status: Of the process: negative for the signal that ended it.
        begun: Whether it may have begun with the task.
    """

    def __init__(self, status: int) -> None:
        super().__init__("The computation ended unexpectedly; it may have needed more memory than there is.")
        self.status = status
        self.begun = True


class TaskFailed(Internal):
    """The task raised what nobody expected.

    Attributes:
        traceback: For the provider's logs, not for users.
    """

    def __init__(self, traceback: str) -> None:
        super().__init__("The computation failed.")
        self.traceback = traceback


def error_to_json(error: OpenEOError) -> dict[str, Any]:
    """An error as it is told to another process."""
    return {"code": error.code, "message": error.message, "node": node_of(error)}


def error_from_json(value: Mapping[str, Any]) -> OpenEOError:
    """The error that another process told; ``Internal`` when its code is none of the contract's."""
    error = _error_classes().get(value["code"], Internal)(value["message"])
    if value.get("node") is not None:
        vars(error)["node"] = value["node"]
    return error


def node_of(error: OpenEOError) -> str | None:
    """The node in which an error happened, where that is known."""
    node: str | None = getattr(error, "node", None)
    return node


@cache
def _error_classes() -> dict[str, type[OpenEOError]]:
    return {
        value.code: value
        for value in vars(generated).values()
        if isinstance(value, type) and issubclass(value, OpenEOError)
    }

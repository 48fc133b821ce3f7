"""Decides what may be sent, whatever was thought up: nothing touches what the run has not created.

Reading is free. What changes something needs the identifier of something that this run has made; names that a request
chooses itself get a beginning of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote

from connexeo.tools.conformance.contract import Contract, Operation
from connexeo.tools.conformance.fuzzing.belongings import ALIASES, Belongings
from connexeo.tools.conformance.fuzzing.document import HARMLESS, READS

CHOSEN = {"files": "file", "process_graphs": "process"}
"""Where the request says what something new is called."""

GIVEN = {"jobs": "job", "services": "service"}
"""Where the back-end says so."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes."""

    path: str
    """Below the API's URL, encoded, with the query."""
    operation: Operation | None
    """None for a method that the contract does not have."""
    kind: str | None = None
    """``job``, ``service``, ``process`` or ``file``; None when the request is about no single one."""
    identifier: str | None = None
    """Which of them."""
    exists: bool = True
    """Whether it is known to be there; things without identifier are."""


class Refused(Exception):
    """A request that must not be sent; the text says why."""


@dataclass(frozen=True, slots=True)
class Permission:
    """What may be sent."""

    contract: Contract
    names: frozenset[str]
    """Operations that are tested, such as ``GET /jobs/{job_id}``."""
    belongings: Belongings
    readable: frozenset[tuple[str, str]]
    """Kind and identifier of what the user has and may be read."""

    def target(self, method: str, raw: str) -> Target:
        """Where a request may go.

        Raises:
            Refused: when it must not be sent.
        """
        path, mark, query = raw.partition("?")
        operation = self.contract.match(method, path)
        traced = method == "TRACE"
        if not traced and (operation is None or operation.name not in self.names):
            raise Refused("not an operation that is tested")
        harmless = method in READS or traced or (operation is not None and operation.name in HARMLESS)
        found = self._path(path, operation, method, harmless)
        return Target(f"{found.path}{mark}{query}", operation, found.kind, found.identifier, found.exists)

    def _path(self, path: str, operation: Operation | None, method: str, harmless: bool) -> Target:
        parts = path.split("/")
        if len(parts) < 3 or not parts[2]:
            if not harmless and operation is not None and "{" in operation.path:
                raise Refused("no identifier")
            return Target(path, operation)
        first, given, rest = parts[1], unquote(parts[2]), parts[3:]
        if first in GIVEN:
            return self._given(path, operation, method, harmless, GIVEN[first], given, rest)
        if first in CHOSEN:
            if first == "files":
                given, rest = unquote("/".join(parts[2:])), []
            return self._chosen(path, operation, method, harmless, CHOSEN[first], given)
        if not harmless:
            raise Refused("changes something else")
        return Target(
            path, operation, exists=("collection", given) in self.readable or first != "collections"
        )

    def _given(
        self,
        path: str,
        operation: Operation | None,
        method: str,
        harmless: bool,
        kind: str,
        given: str,
        rest: list[str],
    ) -> Target:
        identifier = self.belongings.real(kind, given)
        if identifier is not None and method == "DELETE" and not rest:
            # The alias goes on to lead to something.
            identifier = self.belongings.fresh(kind)
        if identifier is None and self.belongings.is_own(kind, given):
            identifier = given
        if identifier is None:
            if not harmless:
                raise Refused("not something that this run has created")
            return Target(path, operation, kind, given, (kind, given) in self.readable)
        if not harmless and rest not in ([], ["results"]):
            raise Refused("changes something else")
        own = "/".join(["", path.split("/")[1], quote(identifier, safe=""), *rest])
        return Target(own, operation, kind, identifier)

    def _chosen(
        self, path: str, operation: Operation | None, method: str, harmless: bool, kind: str, given: str
    ) -> Target:
        if harmless and (kind, given) in self.readable:
            return Target(path, operation, kind, given)
        start = self.belongings.folder if kind == "file" else self.belongings.prefix
        alias = given in ALIASES[kind]
        name = self.belongings.real(kind, given) if alias else given
        if alias and name is not None and method == "DELETE":
            name = self.belongings.fresh(kind)
        if name is None:
            name = given
        if not is_plain(name):
            raise Refused("a name that may lead somewhere else")
        if not name.startswith(start):
            name = f"{start}{name}"
        encoded = quote(name, safe="/" if kind == "file" else "")
        own = f"/{path.split('/')[1]}/{encoded}"
        return Target(own, operation, kind, name, self.belongings.is_own(kind, name))


def is_plain(name: str) -> bool:
    """Whether a name stays below its beginning, however often somebody decodes it."""
    for _ in range(4):
        parts = name.replace("\\", "/").split("/")
        if ".." in parts or "\\" in name or "\0" in name:
            return False
        decoded = unquote(name)
        if decoded == name:
            return True
        name = decoded
    return False

"""What the proxy learns of users by watching: who is let in, and whose a thing is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from conformance.mutations.message import Answer, Request

_OWNED = re.compile(r"/(?:files/.+|(?:jobs|services|process_graphs|logs)/[^/]+)")
_MADE_AT = {"/jobs": "/jobs/", "/services": "/services/", "/result": "/logs/"}


@dataclass
class Users:
    """Values of the header ``Authorization`` that the server has accepted."""

    last: str = ""
    """Whoever was let in last."""
    owners: dict[str, str] = field(default_factory=dict)
    """By path of a thing, who was the first to be served there."""
    bodies: dict[str, bytes] = field(default_factory=dict)
    """By path of a thing, what it was last written with by PUT."""

    def learn(self, request: Request, answer: Answer) -> None:
        """Remember whom the server has served; only ever given what passed without any fault."""
        who = request.header("authorization")
        if not who or who.lower().startswith("basic") or not answer.ok:
            return
        thing = thing_of(request.path)
        if request.method == "DELETE" and thing == request.path:
            self.owners.pop(thing, None)
        elif thing:
            self.owners.setdefault(thing, who)
        made = answer.header("openeo-identifier")
        if made and request.method == "POST" and request.path in _MADE_AT:
            self.owners[_MADE_AT[request.path] + made] = who
        if thing or request.path in {"/me", "/jobs", "/files", "/services", "/process_graphs"}:
            self.last = who

    def owner(self, path: str) -> str:
        """Whose the thing at a path is, else whoever was let in last, empty when nobody was."""
        return self.owners.get(thing_of(path) or "", self.last)


def thing_of(path: str) -> str | None:
    """The path of the job, file, process, service or log that a path is about."""
    found = _OWNED.match(path)
    return found[0] if found else None

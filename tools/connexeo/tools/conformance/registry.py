"""The checks there are.

A check is a function that takes the back-end under test and yields violations; the decorators here say what it shows
and what it needs. It is registered when its module is imported; ``load_checks`` imports them all.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from connexeo.tools.conformance.verdicts import Severity, Violation
from connexeo.tools.spec.profiles import Requirement, load_requirements
from connexeo.tools.spec.sources import find_spec

if TYPE_CHECKING:
    from connexeo.tools.conformance.backend import BackEnd

LAYERS: Mapping[str, str] = {
    "schema": "Every answer keeps the contract: status, body, media type, errors, headers; fuzzing",
    "profiles": "What the openEO API profiles ask for, requirement by requirement",
    "processes": "Definitions of processes, and which process profiles are reached",
    "collections": "Collections are valid STAC and tell the truth",
    "jobs": "Life cycle of batch jobs, results, logs; synchronous processing",
    "files": "Files of users",
    "udp": "Stored processes of users",
    "services": "Secondary web services",
    "security": "Tokens, foreign property, CORS, methods, sizes",
    "federation": "The federation extension",
}
"""What can be selected. ``profiles`` takes the checks of all layers that show a requirement of the profiles."""

Run = Callable[["BackEnd"], Iterable[Violation] | None]
Function = TypeVar("Function", bound=Callable[..., Iterable[Violation] | None])


@dataclass(frozen=True, slots=True)
class Check:
    """One check."""

    id: str
    """``area.what``, stable between versions: baselines refer to it."""
    title: str
    """The requirement, as a sentence; empty: that of the profiles."""
    layer: str
    severity: Severity | None
    """Of its violations; None: by the level of the requirement."""
    source: str
    """Where it is asked for."""
    run: Run | None
    """None: it is judged by the requests of all others, see ``inspection``."""
    operations: tuple[str, ...] = ()
    """Not applicable unless the back-end offers all of these, such as ``GET /jobs/{job_id}``."""
    any_of: tuple[str, ...] = ()
    """Not applicable unless it offers one of these."""
    requirement: int | None = None
    """Number in the openEO API profiles."""
    account: bool = False
    """Needs an account; implied by what follows."""
    stranger: bool = False
    """Needs a second account."""
    writes: bool = False
    """Creates, changes or removes something of the user."""
    costs: bool = False
    """May cost something at a back-end with prices: processing, paid downloads."""
    mend: str = ""
    """What whoever fails has to do."""
    order: int = 50
    """Checks with a lower number run first, those with the same by layer and id."""

    @property
    def needs_account(self) -> bool:
        """Whether there must be a token."""
        return self.account or self.stranger or self.writes or self.costs


_registered: dict[str, Check] = {}


class Case:
    """A case of a requirement that is checked alike of several things, with what it needs beyond the others."""

    def __init__(self, value: Any, **needs: Any) -> None:
        self.value = value
        self.needs = needs


def check(id: str, title: str, *, layer: str, source: str, **needs: Any) -> Callable[[Function], Function]:
    """Register a check; see the fields of ``Check`` for what may be said of it."""

    def register(function: Function) -> Function:
        _register(Check(id=id, title=title, layer=layer, source=source, run=function, **_defaults(needs)))
        return function

    return register


def requirement(
    asked: int | Mapping[int, Any], /, *, id: str | None = None, **needs: Any
) -> Callable[[Function], Function]:
    """Register a check of a requirement of the API profiles, or of several, each with a case of its own.

    Its id is ``profile.NUMBER`` unless one is given, and the title is the requirement's text. With a mapping the
    function takes the case as its second argument; a case that is an operation (``GET /jobs``) is needed as well, and
    a `Case` says itself what it needs.
    """
    cases = asked if isinstance(asked, Mapping) else {asked: None}

    def register(function: Function) -> Function:
        for number, case in cases.items():
            own = dict(needs)
            if isinstance(case, Case):
                own |= case.needs
                case = case.value  # noqa: PLW2901 - from here on it is what the function takes
            run: Run = partial(function, case=case) if isinstance(asked, Mapping) else function
            if isinstance(case, str) and case.split(" ")[0].isupper() and " /" in case:
                own["operations"] = (*own.get("operations", ()), case)
            own.setdefault("severity", None)
            title = own.pop("title", "")
            source = own.pop("source", f"openEO API profiles, #{number}")
            _register(
                Check(
                    id=id or f"profile.{number}",
                    title=title,
                    source=source,
                    run=run,
                    requirement=number,
                    **own,
                )
            )
        return function

    return register


def passive(id: str, title: str, *, source: str, **needs: Any) -> Check:
    """Register a check that is judged by the requests of all others."""
    return _register(
        Check(
            id=id,
            title=title,
            layer=needs.pop("layer", "schema"),
            source=source,
            run=None,
            **_defaults(needs),
        )
    )


def load_checks() -> tuple[Check, ...]:
    """All checks, in the order in which they run."""
    from connexeo.tools.conformance import checks, inspection  # noqa: F401 - registers its checks

    for module in pkgutil.walk_packages(checks.__path__, f"{checks.__name__}."):
        importlib.import_module(module.name)
    requirements = load_requirements(find_spec())
    found = (_completed(check, requirements) for check in _registered.values())
    layers = list(LAYERS)
    return tuple(
        sorted(found, key=lambda check: (check.order, layers.index(check.layer), _sortable(check.id)))
    )


def select(checks: Sequence[Check], layers: Iterable[str]) -> tuple[Check, ...]:
    """Those that belong to the layers; passive ones always do."""
    wanted = set(layers)
    return tuple(
        check
        for check in checks
        if check.layer in wanted
        or check.run is None
        or ("profiles" in wanted and check.requirement is not None)
    )


def _defaults(needs: dict[str, Any]) -> dict[str, Any]:
    return {"severity": Severity.MAJOR, **needs}


def _register(check: Check) -> Check:
    if check.id in _registered and _registered[check.id].source != check.source:
        raise ValueError(f"two checks have the id {check.id}")
    if check.layer not in LAYERS:
        raise ValueError(f"{check.id}: there is no layer {check.layer}")
    _registered[check.id] = check
    return check


def _completed(check: Check, requirements: Mapping[int, Requirement]) -> Check:
    """With what the profiles say of its requirement."""
    if check.requirement is None:
        return check
    asked = requirements[check.requirement]
    first = any(level.startswith("L1") for level in asked.levels)
    levels = ", ".join(asked.levels)
    return replace(
        check,
        title=check.title or asked.text,
        severity=check.severity or (Severity.MAJOR if first else Severity.MINOR),
        source=f"{check.source} ({levels})"
        if check.source.endswith(f"#{check.requirement}")
        else check.source,
    )


def _sortable(id: str) -> tuple[str, int, str]:
    area, _, name = id.partition(".")
    return (area, int(name), "") if name.isdigit() else (area, 0, name)

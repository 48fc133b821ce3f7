"""Which back-ends have all that a process needs, and what the others lack.

Pure: what is compared is what the back-ends list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from connexeo.drivers.federation.merging import BACKENDS
from connexeo.drivers.federation.routing.choosing import plans_of
from connexeo.drivers.federation.routing.needs import Needs
from connexeo.drivers.federation.routing.offers import Offers
from connexeo.drivers.federation.routing.reasons import UNKNOWN, Reason
from connexeo.drivers.federation.routing.references import Reference
from connexeo.settings.federation import SPLIT

_PREDEFINED = frozenset({None, "backend"})


def match(needs: Needs, offers: Offers, upstreams: Iterable[str]) -> dict[str, tuple[Reason, ...]]:
    """Back-end → everything that it lacks; nothing: it can run the process."""
    return {each: tuple(lacks(each, needs, offers)) for each in upstreams}


def lacks(upstream: str, needs: Needs, offers: Offers) -> Iterator[Reason]:
    """What one back-end lacks."""
    yield from _collections(upstream, needs, offers)
    yield from _processes(upstream, needs, offers)
    yield from _formats(upstream, needs, offers)
    yield from _runtimes(upstream, needs, offers)
    yield from _service(upstream, needs, offers)
    yield from _endpoints(upstream, needs, offers)
    yield from _plan(upstream, needs, offers)
    for reference in needs.references:
        yield from _reference(upstream, reference)


def _collections(upstream: str, needs: Needs, offers: Offers) -> Iterator[Reason]:
    view = offers.collections
    if needs.collections and upstream not in view.upstreams:
        yield _unsaid("collections")
        return
    for name, bands in sorted(needs.collections.items()):
        if upstream not in view.having.get(name, ()):
            yield Reason("CollectionNotFound", name, f"it has no collection '{name}'")
            continue
        known = offers.bands.get(name, {})
        # Of a band that nobody lists a back-end may know an alias; it will say.
        absent = (
            sorted(bands & frozenset().union(*known.values()) - known[upstream]) if upstream in known else []
        )
        if absent:
            text = f"its collection '{name}' has no {_several('band', absent)}"
            yield Reason("ProcessParameterInvalid", f"{name} {absent}", text)


def _processes(upstream: str, needs: Needs, offers: Offers) -> Iterator[Reason]:
    view = offers.processes
    if needs.processes and upstream not in view.upstreams:
        yield _unsaid("processes")
        return
    for call, arguments in sorted(needs.processes.items(), key=str):
        name = call.process_id
        if call.namespace not in _PREDEFINED:
            text = f"it has no process '{name}' of the namespace '{call.namespace}'"
            yield Reason("ProcessUnsupported", name, text)
        elif upstream not in view.having.get(name, ()):
            yield Reason("ProcessUnsupported", name, f"it has no process '{name}'")
        else:
            known = _parameters(view.entries.get(name, {}))
            for argument in sorted(arguments):
                if argument in known and not _has(upstream, known[argument]):
                    text = f"its process '{name}' has no parameter '{argument}'"
                    yield Reason("ProcessParameterUnsupported", f"{name} {argument}", text)


def _formats(upstream: str, needs: Needs, offers: Offers) -> Iterator[Reason]:
    view = offers.formats
    if (needs.outputs or needs.inputs) and upstream not in view.upstreams:
        yield _unsaid("file formats")
        return
    for side, wanted, verb in (("output", needs.outputs, "write"), ("input", needs.inputs, "read")):
        names = {name.casefold(): name for name in view.having[side]}
        for folded, options in sorted(wanted.items()):
            name = names.get(folded, folded)
            if upstream not in view.having[side].get(name, ()):
                yield Reason(
                    "FormatUnsuitable", f"{side} {folded}", f"it does not {verb} the format '{name}'"
                )
                continue
            known = view.document[side].get(name, {}).get("parameters")
            for option in sorted(options):
                entry = known.get(option) if isinstance(known, Mapping) else None
                if entry is not None and not _has(upstream, entry):
                    text = f"its format '{name}' has no option '{option}'"
                    yield Reason("ProcessParameterInvalid", f"{side} {folded} {option}", text)


def _runtimes(upstream: str, needs: Needs, offers: Offers) -> Iterator[Reason]:
    view = offers.runtimes
    if needs.runtimes and upstream not in view.upstreams:
        yield _unsaid("runtimes for user-defined functions")
        return
    names = {name.casefold(): name for name in view.having}
    for wanted, version in sorted(needs.runtimes, key=str):
        name = names.get(wanted.casefold(), wanted)
        if upstream not in view.having.get(name, ()):
            yield Reason("InvalidRuntime", name, f"it has no UDF runtime '{wanted}'")
            continue
        versions = view.entries.get(name, {}).get("versions")
        if version is None or not isinstance(versions, Mapping):
            continue
        entry = versions.get(version)
        if entry is None or not _has(upstream, entry):
            text = f"its UDF runtime '{name}' has no version '{version}'"
            yield Reason("InvalidVersion", f"{name} {version}", text)


def _service(upstream: str, needs: Needs, offers: Offers) -> Iterator[Reason]:
    view, wanted = offers.service_types, needs.service_type
    if wanted is None:
        return
    if upstream not in view.upstreams:
        yield _unsaid("types of services")
        return
    names = {name.casefold(): name for name in view.having}
    name = names.get(wanted.casefold(), wanted)
    if upstream not in view.having.get(name, ()):
        yield Reason("ServiceUnsupported", name, f"it has no services of the type '{wanted}'")


def _endpoints(upstream: str, needs: Needs, offers: Offers) -> Iterator[Reason]:
    known = offers.capabilities.endpoints.get(upstream)
    if known is None:
        if needs.endpoints:
            yield _unsaid("operations")
        return
    for endpoint in sorted(needs.endpoints - known):
        yield Reason("FeatureUnsupported", endpoint, f"it does not offer `{endpoint}`")


def _plan(upstream: str, needs: Needs, offers: Offers) -> Iterator[Reason]:
    plans = [each["name"].casefold() for each in plans_of(offers.capabilities.billing.get(upstream))]
    if needs.plan is not None and plans and needs.plan.casefold() not in plans:
        yield Reason("BillingPlanInvalid", needs.plan, f"it has no billing plan '{needs.plan}'")


def _reference(upstream: str, reference: Reference) -> Iterator[Reason]:
    if not reference.bound or reference.upstream == upstream:
        return
    what = f"the {'file' if reference.kind == 'file' else 'results of the job'} '{reference.given}'"
    code = "FileNotFound" if reference.kind == "file" else "JobNotFound"
    if reference.upstream is not None:
        yield Reason(code, reference.given, f"{what} can be read at '{reference.upstream}' only")
    elif reference.kind == "file":
        yield Reason(code, reference.given, f"{what} is at no back-end: paths begin with that of theirs")
    elif f"{SPLIT}~" in reference.given:
        text = f"{what} are of several back-ends: use `load_stac` with the `canonical` link in them"
        yield Reason(code, reference.given, text)
    else:
        yield Reason(code, reference.given, f"{what} are at no back-end: `GET /jobs` lists the identifiers")


def _unsaid(what: str) -> Reason:
    return Reason(UNKNOWN, what, f"it has not said yet which {what} it has")


def _parameters(definition: Mapping[str, Any]) -> dict[str, Any]:
    parameters = definition.get("parameters")
    return {
        each["name"]: each
        for each in (parameters if isinstance(parameters, list) else ())
        if isinstance(each, Mapping) and isinstance(each.get("name"), str)
    }


def _has(upstream: str, entry: Any) -> bool:
    """Whether a back-end has a part of what it has, which is marked when not all of them do."""
    marked = entry.get(BACKENDS) if isinstance(entry, Mapping) else None
    return not isinstance(marked, list) or upstream in marked


def _several(what: str, names: Sequence[str]) -> str:
    quoted = ", ".join(f"'{each}'" for each in names)
    return f"{what} {quoted}" if len(names) == 1 else f"{what}s {quoted}"

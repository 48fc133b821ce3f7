"""What ``GET /`` says of the back-end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.resources import answer_to, is_here, object_of
from connexeo.tools.conformance.shapes import is_absolute, links_of, listed, mapping, objects, targets, text
from connexeo.tools.conformance.verdicts import NotApplicable, Severity, Violation
from connexeo.tools.conformance.versions import version_number

_SOURCE = "openEO API, GET /"
_TEXTS = ("api_version", "backend_version", "stac_version", "id", "title", "description")
_STAC = "https://api.stacspec.org/"


def _landing(backend: BackEnd) -> tuple[Mapping[str, Any], Exchange]:
    answer = backend.once(answer_to("/", anonymous=True))
    return object_of(answer) or {}, answer


@requirement(
    30, layer="profiles", mend="Fill in every one of these properties, for callers without a token too."
)
def complete(backend: BackEnd) -> Iterator[Violation]:
    """The required properties are there and say something."""
    document, answer = _landing(backend)
    if not document:
        yield Violation(f"the capabilities are answered with HTTP {answer.status} and no JSON object", answer)
        return
    for name in _TEXTS:
        if not text(document.get(name)):
            yield Violation(f"`{name}` is missing or empty", answer)
    for name in ("endpoints", "links"):
        if not isinstance(document.get(name), list):
            yield Violation(f"there is no array `{name}`", answer)
    if document.get("endpoints") == []:
        yield Violation("`endpoints` is empty", answer)


@requirement(
    33, layer="profiles", mend="Give the number of the openEO API that is implemented, such as 1.2.0."
)
def api_version(backend: BackEnd) -> Iterator[Violation]:
    """The version is a full number of 1.1 or later."""
    document, answer = _landing(backend)
    version = text(document.get("api_version"))
    number = version_number(version)
    if number is None or version.count(".") < 2:
        yield Violation(f"`api_version` is {version!r}, which is no number such as 1.2.0", answer)
    elif number[:2] < (1, 1):
        yield Violation(
            f"`api_version` is {version}; clients expect 1.1.0 or later", answer, severity=Severity.MINOR
        )


@requirement(34, layer="profiles", mend="Give the version of STAC that the documents have, such as 1.0.0.")
def stac_version(backend: BackEnd) -> Iterator[Violation]:
    """The version of STAC is 0.9.0 at least."""
    document, answer = _landing(backend)
    version = text(document.get("stac_version"))
    number = version_number(version)
    if number is None or number < (0, 9, 0, True):
        yield Violation(f"`stac_version` is {version!r}, not 0.9.0 or later", answer)


@requirement(35, layer="profiles", mend="Describe the plans, and name one of them as `default_plan`.")
def billing(backend: BackEnd) -> Iterator[Violation]:
    """Plans and currency fit together."""
    document, answer = _landing(backend)
    if not isinstance(document.get("billing"), Mapping):
        raise NotApplicable("there is no `billing`; costs may be settled outside of the API")
    about = document["billing"]
    evidence = answer.showing({"billing": about})
    if "currency" not in about:
        yield Violation("`billing` names no `currency`; null would say that there are no costs", evidence)
    plans = objects(about.get("plans"))
    names = [text(plan.get("name")).lower() for plan in plans]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Violation(f"the plan {name} is listed twice; letter case does not tell plans apart", evidence)
    default = text(about.get("default_plan")).lower()
    if default and plans and default not in names:
        message = f"the default plan {about['default_plan']} is none of the plans"
        yield Violation(message, evidence, severity=Severity.MAJOR)
    if "currency" in about and about["currency"] is None and any(plan.get("paid") is True for plan in plans):
        yield Violation("there is a paid plan, but no currency", evidence)


@requirement(60, layer="profiles", operations=("GET /conformance",))
def conformance_for_everybody(backend: BackEnd) -> Iterator[Violation]:
    """The conformance classes are told without a token."""
    answer = backend.once(answer_to("/conformance", anonymous=True))
    if not answer.ok:
        yield Violation(f"without a token it is answered with HTTP {answer.status}", answer)


@requirement(61, layer="profiles", operations=("GET /conformance",))
def conformance_classes(backend: BackEnd) -> Iterator[Violation]:
    """``conformsTo`` is an array that names something."""
    answer = backend.once(answer_to("/conformance", anonymous=True))
    if not isinstance(mapping(object_of(answer)).get("conformsTo"), list):
        yield Violation("there is no array `conformsTo`", answer)


@check(
    "capabilities.conformance",
    "`conformsTo` names openEO and what else is kept, the same in `GET /` and `GET /conformance`",
    layer="profiles",
    source="openEO API, GET /conformance",
    severity=Severity.MINOR,
    mend="List the same classes in both documents, among them that of openEO.",
)
def classes_agree(backend: BackEnd) -> Iterator[Violation]:
    """Two documents list the same classes, each once."""
    document, answer = _landing(backend)
    if not isinstance(document.get("conformsTo"), list):
        raise NotApplicable("the capabilities have no `conformsTo`")
    here = [each for each in document["conformsTo"] if isinstance(each, str)]
    evidence = answer.showing({"conformsTo": document["conformsTo"]})
    for each in sorted({each for each in here if here.count(each) > 1}):
        yield Violation(f"the class {each} is listed twice", evidence)
    for each in here:
        if not is_absolute(each):
            yield Violation(f"{each!r} is no URI of a conformance class", evidence)
    openeo = f"https://api.openeo.org/{backend.discovery.api_version}"
    if (version_number(backend.discovery.api_version) or (0, 0))[:2] >= (1, 2) and openeo not in here:
        yield Violation(f"the class {openeo} is not listed", evidence)
    if not backend.offers("GET /conformance"):
        return
    other = backend.once(answer_to("/conformance", anonymous=True))
    there = mapping(object_of(other)).get("conformsTo")
    if isinstance(there, list) and {str(each) for each in there} != set(here):
        differing = sorted({str(each) for each in there} ^ set(here))
        message = f"GET / and GET /conformance differ in {listed(differing)}"
        yield Violation(message, other, severity=Severity.MAJOR)


@check(
    "capabilities.links",
    "Links are absolute and lead to what they promise",
    layer="profiles",
    source=_SOURCE,
    mend="Make links with the public URL of the API, and let them lead to what their relation says.",
)
def links(backend: BackEnd) -> Iterator[Violation]:
    """Links to documents of the API work."""
    document, answer = _landing(backend)
    for link in links_of(document):
        if not is_absolute(text(link["href"])):
            yield Violation(
                f"the link {link.get('rel')} is not absolute: {link['href']}", answer.showing(link)
            )
    expected = {
        "self": "api_version",
        "root": "api_version",
        "conformance": "conformsTo",
        "data": "collections",
        "version-history": "versions",
        "service-desc": None,
        "service-doc": None,
    }
    for relation, key in expected.items():
        for target in dict.fromkeys(targets(document, relation)):
            if is_here(backend, target):
                yield from _faults_of_target(backend, relation, target, key)


def _faults_of_target(backend: BackEnd, relation: str, target: str, key: str | None) -> Iterator[Violation]:
    answer = backend.anonymous.get(target)
    if not answer.ok:
        yield Violation(f"the link {relation} leads to HTTP {answer.status}", answer)
    elif key is not None and key not in mapping(object_of(answer)):
        yield Violation(f"the link {relation} leads to a document without `{key}`", answer)


@check(
    "capabilities.stac-api",
    "Whoever claims to be a STAC API has what its landing page needs",
    layer="profiles",
    source="STAC API 1.0.0, Core and Collections",
    severity=Severity.MINOR,
    mend="Add what is missing, or take the conformance class out of `conformsTo`.",
)
def stac_api(backend: BackEnd) -> Iterator[Violation]:
    """The landing page of a STAC API is a Catalog with certain links."""
    document, answer = _landing(backend)
    classes = [each for each in document.get("conformsTo") or () if isinstance(each, str)]
    if not any(each.startswith(_STAC) and each.endswith("/core") for each in classes):
        raise NotApplicable("`conformsTo` does not claim STAC API Core")
    if document.get("type") != "Catalog":
        yield Violation(f"`type` is {document.get('type')!r}, not 'Catalog'", answer)
    needed = ["root", "self"]
    if any(each.startswith(_STAC) and each.endswith("/collections") for each in classes):
        needed.append("data")
    missing = [each for each in needed if not targets(document, each)]
    if missing:
        yield Violation(f"there is no link {listed(missing)}", answer)
    if not targets(document, "service-desc", "service-doc"):
        yield Violation("there is no link service-desc or service-doc", answer)
    if any(each.startswith(_STAC) and each.endswith("/item-search") for each in classes):
        yield from _search(backend, document, answer)


def _search(backend: BackEnd, document: Mapping[str, Any], answer: Exchange) -> Iterator[Violation]:
    found = targets(document, "search")
    if not found:
        yield Violation("the class item-search is claimed, but there is no link search", answer)
        return
    if is_here(backend, found[0]):
        given = backend.reader.get(found[0], params={"limit": 1})
        if mapping(object_of(given)).get("type") != "FeatureCollection":
            yield Violation(f"the link search leads to HTTP {given.status} and no FeatureCollection", given)

"""The contract as one HTML page that needs nothing else: no server, no network."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connexeo.tools.generate.operations import OperationFacts, collect_operations
from connexeo.tools.generate.source import snake_case
from connexeo.tools.spec.documents import read_mapping
from connexeo.tools.spec.outline import Outline, outline
from connexeo.tools.spec.references import resolve
from connexeo.tools.spec.sources import SpecFolder

_TITLES = {"data_discovery": "EO Data Discovery"}


@dataclass(frozen=True, slots=True)
class Body:
    """Content of a request or response, of one media type."""

    media_type: str
    schema: Outline
    example: str | None


def implemented_processes() -> frozenset[str]:
    """Ids of the processes that connexeo comes with code for."""
    # Looked up by name, as handlers are for `spec show`: what makes the contract does not depend on the engine.
    registry = importlib.import_module("connexeo.processing.registry")
    ids: frozenset[str] = registry.implemented()
    return ids


def render_docs(document: Mapping[str, Any], spec: SpecFolder, *, implemented: Collection[str]) -> str:
    """The page as text.

    Args:
        document: The merged document.
        spec: Where the process definitions and error codes are.
        implemented: Ids of the processes that can run; all others are set apart as definitions only.
    """
    from jinja2 import Environment, FileSystemLoader  # only needed here
    from markdown_it import MarkdownIt
    from markupsafe import Markup

    # Descriptions are ours, but those of other bases and overlays are not: no HTML passes.
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")

    def commonmark(text: Any) -> Markup:
        return Markup(_own_anchors(markdown.render(str(text or ""))))  # noqa: S704 - no raw HTML

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["commonmark"] = commonmark
    processes = _processes(document, spec)
    return environment.get_template("reference.html.j2").render(
        info=document["info"],
        microservices=_microservices(document),
        schemas=_schemas(document),
        processes=[process for process in processes if process["id"] in implemented],
        definitions=[process for process in processes if process["id"] not in implemented],
        errors=read_mapping(spec.errors),
    )


def _own_anchors(html: str) -> str:
    """Point the anchors that documents of openEO use (those of ReDoc) at the ones of the page."""
    html = re.sub(r'href="#operation/([^"]+)"', r'href="#operation-\1"', html)
    html = re.sub(r'href="#section/[^"]*"', 'href="#about"', html)
    return re.sub(r'href="#tag/([^"/]+)[^"]*"', lambda m: f'href="#{_anchor_of_tag(m[1])}"', html)


def _anchor_of_tag(tag: str) -> str:
    return snake_case(tag).removeprefix("eo_")


def _microservices(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    described = {snake_case(tag["name"]): tag for tag in document.get("tags", ())}
    groups: dict[str, list[dict[str, Any]]] = {}
    for facts in collect_operations(document):
        groups.setdefault(facts.module, []).append(_operation(document, facts))
    result = []
    for module, entries in groups.items():
        title = _TITLES.get(module, module.replace("_", " ").title())
        tag = described.get(snake_case(title)) or described.get(module) or {}
        result.append(
            {
                "id": module,
                "title": tag.get("name", title),
                "description": tag.get("description", ""),
                "operations": entries,
            }
        )
    return result


def _operation(document: Mapping[str, Any], facts: OperationFacts) -> dict[str, Any]:
    access = [" and ".join(names) if names else "anonymous" for names in facts.security]
    return {
        "id": facts.id,
        "method": facts.method.upper(),
        "path": facts.path,
        "summary": facts.node.get("summary", ""),
        "description": facts.node.get("description", ""),
        "access": " or ".join(access) or "anonymous",
        "parameters": _parameters(document, facts),
        "body": _bodies(document, facts.body or {}),
        "responses": [
            {
                "status": status,
                "description": response.get("description", ""),
                "headers": _headers(document, response),
                "bodies": _bodies(document, response),
            }
            for status, response in facts.responses.items()
        ],
        "curl": _curl(document, facts),
    }


def _parameters(document: Mapping[str, Any], facts: OperationFacts) -> list[dict[str, Any]]:
    rows = []
    for node in facts.node.get("parameters", ()):
        parameter = resolve(document, node)
        rows.append(
            {
                "location": parameter["in"],
                "description": parameter.get("description", ""),
                "line": outline(
                    document,
                    parameter.get("schema", {}),
                    name=parameter["name"],
                    required=bool(parameter.get("required", False)),
                ),
            }
        )
    return rows


def _headers(document: Mapping[str, Any], response: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for name, node in response.get("headers", {}).items():
        header = resolve(document, node)
        line = outline(document, header.get("schema", {}), name=name, required=header.get("required", False))
        rows.append({"description": header.get("description", ""), "line": line})
    return rows


def _bodies(document: Mapping[str, Any], holder: Mapping[str, Any]) -> list[Body]:
    return [
        Body(
            media_type=media_type,
            schema=outline(document, media.get("schema", {})),
            example=_pretty(_example(document, media)),
        )
        for media_type, media in holder.get("content", {}).items()
    ]


def _example(document: Mapping[str, Any], media: Mapping[str, Any]) -> Any:
    if "example" in media:
        return media["example"]
    for entry in media.get("examples", {}).values():
        return resolve(document, entry).get("value")
    return resolve(document, media.get("schema", {})).get("example")


def _pretty(value: Any) -> str | None:
    return None if value is None else json.dumps(value, indent=2, ensure_ascii=False)


def _curl(document: Mapping[str, Any], facts: OperationFacts) -> str:
    """A request to try, with what cannot be guessed in capitals."""
    path = facts.path
    query = []
    for parameter in facts.parameters:
        if parameter.location == "path":
            path = path.replace(f"{{{parameter.name}}}", parameter.name.upper())
        elif parameter.required:
            query.append(f"{parameter.name}={parameter.name.upper()}")
    url = f"https://openeo.example{path}" + (f"?{'&'.join(query)}" if query else "")
    lines = [f"curl '{url}'" if facts.method == "get" else f"curl -X {facts.method.upper()} '{url}'"]
    if facts.security and () not in facts.security:
        basic = any("Basic" in names for names in facts.security)
        lines.append("-u USER:PASSWORD" if basic else "-H 'Authorization: Bearer TOKEN'")
    for media_type, media in (facts.body or {}).get("content", {}).items():
        lines.append(f"-H 'Content-Type: {media_type}'")
        example = _example(document, media)
        text = json.dumps(example, ensure_ascii=False).replace("'", "'\\''") if example is not None else ""
        binary = "--data-binary @FILE"
        lines.append(f"-d '{text}'" if 0 < len(text) <= 1500 else "-d @body.json" if text else binary)
        break
    return " \\\n  ".join(lines)


def _schemas(document: Mapping[str, Any]) -> list[Outline]:
    names = document.get("components", {}).get("schemas", {})
    found = (outline(document, {"$ref": f"#/components/schemas/{name}"}, name=name) for name in names)
    return sorted(found, key=lambda entry: entry.name.lower())


def _processes(document: Mapping[str, Any], spec: SpecFolder) -> list[dict[str, Any]]:
    processes = []
    for path in spec.processes:
        process = read_mapping(path)
        parameters = [{**p, "types": _types(document, p["schema"])} for p in process["parameters"]]
        returned = process["returns"]
        processes.append(
            {
                **process,
                "parameters": [
                    {**p, "default_text": json.dumps(p["default"], ensure_ascii=False)}
                    if "default" in p
                    else p
                    for p in parameters
                ],
                "returns": {**returned, "types": _types(document, returned["schema"])},
                "examples": [
                    json.dumps(e, indent=2, ensure_ascii=False) for e in process.get("examples", ())
                ],
            }
        )
    return processes


def _types(document: Mapping[str, Any], schema: Any) -> str:
    """The types of a parameter of a process, whose subtypes say more than JSON Schema does."""
    alternatives = schema if isinstance(schema, list) else [schema]
    names = []
    for entry in alternatives:
        kind = entry.get("type", "any")
        kind = " | ".join(kind) if isinstance(kind, list) else kind
        names.append(str(entry.get("subtype") or kind))
    return " | ".join(dict.fromkeys(names))

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from connexeo.tools.spec.sources import SpecFolder, find_spec

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def spec() -> SpecFolder:
    return find_spec()


@pytest.fixture(scope="session")
def reference() -> Path:
    folder = ROOT.parent / "shared" / "reference"
    if not folder.is_dir():
        pytest.skip("the reference documents are not beside the checkout")
    return folder


@pytest.fixture
def write_spec(tmp_path: Path) -> Callable[..., SpecFolder]:
    """Writes a spec folder from path → content; the defaults are a valid small one."""

    def write(files: dict[str, Any] | None = None) -> SpecFolder:
        contents = {**SMALL, **(files or {})}
        for name, content in contents.items():
            path = tmp_path / "spec" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            text = content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
            path.write_text(text, encoding="utf-8")
        return SpecFolder(tmp_path / "spec")

    return write


def small_operation(identifier: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "operationId": identifier,
        "tags": ["Capabilities"],
        "responses": {
            "200": {"description": "Fine.", "content": {"application/json": {"schema": schema}}},
        },
        **more,
    }


SMALL: dict[str, Any] = {
    "openapi.yaml": {
        "openapi": "3.0.2",
        "info": {"title": "Small", "version": "1.3.0"},
        "components": {"securitySchemes": {"Bearer": {"type": "http", "scheme": "bearer"}}},
    },
    "microservices/capabilities.yaml": {
        "paths": {"/": {"get": small_operation("capabilities", {"$ref": "#/components/schemas/link"})}}
    },
    "microservices/process_discovery.yaml": {
        "paths": {
            "/processes": {
                "get": small_operation(
                    "list-processes",
                    {
                        "type": "object",
                        "properties": {
                            "processes": {"type": "array", "items": {"$ref": "#/components/schemas/process"}}
                        },
                    },
                )
            }
        }
    },
    "schemas/link.yaml": {
        "components": {
            "schemas": {
                "link": {
                    "type": "object",
                    "required": ["href"],
                    "properties": {"href": {"type": "string", "format": "uri"}},
                    "example": {"href": "https://openeo.example"},
                }
            }
        }
    },
    "schemas/process.yaml": {
        "components": {
            "schemas": {
                "process": {
                    "type": "object",
                    "required": ["id", "parameters", "returns"],
                    "properties": {"id": {"type": "string", "pattern": r"^\w+$"}},
                }
            }
        }
    },
    "processes/add.yaml": {
        "id": "add",
        "summary": "Add",
        "description": "Adds.",
        "categories": ["math"],
        "parameters": [
            {"name": "x", "description": "First.", "schema": {"type": "number"}},
            {"name": "y", "description": "Second.", "schema": {"type": "number"}},
        ],
        "returns": {"description": "Sum.", "schema": {"type": "number"}},
        "examples": [{"arguments": {"x": 1, "y": 2}, "returns": 3}],
    },
    "errors.yaml": {
        "NotFound": {
            "http": 404,
            "tags": ["General"],
            "message": "Nothing at '{path}'.",
            "description": "There is nothing.",
        }
    },
}

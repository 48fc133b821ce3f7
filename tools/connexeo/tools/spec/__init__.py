"""The contract: find its YAML sources, merge them, apply overlays, check, compare, show and print it."""

from connexeo.tools.spec.build import build_document
from connexeo.tools.spec.documents import SpecError

__all__ = ["SpecError", "build_document"]

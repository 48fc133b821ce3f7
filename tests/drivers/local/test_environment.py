"""Processes of a deployment: defined in a folder, implemented in a module, then like ours."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from connexeo.drivers.local.environment import Sources, load_definitions, make_environment
from connexeo.drivers.local.processing import LocalProcessDiscovery
from connexeo.generated import load_processes
from connexeo.generated.errors import ProcessParameterRequired, ProcessUnsupported
from connexeo.processing import evaluate
from connexeo.processing.registry import implemented
from connexeo.processing.validation import validate
from connexeo.settings import Settings

DEFINITION = {
    "id": "double",
    "summary": "Twice a number",
    "description": "Multiplies by two.",
    "parameters": [{"name": "x", "description": "A number.", "schema": {"type": "number"}}],
    "returns": {"description": "Twice the number.", "schema": {"type": "number"}},
}
MODULE = """
from connexeo.processing.process import process


@process
def double(x):
    return 2 * x
"""

ONLY_DEFINED = sorted({process["id"] for process in load_processes()} - implemented())
"""Processes of the standard whose definitions are ours, and nothing else."""


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sources:
    (tmp_path / "definitions").mkdir()
    (tmp_path / "definitions" / "double.json").write_text(json.dumps(DEFINITION))
    (tmp_path / "doubling.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "doubling", raising=False)
    return Sources(process_modules=("doubling",), process_definitions=(str(tmp_path / "definitions"),))


def test_a_process_of_the_deployment(sources: Sources) -> None:
    graph = {"a": {"process_id": "double", "arguments": {"x": 21}, "result": True}}
    assert evaluate(graph, environment=make_environment(sources, log=lambda _: None)) == 42
    definitions = load_definitions(sources)
    (fault,) = validate({"process_graph": {"a": {**graph["a"], "arguments": {}}}}, definitions=definitions)
    assert isinstance(fault, ProcessParameterRequired)
    assert "add" in definitions


def test_a_definition_without_implementation_is_not_offered(sources: Sources) -> None:
    assert "double" not in load_definitions(Sources(process_definitions=sources.process_definitions))


def test_exactly_what_is_implemented_is_listed() -> None:
    listed = asyncio.run(LocalProcessDiscovery(load_definitions(Sources())).list_processes(None))
    assert [process["id"] for process in listed.items] == sorted(implemented())


@pytest.mark.parametrize("process_id", ONLY_DEFINED)
def test_what_is_only_defined_cannot_be_used(process_id: str) -> None:
    graph = {"a": {"process_id": process_id, "arguments": {}, "result": True}}
    (fault,) = validate({"process_graph": graph}, definitions=load_definitions(Sources()))
    assert isinstance(fault, ProcessUnsupported)
    with pytest.raises(ProcessUnsupported, match=process_id):
        evaluate(graph, environment=make_environment(Sources(), log=lambda _: None))


@pytest.mark.parametrize("process_id", ONLY_DEFINED[:1])
def test_what_is_only_defined_needs_nothing_but_code(
    process_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "coded.py").write_text(MODULE.replace("double", process_id))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "coded", raising=False)
    added = load_definitions(Sources(process_modules=("coded",)))
    assert added.keys() - load_definitions(Sources()).keys() == {process_id}


def test_a_definition_must_be_named_like_its_file(sources: Sources) -> None:
    folder = Path(sources.process_definitions[0])
    (folder / "triple.yaml").write_text("id: double\n")
    with pytest.raises(ValueError, match="must define the process 'triple'"):
        load_definitions(sources)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not exist"):
        load_definitions(Sources(process_definitions=(str(tmp_path / "nowhere"),)))


def test_broken_yaml(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("a: [")
    with pytest.raises(ValueError, match=r"broken\.yaml is not valid YAML"):
        load_definitions(Sources(process_definitions=(str(tmp_path),)))


def test_sources_of_the_settings(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, demo=True, catalogues=("a",), process_modules=("m",))
    sources = Sources.from_settings(settings)
    assert sources.catalogues == ("a", str(tmp_path.resolve() / "demo"))
    assert sources.process_modules == ("m",)

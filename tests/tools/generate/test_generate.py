import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import pytest
from typer.testing import CliRunner

from connexeo.generated import errors, load_openapi, load_processes, models, protocols
from connexeo.generated.operations import OPERATIONS
from connexeo.tools.cli import app
from connexeo.tools.generate.errors import errors_source, process_exceptions
from connexeo.tools.generate.package import generate_files, stale_files, write_files
from connexeo.tools.generate.source import class_name, docstring, literal, snake_case
from connexeo.tools.spec.build import build_document, operations
from connexeo.tools.spec.documents import SpecError, read_mapping
from connexeo.tools.spec.sources import find_generated, find_spec


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return generate_files(find_spec())


def test_the_files_are_fresh(files: dict[str, bytes]) -> None:
    assert stale_files(files, find_generated()) == []


def test_the_same_sources_give_the_same_bytes(files: dict[str, bytes]) -> None:
    assert generate_files(find_spec()) == files


def test_only_what_differs_is_written(tmp_path: Path) -> None:
    content = {"a.py": b"a", "b.py": b"b"}
    assert write_files(content, tmp_path / "new") == ["a.py", "b.py"]
    assert write_files({**content, "b.py": b"c"}, tmp_path / "new") == ["b.py"]
    assert stale_files(content, tmp_path / "new") == ["b.py"]


def test_check_writes_nothing(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["generate", "--check", "-o", str(tmp_path)])
    assert result.exit_code == 1
    assert "operations.py is stale" in result.stderr.replace("\n", "")
    assert list(tmp_path.iterdir()) == []
    assert CliRunner().invoke(app, ["generate", "--check"]).exit_code == 0


def test_a_missing_generator_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datamodel_code_generator", None)
    with pytest.raises(SpecError, match="datamodel-code-generator is not installed"):
        generate_files(find_spec())


def test_every_operation_of_the_contract_is_there() -> None:
    document = build_document()
    assert load_openapi() == document
    assert list(OPERATIONS) == [node["operationId"] for _, _, node in operations(document)]
    for path, method, node in operations(document):
        operation = OPERATIONS[node["operationId"]]
        assert (operation.path, operation.method) == (path, method)
        assert operation.has_body == ("requestBody" in node)
        assert operation.function == snake_case(operation.id)
        assert re.findall(r"\{(\w+)\}", path) == [
            p.name for p in operation.parameters if p.location == "path"
        ]


@pytest.mark.parametrize(
    ("identifier", "module", "public", "success"),
    [
        ("capabilities", "capabilities", True, (200,)),
        ("list-service-types", "secondary_services", True, (200,)),
        ("create-job", "batch_jobs", False, (201,)),
        ("delete-file", "file_storage", False, (204,)),
        ("authenticate-basic", "account_management", False, (200,)),
    ],
)
def test_operations_know_their_facts(
    identifier: str, module: str, public: bool, success: tuple[int, ...]
) -> None:
    operation = OPERATIONS[identifier]
    assert (operation.module, operation.public, operation.success) == (module, public, success)


def test_every_operation_has_a_protocol() -> None:
    for operation in OPERATIONS.values():
        protocol = getattr(protocols, class_name(operation.id))
        hints = get_type_hints(protocol.__call__, vars(protocols))
        keywords = {parameter.keyword for parameter in operation.parameters}
        if "application/json" in operation.media_types:
            keywords.add("body")
        assert set(hints) - {"context", "return"} == keywords
        for parameter in operation.parameters:
            assert (parameter.keyword in (protocol.__call__.__kwdefaults__ or {})) != parameter.required


def test_models_keep_keys_that_are_no_names() -> None:
    assert "cube:dimensions" in models.DescribeCollectionResponse.__annotations__
    assert "federation:backends" in models.Collection.__annotations__
    assert "cube:dimensions" in models.DescribeCollectionResponse.__required_keys__


def test_processes_are_those_of_the_sources() -> None:
    processes = load_processes()
    assert [process["id"] for process in processes] == sorted(path.stem for path in find_spec().processes)
    processes[0]["id"] = "changed"
    assert load_processes()[0]["id"] != "changed"


def test_every_error_code_has_a_class_and_a_status() -> None:
    codes = read_mapping(find_spec().errors)
    for code, entry in codes.items():
        error = getattr(errors, code)("text")
        assert isinstance(error, errors.OpenEOError)
        assert (error.code, error.message, errors.HTTP_STATUS[code]) == (code, "text", entry["http"])
    for code in set(process_exceptions(load_processes())) - set(codes):
        assert issubclass(getattr(errors, code), errors.ProcessError)
        assert errors.HTTP_STATUS[code] == 400


def test_messages_are_filled_from_values() -> None:
    error = errors.CollectionNotFound(identifier="S2")
    assert "S2" in str(error)
    assert error.values == {"identifier": "S2"}
    assert "?" in errors.CollectionNotFound().message


def load_source(source: str, tmp_path: Path) -> ModuleType:
    path = tmp_path / "made_errors.py"
    path.write_text(source, encoding="utf-8")
    module_spec = importlib.util.spec_from_file_location("made_errors", path)
    assert module_spec is not None
    assert module_spec.loader is not None
    module = importlib.util.module_from_spec(module_spec)
    module_spec.loader.exec_module(module)
    return module


def process(identifier: str, **messages: str) -> dict[str, Any]:
    return {"id": identifier, "exceptions": {code: {"message": text} for code, text in messages.items()}}


def test_the_most_frequent_message_of_an_exception_wins(tmp_path: Path) -> None:
    definitions = [process("a", Odd="one"), process("b", Odd="two"), process("c", Odd="two")]
    made = load_source(errors_source({}, definitions), tmp_path)
    assert made.Odd().message == "two"
    assert made.Odd.__doc__ == "Thrown by ``a``, ``b``, ``c``."


def test_awkward_texts_survive(tmp_path: Path) -> None:
    text = 'Quotes " and """, a \\ backslash, $ and ü.\n\nSecond "paragraph"'
    entry = {"http": 400, "message": text, "description": text}
    made = load_source(errors_source({"Odd": entry}, []), tmp_path)
    assert made.Odd.template == text
    assert " ".join(made.Odd.__doc__.split()) == " ".join(text.split())


def test_an_exception_named_like_an_error_is_that_error(tmp_path: Path) -> None:
    entry = {"http": 404, "message": "There is none.", "description": "d"}
    made = load_source(errors_source({"Odd": entry}, [process("a", Odd="one", Even="two")]), tmp_path)
    assert made.Odd().message == "There is none."
    assert not issubclass(made.Odd, made.ProcessError)
    assert issubclass(made.Even, made.ProcessError)
    assert made.HTTP_STATUS == {"Odd": 404, "Even": 400}


@pytest.mark.parametrize(
    ("name", "snake", "camel"),
    [
        ("list-jobs", "list_jobs", "ListJobs"),
        ("listJobs", "list_jobs", "ListJobs"),
        ("batch_job", "batch_job", "BatchJob"),
        ("import", "import_", "Import"),
        ("GeoJsonPoint", "geo_json_point", "GeoJsonPoint"),
    ],
)
def test_names(name: str, snake: str, camel: str) -> None:
    assert (snake_case(name), class_name(name)) == (snake, camel)


def test_literals_and_docstrings_are_python() -> None:
    assert literal('a "b"') == '"a \\"b\\""'
    assert docstring("Short.") == '    """Short."""\n'
    assert max(map(len, docstring("word " * 60).splitlines())) <= 100

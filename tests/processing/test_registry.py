"""The static table of processes, and that it tells the truth."""

import importlib
import pkgutil
import subprocess
import sys
import types

import pytest

import connexeo.processing.processes as package
from connexeo.generated.errors import ProcessUnsupported
from connexeo.processing.definitions import Definitions
from connexeo.processing.process import process, registered
from connexeo.processing.registry import PACKAGE, PROCESS_MODULES, implementation, implemented


def test_the_table_equals_what_the_modules_register() -> None:
    found = {}
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{PACKAGE}.{module.name}")
        ids = tuple(sorted(registered(f"{PACKAGE}.{module.name}")))
        if ids:
            found[module.name] = ids
    assert {name: tuple(sorted(ids)) for name, ids in PROCESS_MODULES.items()} == found


def test_no_process_is_in_two_modules() -> None:
    assert len(implemented()) == sum(map(len, PROCESS_MODULES.values()))


@pytest.mark.parametrize("process_id", sorted(implemented()))
def test_every_process_has_a_function_and_a_definition(process_id: str, all_definitions: Definitions) -> None:
    function = implementation(process_id).function
    assert function.__name__.removesuffix("_") == process_id
    parameters = {parameter["name"] for parameter in all_definitions[process_id]["parameters"]}
    code = function.__code__
    names = set(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
    assert names - {"environment"} == parameters


def test_an_unknown_process() -> None:
    with pytest.raises(ProcessUnsupported):
        implementation("nope")


@pytest.fixture
def own_module() -> str:
    module = types.ModuleType("a_providers_processes")
    code = "from connexeo.processing.process import process\n@process\ndef add(x, y):\n    return 'ours'\n"
    exec(code, module.__dict__)
    sys.modules[module.__name__] = module
    return module.__name__


def test_modules_of_providers_precede_ours(own_module: str) -> None:
    assert implementation("add", (own_module,)).function(1, 2) == "ours"
    assert implementation("subtract", (own_module,)).function(3, 2) == 1
    assert implemented((own_module,)) == implemented()


def test_functions_must_be_named_after_their_process() -> None:
    def and_more_() -> None:
        """Has a trailing underscore without need."""

    with pytest.raises(ValueError, match="and_more"):
        process(and_more_)


def test_listing_processes_loads_nothing_heavy() -> None:
    code = "import sys, connexeo.processing.registry as r; r.implemented(); print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

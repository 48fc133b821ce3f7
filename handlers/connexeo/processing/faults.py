"""What can be wrong with a node, as openEO errors whose messages name the node and the place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from connexeo.generated.errors import (
    OpenEOError,
    ProcessGraphInvalid,
    ProcessParameterInvalid,
    ProcessParameterRequired,
    ProcessParameterUnsupported,
    ProcessUnsupported,
)
from connexeo.processing.arguments import expected
from connexeo.processing.definitions import ANYTHING, Kinds, Parameter, ProcessDefinition, compatible
from connexeo.processing.graph import Node, Reference, place


def unknown_parameters(node: Node, scope: Mapping[str, Kinds] | None) -> Iterator[OpenEOError]:
    """References to parameters that cannot be used here; with no scope, any parameter can."""
    for reference in node.references:
        if reference.kind == "from_parameter" and scope is not None and reference.target not in scope:
            known = ", ".join(f"'{name}'" for name in islice(scope, 20)) or "none"
            yield ProcessGraphInvalid(
                f"Argument '{place(reference.path)}' of node '{node.id}' refers to parameter "
                f"'{reference.target}', which is not available here. Available: {known}."
            )


def required(node: Node, name: str) -> OpenEOError:
    """An argument that lacks."""
    message = f"Process '{node.process_id}' parameter '{name}' is required (node '{node.id}')."
    return ProcessParameterRequired(message, process=node.process_id, parameter=name)


def placed(fault: OpenEOError, message: str) -> OpenEOError:
    """The same fault with a message that names the place in the outer graph."""
    return type(fault)(message, **fault.values)


def reference_faults(
    node: Node,
    parameter: Parameter,
    reference: Reference,
    scope: Mapping[str, Kinds],
    kinds: Mapping[str, Kinds],
) -> Iterator[OpenEOError]:
    """An argument that refers to a value of another kind than the parameter accepts.

    Args:
        node: The node that the argument belongs to.
        parameter: The parameter that it is given for.
        reference: The reference, which is the whole argument.
        scope: Kinds of the parameters that can be used here.
        kinds: Kinds of what the nodes return.
    """
    source = kinds if reference.kind == "from_node" else scope
    given = source.get(reference.target, ANYTHING)
    if not compatible(given, parameter.kinds):
        what = "node" if reference.kind == "from_node" else "parameter"
        reason = (
            f"{expected(parameter.kinds)} is expected, but {what} '{reference.target}' gives {expected(given)} "
            f"(node '{node.id}')."
        )
        yield ProcessParameterInvalid(process=node.process_id, parameter=parameter.name, reason=reason)


def no_graph(node: Node, parameter: str, reason: str) -> OpenEOError:
    """An argument that has to be a process graph but is none."""
    return ProcessParameterInvalid(
        process=node.process_id, parameter=parameter, reason=f"{reason} (node '{node.id}')"
    )


def unknown_argument(node: Node, name: str, definition: ProcessDefinition) -> OpenEOError:
    """An argument that the process does not have."""
    known = ", ".join(f"'{parameter}'" for parameter in definition.parameters) or "none"
    message = (
        f"Process '{node.process_id}' does not support parameter '{name}' (node '{node.id}'). "
        f"Its parameters: {known}."
    )
    return ProcessParameterUnsupported(message, process=node.process_id, parameter=name)


def unsupported(node: Node) -> OpenEOError:
    """A process that does not exist in its namespace."""
    namespace = node.namespace or "backend"
    where = (
        f"available in namespace '{namespace}'" if node.namespace else "predefined, and no stored one either"
    )
    message = f"Process with identifier '{node.process_id}' is not {where} (node '{node.id}')."
    return ProcessUnsupported(message, process=node.process_id, namespace=namespace)

"""Faults of a JSON document in words, each with its JSON pointer.

Of alternatives (``anyOf``, ``oneOf``) the one is explained that the document comes closest to: "fits none of them"
helps nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import jsonschema_rs

from connexeo.tools.spec.references import escape

_LONGEST = 300
_ALTERNATIVES = (jsonschema_rs.ValidationErrorKind.AnyOf, jsonschema_rs.ValidationErrorKind.OneOfNotValid)


def describe(errors: Iterable[jsonschema_rs.ValidationError]) -> list[str]:
    """Readable faults such as ``/links/0: "href" is a required property``, each once."""
    return list(dict.fromkeys(_text(fault) for error in errors for fault in _closest(error)))


def _closest(error: jsonschema_rs.ValidationError) -> Sequence[jsonschema_rs.ValidationError]:
    """The error itself, or those of the alternative that is meant most likely."""
    if not isinstance(error.kind, _ALTERNATIVES):
        return (error,)
    branches = [[fault for each in branch for fault in _closest(each)] for branch in error.kind.context]
    meant = [branch for branch in branches if branch and not _is_of_another_type(branch, error)]
    if not meant:
        return (error,)
    best = min(meant, key=lambda branch: _distance(branch, error))
    equal = [branch for branch in meant if _distance(branch, error) == _distance(best, error)]
    return best if len(equal) == 1 else (error,)


def _is_of_another_type(
    branch: Sequence[jsonschema_rs.ValidationError], error: jsonschema_rs.ValidationError
) -> bool:
    """Whether an alternative is refused as a whole: it is for text, say, and this is a number."""
    return any(
        isinstance(fault.kind, jsonschema_rs.ValidationErrorKind.Type) and _depth(fault) <= _depth(error)
        for fault in branch
    )


def _distance(
    branch: Sequence[jsonschema_rs.ValidationError], error: jsonschema_rs.ValidationError
) -> tuple[bool, int]:
    """What tells alternatives apart (a name, a kind) counts more than anything below."""
    named = any(
        isinstance(fault.kind, jsonschema_rs.ValidationErrorKind.Enum) and _depth(fault) <= _depth(error) + 1
        for fault in branch
    )
    return named, len(branch)


def _depth(error: jsonschema_rs.ValidationError) -> int:
    return len(error.instance_path)


def _text(error: jsonschema_rs.ValidationError) -> str:
    pointer = "".join(f"/{escape(part)}" for part in error.instance_path)
    message = error.message
    if len(message) > _LONGEST:
        # The value comes first, what is wrong with it last.
        message = f"{message[: _LONGEST // 2]} … {message[-_LONGEST // 2 :]}"
    return f"{pointer}: {message}" if pointer else message

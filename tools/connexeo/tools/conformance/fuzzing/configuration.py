"""The settings of schemathesis."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

FROM_DICTIONARY = 0.6
"""How often an identifier is one that exists."""


def configuration(*, seed: int, examples: int, identifiers: Mapping[str, Sequence[str]]) -> str:
    """The settings, as TOML: it makes requests, always the same; nothing is judged there.

    Args:
        seed: number that the choices follow from.
        examples: requests for an operation, beside those that follow from the document.
        identifiers: path parameter → values that lead to something.
    """
    known = {name: values for name, values in identifiers.items() if values}
    lines = [
        f"seed = {seed}",
        # With several threads Python 3.11 sometimes fails in ast.parse, which Hypothesis calls; and order matters.
        "workers = 1",
        "continue-on-failure = true",
        # The gateway has the time limit.
        "request-timeout = 3600.0",
        "max-redirects = 0",
        "warnings = false",
        "[generation]",
        f"max-examples = {examples}",
        'database = "none"',
        "no-shrink = true",
        "with-security-parameters = false",
        # What the contract does not know has to be ignored, so it shows nothing.
        "allow-extra-parameters = false",
        "[checks]",
        "enabled = false",
        "[analysis.constants]",
        "enabled = false",
        "[cache]",
        "enabled = false",
        # What answers hold belongs to the user and differs from day to day: nothing is made of it.
        "[phases.examples]",
        "extra-data-sources = { responses = false }",
        "[phases.coverage]",
        'unexpected-methods = ["trace"]',
        "extra-data-sources = { responses = false }",
        "[phases.fuzzing]",
        'operation-ordering = "none"',
        "extra-data-sources = { responses = false }",
        "error-feedback = { enabled = false }",
        "[phases.stateful]",
        "inference = { algorithms = [] }",
        "[parameters]",
        *(f'"path.{name}" = {{ dictionary = "{name}", probability = {FROM_DICTIONARY} }}' for name in known),
    ]
    for name, values in known.items():
        lines += [f'[dictionaries."{name}"]', f"values = {json.dumps(list(values))}"]
    return "\n".join(lines)

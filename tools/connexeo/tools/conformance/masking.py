"""Keeps what gives access to something out of everything that is told."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from urllib.parse import quote

MASK = "***"

_FIELDS = re.compile(
    r'("(?:access_token|refresh_token|id_token|token|password|client_secret|device_code|code_verifier|authorization|'
    r'cookie|secret|api_?key)"\s*:\s*")(?:[^"\\]|\\.)*(")',
    re.IGNORECASE,
)
_QUERY = re.compile(
    r"([?&;](?:[\w.-]*signature|sig|[\w-]*token|[\w-]*credential|api[_-]?key|key|awsaccesskeyid|policy|code)=)[^&;\s\"'<>\\]+",
    re.IGNORECASE,
)
_SCHEMES = re.compile(r"\b(Bearer|Basic)([ +]|%20)(?=[^\s\"'<>]*[0-9/._=])[^\s\"'<>,;]{12,}", re.IGNORECASE)
_USERINFO = re.compile(r"(?<=://)[^/\s@\"']+@")

# Neither terminals nor files may be surprised: no escape sequences, no halves of surrogate pairs.
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")

_SHORTEST = 8
"""Characters of a secret at least: shorter ones are words that may stand anywhere."""


def mask(text: str) -> str:
    """The text without what looks like a secret."""
    text = _FIELDS.sub(rf"\1{MASK}\2", text)
    text = _QUERY.sub(rf"\1{MASK}", text)
    text = _SCHEMES.sub(rf"\1\2{MASK}", text)
    return printable(_USERINFO.sub(f"{MASK}@", text))


def printable(text: str) -> str:
    """The text without characters that do something."""
    return _UNFIT.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


@dataclass(slots=True)
class Secrets:
    """The secrets of a run, which back-ends may send back anywhere."""

    _known: set[str] = field(default_factory=set)

    def add(self, *values: str | None) -> None:
        """Remember secrets, whole and as they are written in JSON, URLs, and without the prefix of openEO."""
        for value in values:
            for form in _forms(value or ""):
                if len(form) >= _SHORTEST:
                    self._known.add(form)

    def mask(self, text: str) -> str:
        """The text without them, and without what looks like others."""
        for secret in sorted(self._known, key=lambda each: (-len(each), each)):
            if secret in text:
                text = text.replace(secret, MASK)
        return mask(text)


def _forms(value: str) -> set[str]:
    parts = value.split("/", 2)
    plain = {value, parts[2]} if len(parts) == 3 else {value}
    return {
        form
        for each in plain
        for form in (
            each,
            json.dumps(each)[1:-1],
            quote(each, safe=""),
            quote(each),
            each.replace("/", "\\/"),
        )
    }

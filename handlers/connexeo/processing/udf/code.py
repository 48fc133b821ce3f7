"""The source code that `run_udf` is given: as it is, at a URL, or in a file of the user."""

from __future__ import annotations

import re
from pathlib import Path

from connexeo.generated.errors import FeatureUnsupported, FileNotFound, ProcessParameterInvalid
from connexeo.processing.environment import Environment

MAX_BYTES = 2**20
"""Bytes of source code."""

_LINE_BREAK = re.compile(r"\r\n|\r|\n")


def is_source(udf: str) -> bool:
    """Whether it is source code rather than the name of a place with it."""
    return _LINE_BREAK.search(udf) is not None


def source_of(udf: str, environment: Environment) -> str:
    """The source code.

    Raises:
        FileNotFound: The user has no such file.
        FeatureUnsupported: There are no files of a user here, or nothing is fetched.
        ProcessParameterInvalid: The URL can't be fetched, or what is there is no text.
    """
    if is_source(udf):
        if len(udf.encode(errors="surrogatepass")) > MAX_BYTES:
            raise _refused(f"the code has more than {MAX_BYTES // 2**20} MB.")
        return udf
    if udf.lower().startswith(("https://", "http://")):
        return _read(_fetch(udf, environment))
    if environment.workspace is None:
        raise FeatureUnsupported("There is no user here who could have files.")
    return _read(environment.workspace.file(_canonical(udf)))


def _fetch(url: str, environment: Environment) -> Path:
    from connexeo.fetch import FetchError

    if environment.web is None:
        raise FeatureUnsupported("Code at URLs is not fetched here; put it into the process graph.")
    try:
        return environment.web.file(url)
    except FetchError as error:
        raise _refused(f"the code can't be fetched: {error}.") from error


def _canonical(path: str) -> str:
    segments = [segment for segment in path.split("/") if segment not in ("", ".")]
    if ".." in segments or not segments:
        raise FileNotFound(file=path)
    return "/".join(segments)


def _read(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise _refused(f"the code has more than {MAX_BYTES // 2**20} MB.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused("the file is no text in UTF-8.") from error


def _refused(reason: str) -> ProcessParameterInvalid:
    return ProcessParameterInvalid(process="run_udf", parameter="udf", reason=reason)

"""Files of users that come back changed, or not at all."""

from __future__ import annotations

from urllib.parse import quote, unquote

from conformance.mutations.edits import Edit, answers, each, html, put, requests, status, without
from conformance.mutations.fault import Apply, Fault, Turn
from conformance.mutations.message import Answer, Request, answer
from connexeo.tools.conformance.verdicts import Severity

_LIST = "GET /files"
_READ = "GET /files/{path}"
_WRITE = "PUT /files/{path}"
_DELETE = "DELETE /files/{path}"


def _fault(id: str, title: str, on: str, rule: str, apply: Apply, *shown: str) -> Fault:
    rule = f"openEO API, {on}: {rule}"
    return Fault(f"file-{id}", title, (on,), ("files", "schema"), rule, Severity.MAJOR, apply, shown)


def _line_ends(found: Answer) -> None:
    found.set_body(found.body.replace(b"\n", b"\r\n") if b"\n" in found.body else found.body + b"\n")


def _decoded(request: Request) -> None:
    request.target = quote(unquote(unquote(request.path)))


def _whole(request: Request) -> None:
    request.drop_header("range")


def _in_kilobytes(size: float) -> float:
    return size / 1024


async def _no_folders(turn: Turn) -> Answer:
    if turn.request.path.count("/") > 2:
        failed = answer(500)
        html(500, "Internal Server Error")(failed)
        return failed
    return await turn.send(turn.request)


async def _appends(turn: Turn) -> Answer:
    before = await turn.send(turn.request.other(method="GET", body=b"", headers=_only(turn.request)))
    request = turn.request.other()
    if before.ok:
        request.set_body(before.body + request.body)
    return await turn.send(request)


async def _kept(turn: Turn) -> Answer:
    found = await turn.send(turn.request.other(method="HEAD", body=b"", headers=_only(turn.request)))
    return answer(204) if found.ok else found


async def _empty_if_missing(turn: Turn) -> Answer:
    found = await turn.send(turn.request)
    if found.status == 404:
        return answer(200, headers=[("content-type", "application/octet-stream")])
    return found


def _only(request: Request) -> list[tuple[str, str]]:
    return [pair for pair in request.headers if pair[0] in {"host", "authorization"}]


def _listed(id: str, title: str, rule: str, *edits: Edit) -> Fault:
    return _fault(id, title, _LIST, rule, answers(*edits), "GET /files")


FAULTS = (
    _listed(
        "size-wrong", "Sizes are in kilobytes", "`size` is in bytes", each("files/*/size", _in_kilobytes)
    ),
    _listed("without-path", "Listed files have no path", "`path` is required", without("files/*/path")),
    _listed(
        "listing-encoded",
        "Listed paths are percent-encoded",
        "paths as they are",
        each("files/*/path", lambda path: quote(path, safe="")),
    ),
    _listed(
        "listing-absolute",
        "Listed paths begin with a slash",
        "paths are relative",
        each("files/*/path", "/{}".format),
    ),
    _listed(
        "modified-number", "Times of change are numbers", "RFC 3339", put("files/*/modified", 1732600000)
    ),
    _listed("without-links", "The list has no links", "`links` is required", without("links")),
    _fault(
        "changed",
        "Line ends of texts are changed",
        _READ,
        "the content as it was",
        answers(_line_ends),
        "GET /files/{file}",
    ),
    _fault(
        "missing-empty",
        "A file that is not there is empty",
        _READ,
        "404 FileNotFound",
        _empty_if_missing,
        "GET /files/nothing.txt",
    ),
    _fault(
        "range-ignored",
        "Parts of files cannot be read",
        _READ,
        "Accept-Ranges holds",
        requests(_whole),
        "GET /files/{file} | Range: bytes=0-3",
    ),
    _fault(
        "folder-fails",
        "Files in folders cannot be written",
        _WRITE,
        "folders are made",
        _no_folders,
        "PUT /files/folder/a.txt <text>",
    ),
    _fault(
        "decoded-twice",
        "Percent signs in names are lost",
        _WRITE,
        "the path as it was",
        requests(_decoded),
        "PUT /files/a%2520b.txt <text>",
    ),
    _fault(
        "appended",
        "Content is appended to what is there",
        _WRITE,
        "the content is replaced",
        _appends,
        "PUT /files/b.txt <text>",
        "PUT /files/b.txt <text>",
        "GET /files/b.txt",
        "DELETE /files/b.txt",
    ),
    _fault(
        "put-201",
        "Writing is answered with 201",
        _WRITE,
        "200 with the file's metadata",
        answers(status(201)),
        "PUT /files/b.txt <text>",
    ),
    _fault(
        "put-without-size",
        "Writing does not tell the size",
        _WRITE,
        "`path` is required",
        answers(without("path", "size")),
        "PUT /files/b.txt <text>",
    ),
    _fault(
        "delete-ignored",
        "Deleted files stay",
        _DELETE,
        "204 when the file is gone",
        _kept,
        "PUT /files/b.txt <text>",
        "DELETE /files/b.txt",
        "GET /files/b.txt",
    ),
    _fault(
        "delete-missing-fails",
        "Deleting what is not there is a failure of the server",
        _DELETE,
        "404 FileNotFound",
        answers(html(500, "Internal Server Error"), status=404),
        "DELETE /files/nothing.txt",
    ),
)

"""Latency of a federation of fake back-ends, cold and warm; and requests per second, as a ratio to a bare Starlette.

Cold: the four requests are the first ones of a server that has just got ready with an empty data folder, and are sent
at the same moment. Warm: the snapshots of all back-ends that answer are there. Each back-end has 500 collections.

    cd tests && python -m bench.federation [--part cold warm refresh ratio] [--upstreams 3 10 30] [--markdown FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

import httpx

from bench.federation.frontend import (
    FrontEnd,
    bare,
    front_end,
    memory,
    prepare_data,
    upstreams,
    write_config,
)
from bench.load import Request, requests_per_second

PATHS = ("/", "/collections", "/processes", "/jobs")
SITUATIONS = ("all healthy", "one hung", "all slow")
WANTED = 0.4
SETTLED_WITHIN = 90.0
HICCUP = 0.5
"""Seconds that no request may take longer because a view is made anew."""

Template = tuple[Path, str]
Cell = tuple[int, str, str]


def main() -> int:
    """Measure, print tables, and fail when a ratio is below, or a request above, what is wanted."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", nargs="+", default=["cold", "warm", "refresh", "ratio"])
    parser.add_argument("--upstreams", nargs="+", type=int, default=[3, 10, 30])
    parser.add_argument("--collections", type=int, default=500)
    parser.add_argument("--starts", type=int, default=2, help="cold starts of each situation")
    parser.add_argument("--requests", type=int, default=200, help="warm requests of each sort")
    parser.add_argument("--markdown", type=Path, help="write the tables to this file as well")
    options = parser.parse_args()
    output = _Output(options.markdown)
    failed = False
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-federation-")))
        port = stack.enter_context(upstreams(folder, options.collections))
        template = prepare_data(folder, port)
        output.say(f"{os.cpu_count()} cores; load of the last minute: {os.getloadavg()[0]:.1f}\n")
        if {"cold", "warm"} & set(options.part):
            output.table(latencies(folder, port, template, options))
        if "refresh" in options.part:
            slowest = refreshes(folder, port, template, max(options.upstreams), output)
            failed = failed or slowest > HICCUP
        if "ratio" in options.part:
            ratio = ratios(folder, port, template, max(options.upstreams), output)
            failed = failed or ratio < WANTED
        output.say(f"load of the last minute at the end: {os.getloadavg()[0]:.1f}")
    return int(failed)


def latencies(
    folder: Path, port: int, template: Template, options: argparse.Namespace
) -> Iterable[Sequence[str]]:
    """Rows: back-ends, situation, and of each path median and p99, cold and warm, in milliseconds."""
    yield ("back-ends", "situation", "", *PATHS)
    for count in options.upstreams:
        for situation in SITUATIONS:
            config = write_config(folder / "front.toml", port, modes(situation, count))
            cold: dict[str, list[float]] = defaultdict(list)
            warm: dict[str, list[float]] = {}
            starts = options.starts if "cold" in options.part else 1
            for start in range(starts):
                with front_end(folder, template, config) as front:
                    for path, seconds in asyncio.run(at_once(front)).items():
                        cold[path].append(seconds)
                    if start == starts - 1 and "warm" in options.part:
                        settle(front, count - (situation == "one hung"))
                        warm = {path: one_by_one(front, path, options.requests) for path in PATHS}
            if "cold" in options.part:
                yield (str(count), situation, "cold", *(told(cold[path]) for path in PATHS))
            if warm:
                yield (str(count), situation, "warm", *(told(warm[path]) for path in PATHS))


def modes(situation: str, count: int) -> list[str]:
    """Of each back-end."""
    if situation == "all slow":
        return ["slow"] * count
    return ["healthy"] * (count - 1) + ["hung" if situation == "one hung" else "healthy"]


async def at_once(front: FrontEnd) -> dict[str, float]:
    """Seconds of the first requests, all sent at the same moment."""
    async with httpx.AsyncClient(timeout=120) as client:

        async def ask(path: str) -> float:
            started = time.perf_counter()
            (await client.get(front.url(path), headers=front.headers(path))).raise_for_status()
            return time.perf_counter() - started

        return dict(zip(PATHS, await asyncio.gather(*map(ask, PATHS)), strict=True))


def one_by_one(front: FrontEnd, path: str, requests: int, within: float = 3) -> list[float]:
    """Seconds of requests over one connection, until there are as many, or the time is over."""
    found: list[float] = []
    end = time.perf_counter() + within
    with httpx.Client(timeout=60) as client:
        headers = {**front.headers(path), "accept-encoding": "identity"}
        client.get(front.url(path), headers=headers)
        while len(found) < requests and (time.perf_counter() < end or len(found) < 5):
            started = time.perf_counter()
            with client.stream("GET", front.url(path), headers=headers) as answer:
                answer.raise_for_status()
                for _ in answer.iter_raw():
                    pass
            found.append(time.perf_counter() - started)
    return found


def settle(front: FrontEnd, count: int) -> float:
    """Wait until the views have a part of so many back-ends; the seconds that it took."""
    started = time.perf_counter()
    while True:
        missing = httpx.get(front.url("/collections?limit=1"), timeout=60).json()["federation:missing"]
        others = httpx.get(front.url("/processes"), timeout=60).json()["federation:missing"]
        total = len(httpx.get(front.url("/"), timeout=60).json()["federation"])
        if max(len(missing), len(others)) <= total - count:
            return time.perf_counter() - started
        if time.perf_counter() - started > SETTLED_WITHIN:
            raise RuntimeError(f"still missing: {missing}, {others}")
        time.sleep(0.2)


def refreshes(folder: Path, port: int, template: Template, count: int, output: _Output) -> float:
    """Requests while collections change again and again; the seconds of the slowest that no big body explains."""
    config = write_config(folder / "front.toml", port, ["healthy"] * count, refresh=6)
    with front_end(folder, template, config) as front:
        settle(front, count)
        before = memory(front.pid)
        found = asyncio.run(_while_changing(front, port, 30.0))
        after = memory(front.pid)
    output.say(f"While one of {count} back-ends changes its collections every 6 s, one worker:\n")
    output.table(
        [("", "median, p99 ms", "slowest ms", "requests")]
        + [
            (path, told(seconds), f"{max(seconds) * 1e3:.0f}", str(len(seconds)))
            for path, seconds in found.items()
        ]
    )
    output.say(
        f"memory of the worker: {before['worker']:.0f} MB, after many changes {after['worker']:.0f} MB; "
        f"of the watch: {before['watch']:.0f} MB, {after['watch']:.0f} MB\n"
    )
    return max(*found["/"], *found["/processes"], *found["/collections?limit=10"])


async def _while_changing(front: FrontEnd, port: int, seconds: float) -> dict[str, list[float]]:
    paths = ("/", "/processes", "/collections?limit=10", "/collections")
    found: dict[str, list[float]] = {path: [] for path in paths}
    end = time.perf_counter() + seconds

    async def ask(path: str, pause: float) -> None:
        async with httpx.AsyncClient(timeout=60, headers={"accept-encoding": "identity"}) as client:
            while time.perf_counter() < end:
                started = time.perf_counter()
                async with client.stream("GET", front.url(path)) as answer:
                    async for _ in answer.aiter_raw(2**22):
                        pass
                found[path].append(time.perf_counter() - started)
                await asyncio.sleep(pause)

    async def change() -> None:
        async with httpx.AsyncClient() as client:
            while time.perf_counter() < end:
                await client.post(f"http://127.0.0.1:{port}/next")
                await asyncio.sleep(6)

    pauses = (0.02, 0.02, 0.02, 0.5)
    await asyncio.gather(change(), *(ask(path, pause) for path, pause in zip(paths, pauses, strict=True)))
    return found


def ratios(folder: Path, port: int, template: Template, count: int, output: _Output) -> float:
    """The list of all collections against a bare Starlette with the same bytes: the median of the rounds."""
    config = write_config(folder / "front.toml", port, ["healthy"] * count)
    with front_end(folder, template, config, workers=2) as front:
        settle(front, count)
        for _ in range(10):
            body = httpx.get(front.url("/collections"), timeout=60).content
        with bare(folder, {"/collections": body}, workers=2) as other:
            request = Request("GET", "/collections")
            for each in (front.port, other):
                requests_per_second(each, request, seconds=2, connections=4)
            pairs = [
                tuple(
                    requests_per_second(each, request, seconds=4, connections=4)
                    for each in (front.port, other)
                )
                for _ in range(5)
            ]
        size = memory(front.pid)["worker"]
    ratio = statistics.median(ours / theirs for ours, theirs in pairs)
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    output.say(
        f"All collections of {count} back-ends, {len(body) / 2**20:.1f} MB, 2 workers of {size:.0f} MB: "
        f"{ours:.1f}/s, bare Starlette {theirs:.1f}/s, ratio {ratio:.2f} (wanted {WANTED})\n"
    )
    return ratio


def told(seconds: Sequence[float]) -> str:
    """Median and p99, in milliseconds; of few the p99 is the slowest."""
    ordered = sorted(seconds)
    high = ordered[min(len(ordered) - 1, round(0.99 * (len(ordered) - 1)))]
    return f"{_digits(statistics.median(ordered))}, {_digits(high)}"


def _digits(seconds: float) -> str:
    return f"{seconds * 1e3:.1f}" if seconds < 0.1 else f"{seconds * 1e3:.0f}"


class _Output:
    def __init__(self, file: Path | None) -> None:
        self._file = file.open("w") if file is not None else None

    def say(self, text: str) -> None:
        print(text, flush=True)
        if self._file is not None:
            print(text, file=self._file, flush=True)

    def table(self, rows: Iterable[Sequence[str]]) -> None:
        for number, row in enumerate(rows):
            self.say("| " + " | ".join(row) + " |")
            if number == 0:
                self.say("|" + " --- |" * len(row))
        self.say("")


if __name__ == "__main__":
    sys.exit(main())

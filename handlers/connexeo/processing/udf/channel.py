"""Talking to a sandbox over two pipes, without believing it.

A message is four bytes with the length of its header (big-endian), the header, a JSON object, and then the bytes of the
arrays that `arrays` in the header describes by type and shape.

======================================  ==============================================================
to the sandbox
======================================  ==============================================================
``{limits, paths, probe}``              Once: limits to set, folders with libraries; whether to try escapes.
``{code, context, cubes, …}``           A call; see `values`.
from the sandbox
``{ready}``                             Libraries are loaded.
``{escapes}``                           To a probe: what was possible that must not be.
``{log}``                               A log entry.
``{answer}``                            What came of a call, or instead of it:
``{error, loaded}``                     lines of a traceback, and whether the code as such could be loaded,
``{refused}``                           a reason why what the code gave can't be handed on,
``{exceeded}``                          the limit that was hit.
======================================  ==============================================================

Nothing from the sandbox is executed or unpickled: JSON, and arrays of a few types of numbers.
"""

from __future__ import annotations

import json
import math
import os
import re
import select
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Values: TypeAlias = "npt.NDArray[Any]"
Message: TypeAlias = "tuple[dict[str, Any], list[Values]]"

MAX_HEADER = 32 * 2**20
"""Bytes of a header that are accepted."""
_TYPE = re.compile(r"[<|](b1|[iu][1248]|f[48]|M8\[ns\])")
_MOST_AXES = 32
_TICK = 0.25
"""Seconds between two looks at a sandbox that is busy."""


class Garbled(Exception):
    """What the sandbox says is no message."""


class Ended(Exception):
    """The sandbox is gone."""


class TimeIsUp(Exception):
    """It took too long."""


class Channel:
    """Our ends of the pipes.

    Args:
        target: File descriptor to write to.
        source: File descriptor to read from.
        watch: Called now and then while the sandbox is busy; may raise.
    """

    def __init__(self, target: int, source: int, watch: Callable[[], None]) -> None:
        self._target = target
        self._source = source
        self._watch = watch
        self._watched = 0.0
        for descriptor in (target, source):
            os.set_blocking(descriptor, False)

    def send(self, header: Mapping[str, Any], arrays: Sequence[Values], deadline: float) -> None:
        """Hand over a message.

        Raises:
            Ended: Nobody reads it.
            TimeIsUp: It is not read until the deadline, a value of `time.monotonic`.
        """
        ready = [array if array.flags.c_contiguous else array.copy() for array in arrays]
        described = [[array.dtype.str, array.shape] for array in ready]
        text = json.dumps({**header, "arrays": described}).encode()
        self._write(memoryview(struct.pack(">I", len(text)) + text), deadline)
        for array in ready:
            if array.nbytes:
                self._write(array.reshape(-1).view("u1").data, deadline)

    def receive(self, deadline: float, max_bytes: int) -> Message:
        """The next message.

        Args:
            deadline: Value of `time.monotonic` until which it has to be here.
            max_bytes: Bytes that its arrays may have.

        Raises:
            Ended: There will be none.
            TimeIsUp: There was none until the deadline.
            Garbled: It is no message, or larger than it may be.
        """
        length = struct.unpack(">I", self._read(4, deadline))[0]
        if length > MAX_HEADER:
            raise Garbled(f"more than {MAX_HEADER // 2**20} MB besides the values of cubes")
        try:
            header = json.loads(self._read(length, deadline))
            types = [_described(each) for each in header.pop("arrays", [])]
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise Garbled("no JSON object") from error
        if sum(math.prod(shape) * dtype.itemsize for dtype, shape in types) > max_bytes:
            raise Garbled(f"more than {max_bytes / 2**20:.0f} MB of values")
        return header, [self._array(dtype, shape, deadline) for dtype, shape in types]

    def _array(self, dtype: np.dtype[Any], shape: tuple[int, ...], deadline: float) -> Values:
        import numpy as np

        size = math.prod(shape) * dtype.itemsize
        array = np.frombuffer(self._read(size, deadline), dtype).reshape(shape)
        # Other bytes than 0 and 1 are not booleans, whatever they are called.
        return array.view(np.uint8) != 0 if dtype.kind == "b" else array

    def _write(self, view: memoryview, deadline: float) -> None:
        while view:
            self._wait(self._target, select.POLLOUT, deadline)
            try:
                view = view[os.write(self._target, view) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise Ended from None

    def _read(self, size: int, deadline: float) -> bytearray:
        data = bytearray(size)
        view = memoryview(data)
        while view:
            self._wait(self._source, select.POLLIN, deadline)
            try:
                count = os.readv(self._source, [view])
            except BlockingIOError:
                continue
            if not count:
                raise Ended
            view = view[count:]
        return data

    def _wait(self, descriptor: int, event: int, deadline: float) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        while True:
            now = time.monotonic()
            if now >= deadline:
                raise TimeIsUp
            if now - self._watched >= _TICK:
                self._watched = now
                self._watch()
            if poll.poll(min(_TICK, deadline - now) * 1000):
                return


def _described(value: Any) -> tuple[np.dtype[Any], tuple[int, ...]]:
    import numpy as np

    try:
        text, shape = value
        known = _TYPE.fullmatch(text) is not None and len(shape) <= _MOST_AXES
        if not known or not all(type(size) is int and 0 <= size < 2**40 for size in shape):
            raise Garbled("no array of numbers")
        return np.dtype(text), tuple(shape)
    except (TypeError, ValueError) as error:
        raise Garbled("no array of numbers") from error

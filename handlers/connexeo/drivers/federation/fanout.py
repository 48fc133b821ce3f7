"""Asks several back-ends at once, with none waiting for another, and nobody for longer than the deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import structlog

from connexeo.drivers.federation.breaker import CircuitBreaker, Passage
from connexeo.drivers.federation.connection import Connection
from connexeo.drivers.federation.faults import NotAsked, Refused, TooSlow, UpstreamFault
from connexeo.drivers.federation.members import Members
from connexeo.drivers.federation.snapshots.reading import Snapshots

logger = structlog.get_logger("connexeo.federation")

T = TypeVar("T")

MOMENT = 0.2
"""Seconds that a user waits for a back-end that is tried again; if it answers by then, it is back."""

Ask = Callable[[Connection, float], Awaitable[T]]
"""Asks one back-end, within so many seconds."""


@dataclass(frozen=True, slots=True)
class Gathered(Generic[T]):
    """What came of asking several back-ends."""

    answers: Mapping[str, T]
    """By back-end, in the order in which they were to be asked."""
    faults: Mapping[str, UpstreamFault] = field(default_factory=dict)
    """Why the others are missing."""


class Fanout:
    """Requests of users to back-ends.

    Args:
        members: The back-ends.
        snapshots: What is known of whether they are there.
    """

    def __init__(self, members: Members, snapshots: Snapshots) -> None:
        self._members = members
        self._snapshots = snapshots
        self._breakers: dict[tuple[str, str], CircuitBreaker] = {}
        self._trials: set[asyncio.Task[Any]] = set()

    async def gather(self, sort: str, ask: Ask[T], upstreams: Iterable[str] | None = None) -> Gathered[T]:
        """Ask all at once, and take what is there at the deadline.

        Args:
            sort: What is asked for, such as ``jobs``: back-ends that answer some questions may hang at others.
            ask: Asks one.
            upstreams: Whom; all when not given.
        """
        wanted = list(self._members.ids if upstreams is None else upstreams)
        tasks = {each: asyncio.create_task(self.one(sort, ask, each, repeatable=True)) for each in wanted}
        try:
            await asyncio.wait(tasks.values()) if tasks else None
        except asyncio.CancelledError:
            for task in tasks.values():
                task.cancel()
            raise
        answers: dict[str, T] = {}
        faults: dict[str, UpstreamFault] = {}
        for each, task in tasks.items():
            error = task.exception()
            if error is None:
                answers[each] = task.result()
            elif isinstance(error, UpstreamFault):
                faults[each] = error
            else:
                raise error
        return Gathered(answers, faults)

    async def one(
        self,
        sort: str,
        ask: Ask[T],
        upstream: str,
        deadline: float | None = None,
        *,
        repeatable: bool = False,
    ) -> T:
        """Ask one.

        Args:
            sort: What is asked for.
            ask: Asks it.
            upstream: Whom.
            deadline: Seconds; without it, those of lists.
            repeatable: Whether it does no harm to ask although nobody waits for the answer: so it is tried whether
                a back-end that has failed answers again. Whatever changes something is tried with the user waiting.

        Raises:
            UpstreamFault: NotAsked when it has not answered for some time; else whatever went wrong.
        """
        connection = self._members.connection(upstream)
        seconds = self._members.deadline(upstream) if deadline is None else deadline
        state = self._snapshots.states.get(upstream)
        if state is not None and state.online is False:
            raise NotAsked(upstream, f"it is offline: {state.reason}")
        breaker = self.breaker(upstream, sort)
        passage = breaker.passage(time.monotonic())
        if passage is Passage.ASK:
            return await self._within(breaker, connection, ask, seconds)
        if passage is Passage.TRY:
            if not repeatable:
                return await self._within(breaker, connection, ask, seconds)
            trial = asyncio.create_task(self._within(breaker, connection, ask, seconds))
            self._trials.add(trial)
            trial.add_done_callback(self._ended)
            await asyncio.wait([trial], timeout=MOMENT)
            if trial.done():
                return trial.result()
        raise NotAsked(upstream, "it has failed several times in a row, and will be asked again soon")

    def breaker(self, upstream: str, sort: str) -> CircuitBreaker:
        """The breaker for questions of one sort to one back-end."""
        federation = self._members.federation
        # A back-end that answers again is to be seen within the time between two checks.
        pause = min(federation.breaker.pause, federation.probe_interval)
        breaker = self._breakers.setdefault(
            (upstream, sort), CircuitBreaker(federation.breaker.failures, pause)
        )
        breaker.failures, breaker.pause = federation.breaker.failures, pause
        return breaker

    @property
    def breakers(self) -> Mapping[tuple[str, str], CircuitBreaker]:
        """All that there are, by back-end and sort."""
        return self._breakers

    async def close(self) -> None:
        """End what nobody waits for."""
        for trial in list(self._trials):
            trial.cancel()
        if self._trials:
            await asyncio.wait(self._trials)

    async def _within(
        self, breaker: CircuitBreaker, connection: Connection, ask: Ask[T], seconds: float
    ) -> T:
        try:
            async with asyncio.timeout(seconds):
                answer = await ask(connection, seconds)
        except Refused:
            # It did answer.
            breaker.succeeded()
            raise
        except NotAsked:
            breaker.gave_up()
            raise
        except UpstreamFault as fault:
            breaker.failed_at(time.monotonic())
            logger.info("federation.unanswered", upstream=fault.upstream, reason=fault.reason)
            raise
        except TimeoutError as error:
            breaker.failed_at(time.monotonic())
            raise TooSlow(connection.id, f"no complete answer within {seconds:g} s") from error
        except BaseException:
            breaker.gave_up()
            raise
        breaker.succeeded()
        return answer

    def _ended(self, trial: asyncio.Task[Any]) -> None:
        self._trials.discard(trial)
        error = None if trial.cancelled() else trial.exception()
        if error is not None and not isinstance(error, UpstreamFault):
            logger.error("federation.trial_failed", exc_info=error)

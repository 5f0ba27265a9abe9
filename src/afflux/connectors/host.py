"""Runs connectors, in the server or in a child process, and holds every one of them to the contract."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from typing import Protocol

from afflux.connectors import wire
from afflux.connectors.base import Context, Request
from afflux.connectors.border import Border, Broken
from afflux.connectors.drive import Crash, Job
from afflux.connectors.inline import InlineSource
from afflux.connectors.process import ChildSource
from afflux.domain.catalogue import Isolation, Manifest
from afflux.domain.challenges import Answer
from afflux.domain.errors import SyncErrorCode
from afflux.domain.messages import Done, Failure, Message, Park

log = logging.getLogger("afflux.connectors")

_FINAL = (Park, Failure, Done)
#: Seconds a connector has after its final message to tidy up.
_TIDY = 5.0
#: Seconds we hand out messages without a break for everybody else.
_TURN = 0.005


class Source(Protocol):
    """One run of a connector, wherever it takes place."""

    async def open(self) -> None:
        """Begin. Raises `OSError` without room for it, and `WireError` for a request that cannot be handed over."""

    async def batch(self) -> list[Message | Crash]:
        """The next messages, each field of its declared type; none at the end."""

    async def close(self) -> None:
        """End it, if it has not ended, and free everything. May be called in any state."""

    def ending(self) -> Failure:
        """Why it ended without a final message."""


class _Clock:
    """How long a run may still take, and when to let others have the event loop."""

    def __init__(self, seconds: float) -> None:
        self.deadline = time.monotonic() + seconds
        self._turn = time.monotonic() + _TURN

    def shorten(self, seconds: float) -> None:
        self.deadline = min(self.deadline, time.monotonic() + seconds)

    async def next(self, source: Source) -> list[Message | Crash]:
        async with asyncio.timeout(max(0.0, self.deadline - time.monotonic())):
            return await source.batch()

    @property
    def turn_over(self) -> bool:
        return time.monotonic() >= self._turn

    async def breathe(self) -> None:
        if time.monotonic() >= self.deadline:
            raise TimeoutError
        await asyncio.sleep(0)
        self._turn = time.monotonic() + _TURN


async def run(
    manifest: Manifest, context: Context, request: Request, *, parked: bytes | None = None, answer: Answer | None = None
) -> AsyncGenerator[Message, None]:
    """Run a connector; with `parked` and `answer`, go on where it parked. Close the iterator (`aclosing`) to stop it.

    The last message is exactly one of `Park`, `Failure` and `Done`, and when it arrives the connector has ended.
    Whatever a connector does wrong becomes a `Failure`; nothing it does is raised here. The run has as long as from
    `context.now` to `context.deadline` and, in a process, `manifest.seconds`. An unattended run that parks fails with
    `user_presence_required`.
    """
    if (parked is None) != (answer is None):
        raise ValueError("parked and answer come together")
    job = Job(connector=manifest.connector, context=context, request=request, parked=parked, answer=answer)
    clock = _Clock(_seconds(manifest, context))
    border = Border(context, request)
    source = _source(manifest, job)
    final: Message | None = None
    try:
        await source.open()
        while batch := await clock.next(source):
            for received in batch:
                message = _admitted(border, manifest, received, final)
                if isinstance(message, _FINAL):
                    final = message
                    clock.shorten(_TIDY)
                else:
                    yield message
                    if clock.turn_over:
                        await clock.breathe()
    except Broken as error:
        final = Failure(SyncErrorCode.CONNECTOR_BROKEN, str(error))
    except TimeoutError:
        final = final or Failure(SyncErrorCode.TIMEOUT, "the connector did not end in time")
    except (OSError, wire.WireError) as error:
        log.error("connector %s could not be started: %s", manifest.id, error)
        final = Failure(SyncErrorCode.INTERNAL, "the connector could not be started")
    finally:
        await source.close()
    yield final or source.ending()


def _seconds(manifest: Manifest, context: Context) -> float:
    """Both times are by one clock, which may be ahead of ours (rehearsals, the sandbox): only their distance counts."""
    seconds = (context.deadline - context.now).total_seconds()
    return min(seconds, manifest.seconds) if manifest.isolation is Isolation.PROCESS else seconds


def _source(manifest: Manifest, job: Job) -> Source:
    return ChildSource(manifest, job) if manifest.isolation is Isolation.PROCESS else InlineSource(job)


def _admitted(border: Border, manifest: Manifest, received: Message | Crash, final: Message | None) -> Message:
    if isinstance(received, Crash):
        way = " < ".join(reversed(received.frames))
        log.error("connector %s raised %s at %s", manifest.id, received.exception, way)
        # One that fails while it tidies up has done its work.
        return final or Failure(SyncErrorCode.CONNECTOR_BROKEN, _crash_detail(manifest, received))
    if final is not None:
        raise Broken("it went on after its final message")
    return border.admit(received)


def _crash_detail(manifest: Manifest, crash: Crash) -> str:
    if crash.exception == "MemoryError" and manifest.isolation is Isolation.PROCESS:
        return f"MemoryError: the connector needed more than {manifest.memory_mib} MiB"
    return crash.exception

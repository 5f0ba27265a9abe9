"""A connector on our own event loop, in a task of its own that runs at most a little ahead of whoever reads it."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import fields
from functools import lru_cache
from operator import attrgetter, contains
from types import UnionType
from typing import Any, cast, get_args, get_origin, get_type_hints

from afflux.connectors import border, wire
from afflux.connectors.drive import Crash, Job, crash, stream
from afflux.domain.errors import SyncErrorCode
from afflux.domain.messages import Failure, Message
from afflux.domain.records import TransactionRecord

log = logging.getLogger("afflux.connectors")

#: Messages it may be ahead.
_AHEAD = 128
#: Seconds it may run without a break for everybody else.
_TURN = 0.005
#: Seconds it has to end after it was cancelled.
_GRACE = 5.0


def _exact_types(hint: Any) -> frozenset[type]:
    options = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    return frozenset(dict if get_origin(option) is Mapping else option for option in options)


_FIELDS = [field.name for field in fields(TransactionRecord)]
_FIELD_TYPES = [_exact_types(get_type_hints(TransactionRecord)[name]) for name in _FIELDS]
_field_values = attrgetter(*_FIELDS)


class InlineSource:
    """The messages of one run, in batches."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._waiting: list[Message | Crash] = []
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._work())

    async def batch(self) -> list[Message | Crash]:
        """The next messages; none at the end."""
        while not self._waiting and self._task is not None and not self._task.done():
            self._news.clear()
            await self._news.wait()
        taken, self._waiting = self._waiting, []
        self._room.set()
        return taken

    async def close(self) -> None:
        """Cancel it and wait; one that does not let itself be cancelled is left behind and said so."""
        if self._task is None:
            return
        self._closing = True
        self._task.cancel()
        _, left = await asyncio.wait({self._task}, timeout=_GRACE)
        if left:
            log.error("connector %s does not end when it is cancelled", self._job.connector)

    def ending(self) -> Failure:
        """Why there was no final message."""
        return Failure(SyncErrorCode.CONNECTOR_BROKEN, "ended without a final message")

    async def _work(self) -> None:
        try:
            await self._collect(stream(self._job))
        except (wire.WireError, border.Broken) as error:
            self._waiting.append(Failure(SyncErrorCode.CONNECTOR_BROKEN, str(error)))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            # A cancellation that we did not ask for and a SystemExit are the connector's doing as well.
            if self._closing:
                return
            self._waiting.append(crash(error))
        finally:
            self._news.set()

    async def _collect(self, messages: AsyncIterator[Message]) -> None:
        turn = time.monotonic() + _TURN
        try:
            async for message in messages:
                self._waiting.append(_typed(message))
                self._news.set()
                if self._closing:
                    return
                if len(self._waiting) >= _AHEAD:
                    self._room.clear()
                    await self._room.wait()
                elif time.monotonic() >= turn:
                    await asyncio.sleep(0)
                    turn = time.monotonic() + _TURN
        finally:
            if hasattr(messages, "aclose"):
                await messages.aclose()


def _typed(message: Message) -> Message:
    """The message as a child would have sent it, so that a connector that works here works there."""
    if type(message) is TransactionRecord and _plain(message):
        return message
    try:
        return cast(Message, wire.exact(message))
    except wire.BadText:
        return cast(Message, wire.exact(border.clean(message, type(message).__name__)))


def _plain(record: TransactionRecord) -> bool:
    """Whether every field is of exactly its declared type, which is quicker to see than to establish."""
    if not _declared(tuple(map(type, _field_values(record)))):
        return False
    references = record.references
    return not references or {str}.issuperset(map(type, (*references, *references.values())))


# A connector's records have few combinations of fields that are there and fields that are not.
@lru_cache(maxsize=256)
def _declared(types: tuple[type, ...]) -> bool:
    return all(map(contains, _FIELD_TYPES, types))

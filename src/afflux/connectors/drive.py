"""What runs a connector, in the server as well as in a child.

It finds the connector, starts or resumes it, and tells of a crash without its words.
"""

import importlib
import traceback
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from types import TracebackType

from afflux.connectors.base import Connector, Context, Request
from afflux.domain.challenges import Answer
from afflux.domain.messages import Message

_FRAMES = 20
_NAME_LENGTH = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run of one connector. With `parked` and `answer` it goes on, otherwise it begins."""

    #: Import path `package.module:attribute`.
    connector: str
    context: Context
    request: Request
    parked: bytes | None = field(default=None, repr=False)
    answer: Answer | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Crash:
    """An exception that left a connector: its class and its way, innermost last. Its message may hold secrets."""

    exception: str
    frames: tuple[str, ...] = ()


def load(path: str) -> Connector:
    """The connector at `package.module:attribute`.

    Raises `ImportError`, `AttributeError` or whatever the module raises, and `TypeError` for what is no connector.
    """
    module, _, attribute = path.partition(":")
    connector = getattr(importlib.import_module(module), attribute)
    if isinstance(connector, type) or not (hasattr(connector, "start") and hasattr(connector, "resume")):
        raise TypeError(f"{path} is not an object with start and resume")
    found: Connector = connector
    return found


def stream(job: Job) -> AsyncIterator[Message]:
    """The messages of one run, not yet checked; raises whatever the connector raises."""
    connector = load(job.connector)
    if job.parked is None or job.answer is None:
        return connector.start(job.context, job.request)
    return connector.resume(job.context, job.request, job.parked, job.answer)


def crash(error: BaseException) -> Crash:
    """What may be told of an exception."""
    name = type(error).__name__[:_NAME_LENGTH]
    return Crash(name if name.isidentifier() else "Exception", _frames(error.__traceback__))


def _frames(where: TracebackType | None) -> tuple[str, ...]:
    """Module, line and function of the innermost frames; no values, no source text."""
    steps = list(traceback.walk_tb(where))[-_FRAMES:]
    return tuple(f"{frame.f_globals.get('__name__')}:{line} {frame.f_code.co_name}" for frame, line in steps)

"""Running the misbehaving connector through the host."""

import asyncio
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
import pytest

from afflux.connectors import host
from afflux.connectors.base import Context, Operation, Request
from afflux.domain.catalogue import Auth, Channel, Isolation, Kind, Manifest, Provider
from afflux.domain.messages import Done, Failure, Message, Park

NOW = datetime(2026, 3, 2, tzinfo=UTC)
SECRET = "hunter2-canary"
both = pytest.mark.parametrize("isolation", list(Isolation))
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can do this")


def manifest(
    isolation: Isolation, connector: str = "tests.connectors.misbehaving:connector", **changes: Any
) -> Manifest:
    channel = Channel(id=1, auth=Auth.NONE, kinds=frozenset({Kind.TRANSACTIONS}))
    providers = (Provider(id=1, name="Bad bank", country="FR", channels=(channel,)),)
    return Manifest(
        id="bad",
        version="1",
        connector=connector,
        isolation=isolation,
        providers=providers,
        **{"seconds": 20, **changes},
    )


def context(seconds: float = 60, *, interactive: bool = True) -> Context:
    return Context(interactive=interactive, now=NOW, deadline=NOW + timedelta(seconds=seconds))


def request(behaviour: str, **changes: Any) -> Request:
    settings = {"secrets": {"password": SECRET}, **changes}
    return Request(operation=Operation.SYNC, provider_id=1, channel_id=1, connection_ref=behaviour, **settings)


async def collect(
    behaviour: str, isolation: Isolation = Isolation.PROCESS, seconds: float = 60, **changes: Any
) -> list[Message]:
    stream = host.run(manifest(isolation, **changes), context(seconds), request(behaviour))
    return [message async for message in stream]


async def end(behaviour: str, isolation: Isolation = Isolation.PROCESS, **changes: Any) -> Failure:
    """The failure a run ends with, after it was checked that nothing else ended it."""
    *before, last = await collect(behaviour, isolation, **changes)
    assert not any(isinstance(message, Park | Failure | Done) for message in before)
    assert isinstance(last, Failure)
    return last


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        await asyncio.sleep(0.01)


def gone(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True

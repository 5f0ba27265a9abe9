"""Somebody who erases a user and is killed on the way.

`python -m tests.faults.eraser DSN DATA APPLICATION USER STEP` ends itself by SIGKILL once STEP is done.
"""

import asyncio
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from afflux.config import Settings
from afflux.domain.principal import Principal, Role
from afflux.runtime import Runtime, open_runtime
from afflux.services import erasure
from tests.conftest import ROOT_KEY

#: So long no worker joins in.
_HEAD_START = timedelta(seconds=20)


def die() -> None:
    """Without a word."""
    os.kill(os.getpid(), signal.SIGKILL)


async def erase(runtime: Runtime, principal: Principal, user_id: UUID, last: str) -> None:
    """Request the erasure and carry it out, up to the step `last`."""
    async with runtime.database.transaction() as tx:
        operation = await erasure.request(tx, principal, user_id, reason="killed on the way", after=_HEAD_START)
    if last == "request":
        die()
    async for step in erasure.carry_out(runtime, operation):
        if step == last:
            die()


async def _main(dsn: str, data: str, application_id: str, user_id: str, last: str) -> None:
    async with open_runtime(Settings(data=Path(data)), dsn, ROOT_KEY) as runtime:
        await erase(runtime, Principal(UUID(application_id), Role.APPLICATION), UUID(user_id), last)


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))

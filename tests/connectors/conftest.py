"""What several tests of connectors share."""

import asyncio
from collections.abc import AsyncIterator

import psutil
import pytest

from tests.connectors.running import until


@pytest.fixture
async def nothing_left() -> AsyncIterator[None]:
    """After the test there is no task, child process or open file more than before."""
    me = psutil.Process()
    tasks, files = len(asyncio.all_tasks()), me.num_fds()
    yield
    await until(lambda: not me.children(recursive=True))
    await until(lambda: len(asyncio.all_tasks()) <= tasks)
    await until(lambda: me.num_fds() <= files)

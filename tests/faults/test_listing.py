"""A worker is killed while accounts are listed: another one goes on, and everything is told once."""

import asyncio
from pathlib import Path

import pytest

from afflux.domain.syncs import Sync, SyncKind, SyncStatus
from afflux.runtime import Runtime
from tests.conftest import Tenant
from tests.faults.people import reached
from tests.faults.test_workers import workers
from tests.jobs.acting import accounts_of, request
from tests.jobs.test_channels import ACCOUNTS_OF_E, BOTH, FETCHING, LISTING, link, story


async def told(runtime: Runtime, tenant: Tenant, sync: Sync, last: str) -> None:
    """Return once this is the last that was told of the sync."""
    async with asyncio.timeout(60):
        while (await story(runtime, tenant, sync))[-1:] != [last]:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("moment", ["let in r", "let in e"])
async def test_a_listing_that_was_killed_is_gone_on_with(
    workshop: Runtime, alice: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    monkeypatch.setenv("AFFLUX_SANDBOX_LATENCY", "0.3")
    connection = await link(workshop, alice, BOTH, "dev")
    sync = await request(workshop, alice, connection, SyncKind.ACCOUNTS)
    async with workers(workshop, tmp_path / "log", 1, heartbeat=1):
        await told(workshop, alice, sync, moment)
    async with workers(workshop, tmp_path / "log", 1, heartbeat=1):
        over = await reached(workshop, sync, SyncStatus.FINISHED, SyncStatus.FAILED)
    assert (over.status, over.losses) == (SyncStatus.FINISHED, 1)
    assert await story(workshop, alice, over) == LISTING + FETCHING
    assert len(await accounts_of(workshop, alice)) == ACCOUNTS_OF_E

"""Banks and connectors that fail: tried again where that helps, told clearly where it does not."""

import logging
from datetime import timedelta

import pytest

from afflux.domain.errors import SyncErrorCode
from afflux.domain.events import EventType
from afflux.domain.syncs import Sync, SyncStatus
from afflux.runtime import Runtime
from afflux.services import syncs
from tests.conftest import Tenant
from tests.jobs.acting import accounts_of, channel_of, events_of, link, rows_of, synchronise, working
from tests.services.everything import everything

#: What the sandbox's connector says when it crashes, in pieces.
CRASH_MESSAGE = ("the sandbox bank crashes", "login says so")


async def _postponed(runtime: Runtime, tenant: Tenant, sync: Sync) -> list[tuple[str, float]]:
    log = await events_of(runtime, tenant, sync)
    return [(e.data["error"], e.data["seconds"]) for e in log if e.type is EventType.SYNC_POSTPONED]


async def test_an_outage_is_tried_again_later_each_time_and_ends_well(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, "fast+quiet+network-2")
    async with working(runtime):
        ended = await synchronise(runtime, alice, connection)
    (first, one), (second, two) = await _postponed(runtime, alice, ended)
    assert (ended.status, ended.error_code, ended.retries) == (SyncStatus.FINISHED, None, 2)
    assert first == second == SyncErrorCode.NETWORK
    assert 1 <= one <= 1.25 < 2 <= two <= 2.5


async def test_an_outage_that_does_not_end_is_given_up(
    runtime: Runtime, alice: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncs, "RETRIES", 1)
    connection = await link(runtime, alice, "fast+quiet+down")
    async with working(runtime):
        ended = await synchronise(runtime, alice, connection)
    assert (ended.status, ended.error_code) == (SyncStatus.FAILED, SyncErrorCode.PROVIDER_UNAVAILABLE)
    assert len(await _postponed(runtime, alice, ended)) == 1
    assert not (await channel_of(runtime, connection)).frozen


async def test_a_bank_that_says_when_to_come_back_is_left_alone_until_then(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, "fast+quiet+rate-limit-2")
    async with working(runtime):
        ended = await synchronise(runtime, alice, connection)
    ((error, seconds),) = await _postponed(runtime, alice, ended)
    assert ended.status is SyncStatus.FINISHED
    assert (error, seconds) == (SyncErrorCode.RATE_LIMITED, 2.0)
    assert ended.ended_at is not None
    assert ended.ended_at - ended.requested_at >= timedelta(seconds=2)


async def test_what_was_checkpointed_before_a_failure_is_kept(
    runtime: Runtime, alice: Tenant, bob: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncs, "RETRIES", 0)
    broken = await link(runtime, alice, "fast+accounts-3+history-40+half-history")
    whole = await link(runtime, bob, "fast+accounts-3+history-40")
    async with working(runtime):
        failed = await synchronise(runtime, alice, broken)
        await synchronise(runtime, bob, whole)
        kept = {(row.day, row.amount, row.text) for row in await rows_of(runtime, alice)}
        ended = await synchronise(runtime, alice, broken)
    everything_there_is = {(row.day, row.amount, row.text) for row in await rows_of(runtime, bob)}
    assert failed.error_code is SyncErrorCode.PROVIDER_UNAVAILABLE
    assert failed.result["transactions"]["added"] == len(kept) == 80
    assert ended.status is SyncStatus.FINISHED
    assert ended.result["transactions"] == {"added": 40, "changed": 0, "removed": 0, "unchanged": 80}
    assert {(row.day, row.amount, row.text) for row in await rows_of(runtime, alice)} >= kept
    assert len(everything_there_is) == len(await rows_of(runtime, alice))


@pytest.mark.parametrize("login", ["crash", "garbage", "undated", "huge-state", "no-end"])
async def test_a_broken_connector_is_an_operators_matter_and_is_not_run_again(
    runtime: Runtime, alice: Tenant, login: str
) -> None:
    connection = await link(runtime, alice, f"fast+quiet+{login}")
    async with working(runtime):
        ended = await synchronise(runtime, alice, connection)
    assert (ended.error_code, ended.retries) == (SyncErrorCode.CONNECTOR_BROKEN, 0)
    assert ended.error_detail
    assert "\n" not in ended.error_detail
    assert len(await accounts_of(runtime, alice)) == 3


async def test_what_a_crashing_connector_says_is_nowhere_to_be_read(
    runtime: Runtime, alice: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    connection = await link(runtime, alice, "fast+quiet+crash")
    async with working(runtime):
        ended = await synchronise(runtime, alice, connection)
    held = await everything(runtime.dsn)
    assert ended.error_detail == "RuntimeError"
    assert "RuntimeError" in caplog.text
    for said in CRASH_MESSAGE:
        assert said not in caplog.text
        assert not held.places_of(said)


async def test_movements_on_an_account_that_was_not_listed_are_left_out_with_a_warning(
    runtime: Runtime, alice: Tenant
) -> None:
    connection = await link(runtime, alice, "fast+quiet+stray")
    async with working(runtime):
        ended = await synchronise(runtime, alice, connection)
    (warning,) = ended.result["warnings"]
    assert ended.status is SyncStatus.FINISHED
    assert warning["code"] == "unknown_account"
    assert await rows_of(runtime, alice) == []

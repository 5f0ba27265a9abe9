"""Whatever a connector does, the host gives the core good messages and exactly one end."""

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator
from contextlib import aclosing

import psutil
import pytest

from afflux.connectors import host, inline
from afflux.connectors.base import Context, Request
from afflux.domain.catalogue import Isolation
from afflux.domain.challenges import Answer
from afflux.domain.errors import SyncErrorCode
from afflux.domain.messages import Checkpoint, Done, Failure, Message, Progress, Warning
from tests.connectors import misbehaving
from tests.connectors.misbehaving import BAD_MESSAGES, Messages, record
from tests.connectors.running import SECRET, both, collect, context, end, gone, manifest, request


@both
async def test_an_honest_run_arrives_in_order(isolation: Isolation) -> None:
    expected = [Progress("history", 10), *map(record, range(300)), Checkpoint(account_key="acc"), Done()]
    assert await collect("honest:300", isolation) == expected


@both
async def test_a_parked_run_goes_on_with_what_was_parked_and_the_answer(isolation: Isolation) -> None:
    stream = host.run(
        manifest(isolation), context(), request("any"), parked=b"here", answer=Answer(values={"sms": "1234"})
    )
    assert [message async for message in stream] == [Warning("resumed", "b'here' {'sms': '1234'}"), Done()]


async def test_an_answer_without_what_was_parked_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="come together"):
        await anext(host.run(manifest(Isolation.INLINE), context(), request("any"), answer=Answer()))


@pytest.mark.parametrize("name", BAD_MESSAGES)
async def test_a_bad_message_ends_the_run_and_is_told_apart_by_its_field(name: str) -> None:
    failure = await end(name, Isolation.INLINE)
    assert failure.code is SyncErrorCode.CONNECTOR_BROKEN
    assert failure.detail
    assert "\n" not in failure.detail


@pytest.mark.parametrize(
    "name", ["no-end", "two-ends", "not-a-message", "float", "nan", "none-reference", "script-url"]
)
async def test_a_child_is_held_to_the_same_rules(name: str) -> None:
    inline, process = await end(name, Isolation.INLINE), await end(name, Isolation.PROCESS)
    assert process.code is SyncErrorCode.CONNECTOR_BROKEN
    assert process.detail.removesuffix(", exit status 0") == inline.detail


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("float", "amount"),
        ("nan", "amount"),
        ("currency", "currency"),
        ("moment-for-day", "booking_date"),
        ("long-reference", "references"),
        ("naive-balance", "balance_at"),
        ("script-url", "url"),
    ],
)
async def test_the_detail_names_the_field(name: str, field: str) -> None:
    assert field in (await end(name, Isolation.INLINE)).detail


@both
async def test_an_exception_is_reported_by_its_class_only(
    isolation: Isolation, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        messages = await collect("crash", isolation)
    assert messages == [record(), Failure(SyncErrorCode.CONNECTOR_BROKEN, "RuntimeError")]
    assert "RuntimeError" in caplog.text
    assert "tests.connectors.misbehaving:" in caplog.text
    assert SECRET not in caplog.text


@both
@pytest.mark.parametrize(
    ("behaviour", "exception"),
    [("crash-at-once", "KeyError"), ("leave", "SystemExit"), ("cancel-itself", "CancelledError")],
)
async def test_no_exception_gets_through(isolation: Isolation, behaviour: str, exception: str) -> None:
    assert await end(behaviour, isolation) == Failure(SyncErrorCode.CONNECTOR_BROKEN, exception)


@both
@pytest.mark.parametrize(
    ("path", "exception"),
    [
        ("tests.connectors.nowhere:connector", "ModuleNotFoundError"),
        ("tests.connectors.misbehaving:nothing", "AttributeError"),
        ("tests.connectors.misbehaving:Misbehaving", "TypeError"),
        ("tests.connectors.misbehaving:LATER", "TypeError"),
    ],
)
async def test_a_connector_that_cannot_be_loaded_is_broken(isolation: Isolation, path: str, exception: str) -> None:
    assert await end("any", isolation, connector=path) == Failure(SyncErrorCode.CONNECTOR_BROKEN, exception)


@both
async def test_a_crash_while_tidying_up_does_not_undo_the_work(isolation: Isolation) -> None:
    assert await collect("crash-after-done", isolation) == [Done()]


@both
async def test_a_connector_that_does_not_end_after_its_end_is_ended(
    isolation: Isolation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "_TIDY", 0.3)
    assert await collect("hang-after-done", isolation) == [Done()]


@both
async def test_the_deadline_ends_a_run_that_hangs(isolation: Isolation, nothing_left: None) -> None:
    assert await collect("hang", isolation, seconds=1) == [
        *([record()] if isolation is Isolation.INLINE else []),
        Failure(SyncErrorCode.TIMEOUT, "the connector did not end in time"),
    ]


@both
async def test_the_deadline_ends_a_run_that_never_stops_talking(isolation: Isolation) -> None:
    *records, last = await collect("endless", isolation, seconds=2)
    assert records
    assert isinstance(last, Failure)
    assert last.code is SyncErrorCode.TIMEOUT


@both
async def test_a_deadline_in_the_past_is_a_timeout_at_once(isolation: Isolation) -> None:
    assert await collect("hang", isolation, seconds=-5) == [
        Failure(SyncErrorCode.TIMEOUT, "the connector did not end in time")
    ]


async def test_a_connector_that_blocks_its_process_is_killed_at_its_own_limit(nothing_left: None) -> None:
    assert (await end("block", seconds=1)).code is SyncErrorCode.TIMEOUT


async def test_a_connector_deaf_to_cancellation_is_left_behind(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(inline, "_GRACE", 0.2)
    assert (await end("deaf", Isolation.INLINE, seconds=1)).code is SyncErrorCode.TIMEOUT
    assert "does not end when it is cancelled" in caplog.text


async def test_a_connector_that_talks_back_when_cancelled_is_closed(
    nothing_left: None, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await end("talk-back", Isolation.INLINE, seconds=1)).code is SyncErrorCode.TIMEOUT
    assert not caplog.text


@both
async def test_a_consumer_that_stops_ends_the_run(isolation: Isolation, nothing_left: None) -> None:
    async with aclosing(host.run(manifest(isolation), context(), request("own-pid"))) as stream:
        warning = await anext(stream)
    assert isinstance(warning, Warning)
    assert isolation is Isolation.INLINE or gone(int(warning.text))


@both
async def test_a_consumer_that_is_cancelled_ends_the_run(isolation: Isolation, nothing_left: None) -> None:
    seen = asyncio.Event()

    async def consume() -> None:
        async with aclosing(host.run(manifest(isolation), context(), request("hang-after-greeting"))) as stream:
            async for _ in stream:
                seen.set()

    task = asyncio.create_task(consume())
    await asyncio.wait_for(seen.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_inline_connector_is_closed_where_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []

    class Tidy(Messages):
        async def start(self, context: Context, request: Request) -> AsyncIterator[Message]:
            try:
                yield record()
                await asyncio.sleep(3600)
            finally:
                await asyncio.sleep(0)
                steps.append("closed")

    monkeypatch.setattr(misbehaving, "connector", Tidy())
    async with aclosing(host.run(manifest(Isolation.INLINE), context(), request("any"))) as stream:
        await anext(stream)
    assert steps == ["closed"]


@both
async def test_a_fast_connector_waits_for_a_slow_consumer(isolation: Isolation) -> None:
    async with aclosing(host.run(manifest(isolation), context(), request("endless"))) as stream:
        await anext(stream)
        before = psutil.Process().memory_info().rss
        await asyncio.sleep(0.5)
        assert psutil.Process().memory_info().rss - before < 16 * 1024 * 1024


@both
async def test_a_long_history_lets_others_work(isolation: Isolation) -> None:
    # In seconds of this thread's own work, whatever else the machine does meanwhile.
    gaps: list[float] = []

    async def watch() -> None:
        while True:
            start = time.thread_time()
            await asyncio.sleep(0.002)
            gaps.append(time.thread_time() - start)

    watching = asyncio.create_task(watch())
    messages = await collect("honest:30000", isolation)
    watching.cancel()
    assert len(messages) == 30_003
    assert len(gaps) > 10
    assert sorted(gaps)[len(gaps) * 9 // 10] < 0.05


async def test_a_request_that_cannot_be_written_is_our_own_failure() -> None:
    stream = host.run(manifest(Isolation.PROCESS), context(), request("honest", secrets={"password": "\ud800"}))
    (failure,) = [message async for message in stream]
    assert isinstance(failure, Failure)
    assert failure.code is SyncErrorCode.INTERNAL


async def test_no_room_for_a_process_is_our_own_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    (failure,) = await collect("honest:1")
    assert isinstance(failure, Failure)
    assert failure.code is SyncErrorCode.INTERNAL

"""What a connector says is cleaned, limited and checked before the core sees it."""

from decimal import Decimal
from typing import Any

import pytest

from afflux.connectors import host
from afflux.connectors.base import File
from afflux.domain.catalogue import Isolation
from afflux.domain.errors import SyncErrorCode
from afflux.domain.messages import Done, Failure, Message, Park, Progress, StateUpdate, Warning
from afflux.domain.records import AccountRecord, DocumentRecord, TransactionRecord
from tests.connectors import misbehaving
from tests.connectors.misbehaving import Messages, park, record
from tests.connectors.running import both, collect, context, end, manifest, request


async def test_a_large_document_arrives_whole() -> None:
    document, done = await collect(f"documents:{25 * 1024 * 1024}")
    assert isinstance(document, DocumentRecord)
    assert len(document.content) == 25 * 1024 * 1024
    assert done == Done()


@both
async def test_a_document_that_is_too_large_is_refused(isolation: Isolation) -> None:
    failure = await end(f"documents:{25 * 1024 * 1024 + 1}", isolation)
    assert failure == Failure(SyncErrorCode.CONNECTOR_BROKEN, "DocumentRecord.content is larger than 25600 KiB")


async def test_a_large_file_reaches_the_child() -> None:
    file = File(name="statement.xml", content=bytes(25 * 1024 * 1024))
    stream = host.run(manifest(Isolation.PROCESS), context(), request("file-size", file=file))
    assert [message async for message in stream] == [Warning("size", str(25 * 1024 * 1024)), Done()]


@both
async def test_state_has_a_limit(isolation: Isolation) -> None:
    assert await collect(f"state:{256 * 1024}", isolation) == [StateUpdate(bytes(256 * 1024)), Done()]
    assert "StateUpdate.state" in (await end(f"state:{256 * 1024 + 1}", isolation)).detail


@both
async def test_what_is_parked_has_a_limit(isolation: Isolation) -> None:
    (parked,) = await collect(f"parked:{256 * 1024}", isolation)
    assert isinstance(parked, Park)
    assert "Park.parked" in (await end(f"parked:{256 * 1024 + 1}", isolation)).detail


async def run_messages(monkeypatch: pytest.MonkeyPatch, *messages: Any, **circumstances: Any) -> list[Message]:
    """What the core sees of these messages."""
    monkeypatch.setattr(misbehaving, "connector", Messages(*messages))
    stream = host.run(manifest(Isolation.INLINE), context(**circumstances), request("any"))
    return [message async for message in stream]


async def test_progress_never_goes_back_and_stays_within_a_hundred(monkeypatch: pytest.MonkeyPatch) -> None:
    given = [-5, 20, 10, 150]
    seen = await run_messages(monkeypatch, *(Progress("history", percent) for percent in given), Done())
    assert [message.percent for message in seen if isinstance(message, Progress)] == [0, 20, 20, 100]


async def test_an_unattended_run_does_not_park(monkeypatch: pytest.MonkeyPatch) -> None:
    (failure,) = await run_messages(monkeypatch, park(), interactive=False)
    assert isinstance(failure, Failure)
    assert failure.code is SyncErrorCode.USER_PRESENCE_REQUIRED


async def test_text_is_freed_of_what_the_database_cannot_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    dirty = record(key="a\0b", text="x\0\ud800é", references={"end\0": "\0\udfff"})
    clean = record(key="ab", text="x?é", references={"end": "?"})
    assert await run_messages(monkeypatch, dirty, Warning("a\0", "b"), Done()) == [clean, Warning("a", "b"), Done()]


async def test_a_special_kind_of_text_becomes_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    class Smart(str):
        tree = "a whole document"

    seen, _ = await run_messages(monkeypatch, record(text=Smart("hello")), Done())
    assert isinstance(seen, TransactionRecord)
    assert type(seen.text) is str


@both
async def test_a_connector_cannot_say_a_secret(isolation: Isolation) -> None:
    warning, failure = await collect("leak", isolation)
    assert warning == Warning("login", "logged in with •••")
    assert failure == Failure(SyncErrorCode.NETWORK, "GET /login?p=••• failed", 30.0)


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
async def test_a_waiting_time_without_sense_is_dropped(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    failure = Failure(SyncErrorCode.RATE_LIMITED, "later", seconds)
    assert await run_messages(monkeypatch, failure) == [Failure(SyncErrorCode.RATE_LIMITED, "later")]


@pytest.mark.parametrize(
    "amount", ["-12.34", "0", "999999999999999999", "0.123456789012345678", "1E+17", "0E-18", "-1.5E-7"]
)
async def test_an_amount_of_money_passes_however_it_is_written(monkeypatch: pytest.MonkeyPatch, amount: str) -> None:
    fine = record(amount=Decimal(amount), original_amount=Decimal(amount), original_currency="USD")
    assert await run_messages(monkeypatch, fine, Done()) == [fine, Done()]


@pytest.mark.parametrize("field", ["amount", "original_amount"])
@pytest.mark.parametrize(
    "amount",
    ["NaN", "sNaN", "-Infinity", "1E+18", "0E+999999", "1000000000000000000", "0.1234567890123456789", "1E-19"],
)
async def test_what_is_no_amount_of_money_is_refused(monkeypatch: pytest.MonkeyPatch, field: str, amount: str) -> None:
    changes: dict[str, Any] = {field: Decimal(amount)}
    (failure,) = await run_messages(monkeypatch, record(**changes), Done())
    assert isinstance(failure, Failure)
    assert failure.detail == f"TransactionRecord.{field} is not an amount of money"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"account_key": ""}, "account_key"),
        ({"key": "k" * 513}, "key"),
        ({"currency": "eur"}, "currency"),
        ({"currency": "ÉUR"}, "currency"),
        ({"original_currency": "US"}, "original_currency"),
        ({"booking_date": None}, "no date"),
        ({"text": "x" * (64 * 1024 + 1)}, "text"),
    ],
)
async def test_one_wrong_field_of_a_record_is_enough(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], field: str
) -> None:
    (failure,) = await run_messages(monkeypatch, record(**changes), Done())
    assert isinstance(failure, Failure)
    assert field in failure.detail


async def test_texts_that_are_long_only_together_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    long = record(text="é" * 40_000, raw="x" * 1024 * 1024, counterparty="y" * 40_000)
    assert await run_messages(monkeypatch, long, Done()) == [long, Done()]


async def test_a_balance_that_may_not_even_be_compared_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    account = AccountRecord(key="acc", name="Current", currency="EUR", balance=Decimal("sNaN"))
    (failure,) = await run_messages(monkeypatch, account, Done())
    assert failure == Failure(SyncErrorCode.CONNECTOR_BROKEN, "AccountRecord.balance is not an amount of money")

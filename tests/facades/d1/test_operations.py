"""Operations, item by item of the contract's checklist (3 to 6, 9 to 12)."""

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from afflux.domain.clock import Clock
from afflux.runtime import Runtime, open_runtime
from tests.conftest import ROOT_KEY
from tests.facades.d1.calling import Backend
from tests.facades.d1.conftest import over
from tests.jobs.acting import working

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


async def test_a_registered_consumer_has_a_history_of_one(bank: Backend) -> None:
    await bank.register("cons_00042")
    (registered,), left = (await bank.list("cons_00042")).values()
    assert left == 0
    assert {key: registered[key] for key in ("operation", "status", "requestorType", "requestorId")} == {
        "operation": "REGISTER", "status": "SUCCESSFUL", "requestorType": "ISSUER", "requestorId": bank.issuer,
    }  # fmt: skip
    assert TIME.fullmatch(registered["startTime"])
    assert "reason" not in registered
    assert "reasonCode" not in registered


async def test_registering_again_changes_nothing(bank: Backend) -> None:
    for _ in range(3):
        await bank.register("anna")
    response = await bank.send("PUT", bank.path("anna"))
    assert response.status_code == 204
    assert len((await bank.list("anna"))["operations"]) == 1


async def test_two_who_register_the_same_consumer_at_once_make_one(bank: Backend) -> None:
    await asyncio.gather(*(bank.register("anna") for _ in range(5)))
    assert len((await bank.list("anna"))["operations"]) == 1


async def test_a_consumer_is_deleted_without_a_word(bank: Backend) -> None:
    await bank.register("anna")
    result = await bank.delete("anna")
    assert result.keys() == {"operationId", "status"}
    assert result["status"] == "SUCCESSFUL"
    deleted, registered = (await bank.list("anna"))["operations"]
    assert (deleted["operation"], deleted["operationId"]) == ("DELETE", result["operationId"])
    assert deleted["reasonCode"] == "ISSUER_DECISION"
    assert deleted["endTime"] >= deleted["startTime"]
    assert all(TIME.fullmatch(deleted[key]) for key in ("startTime", "endTime"))
    assert registered["operation"] == "REGISTER"


async def test_why_a_consumer_was_deleted_is_told_again(bank: Backend) -> None:
    await bank.register("anna")
    why = {"reason": "account closed at branch 12", "reasonCode": "USER_DECISION"}
    result = await bank.delete("anna", {**why, "unknown": [1]})
    listed = (await bank.list("anna"))["operations"][0]
    single = (await bank.send("GET", bank.path("anna", f"/operations/{result['operationId']}"))).json()
    assert listed == single
    assert {key: single[key] for key in why} == why


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"reason": "x" * 65}, "reason"),
        ({"reason": ""}, "reason"),
        ({"reason": "closed, at last"}, "reason"),
        ({"reason": "fermé"}, "reason"),
        ({"reason": "closed\n"}, "reason"),
        ({"reason": None}, "reason"),
        ({"reason": 12}, "reason"),
        ({"reasonCode": "NO_DECISION"}, "reasonCode"),
        ({"reasonCode": None}, "reasonCode"),
        ([], "body"),
        ("text", "body"),
    ],
)
async def test_a_deletion_that_is_not_understood_deletes_nobody(bank: Backend, body: object, name: str) -> None:
    await bank.register("anna")
    await bank.refused(400, f"Invalid value for {name}", "POST", bank.path("anna", "/operations:delete"), body)
    assert len((await bank.list("anna"))["operations"]) == 1


async def test_a_reason_may_have_64_characters(bank: Backend) -> None:
    await bank.register("anna")
    await bank.delete("anna", {"reason": "x" * 64})
    assert (await bank.list("anna"))["operations"][0]["reason"] == "x" * 64


async def test_a_body_has_to_be_json(bank: Backend) -> None:
    await bank.register("anna")
    path = bank.path("anna", "/operations:delete")
    await bank.refused(400, "Malformed JSON", "POST", path, b"{", content_type="application/json")
    await bank.refused(
        400, "Malformed JSON", "POST", path, b'{"reason":"a","reason":"b"}', content_type="application/json"
    )
    await bank.refused(415, "Unsupported media type", "POST", path, b"reason=a", content_type="text/plain")
    await bank.refused(415, "Unsupported media type", "POST", path, b"{}")


@pytest.mark.parametrize("query", ["limit=0", "limit=51", "limit=abc", "limit=", "limit=-1", "offset=-1", "offset=x"])
async def test_a_piece_that_cannot_be_is_refused(bank: Backend, query: str) -> None:
    name = query.partition("=")[0]
    await bank.refused(400, f"Invalid value for {name}", "GET", bank.path("anna", f"/operations?{query}"))


async def test_a_history_comes_in_pieces(bank: Backend) -> None:
    for _ in range(6):
        await bank.register("anna")
        await bank.delete("anna")
    whole = await bank.list("anna", "?limit=50")
    assert (len(whole["operations"]), whole["remainingOperations"]) == (12, 0)
    assert [each["operation"] for each in whole["operations"]] == ["DELETE", "REGISTER"] * 6
    piece = await bank.list("anna", "?offset=2&limit=5")
    assert piece == {"operations": whole["operations"][2:7], "remainingOperations": 5}
    usual = await bank.list("anna")
    assert (len(usual["operations"]), usual["remainingOperations"]) == (10, 2)
    assert await bank.list("anna", "?limit=1") == {"operations": whole["operations"][:1], "remainingOperations": 11}
    for far in ("12", "100", "9" * 18):
        assert await bank.list("anna", f"?offset={far}") == {"operations": [], "remainingOperations": 0}


async def test_nobody_has_no_history(bank: Backend) -> None:
    assert await bank.list("nobody") == {"operations": [], "remainingOperations": 0}


async def test_an_operation_is_found_at_its_own_consumer_only(bank: Backend) -> None:
    await bank.register("anna")
    await bank.register("otto")
    own = (await bank.list("anna"))["operations"][0]["operationId"]
    for path in (
        bank.path("otto", f"/operations/{own}"),
        *(bank.path("anna", f"/operations/{id}") for id in (uuid4(), "x", own.upper(), own.replace("-", ""))),
    ):
        await bank.refused(404, "Operation not found", "GET", path)


async def test_a_second_delete_finds_nobody_and_a_new_life_goes_on_with_the_history(bank: Backend) -> None:
    await bank.register("anna")
    await bank.delete("anna")
    await bank.refused(404, "Consumer not found", "POST", bank.path("anna", "/operations:delete"))
    await bank.register("anna")
    assert [each["operation"] for each in (await bank.list("anna"))["operations"]] == ["REGISTER", "DELETE", "REGISTER"]


async def test_two_deletes_at_once_are_one_operation(bank: Backend) -> None:
    await bank.register("anna")
    path = bank.path("anna", "/operations:delete")
    answers = await asyncio.gather(*(bank.send("POST", path) for _ in range(5)))
    assert {answer.status_code for answer in answers} <= {200, 404}
    assert len({answer.json()["operationId"] for answer in answers if answer.is_success}) == 1
    assert [each["operation"] for each in (await bank.list("anna"))["operations"]] == ["DELETE", "REGISTER"]


async def test_operations_older_than_three_months_are_gone(runtime: Runtime, bank: Backend) -> None:
    await bank.register("anna")
    (registered,) = (await bank.list("anna"))["operations"]
    born = datetime.fromisoformat(registered["startTime"])
    end = datetime(born.year + (born.month + 2) // 12, (born.month + 2) % 12 + 1, min(born.day, 28), tzinfo=UTC)
    for days, shown in ((-1, True), (4, False)):
        late = replace(runtime, clock=Clock(end + timedelta(days=days) - datetime.now(UTC)))
        late.database.clock = late.clock  # The fixture's own; it lives no longer than this test.
        async with over(late) as http:
            then = await replace(bank, http=http, token=None).signed_in(late.clock.now().timestamp())
            assert len((await then.list("anna"))["operations"]) == shown
            single = await then.send("GET", bank.path("anna", f"/operations/{registered['operationId']}"))
            assert single.status_code == (200 if shown else 404)


async def test_a_delete_by_a_worker_is_pending_and_then_done(runtime: Runtime, bank: Backend) -> None:
    later = replace(runtime, settings=replace(runtime.settings, d1_erasure_delay=1))
    async with over(later) as http:
        bank = replace(bank, http=http)
        await bank.register("anna")
        result = await bank.delete("anna")
        assert result["status"] == "PENDING"
        pending = (await bank.list("anna"))["operations"][0]
        assert (pending["status"], "endTime" in pending) == ("PENDING", False)
        for method, rest in (("POST", "/operations:delete"), ("PUT", "")):
            await bank.refused(409, "Operation already in progress", method, bank.path("anna", rest))
        async with working(later):
            done = await ended(bank, "anna")
        assert (done["status"], done["operationId"]) == ("SUCCESSFUL", result["operationId"])
        assert done["endTime"] >= done["startTime"]
        await bank.register("anna")


async def test_a_delete_that_takes_too_long_is_ended_by_a_worker(runtime: Runtime, bank: Backend) -> None:
    await bank.register("anna")
    async with (
        open_runtime(runtime.settings, runtime.dsn, ROOT_KEY, runtime.registry, statement_seconds=0.3) as hasty,
        over(hasty) as http,
    ):
        bank = replace(bank, http=http)
        async with runtime.database.transaction() as tx:
            await tx.execute("SELECT FROM events FOR UPDATE")
            await bank.refused(503, "Service Unavailable", "POST", bank.path("anna", "/operations:delete"))
            assert (await bank.list("anna"))["operations"][0]["status"] == "PENDING"
        async with working(runtime):
            assert (await ended(bank, "anna"))["status"] == "SUCCESSFUL"


async def ended(bank: Backend, consumer: str) -> dict[str, str]:
    """The consumer's newest operation, once it is over."""
    async with asyncio.timeout(20):
        while (newest := (await bank.list(consumer))["operations"][0])["status"] == "PENDING":
            await asyncio.sleep(0.05)
    return newest


async def test_a_delete_that_fails_says_why_and_leaves_the_consumer(runtime: Runtime, bank: Backend) -> None:
    nowhere = runtime.settings.data / "erasures"
    nowhere.mkdir(parents=True)
    later = replace(runtime, settings=replace(runtime.settings, d1_erasure_delay=1, erasure_ledger=nowhere))
    async with over(later) as http:
        bank = replace(bank, http=http)
        await bank.register("anna")
        await bank.delete("anna")
        async with working(later):
            failed = await ended(bank, "anna")
        assert (failed["status"], failed["errorCode"]) == ("FAILED", "LEDGER_UNAVAILABLE")
        assert re.fullmatch(r"[a-zA-Z0-9_ /\\\[\],.'#;:{}()?!*-]{1,256}", failed["error"])
        await bank.register("anna")
        assert [each["operation"] for each in (await bank.list("anna"))["operations"]] == ["DELETE", "REGISTER"]
        at_once = replace(runtime, settings=replace(runtime.settings, erasure_ledger=nowhere))
    async with over(at_once) as http:
        bank = replace(bank, http=http)
        await bank.refused(500, "Internal Server Error", "POST", bank.path("anna", "/operations:delete"))
        await bank.register("anna")

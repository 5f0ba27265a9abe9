"""Event queues: what is told, in which order, and what of it stays true."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from afflux.config import Settings
from afflux.domain.syncs import SyncKind
from afflux.runtime import Runtime
from afflux.services import retention, syncs
from afflux.store import connections
from afflux.store.queues import NEWEST, newest
from tests.facades.oxlin.calling import (
    EMBEDDED,
    Client,
    heard,
    linked,
    rested,
    sandbox,
    tenant_of,
    told,
    two_ways,
)
from tests.jobs.acting import working

ALL_BY_LOGIN = ["SYNC_ALL_STARTED", "AUTH_SUCCESS(e)", "SYNC_SUCCESS(e)", "SYNC_ALL_SUCCESS"]
BOTH = [
    "SYNC_ALL_STARTED",
    "AUTH_SUCCESS(r)",
    "SYNC_SUCCESS(r)",
    "AUTH_SUCCESS(e)",
    "SYNC_SUCCESS(e)",
    "SYNC_ALL_SUCCESS",
]
LISTED = [
    "SYNC_LIST_ACCOUNTS_STARTED",
    "AUTH_SUCCESS(r)",
    "LIST_ACCOUNTS_SUCCESS(r)",
    "AUTH_SUCCESS(e)",
    "LIST_ACCOUNTS_SUCCESS(e)",
    "SYNC_LIST_ACCOUNTS_SUCCESS",
]


def undated(account: Any) -> Any:
    """The account without when its balance was seen."""
    return {name: value for name, value in account.items() if name != "balance_date"}


async def subscribe(client: Client) -> str:
    """A new queue."""
    queue_id: str = (await client.post("/queues"))["id"]
    return queue_id


async def test_both_channels_listed_then_synchronised(runtime: Runtime, ana: Client) -> None:
    async with working(runtime):
        connection = await linked(ana, two_ways())
        queue = await subscribe(ana)
        await ana.post(f"/connections/{connection['id']}/synchronize?type=LIST_ACCOUNTS", status=204)
        events = await told(ana, queue)
    assert heard(events) == LISTED + BOTH
    by_type = {short: event["resource"] for short, event in zip(heard(events), events, strict=True)}
    accounts = await ana.get("/accounts")
    assert [undated(each) for each in by_type["SYNC_LIST_ACCOUNTS_SUCCESS"]["accounts"]] == [
        undated(each) for each in accounts
    ]
    of_redirect = by_type["LIST_ACCOUNTS_SUCCESS(r)"]["accounts"]
    assert {account["type"] for account in of_redirect} == {"CHECKINGS", "CREDIT_CARD"}
    statuses = [event["resource"]["status"] for event in events]
    assert statuses == ["RUNNING"] * 5 + ["SUCCESS"] + ["RUNNING"] * 4 + ["SUCCESS", "SUCCESS"]
    assert events[-1]["resource"] == await ana.get(f"/connections/{connection['id']}")


async def test_however_many_accounts_are_listed_all_are_told(runtime: Runtime, ana: Client) -> None:
    queue = await subscribe(ana)
    async with working(runtime):
        await linked(ana, sandbox("ana+accounts-260+history-1"))
        events = await told(ana, queue)
    listed = [event["resource"]["accounts"] for event in events if "accounts" in event["resource"]]
    assert [len(accounts) for accounts in listed] == [260, 260]
    assert [each["id"] for each in listed[-1]] == [each["id"] for each in await ana.get("/accounts?limit=500")]


async def test_an_event_is_as_the_contract_prints_it(runtime: Runtime, ana: Client) -> None:
    async with working(runtime):
        connection = await linked(ana, two_ways(EMBEDDED))
        queue = await subscribe(ana)
        await ana.post(f"/connections/{connection['id']}/synchronize", {}, status=204)
        events = await told(ana, queue)
    assert heard(events) == ALL_BY_LOGIN
    assert all(event["resource_type"] == "CONNECTION" for event in events)
    assert [int(event["id"]) for event in events] == sorted({int(event["id"]) for event in events})
    assert events[1]["channel_definition_id"] == EMBEDDED
    assert events[-1].keys() == {"id", "event_type", "resource_type", "creation_date", "resource"}
    assert {"id", "provider_id", "name", "channels", "status", "creation_date"} <= events[-1]["resource"].keys()


async def test_the_first_synchronisation_is_told_to_queues_that_exist(runtime: Runtime, ana: Client) -> None:
    queue = await subscribe(ana)
    async with working(runtime):
        await linked(ana, two_ways(EMBEDDED))
        events = await told(ana, queue)
    by_login = [short for short in LISTED if "(r)" not in short]
    assert heard(events) == by_login + ALL_BY_LOGIN


async def test_an_expired_consent_fails_the_whole_and_the_other_channel_goes_on(runtime: Runtime, ana: Client) -> None:
    async with working(runtime):
        connection = await linked(ana, two_ways())
        await expire_consents(runtime)
        queue = await subscribe(ana)
        await ana.post(f"/connections/{connection['id']}/synchronize", status=204)
        events = await told(ana, queue)
    assert heard(events) == [
        "SYNC_ALL_STARTED",
        "TOKEN_EXPIRED(r)",
        "AUTH_SUCCESS(e)",
        "SYNC_SUCCESS(e)",
        "SYNC_ALL_SUCCESS",
    ]
    assert events[-1]["resource"]["status"] == "FAILED"
    assert [each["status"] for each in events[-1]["resource"]["channels"]] == ["TOKEN_EXPIRED", "SUCCESS"]


async def test_a_wrong_password_is_told_once_and_the_end_still_comes(runtime: Runtime, ana: Client) -> None:
    queue = await subscribe(ana)
    wrong = two_ways(EMBEDDED)
    wrong["channels"][0]["credentials"][1]["value"] = "guess"
    async with working(runtime):
        connection = await linked(ana, wrong)
        first = await told(ana, queue)
        await ana.post(f"/connections/{connection['id']}/synchronize", status=204)
        events = await told(ana, queue, ends=2)
    assert heard(first) == [
        "SYNC_LIST_ACCOUNTS_STARTED",
        "AUTH_FAILED(e)",
        "SYNC_LIST_ACCOUNTS_SUCCESS",
        "SYNC_ALL_STARTED",
        "SYNC_ALL_SUCCESS",
    ]
    assert [event["resource"]["status"] for event in first[2:]] == ["FAILED", "FAILED", "FAILED"]
    assert heard(events[5:]) == ["SYNC_ALL_STARTED", "AUTH_FAILED(e)", "SYNC_ALL_SUCCESS"]


async def test_a_channel_that_fails_while_accounts_are_listed_is_left_out_afterwards(
    runtime: Runtime, ana: Client
) -> None:
    async with working(runtime):
        connection = await linked(ana, two_ways())
        await expire_consents(runtime)
        queue = await subscribe(ana)
        await ana.post(f"/connections/{connection['id']}/synchronize?type=LIST_ACCOUNTS", status=204)
        events = await told(ana, queue)
    assert heard(events) == [
        "SYNC_LIST_ACCOUNTS_STARTED",
        "TOKEN_EXPIRED(r)",
        "AUTH_SUCCESS(e)",
        "LIST_ACCOUNTS_SUCCESS(e)",
        "SYNC_LIST_ACCOUNTS_SUCCESS",
        "SYNC_ALL_STARTED",
        "AUTH_SUCCESS(e)",
        "SYNC_SUCCESS(e)",
        "SYNC_ALL_SUCCESS",
    ]
    assert [events[n]["resource"]["status"] for n in (3, 4, 5, 8)] == ["RUNNING", "FAILED", "RUNNING", "FAILED"]


async def test_a_refusal_of_one_channel_leaves_the_other_to_be_listed_and_fetched(
    runtime: Runtime, ana: Client
) -> None:
    wrong = two_ways()
    wrong["channels"][1]["credentials"][1]["value"] = "guess"
    async with working(runtime):
        connection = await linked(ana, wrong)
        queue = await subscribe(ana)
        await ana.post(f"/connections/{connection['id']}/synchronize?type=LIST_ACCOUNTS", status=204)
        events = await told(ana, queue)
    assert heard(events) == [
        "SYNC_LIST_ACCOUNTS_STARTED",
        "AUTH_SUCCESS(r)",
        "LIST_ACCOUNTS_SUCCESS(r)",
        "AUTH_FAILED(e)",
        "SYNC_LIST_ACCOUNTS_SUCCESS",
        "SYNC_ALL_STARTED",
        "AUTH_SUCCESS(r)",
        "SYNC_SUCCESS(r)",
        "SYNC_ALL_SUCCESS",
    ]
    assert [events[n]["resource"]["status"] for n in (4, 8)] == ["FAILED", "FAILED"]


async def test_every_refusal_has_its_event_and_its_status(runtime: Runtime, ana: Client) -> None:
    names = {
        "locked": ("USER_ACTION_REQUIRED", "USER_ACTION_REQUIRED"),
        "password-expired": ("PASSWORD_CHANGE_REQUIRED", "PASSWORD_CHANGE_REQUIRED"),
        "action-required": ("USER_ACTION_REQUIRED", "USER_ACTION_REQUIRED"),
        "consent-required": ("TOKEN_EXPIRED", "TOKEN_EXPIRED"),
        "unsupported": ("SYNC_FAILED", "FAILED"),
    }
    queue = await subscribe(ana)
    async with working(runtime):
        made = {word: await ana.post("/connections", two_ways(EMBEDDED, login=f"dev+fast+{word}")) for word in names}
        events = await told(ana, queue, ends=len(names))
    for word, (type, status) in names.items():
        mine = [event for event in events if event["resource"]["id"] == made[word]["id"]]
        assert heard(mine) == [
            "SYNC_LIST_ACCOUNTS_STARTED",
            f"{type}(e)",
            "SYNC_LIST_ACCOUNTS_SUCCESS",
            "SYNC_ALL_STARTED",
            "SYNC_ALL_SUCCESS",
        ], word
        for event in mine[1:]:
            assert event["resource"]["status"] == "FAILED"
            assert event["resource"]["channels"][1]["status"] == status


async def test_a_connection_runs_without_a_break_until_the_last_event(runtime: Runtime, ana: Client) -> None:
    async with working(runtime):
        connection = await linked(ana, two_ways(EMBEDDED))
        queue = await subscribe(ana)
        await ana.post(f"/connections/{connection['id']}/synchronize?type=LIST_ACCOUNTS", status=204)
        async with asyncio.timeout(30):
            while (await ana.get(f"/connections/{connection['id']}"))["status"] == "RUNNING":
                pass
        assert heard(await ana.get(f"/queues/{queue}"))[-4:] == ALL_BY_LOGIN


async def test_a_bank_that_breaks_down_is_a_technical_failure(runtime: Runtime, ana: Client) -> None:
    async with working(runtime):
        connection = await linked(ana, two_ways(EMBEDDED, login="dev+changed+later"))
        queue = await subscribe(ana)
        await ana.post(f"/connections/{connection['id']}/synchronize", status=204)
        events = await told(ana, queue)
    assert heard(events)[-2:] == ["SYNC_FAILED(e)", "SYNC_ALL_SUCCESS"]
    assert [each["status"] for each in events[-1]["resource"]["channels"]] == ["EMPTY", "FAILED"]


async def test_while_the_user_is_away_nothing_waits_for_an_answer(runtime: Runtime, ana: Client) -> None:
    async with working(runtime):
        connection = await wary(ana)
        queue = await subscribe(ana)
        tenant = await tenant_of(runtime, ana)
        async with runtime.database.transaction() as tx:
            held = await connections.by_number(tx, tenant.application.id, tenant.user.id, int(connection["id"]))
            await syncs.request(tx, tenant.principal, held, SyncKind.ALL, interactive=False)
        events = await told(ana, queue)
    assert heard(events) == ["SYNC_ALL_STARTED", "CHALLENGE_REQUIRED(e)", "SYNC_ALL_SUCCESS"]
    assert "challenge" not in events[1]["resource"]
    assert [event["resource"]["status"] for event in events[1:]] == ["FAILED", "FAILED"]
    assert events[-1]["resource"]["channels"][1]["status"] == "CHALLENGE_REQUIRED"


async def test_new_credentials_end_what_runs_with_the_old_ones(runtime: Runtime, ana: Client) -> None:
    queue = await subscribe(ana)
    async with working(runtime):
        connection = await ana.post("/connections", two_ways(EMBEDDED, login="dev+sms"))
        await asked(ana, connection["id"])
        changed = {"channels": two_ways(EMBEDDED)["channels"]}
        await ana.patch(f"/connections/{connection['id']}", changed)
        events = await told(ana, queue, ends=2)
    ends = [event["resource"]["status"] for event in events if event["event_type"] == "SYNC_ALL_SUCCESS"]
    assert ends == ["FAILED", "SUCCESS"]
    assert heard(events)[:5] == [
        "SYNC_LIST_ACCOUNTS_STARTED",
        "CHALLENGE_REQUIRED(e)",
        "SYNC_LIST_ACCOUNTS_SUCCESS",
        "SYNC_ALL_STARTED",
        "SYNC_ALL_SUCCESS",
    ]


async def test_a_challenge_waits_for_its_answer(runtime: Runtime, ana: Client) -> None:
    queue = await subscribe(ana)
    async with working(runtime):
        connection = await ana.post("/connections", two_ways(EMBEDDED, login="dev+sms"))
        challenge = await asked(ana, connection["id"])
        (told_so,) = [each for each in await ana.get(f"/queues/{queue}") if "challenge" in each["resource"]]
        assert (told_so["event_type"], told_so["channel_definition_id"]) == ("CHALLENGE_REQUIRED", EMBEDDED)
        assert told_so["resource"]["challenge"] == challenge
        assert told_so["resource"]["status"] == "RUNNING"
        await answer(ana, connection["id"], challenge, "1234")
        events = await told(ana, queue)
    assert heard(events)[:4] == [
        "SYNC_LIST_ACCOUNTS_STARTED",
        "CHALLENGE_REQUIRED(e)",
        "AUTH_SUCCESS(e)",
        "LIST_ACCOUNTS_SUCCESS(e)",
    ]
    assert events[-1]["resource"]["status"] == "SUCCESS"


async def asked(client: Client, connection_id: str) -> Any:
    """The challenge, once there is one."""
    async with asyncio.timeout(30):
        while not (found := await client.get(f"/connections/{connection_id}/challenges")):
            await asyncio.sleep(0.02)
    return found[0]


async def answer(client: Client, connection_id: str, challenge: Any, code: str) -> None:
    """Type the code."""
    body = {"credentials": [{"key": challenge["fields"][0]["key"], "value": code}]}
    await client.post(f"/connections/{connection_id}/challenges/{challenge['id']}", body, status=204)


async def test_what_was_true_then_stays_so(runtime: Runtime, ana: Client) -> None:
    queue = await subscribe(ana)
    async with working(runtime):
        connection = await linked(ana, two_ways(EMBEDDED, name="Then"))
        events = await told(ana, queue)
    await ana.patch(f"/connections/{connection['id']}", {"name": "Now"})
    for account in await ana.get("/accounts"):
        await ana.patch(f"/accounts/{account['id']}", {"name": "Renamed"})
    assert await ana.get(f"/queues/{queue}") == events
    await ana.delete(f"/connections/{connection['id']}")
    assert await ana.get(f"/queues/{queue}") == events, "a connection's past outlives it"


async def test_a_connection_that_goes_amid_a_synchronisation_tells_nothing_further(
    runtime: Runtime, ana: Client
) -> None:
    async with working(runtime):
        connection = await wary(ana)
        queue = await subscribe(ana)
        await ana.post(f"/connections/{connection['id']}/synchronize?type=LIST_ACCOUNTS", status=204)
        await asked(ana, connection["id"])
        before = await ana.get(f"/queues/{queue}")
        for account in await ana.get("/accounts"):
            await ana.delete(f"/accounts/{account['id']}")
    assert await ana.get("/connections") == []
    events = await ana.get(f"/queues/{queue}")
    assert events == before
    assert heard(before) == ["SYNC_LIST_ACCOUNTS_STARTED", "CHALLENGE_REQUIRED(e)"]


async def wary(client: Client) -> Any:
    """A connection to a bank that asks for a code each time, and got it so far."""
    connection = await client.post("/connections", two_ways(EMBEDDED, login="dev+sms+every-time"))
    for _ in ("listing", "fetching"):
        await answer(client, connection["id"], await asked(client, connection["id"]), "1234")
    return await rested(client, connection["id"])


async def test_every_queue_gets_what_comes_after_it_and_nothing_earlier(
    runtime: Runtime, ana: Client, ben: Client
) -> None:
    first, others = await subscribe(ana), await subscribe(ben)
    async with working(runtime):
        connection = await linked(ana, two_ways(EMBEDDED))
        before = await told(ana, first)
        second = await subscribe(ana)
        assert await ana.get(f"/queues/{second}") == []
        await ana.post(f"/connections/{connection['id']}/synchronize", status=204)
        after = await told(ana, second)
    assert await ana.get(f"/queues/{first}") == before + after
    assert await ben.get(f"/queues/{others}") == []


async def test_queues_are_listed_deleted_and_private(ana: Client, ben: Client) -> None:
    made = await ana.send("POST", "/queues")
    queue = made.json()
    assert (made.status_code, made.headers["location"]) == (201, f"/queues/{queue['id']}")
    assert queue.keys() == {"id", "creation_date"}
    assert await ana.get("/queues") == [queue]
    for method in ("GET", "DELETE"):
        await ben.refused(404, "RESOURCE_UNKNOWN", method, f"/queues/{queue['id']}")
    await ana.delete(f"/queues/{queue['id']}")
    assert await ana.get("/queues") == []
    await ana.refused(404, "RESOURCE_UNKNOWN", "GET", f"/queues/{queue['id']}")


async def test_a_second_wish_of_the_same_kind_merges(runtime: Runtime, ana: Client) -> None:
    async with working(runtime):
        connection = await linked(ana, two_ways(EMBEDDED))
    queue = await subscribe(ana)
    for _ in range(3):
        await ana.post(f"/connections/{connection['id']}/synchronize", status=204)
    async with working(runtime):
        await told(ana, queue)
        await rested(ana, connection["id"])
    assert heard(await ana.get(f"/queues/{queue}")) == ALL_BY_LOGIN


async def test_listing_asked_for_meanwhile_follows(runtime: Runtime, ana: Client) -> None:
    async with working(runtime):
        connection = await linked(ana, two_ways(EMBEDDED))
    queue = await subscribe(ana)
    await ana.post(f"/connections/{connection['id']}/synchronize", status=204)
    await ana.post(f"/connections/{connection['id']}/synchronize?type=LIST_ACCOUNTS", status=204)
    async with working(runtime):
        events = await told(ana, queue, ends=2)
    assert heard(events) == ALL_BY_LOGIN + [short for short in LISTED if "(r)" not in short] + ALL_BY_LOGIN


async def test_sixteen_syncs_at_once_leave_no_gap_and_no_double(runtime: Runtime, ana: Client) -> None:
    async with working(runtime):
        made = [await ana.post("/connections", sandbox(f"a{n}+fast")) for n in range(16)]
        for connection in made:
            await rested(ana, connection["id"])
        queue = await subscribe(ana)
        await ana.post("/connections/synchronize", status=200)
        seen: list[Any] = []
        async with asyncio.timeout(60):
            while heard(seen).count("SYNC_ALL_SUCCESS") < 16:
                now = await ana.get(f"/queues/{queue}")
                assert now[: len(seen)] == seen, "what was read stays where it was"
                seen = now
                await asyncio.sleep(0.01)
    for connection in made:
        mine = [event["event_type"] for event in seen if event["resource"]["id"] == connection["id"]]
        assert mine == ["SYNC_ALL_STARTED", "AUTH_SUCCESS", "SYNC_SUCCESS", "SYNC_ALL_SUCCESS"]
    numbers = [int(event["id"]) for event in seen]
    assert numbers == sorted(set(numbers))


async def expire_consents(runtime: Runtime) -> None:
    """Let every consent have ended a moment ago."""
    async with runtime.database.transaction() as tx:
        await tx.execute(
            "UPDATE connection_channels SET consent_expires_at = $1 WHERE consent_expires_at IS NOT NULL",
            tx.now - timedelta(seconds=1),
        )


class TestSmallQueuesThatAreDrained:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return Settings(data=settings.data, heartbeat_seconds=2, oxlin_queue_drain=True, oxlin_queue_events=3)

    async def filled(self, runtime: Runtime, client: Client) -> str:
        """A queue that nobody has read, after a synchronisation."""
        queue = await subscribe(client)
        async with working(runtime):
            await linked(client, two_ways(EMBEDDED))
        return queue

    async def test_a_queue_may_hold_few_events_and_be_drained(self, runtime: Runtime, ana: Client) -> None:
        queue = await self.filled(runtime, ana)
        drained = await told_at_last(ana, queue)
        assert heard(drained)[-1] == "SYNC_ALL_SUCCESS"
        assert len(drained) <= 3
        assert await ana.get(f"/queues/{queue}") == []

    async def test_readers_at_once_share_what_is_drained(self, runtime: Runtime, ana: Client) -> None:
        queue = await self.filled(runtime, ana)
        pieces = await asyncio.gather(*(ana.get(f"/queues/{queue}") for _ in range(8)))
        ids = [event["id"] for piece in pieces for event in piece]
        assert len(ids) == len(set(ids)) == 3


class TestQueuesThatLiveShortly:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return Settings(data=settings.data, heartbeat_seconds=2, oxlin_queue_seconds=2)

    async def test_a_queue_that_nobody_reads_goes(self, runtime: Runtime, ana: Client) -> None:
        queue = await subscribe(ana)
        async with asyncio.timeout(10):
            while await ana.get("/queues"):
                await asyncio.sleep(0.1)
        await ana.refused(404, "RESOURCE_UNKNOWN", "GET", f"/queues/{queue}")
        await retention.clear(runtime.database, runtime.settings)
        async with runtime.database.reading() as tx:
            assert await tx.value("SELECT count(*) FROM queues") == 0


async def told_at_last(client: Client, queue_id: str) -> list[Any]:
    """What a drained queue gives, once there is something."""
    async with asyncio.timeout(10):
        while not (events := await client.get(f"/queues/{queue_id}")):
            await asyncio.sleep(0.02)
    return events


async def test_reading_looks_at_nothing_but_what_it_returns(runtime: Runtime, ana: Client, ben: Client) -> None:
    await subscribe(ana)
    async with working(runtime):
        await linked(ana, two_ways(EMBEDDED))
    await repeat(runtime, ana, 1_000_000, 6_000)
    await repeat(runtime, ben, 2_000_000, 3_000)
    for client, position, unread in ((ana, 1_005_990, 10), (ben, 2_002_995, 5), (ben, 2_003_000, 0)):
        async with runtime.database.transaction() as tx:
            await tx.execute("ANALYZE events, event_snapshots")
            tenant = await tenant_of(runtime, client)
            ids = tenant.application.id, tenant.user.id
            assert len(await newest(tx, *ids, position, 1000)) == unread
            (top,) = json.loads(await tx.value(f"EXPLAIN (ANALYZE, FORMAT JSON) {NEWEST}", *ids, position, 1000))
        assert rows_read(top["Plan"]) == 2 * unread, "a snapshot and its event each"


async def repeat(runtime: Runtime, client: Client, position: int, count: int) -> None:
    """Tell a user an event again and again, from a position of the log on."""
    tenant = await tenant_of(runtime, client)
    async with runtime.database.transaction() as tx:
        await tx.execute(
            """
            WITH one AS (SELECT * FROM events JOIN event_snapshots USING (application_id, position, user_id) LIMIT 1),
            told AS (
                INSERT INTO events (application_id, position, id, type, user_id, data, created_at)
                SELECT application_id, $2 + n, gen_random_uuid(), type, $1, data, created_at
                FROM one, generate_series(1, $3::bigint) AS n RETURNING application_id, position, user_id
            )
            INSERT INTO event_snapshots (application_id, position, user_id, content)
            SELECT told.application_id, told.position, told.user_id, one.content FROM told, one
            """,
            tenant.user.id,
            position,
            count,
        )


def rows_read(node: dict[str, Any]) -> int:
    """Rows that a plan came across in tables, or in indexes alone."""
    reads = node["Node Type"].endswith("Scan") and node["Node Type"] != "Bitmap Index Scan"
    own = node.get("Actual Rows", 0) + node.get("Rows Removed by Filter", 0) if reads else 0
    return own * node.get("Actual Loops", 1) + sum(rows_read(inner) for inner in node.get("Plans", ()))

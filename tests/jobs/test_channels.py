"""A connection with two channels: r runs by consent and shows some accounts, e runs by login and shows all."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from afflux.connectors.sandbox import twoways
from afflux.domain.accounts import AccountStatus
from afflux.domain.connections import ChannelStatus, Connection, ConnectionChannel
from afflux.domain.errors import SyncErrorCode
from afflux.domain.events import Event, EventType
from afflux.domain.syncs import Sync, SyncKind, SyncStatus
from afflux.runtime import Runtime
from afflux.services import connections, consents, syncs
from afflux.store import connections as connection_store
from afflux.store import syncs as sync_store
from tests.conftest import Tenant
from tests.jobs.acting import (
    RESTING,
    accounts_of,
    advance,
    answer,
    current,
    events_of,
    request,
    rows_of,
    syncs_of,
    typed,
    until,
    working,
)

R, E = 8701, 8700
NAMES = {R: "r", E: "e"}
BOTH = {R: {}, E: {"login": "dev", "password": "dev"}}
#: What is told of a sync in which both channels are fine.
LISTING = ["entered accounts", "let in r", "done r", "let in e", "done e", "listed"]
FETCHING = ["entered all", "let in r", "done r", "let in e", "done e", "finished"]
ACCOUNTS_OF_R, ACCOUNTS_OF_E = 2, 4


def by_login(login: str, password: str = "dev") -> dict[int, dict[str, str]]:
    """Both channels, e with this login."""
    return {R: {}, E: {"login": login, "password": password}}


async def link(runtime: Runtime, tenant: Tenant, typed: dict[int, dict[str, str]], consent: str | None) -> Connection:
    """A connection with these channels; r with consent given as this login, where there is one."""
    async with runtime.database.transaction() as tx:
        connection = await connections.create(
            tx, runtime.vault, runtime.registry, tenant.principal, tenant.user, 87, typed
        )
        if consent is not None:
            await agree(runtime, connection, consent, tx)
    return connection


async def agree(runtime: Runtime, connection: Connection, login: str, tx: object) -> None:
    """Consent to channel r as this login."""
    _, _, channel = runtime.registry.channel(R)
    await consents.give(tx, runtime.vault, connection, channel, {"code": twoways.grant(login)})  # type: ignore[arg-type]


async def synchronise(runtime: Runtime, tenant: Tenant, connection: Connection, kind: SyncKind) -> Sync:
    """Ask for a sync and see it to its end, or to its first step."""
    return await until(runtime, await request(runtime, tenant, connection, kind), *RESTING)


def told(log: Sequence[Event]) -> list[str]:
    """What the events of a sync say of its stages and channels."""
    return [said for event in log if (said := _said(event)) is not None]


def _said(event: Event) -> str | None:
    channel = NAMES.get(event.data.get("channel_id", 0), "")
    match event.type:
        case EventType.SYNC_ENTERED:
            return f"entered {event.data['stage']}"
        case EventType.CHANNEL_AUTHENTICATED:
            return f"let in {channel}"
        case EventType.CHANNEL_SUCCEEDED:
            return f"{'partly ' if event.data['partial'] else ''}done {channel}"
        case EventType.CHANNEL_FAILED:
            return f"{event.data['error']} {channel}"
        case EventType.SYNC_WAITING:
            return f"asks {channel}"
        case EventType.SYNC_LISTED | EventType.SYNC_FINISHED | EventType.SYNC_FAILED:
            return event.type.removeprefix("sync.")
    return None


def standing(event: Event) -> dict[str, str]:
    """How the channels stood, by name: a status, or the error of one that failed."""
    return {NAMES[each["channel_id"]]: each["error_code"] or each["status"] for each in event.data["channels"]}


async def story(runtime: Runtime, tenant: Tenant, sync: Sync) -> list[str]:
    """What is told of a sync."""
    return told(await events_of(runtime, tenant, sync))


async def channels_of(runtime: Runtime, connection: Connection) -> dict[str, ConnectionChannel]:
    """Its channels by name."""
    async with runtime.database.transaction() as tx:
        held = await connection_store.channels(tx, connection.application_id, connection.id)
    return {NAMES[channel.channel_id]: channel for channel in held}


@pytest_asyncio.fixture
async def both(runtime: Runtime, alice: Tenant) -> Connection:
    """Both channels of `dev`, with consent."""
    return await link(runtime, alice, BOTH, "dev")


# Sequences.


async def test_all_runs_r_then_e(runtime: Runtime, alice: Tenant, both: Connection) -> None:
    async with working(runtime):
        ended = await synchronise(runtime, alice, both, SyncKind.ALL)
    assert ended.status is SyncStatus.FINISHED
    assert await story(runtime, alice, ended) == FETCHING


async def test_listing_accounts_goes_on_with_their_data_as_one_sync(
    runtime: Runtime, alice: Tenant, both: Connection
) -> None:
    async with working(runtime):
        ended = await synchronise(runtime, alice, both, SyncKind.ACCOUNTS)
    assert await story(runtime, alice, ended) == LISTING + FETCHING
    assert await syncs_of(runtime, both) == [ended]
    assert len(await accounts_of(runtime, alice)) == ACCOUNTS_OF_E
    assert await rows_of(runtime, alice)


async def test_each_event_says_how_the_channels_stood(runtime: Runtime, alice: Tenant, both: Connection) -> None:
    async with working(runtime):
        ended = await synchronise(runtime, alice, both, SyncKind.ACCOUNTS)
    log = [event for event in await events_of(runtime, alice, ended) if "channels" in event.data]
    running, r_done, done = ({"r": r, "e": e} for r, e in (("running",) * 2, ("success", "running"), ("success",) * 2))
    stage = [running, running, r_done, r_done, done, done]
    assert [standing(event) for event in log] == stage * 2
    last = {NAMES[each["channel_id"]]: each for each in log[-1].data["channels"]}
    assert last["r"]["consent_expires_at"] is not None
    assert last["r"]["last_success_at"] == last["r"]["last_end_at"] < last["e"]["last_end_at"]


async def test_the_lists_name_their_accounts(runtime: Runtime, alice: Tenant, both: Connection) -> None:
    async with working(runtime):
        ended = await synchronise(runtime, alice, both, SyncKind.ACCOUNTS)
    log = await events_of(runtime, alice, ended)
    r, e, listed = (event.data["accounts"] for event in log if "accounts" in event.data)
    assert (len(r), len(e)) == (ACCOUNTS_OF_R, ACCOUNTS_OF_E)
    assert set(r) < set(e)
    assert set(e) == set(listed) == {str(account.id) for account in await accounts_of(runtime, alice)}


async def test_r_without_consent_fails_and_e_goes_on(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, BOTH, None)
    async with working(runtime):
        ended = await synchronise(runtime, alice, connection, SyncKind.ACCOUNTS)
        again = await synchronise(runtime, alice, connection, SyncKind.ALL)
    assert await story(runtime, alice, ended) == [
        "entered accounts", "consent_required r", "let in e", "done e", "listed",
        "entered all", "let in e", "done e", "finished",
    ]  # fmt: skip
    assert await story(runtime, alice, again) == ["entered all", "consent_required r", "let in e", "done e", "finished"]
    assert ended.result["failed_channels"] == {str(R): "consent_required"}
    entered = next(event for event in await events_of(runtime, alice, ended) if event.type is EventType.SYNC_ENTERED)
    assert standing(entered) == {"r": "new", "e": "running"}


async def test_an_expired_consent_stops_r_at_the_bank_and_from_then_on_before_it(
    runtime: Runtime, alice: Tenant, both: Connection
) -> None:
    async with working(runtime):
        await synchronise(runtime, alice, both, SyncKind.ALL)
        assert (await channels_of(runtime, both))["r"].state is not None
        await advance(runtime, 90)
        ended = await synchronise(runtime, alice, both, SyncKind.ALL)
        state = (await channels_of(runtime, both))["r"].state
        again = await synchronise(runtime, alice, both, SyncKind.ALL)
    expired = ["entered all", "consent_expired r", "let in e", "done e", "finished"]
    assert await story(runtime, alice, ended) == await story(runtime, alice, again) == expired
    r = (await channels_of(runtime, both))["r"]
    assert r.consent_expires_at is not None
    assert r.last_end_at is not None
    assert r.consent_expires_at <= ended.requested_at
    assert r.state == state, "the bank was asked again"


async def test_a_new_consent_lets_r_run_again(runtime: Runtime, alice: Tenant, both: Connection) -> None:
    async with working(runtime):
        await advance(runtime, 90)
        async with runtime.database.transaction() as tx:
            await agree(runtime, both, "dev", tx)
        ended = await synchronise(runtime, alice, both, SyncKind.ALL)
    assert await story(runtime, alice, ended) == FETCHING


async def test_a_run_that_knows_nothing_of_a_new_consent_does_not_undo_it(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, BOTH, None)
    known = (await channels_of(runtime, connection))["r"]
    async with runtime.database.transaction() as tx:
        await agree(runtime, connection, "dev", tx)
        await connection_store.freeze(tx, alice.application.id, connection.id, R, known.credentials)
    async with working(runtime):
        ended = await synchronise(runtime, alice, connection, SyncKind.ALL)
    assert await story(runtime, alice, ended) == FETCHING


async def test_a_bad_password_on_e_alone(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, {E: {"login": "dev", "password": "wrong"}}, None)
    async with working(runtime):
        ended = await synchronise(runtime, alice, connection, SyncKind.ALL)
        listing = await synchronise(runtime, alice, connection, SyncKind.ACCOUNTS)
    assert ended.error_code is SyncErrorCode.CREDENTIALS_INVALID
    assert await story(runtime, alice, ended) == ["entered all", "credentials_invalid e", "failed"]
    assert await story(runtime, alice, listing) == [
        "entered accounts", "credentials_invalid e", "listed", "entered all", "failed"
    ]  # fmt: skip


async def test_a_bad_password_on_e_beside_r(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, by_login("dev", "wrong"), "dev")
    async with working(runtime):
        ended = await synchronise(runtime, alice, connection, SyncKind.ACCOUNTS)
    assert await story(runtime, alice, ended) == [
        "entered accounts", "let in r", "done r", "credentials_invalid e", "listed",
        "entered all", "let in r", "done r", "finished",
    ]  # fmt: skip
    assert len(await accounts_of(runtime, alice)) == ACCOUNTS_OF_R


async def test_a_channel_that_failed_for_another_reason_is_tried_again_for_the_data(
    runtime: Runtime, alice: Tenant
) -> None:
    connection = await link(runtime, alice, by_login("dev+changed"), "dev")
    async with working(runtime):
        ended = await synchronise(runtime, alice, connection, SyncKind.ACCOUNTS)
    assert await story(runtime, alice, ended) == [
        "entered accounts", "let in r", "done r", "provider_changed e", "listed",
        "entered all", "let in r", "done r", "provider_changed e", "finished",
    ]  # fmt: skip


async def test_where_every_channel_failed_nothing_more_is_tried(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, by_login("dev+changed"), "dev+changed")
    async with working(runtime):
        ended = await synchronise(runtime, alice, connection, SyncKind.ACCOUNTS)
    assert ended.error_code is SyncErrorCode.PROVIDER_CHANGED
    assert await story(runtime, alice, ended) == [
        "entered accounts", "provider_changed r", "provider_changed e", "listed", "entered all", "failed"
    ]  # fmt: skip


async def test_a_code_is_asked_once_for_both_stages(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, by_login("dev+sms"), "dev")
    async with working(runtime):
        waiting = await synchronise(runtime, alice, connection, SyncKind.ACCOUNTS)
        assert waiting.channel_id == E
        await answer(runtime, alice, connection, typed(sms="1234"))
        ended = await until(runtime, waiting, SyncStatus.FINISHED, SyncStatus.FAILED)
    asked = ["entered accounts", "let in r", "done r", "asks e", "let in e", "done e", "listed"]
    assert await story(runtime, alice, ended) == asked + FETCHING
    wait = next(event for event in await events_of(runtime, alice, ended) if event.type is EventType.SYNC_WAITING)
    assert standing(wait) == {"r": "success", "e": "running"}
    assert wait.data["expires_at"] is not None


@pytest.mark.parametrize(
    ("kind", "tale"),
    [
        (SyncKind.ALL, ["entered all", "let in r", "done r", "asks e", "challenge_expired e", "finished"]),
        (
            SyncKind.ACCOUNTS,
            [
                "entered accounts",
                "let in r",
                "done r",
                "asks e",
                "challenge_expired e",
                "listed",
                "entered all",
                "let in r",
                "done r",
                "finished",
            ],
        ),
    ],
)
async def test_a_code_that_is_not_given_in_time_fails_its_channel_only(
    runtime: Runtime, alice: Tenant, kind: SyncKind, tale: list[str]
) -> None:
    connection = await link(runtime, alice, by_login("dev+sms+expires-1"), "dev")
    async with working(runtime):
        ended = await until(runtime, await request(runtime, alice, connection, kind), SyncStatus.FINISHED)
    assert await story(runtime, alice, ended) == tale
    assert (await channels_of(runtime, connection))["e"].error_code is SyncErrorCode.CHALLENGE_EXPIRED


async def test_a_code_that_is_not_given_in_time_ends_a_listing_with_one_channel(
    runtime: Runtime, alice: Tenant
) -> None:
    connection = await link(runtime, alice, {E: {"login": "dev+sms+expires-1", "password": "dev"}}, None)
    async with working(runtime):
        ended = await until(runtime, await request(runtime, alice, connection, SyncKind.ACCOUNTS), SyncStatus.FAILED)
    tale = ["entered accounts", "asks e", "challenge_expired e", "listed", "entered all", "failed"]
    assert await story(runtime, alice, ended) == tale


async def test_without_the_user_no_code_is_asked(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, by_login("dev+sms"), "dev")
    async with working(runtime):
        asked = await request(runtime, alice, connection, SyncKind.ALL, interactive=False)
        ended = await until(runtime, asked, SyncStatus.FINISHED)
    tale = ["entered all", "let in r", "done r", "user_presence_required e", "finished"]
    assert await story(runtime, alice, ended) == tale


async def test_data_that_are_missing_make_a_channel_partly_done(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, by_login("dev+partial"), "dev")
    async with working(runtime):
        ended = await synchronise(runtime, alice, connection, SyncKind.ALL)
    assert await story(runtime, alice, ended) == [*FETCHING[:-2], "partly done e", "finished"]
    assert (await channels_of(runtime, connection))["e"].status is ChannelStatus.PARTIAL
    assert ended.result["warnings"][0]["code"] == "account_skipped"


async def test_a_sync_that_is_given_up_leaves_no_channel_and_no_stage_without_an_end(
    runtime: Runtime, alice: Tenant, both: Connection
) -> None:
    asked = await request(runtime, alice, both, SyncKind.ACCOUNTS)
    async with runtime.database.transaction() as tx:
        await sync_store.lock(tx, asked.application_id, asked.id)
        await syncs.fail(tx, asked, SyncErrorCode.WORKER_LOST, "")
    assert await story(runtime, alice, asked) == ["worker_lost r", "worker_lost e", "listed", "entered all", "failed"]
    statuses = {channel.status for channel in (await channels_of(runtime, both)).values()}
    assert statuses == {ChannelStatus.FAILED}


async def test_the_connection_is_never_without_an_active_sync_between_the_stages(
    runtime: Runtime, alice: Tenant, both: Connection
) -> None:
    asked = await request(runtime, alice, both, SyncKind.ACCOUNTS)
    seen = []
    async with working(runtime):
        while (now := await current(runtime, asked)).status.active:
            seen.append(now.stage)
            await asyncio.sleep(0)
    assert sorted(set(seen)) == [SyncKind.ACCOUNTS, SyncKind.ALL]
    assert seen == sorted(seen)


async def test_a_run_that_is_begun_again_is_told_once(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, by_login("dev+half-history-2"), "dev")
    async with working(runtime):
        ended = await synchronise(runtime, alice, connection, SyncKind.ACCOUNTS)
    assert ended.retries == 2
    assert await story(runtime, alice, ended) == LISTING + FETCHING


# Accounts.


async def test_an_account_that_both_list_is_one_and_is_not_written_again(
    runtime: Runtime, alice: Tenant, both: Connection
) -> None:
    async with working(runtime):
        await synchronise(runtime, alice, both, SyncKind.ACCOUNTS)
        before = await written(runtime, both)
        again = await synchronise(runtime, alice, both, SyncKind.ACCOUNTS)
    assert await written(runtime, both) == before
    assert [sorted(listed_by) for _, _, listed_by in before] == [[E, R], [E, R], [E], [E]]
    assert [channel for _, channel, _ in before] == [R, R, E, E]
    assert again.result["transactions"]["added"] == again.result["transactions"]["changed"] == 0


async def written(runtime: Runtime, connection: Connection) -> list[tuple[str, int, list[int]]]:
    """Each account's row version, the channel that wrote it last, and those that list it."""
    async with runtime.database.transaction() as tx:
        rows = await tx.fetch(
            "SELECT xmin::text, channel_id, listed_by FROM accounts WHERE connection_id = $1 ORDER BY number",
            connection.id,
        )
    return [tuple(row) for row in rows]


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """The folder with the bank's scripts."""
    folder = tmp_path / "data" / "sandbox"
    folder.mkdir(parents=True)
    return folder


def script(folder: Path, *accounts: str) -> None:
    """Let the bank list these accounts of `dev`: each a uid, and a type where it is not `Checkings`."""
    kinds = [(uid, kind or "Checkings") for uid, _, kind in (account.partition(" ") for account in accounts)]
    lines = [f"ACCOUNT|{uid}|9999000{uid}|01/01/26|10|{kind}\nTRANSACTION|1|01/01/26|ROW" for uid, kind in kinds]
    (folder / "dev.txt").write_text("\n".join(lines))


async def statuses(runtime: Runtime, tenant: Tenant) -> dict[str, AccountStatus]:
    """The status of each account by its uid."""
    return {
        account.account_number.removeprefix("9999000"): account.status for account in await accounts_of(runtime, tenant)
    }


async def test_once_accounts_were_listed_only_listing_adds_any(
    runtime: Runtime, alice: Tenant, both: Connection, scripts: Path
) -> None:
    script(scripts, "one")
    async with working(runtime):
        await synchronise(runtime, alice, both, SyncKind.ACCOUNTS)
        script(scripts, "one", "two", "three Savings")
        await synchronise(runtime, alice, both, SyncKind.ALL)
        assert set(await statuses(runtime, alice)) == {"one"}
        assert len(await rows_of(runtime, alice)) == 1
        await synchronise(runtime, alice, both, SyncKind.ACCOUNTS)
    assert set(await statuses(runtime, alice)) == {"one", "two", "three"}
    assert len(await rows_of(runtime, alice)) == 3


async def test_where_nobody_ever_lists_accounts_all_adds_them(
    runtime: Runtime, alice: Tenant, both: Connection, scripts: Path
) -> None:
    script(scripts, "one")
    async with working(runtime):
        await synchronise(runtime, alice, both, SyncKind.ALL)
        script(scripts, "one", "two")
        await synchronise(runtime, alice, both, SyncKind.ALL)
    assert set(await statuses(runtime, alice)) == {"one", "two"}


async def test_an_account_is_missing_once_no_channel_lists_it_and_comes_back_with_any(
    runtime: Runtime, alice: Tenant, both: Connection, scripts: Path
) -> None:
    async with working(runtime):
        script(scripts, "one", "two", "three Savings")
        await synchronise(runtime, alice, both, SyncKind.ACCOUNTS)
        script(scripts, "one", "two Savings")
        await synchronise(runtime, alice, both, SyncKind.ALL)
        assert await statuses(runtime, alice) == {"one": "active", "two": "active", "three": "not_found"}
        script(scripts, "two Savings", "three Savings")
        await synchronise(runtime, alice, both, SyncKind.ALL)
    assert await statuses(runtime, alice) == {"one": "not_found", "two": "active", "three": "active"}


async def test_accounts_that_only_one_channel_lists_stay_when_the_other_one_lists(
    runtime: Runtime, alice: Tenant, scripts: Path
) -> None:
    """r lists an account that looks just like one of e's: they stay two."""
    connection = await link(runtime, alice, by_login("dev"), "anna")
    looks = "ACCOUNT|{uid}|{number}|01/01/26|10|Checkings|||ANNA|Daily\n"
    (scripts / "dev.txt").write_text(looks.format(uid="e1", number="111111"))
    (scripts / "anna.txt").write_text(looks.format(uid="r1", number="222222"))
    async with working(runtime):
        for _ in range(2):
            await synchronise(runtime, alice, connection, SyncKind.ACCOUNTS)
    held = await accounts_of(runtime, alice)
    assert {(account.account_number, account.channel_id, account.status) for account in held} == {
        ("111111", E, "active"), ("222222", R, "active"),
    }  # fmt: skip


async def test_a_failed_channel_leaves_its_accounts_as_they_were(
    runtime: Runtime, alice: Tenant, both: Connection, scripts: Path
) -> None:
    script(scripts, "one", "two Savings")
    async with working(runtime):
        await synchronise(runtime, alice, both, SyncKind.ACCOUNTS)
        (scripts / "dev.txt").write_text("ACCOUNT|nonsense")
        ended = await synchronise(runtime, alice, both, SyncKind.ALL)
    assert ended.error_code is SyncErrorCode.PROVIDER_CHANGED
    assert ended.error_detail == "dev.txt, line 1: an account has 6 to 14 fields"
    assert await statuses(runtime, alice) == {"one": "active", "two": "active"}
    assert len(await rows_of(runtime, alice)) == 2


async def test_r_and_e_of_different_applications_do_not_meet(
    runtime: Runtime, alice: Tenant, bob: Tenant, both: Connection
) -> None:
    theirs = await link(runtime, bob, BOTH, "dev")
    async with working(runtime):
        mine = await synchronise(runtime, alice, both, SyncKind.ACCOUNTS)
        other = await synchronise(runtime, bob, theirs, SyncKind.ACCOUNTS)
    assert await story(runtime, alice, mine) == await story(runtime, bob, other) == LISTING + FETCHING
    assert not {a.id for a in await accounts_of(runtime, alice)} & {a.id for a in await accounts_of(runtime, bob)}
    assert replace(both, id=theirs.id) != theirs

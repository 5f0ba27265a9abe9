"""The main job: a sync, run by a real worker on a real database."""

from afflux.domain.errors import SyncErrorCode
from afflux.domain.events import EventType
from afflux.domain.syncs import SyncStatus
from afflux.runtime import Runtime
from afflux.services import documents
from tests.conftest import Tenant
from tests.jobs.acting import (
    accounts_of,
    answer,
    documents_of,
    events_of,
    link,
    rows_of,
    synchronise,
    typed,
    until,
    working,
)

UNCHANGED = {"added": 0, "changed": 0, "removed": 0, "unchanged": 6}


async def test_a_sync_stops_for_a_code_goes_on_and_ends(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, "123456789", provider=999)
    async with working(runtime):
        waiting = await synchronise(runtime, alice, connection)
        assert waiting.status is SyncStatus.WAITING
        assert waiting.challenge is not None
        assert waiting.challenge["name"] == "sms"
        await answer(runtime, alice, connection, typed(sms="1234"))
        ended = await until(runtime, waiting, SyncStatus.FINISHED, SyncStatus.FAILED)
        again = await synchronise(runtime, alice, connection)
    current_account, card = await accounts_of(runtime, alice)
    assert ended.error_code is None
    assert ended.result["transactions"] == UNCHANGED | {"added": 6, "unchanged": 0}
    assert card.parent_id == current_account.id
    assert len(await rows_of(runtime, alice)) == 6
    assert again.status is SyncStatus.FINISHED
    assert again.result["transactions"] == UNCHANGED


async def test_the_events_of_a_sync_tell_its_story_in_order(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, "123456789", provider=999)
    async with working(runtime):
        ended = await synchronise(runtime, alice, connection, typed(sms="1234"))
    log = await events_of(runtime, alice)
    story = [event.type for event in log if event.sync_id == ended.id and event.type is not EventType.SYNC_PROGRESSED]
    assert [event.position for event in log] == list(range(1, len(log) + 1))
    assert story == [
        EventType.SYNC_REQUESTED,
        EventType.SYNC_STARTED,
        EventType.SYNC_ENTERED,
        EventType.SYNC_WAITING,
        EventType.SYNC_ANSWERED,
        EventType.SYNC_STARTED,
        EventType.CHANNEL_AUTHENTICATED,
        EventType.ACCOUNT_ADDED,
        EventType.ACCOUNT_ADDED,
        EventType.TRANSACTIONS_CHANGED,
        EventType.CHANNEL_SUCCEEDED,
        EventType.SYNC_FINISHED,
    ]


async def test_documents_of_equal_bytes_are_kept_once_and_read_back_whole(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, "hector@example.org", provider=1006, password="any")
    async with working(runtime):
        ended = await synchronise(runtime, alice, connection)
    held = await documents_of(runtime, alice)
    async with runtime.database.transaction() as tx:
        contents = [await documents.content(tx, runtime.vault, alice.user, document) for document in held]
        blobs = await tx.value("SELECT count(*) FROM blobs")
    assert ended.error_code is None
    assert sorted(document.type for document in held) == ["document", "invoice"]
    assert blobs == 1
    assert all(content.startswith(b"%PDF-") for content in contents)
    assert [len(content) for content in contents] == [document.size for document in held]


async def test_a_sync_whose_every_channel_is_frozen_fails_as_the_channel_did(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, "locked")
    async with working(runtime):
        first = await synchronise(runtime, alice, connection)
        second = await synchronise(runtime, alice, connection)
    assert [first.error_code, second.error_code] == [SyncErrorCode.ACCOUNT_LOCKED] * 2

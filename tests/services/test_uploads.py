"""Statement files: read whole or not at all, and what two of them tell of one movement is told once."""

import asyncio
from decimal import Decimal

import pytest

from afflux.domain.errors import InvalidInput
from afflux.domain.records import TransactionStatus
from afflux.domain.uploads import UploadStatus
from afflux.runtime import Runtime
from afflux.services import uploads, users
from tests.conftest import Tenant
from tests.connectors.files.reading import SAMPLES
from tests.connectors.files.test_samples import _ALL as SAMPLE_AMOUNTS
from tests.jobs.acting import accounts_of, rows_of, working
from tests.services.everything import everything
from tests.services.handing_in import Entry, camt, hand_in, imported, is_read

DAY = [
    Entry("-2.40", "2026-09-30", "CAFE", "R1"),
    Entry("-2.40", "2026-09-30", "CAFE", "R2"),
    Entry("100.00", "2026-09-30", "SALARY", "R3"),
]
SUM = Decimal("95.20")
UNCHANGED = {"added": 0, "changed": 0, "removed": 0}


async def _another(runtime: Runtime, tenant: Tenant, email: str) -> Tenant:
    user = await users.register(runtime.database, runtime.vault, tenant.principal, email=email)
    return Tenant(tenant.application, tenant.principal, user)


async def test_every_sample_is_stored_with_every_entry_and_a_second_time_changes_nothing(
    runtime: Runtime, alice: Tenant
) -> None:
    async def store_twice(number: int) -> None:
        name, amounts = SAMPLE_AMOUNTS[number]
        owner = await _another(runtime, alice, f"{number}@example.org")
        content, expected = (SAMPLES / name).read_bytes(), sorted(amounts(SAMPLES / name))
        first = await imported(runtime, owner, content, name)
        rows = await rows_of(runtime, owner)
        second = await imported(runtime, owner, content, name)
        assert first.error is second.error is None
        assert sorted(row.amount for row in rows) == expected, name
        assert first.result["transactions"] == UNCHANGED | {"added": len(expected), "unchanged": 0}
        assert second.result["transactions"] == UNCHANGED | {"unchanged": len(expected)}
        assert await rows_of(runtime, owner) == rows
        assert first.content is None

    async with working(runtime):
        await asyncio.gather(*map(store_twice, range(len(SAMPLE_AMOUNTS))))


@pytest.mark.parametrize("reference", ["with the bank's reference", "without"])
@pytest.mark.parametrize("order", [("052", "054", "053"), ("053", "054", "052"), ("054", "053", "053")])
async def test_a_movement_that_three_files_tell_of_is_one_transaction(
    runtime: Runtime, alice: Tenant, order: tuple[str, ...], reference: str
) -> None:
    entries = [Entry(e.amount, e.day, e.text, e.reference if "with " in reference else "") for e in DAY]
    async with working(runtime):
        ids = set()
        for kind in order:
            stated = ("10.00", "105.20") if kind == "053" else ()
            upload = await imported(runtime, alice, camt(kind, entries, *stated))
            assert upload.error is None
            ids |= {row.id for row in await rows_of(runtime, alice)}
    rows = await rows_of(runtime, alice)
    assert (len(rows), sum(row.amount for row in rows)) == (3, SUM)
    assert ids == {row.id for row in rows}


async def test_what_was_pending_in_a_report_is_booked_by_the_statement(runtime: Runtime, alice: Tenant) -> None:
    pending = [Entry(e.amount, e.day, e.text, pending=True) for e in DAY]
    async with working(runtime):
        await imported(runtime, alice, camt("052", pending))
        before = await rows_of(runtime, alice)
        await imported(runtime, alice, camt("053", DAY, "10.00", "105.20"))
    after = await rows_of(runtime, alice)
    assert {row.status for row in before} == {TransactionStatus.PENDING}
    assert {row.status for row in after} == {TransactionStatus.BOOKED}
    assert {row.id for row in before} == {row.id for row in after}


async def test_a_gap_between_two_files_is_told_and_their_entries_are_kept(runtime: Runtime, alice: Tenant) -> None:
    later = [Entry("-1.00", "2026-10-02", "BAKERY", "R9")]
    async with working(runtime):
        first = await imported(runtime, alice, camt("053", DAY, "10.00", "105.20"))
        second = await imported(runtime, alice, camt("053", later, "90.00", "89.00", "2026-10-02"))
        again = await imported(runtime, alice, camt("053", later, "90.00", "89.00", "2026-10-02"))
    assert first.result["warnings"] == []
    assert [warning["code"] for warning in second.result["warnings"]] == ["statement_gap"]
    assert "105.20" in second.result["warnings"][0]["text"]
    assert again.result["warnings"] == []
    assert len(await rows_of(runtime, alice)) == 4


async def test_files_that_follow_each_other_leave_no_gap(runtime: Runtime, alice: Tenant) -> None:
    later = [Entry("-1.00", "2026-10-02", "BAKERY", "R9")]
    async with working(runtime):
        await imported(runtime, alice, camt("053", DAY, "10.00", "105.20"))
        second = await imported(runtime, alice, camt("053", later, "105.20", "104.20", "2026-10-02"))
    assert second.result["warnings"] == []


async def test_neither_an_older_file_nor_one_without_a_balance_changes_the_balance(
    runtime: Runtime, alice: Tenant
) -> None:
    later = [Entry("-1.00", "2026-10-02", "BAKERY", "R9")]
    async with working(runtime):
        await imported(runtime, alice, camt("053", later, "105.20", "104.20", "2026-10-02"))
        await imported(runtime, alice, camt("053", DAY, "10.00", "105.20"))
        await imported(runtime, alice, camt("054", DAY))
    (account,) = await accounts_of(runtime, alice)
    assert account.balance == Decimal("104.20")
    assert len(await rows_of(runtime, alice)) == 4


HOSTILE = {
    "empty": b"",
    "no statement": b"MZ\x90\x00" + bytes(range(256)) * 20,
    "truncated": camt("053", DAY, "10.00", "105.20")[:-200],
    "an entity bomb": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "'
    + b"x" * 999
    + b'">]>'
    + camt("053", [Entry("1.00", "2026-09-30", "&b;&b;")]),
    "a file of ours": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>'
    + camt("053", [Entry("1.00", "2026-09-30", "&b;")]),
    "a date that is none": camt("053", [Entry("1.00", "2026-13-45", "X")]),
    "an amount that is none": camt("053", [Entry("1e999999", "2026-09-30", "X")]),
    "an amount without end": camt("053", [Entry("9" * 5000, "2026-09-30", "X")]),
    "a NUL in a text": b"!Type:Bank\nD01/02/2026\nT-1.00\nPa\0b\n^\n",
    "half a movement": b":20:X\n:25:1234567890\n:28C:1\n:60F:C260101EUR1,00\n:61:2601010101D",
    "movements without their head": b"OFXHEADER:100\nDATA:OFXSGML\n\n<OFX><STMTTRN><TRNAMT>-1.00</OFX>",
}


async def test_a_hostile_file_stores_nothing_says_why_in_one_line_and_the_next_goes_on(
    runtime: Runtime, alice: Tenant
) -> None:
    given = {name: await hand_in(runtime, alice, f"{name}.xml", content) for name, content in HOSTILE.items()}
    good = await hand_in(runtime, alice, "good.xml", camt("053", DAY, "10.00", "105.20"))
    async with working(runtime):
        refused = {name: await is_read(runtime, alice, upload) for name, upload in given.items()}
        read = await is_read(runtime, alice, good)
    assert read.status is UploadStatus.DONE
    for name, upload in refused.items():
        assert upload.status is UploadStatus.FAILED, name
        assert upload.error, name
        assert "\n" not in upload.error
        assert "Traceback" not in upload.error
        assert upload.result == {}
    assert len(await accounts_of(runtime, alice)) == 1
    assert len(await rows_of(runtime, alice)) == 3
    held = await everything(runtime.dsn)
    assert held.cells["uploads.content"] == []
    assert not held.places_of("root:x:0")


async def test_a_file_that_is_too_large_is_refused_before_it_is_kept(runtime: Runtime, alice: Tenant) -> None:
    with pytest.raises(InvalidInput, match="larger than 25 MiB"):
        await hand_in(runtime, alice, "big.xml", bytes(uploads.LARGEST + 1))
    assert (await everything(runtime.dsn)).cells["uploads.id"] == []


async def test_a_files_name_is_kept_in_one_line_that_can_be_shown(runtime: Runtime, alice: Tenant) -> None:
    async with working(runtime):
        upload = await imported(runtime, alice, b"x", "a\n\x1b[31mb\0\udc80" + "c" * 900)
    assert upload.name.isprintable()
    assert len(upload.name) == 255


async def test_first_files_handed_in_at_once_share_one_connection_and_are_all_read(
    runtime: Runtime, alice: Tenant
) -> None:
    files = [camt("053", [Entry("-1.00", f"2026-09-{day:02}", "X", f"R{day}")]) for day in range(1, 5)]
    async with working(runtime):
        given = await asyncio.gather(*(hand_in(runtime, alice, "file", content) for content in files * 2))
        read = [await is_read(runtime, alice, upload) for upload in given]
    async with runtime.database.transaction() as tx:
        assert await tx.value("SELECT count(*) FROM connections") == 1
    assert [upload.error for upload in read] == [None] * 8
    assert len(await rows_of(runtime, alice)) == 4

"""Transactions over the wire: their order, every filter, and their shape."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from afflux.runtime import Runtime
from tests.facades.oxlin.calling import EMBEDDED, Client, linked, sandbox, two_ways
from tests.jobs.acting import working

#: A whole one.
SECOND = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def test_a_transaction_is_as_the_contract_says(runtime: Runtime, ana: Client) -> None:
    async with working(runtime):
        await linked(ana, two_ways(EMBEDDED))
    for row in await ana.get("/transactions"):
        assert row == await ana.get(f"/transactions/{row['id']}")
        assert {
            "id", "account_id", "amount", "currency", "type", "origin", "category_id", "date", "import_date",
            "last_update_date", "label", "notes", "remittance_information", "status",
        } <= row.keys()  # fmt: skip
        assert (row["currency"], row["origin"], row["status"]) == ("EUR", "TRANSACTION", "BOOKED")
        assert row["notes"] == "\n".join(row["remittance_information"])
        midnight = datetime.fromtimestamp(row["date"], ZoneInfo("Europe/Paris"))
        assert (midnight.hour, midnight.minute, midnight.second) == (0, 0, 0)


async def test_the_order_is_that_of_import_with_the_newest_row_of_one_second_first(
    runtime: Runtime, ana: Client
) -> None:
    async with working(runtime):
        await linked(ana, two_ways(EMBEDDED))
        await linked(ana, sandbox("ana+history-300"))
    async with runtime.database.transaction() as tx:
        # One second has many imports: each page of a provider and each account is one.
        await tx.execute("UPDATE transactions SET created_at = $1::timestamptz + number % 5 * interval '0.4 s'", SECOND)
    seen: list[dict[str, Any]] = []
    page = 1
    while some := await ana.get(f"/transactions?page={page}&limit=70"):
        seen += some
        page += 1
    assert {row["import_date"] - int(SECOND.timestamp()) for row in seen} == {0, 1}
    assert seen == sorted(seen, key=lambda row: (row["import_date"], -int(row["id"])))
    assert await ana.get("/transactions") == seen[:100]
    assert await ana.get("/transactions?limit=500") == seen[:500]


async def test_every_filter_does_what_it_says(runtime: Runtime, ana: Client) -> None:
    async with working(runtime):
        await linked(ana, sandbox("ben+accounts-2+history-40"))
        await linked(ana, sandbox("ana+pending+quiet"))
    rows = await ana.get("/transactions?limit=500")
    assert 20 < len(rows) < 500
    account = {each["id"]: each for each in await ana.get("/accounts")}
    some = rows[7]
    day, start = some["date"], some["import_date"]
    for query, fits in {
        f"account_id={some['account_id']}": lambda row: row["account_id"] == some["account_id"],
        "account_type=CHECKINGS": lambda row: account[row["account_id"]]["type"] == "CHECKINGS",
        f"amount={some['amount']}": lambda row: row["amount"] == some["amount"],
        "min_amount=-50&max_amount=-10": lambda row: -50 <= row["amount"] <= -10,
        "included_statuses=PENDING": lambda row: row["status"] == "PENDING",
        "included_statuses=PENDING,BOOKED": lambda row: True,
        "excluded_statuses=PENDING": lambda row: row["status"] != "PENDING",
        "included_statuses=EXPIRED": lambda row: False,
        f"start_date={day}&end_date={day}": lambda row: row["date"] == day,
        f"start_date={day + 1}": lambda row: row["date"] > day,
        f"end_date={day - 1}": lambda row: row["date"] < day,
        f"start_import_date={start}": lambda row: row["import_date"] >= start,
        f"start_import_date={2**40}": lambda row: False,
        f"category_id={some['category_id']}": lambda row: row["category_id"] == some["category_id"],
        "category_id=UNCATEGORIZED": lambda row: row["category_id"] == "UNCATEGORIZED",
        "category_id=NOTHING": lambda row: False,
        "origin=TRANSACTION": lambda row: True,
        "origin=UPCOMING": lambda row: False,
        "account_id=x": lambda row: False,
    }.items():
        found = await ana.get(f"/transactions?limit=500&{query}")
        assert found == [row for row in rows if fits(row)], query


async def test_filters_that_make_no_sense_are_refused(ana: Client) -> None:
    for query in (
        "amount=much", "amount=NaN", "min_amount=Infinity", "max_amount=1e400", "amount=1e-20000",
        "min_amount=0e-20000", "amount=1_000", "amount=", "included_statuses=DONE",
        "excluded_statuses=", "origin=X", "account_type=X", "start_date=today", "end_date=1.5", "limit=1000",
        "start_date=null", "account_type=NULL",
    ):  # fmt: skip
        await ana.refused(400, "BAD_PARAMETER", "GET", f"/transactions?{query}")


async def test_days_begin_in_paris_also_when_clocks_change(runtime: Runtime, ana: Client) -> None:
    async with working(runtime):
        await linked(ana, sandbox("ana+quiet+twins"))
    days = {datetime(2024, 3, 31): "2024-03-30T23:00", datetime(2024, 4, 1): "2024-03-31T22:00"}
    for day, midnight in days.items():
        async with runtime.database.transaction() as tx:
            await tx.execute("UPDATE transactions SET day = $1", day.date())
        second = int(datetime.fromisoformat(midnight).replace(tzinfo=UTC).timestamp())
        rows = await ana.get("/transactions")
        assert rows
        assert {row["date"] for row in rows} == {second}
        assert await ana.get(f"/transactions?start_date={second}&end_date={second}") == rows
        assert await ana.get(f"/transactions?start_date={second + 1}") == []
        assert await ana.get(f"/transactions?end_date={second - 1}") == []

"""Accounts and transactions over the wire."""

import random
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from afflux.domain.records import AccountType
from afflux.runtime import Runtime
from afflux.store import transactions
from tests.facades.iswigo.calling import Client
from tests.facades.iswigo.filling import shelf_of, tenant_of
from tests.jobs.acting import link, synchronise, typed, working
from tests.services.shelves import DAY, Shelf, account, movement

#: By the number of items: `Content-Range`, and the ranges that `Link` names.
HEADERS = {
    0: ("*/0", None),
    1: ("0-0/1", None),
    20: ("0-19/20", None),
    21: ("0-19/21", ("20-39", "20-39")),
    340: ("0-19/340", ("20-39", "320-339")),
}


async def check_headers(client: Client, target: str, resource: str, count: int) -> None:
    """The first page of a list of `count` items has the headers of contract section 9."""
    response = await client.send("GET", target)
    content_range, links = HEADERS[count]
    shown = {name: response.headers.get(name) for name in ("accept-range", "content-range", "link")}
    link = links and ",".join(
        f'<http://127.0.0.1:8080{target}?range={span}>; rel="{name}"'
        for name, span in zip(("next", "last"), links, strict=True)
    )
    expected = {"accept-range": f"{resource} {min(count, 20)}", "content-range": content_range, "link": link}
    assert (response.status_code, len(response.json()), shown) == (200, min(count, 20), expected)


async def rows(client: Client, account_id: object, window: str = "0-19") -> Any:
    """A page of an account."""
    return await client.get(f"/v1/bank/accounts/{account_id}/transactions?range={window}")


async def test_the_test_bank_shows_an_account_its_card_and_six_movements(runtime: Runtime, hector: Client) -> None:
    tenant = await tenant_of(runtime, hector)
    connection = await link(runtime, tenant, "123456789", provider=999)
    async with working(runtime):
        await synchronise(runtime, tenant, connection, typed(sms="1234"))
    current, card = await hector.get("/v1/bank/accounts")
    number = current["account_number"]
    assert current == {
        "account_id": current["account_id"],
        "connection_id": str(connection.id),
        "type": "account",
        "name": "Compte courant",
        "account_number": number,
        "bban": current["bban"],
        "balance": 1000,
        "currency": "EUR",
        "is_professional": False,
        "parent_account_id": None,
    }
    assert (len(number), len(current["bban"]), current["bban"][-11:]) == (11, 21, number)
    assert card == current | {
        "account_id": card["account_id"],
        "type": "deferred credit card",
        "name": "Carte à débit différé",
        "account_number": card["account_number"],
        "bban": None,
        "balance": None,
        "parent_account_id": current["account_id"],
    }
    assert list(card) == list(current)
    assert card["account_number"].startswith("x" * 10)
    assert card["account_number"][10:].isdecimal()
    assert await hector.get(f"/v1/bank/accounts/{card['account_id']}") == card
    movements = await rows(hector, current["account_id"])
    assert len(movements) == 6
    assert len({each["operation_date"] for each in movements}) == 1
    assert [each["wording"][:6] for each in movements] == ["COTISA", "CARTE ", *["CHEQUE"] * 4]
    first = movements[0]
    assert list(first) == [
        "transaction_id", "account_id", "operation_date", "value_date", "accounting_date", "cc_order_month",
        "check_number", "amount", "wording", "text",
    ]  # fmt: skip
    assert (first["amount"], first["text"], first["accounting_date"]) == (-4.1, ".", None)
    assert await hector.get(f"/v1/bank/accounts/{first['account_id']}/transactions/{first['transaction_id']}") == first


@pytest.mark.parametrize(
    ("given", "number"),
    [
        ("xxxxxxxxxx785213", "xxxxxxxxxx785213"),
        ("4970 1012 3478 5213", "xxxxxxxxxx785213"),
        ("xxxxxxxxxxxx5213", "xxxxxxxxxxxx5213"),
        ("", "x" * 16),
    ],
)
async def test_a_deferred_card_shows_six_digits_whatever_its_bank_says(
    runtime: Runtime, hector: Client, given: str, number: str
) -> None:
    shelf = await shelf_of(runtime, hector)
    talkative = account(number=given, type=AccountType.DEFERRED_CARD, bban="1" * 21, balance=Decimal(5))
    shown = await hector.get(f"/v1/bank/accounts/{await shelf.account(talkative)}")
    assert (shown["account_number"], shown["bban"], shown["balance"]) == (number, None, None)


@pytest.mark.parametrize(
    ("given", "bban"),
    [
        ({"bban": "111112222200123456789", "iban": "NL91ABNA0417164300"}, "111112222200123456789"),
        ({"iban": "FR7611111222220012345678912"}, "111112222200123456789"),
        ({"iban": "NL91ABNA0417164300"}, "ABNA0417164300"),
        ({"number": "00123456789"}, None),
    ],
)
async def test_the_national_number_is_the_banks_or_comes_from_the_iban(
    runtime: Runtime, hector: Client, given: dict[str, str], bban: str | None
) -> None:
    shelf = await shelf_of(runtime, hector)
    shown = await hector.get(f"/v1/bank/accounts/{await shelf.account(account(**given))}")
    assert (shown["type"], shown["bban"], shown["balance"]) == ("account", bban, None)


async def test_a_parent_comes_before_its_child_and_otherwise_the_older_account(
    runtime: Runtime, hector: Client
) -> None:
    shelf = await shelf_of(runtime, hector)
    early = await shelf.account(account("card", name="early card"))
    await shelf.account(account("other", name="other"))
    parent = await shelf.account(account("current", name="parent"))
    await shelf.account(account("late card", name="late card"), parent)
    await shelf.account(account("last", name="last"))
    async with runtime.database.transaction() as tx:
        await tx.execute("UPDATE accounts SET parent_id = $2 WHERE id = $1", early, parent)
    names = [each["name"] for each in await hector.get("/v1/bank/accounts")]
    assert names == ["other", "parent", "early card", "late card", "last"]
    pages = [(await hector.get(f"/v1/bank/accounts?range={n}-{n}"))[0]["name"] for n in range(5)]
    assert pages == names


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        ("-12.00", "-12"),
        ("1E+3", "1000"),
        ("-0.00", "0"),
        ("19.90", "19.9"),
        ("0.00000001", "0.00000001"),
        ("-123456789012345678.123456789012345678", "-123456789012345678.123456789012345678"),
    ],
)
async def test_an_amount_is_exact_and_has_no_exponent(
    runtime: Runtime, hector: Client, amount: str, written: str
) -> None:
    shelf = await shelf_of(runtime, hector)
    held = await shelf.account(account(balance=Decimal(amount)))
    await shelf.movements(held, [movement(amount=Decimal(amount))])
    assert f'"balance":{written},' in (await hector.send("GET", "/v1/bank/accounts")).text
    assert f'"amount":{written},' in (await hector.send("GET", f"/v1/bank/accounts/{held}/transactions")).text


@pytest.mark.parametrize(
    ("given", "wording", "text"),
    [
        ({"text": "CARTE 7"}, "CARTE 7", "."),
        ({"text": "VIREMENT\r\nLoyer juin\nmerci"}, "VIREMENT", "Loyer juin\nmerci"),
        ({"text": "VIREMENT", "counterparty": "Mme Martin"}, "VIREMENT", "Mme Martin"),
        ({"text": "VIREMENT\nLoyer", "counterparty": "Mme Martin"}, "VIREMENT", "Loyer"),
        ({"text": ""}, "", "."),
    ],
)
async def test_the_wording_is_the_first_line_and_the_text_whatever_else_is_said(
    runtime: Runtime, hector: Client, given: dict[str, str], wording: str, text: str
) -> None:
    shelf = await shelf_of(runtime, hector)
    held = await shelf.account(account())
    await shelf.movements(held, [movement(**given)])
    (row,) = await rows(hector, held)
    assert (row["wording"], row["text"]) == (wording, text)


async def test_a_movement_has_the_dates_it_was_given(runtime: Runtime, hector: Client) -> None:
    shelf = await shelf_of(runtime, hector)
    held = await shelf.account(account())
    dated = movement(
        value_date=date(2026, 7, 2), transaction_date=date(2026, 6, 28), settlement_month="2026-07", check_number="990"
    )
    paid = movement(1, None, transaction_date=date(2026, 6, 1))  # type: ignore[arg-type]
    await shelf.movements(held, [paid, dated])
    shown = [
        [row[key] for key in ("operation_date", "value_date", "accounting_date", "cc_order_month", "check_number")]
        for row in await rows(hector, held)
    ]
    assert shown == [
        ["2026-06-30", "2026-07-02", None, "2026-07", "990"],
        ["2026-06-01", "2026-06-01", None, None, None],
    ]


@pytest.mark.parametrize("count", HEADERS)
async def test_lists_of_any_length_say_what_they_hold(runtime: Runtime, hector: Client, count: int) -> None:
    shelf = await shelf_of(runtime, hector)
    for number in range(count):
        await shelf.account(account(f"account {number}"))
    await check_headers(hector, "/v1/bank/accounts", "accounts", count)
    held = await shelf.account(account("one more"))
    if count:
        await shelf.movements(held, [movement(number) for number in range(count)])
    await check_headers(hector, f"/v1/bank/accounts/{held}/transactions", "transactions", count)


async def test_beyond_the_end_of_an_account_there_is_nothing(runtime: Runtime, hector: Client) -> None:
    shelf = await shelf_of(runtime, hector)
    held = await shelf.account(account())
    await shelf.movements(held, [movement(number) for number in range(3)])
    for window in ("3-22", "9007199254740990-9007199254740993"):
        response = await hector.send("GET", f"/v1/bank/accounts/{held}/transactions?range={window}")
        assert (response.json(), response.headers["Content-Range"]) == ([], "*/3")
        assert response.headers["Accept-Range"] == "transactions 0"


async def filled(shelf: Shelf, count: int) -> tuple[object, Sequence[str]]:
    """An account of `count` movements on uneven days, and their ids as a list has to show them."""
    draws = random.Random(7)
    held = await shelf.account(account())
    days = [DAY - timedelta(days=min(draws.randrange(1, 400), draws.randrange(1, 400))) for _ in range(count)]
    days[: count // 5] = [DAY] * (count // 5)
    await shelf.movements(held, [movement(number, day) for number, day in enumerate(days)])
    async with shelf.runtime.database.reading() as tx:
        ordered = await tx.fetch("SELECT id FROM transactions WHERE account_id = $1 ORDER BY day DESC, number", held)
    return held, [str(row["id"]) for row in ordered]


async def test_the_pages_of_a_large_account_have_neither_gap_nor_repeat(runtime: Runtime, hector: Client) -> None:
    shelf = await shelf_of(runtime, hector)
    held, ids = await filled(shelf, 30_000)
    seen = []
    async with runtime.database.reading() as tx:
        for first in range(0, len(ids) + 1000, 1000):
            mine = (shelf.sync.application_id, shelf.sync.user_id, held)
            total, lines = await transactions.page(tx, *mine, first, 1000)  # type: ignore[arg-type]
            seen += [str(line.id) for line in lines]
            assert total == len(ids)
    assert seen == ids
    draws = random.Random(8)
    for first in (0, 1, 19_950, 19_999, 20_000, len(ids) - 1, *(draws.randrange(len(ids)) for _ in range(20))):
        shown = await rows(hector, held, f"{first}-{first + 99}")
        assert [row["transaction_id"] for row in shown] == ids[first : first + 100]


async def test_what_is_not_the_users_or_no_longer_there_is_not_found(
    runtime: Runtime, shop: Client, hector: Client, ida: Client
) -> None:
    shelf = await shelf_of(runtime, hector)
    held, other = await shelf.account(account()), await shelf.account(account("other"))
    await shelf.movements(held, [movement()])
    (row,) = await rows(hector, held)
    one = f"/transactions/{row['transaction_id']}"
    for client, target in (
        (hector, f"{other}{one}"),
        (hector, f"{held}/transactions/{uuid4()}"),
        (hector, f"{uuid4()}"),
        (hector, f"{uuid4()}/transactions"),
        (hector, "42"),
        (hector, "42/transactions"),
        *((ida, f"{held}{end}") for end in ("", "/transactions", one)),
    ):
        await client.refused(404, "Not Found", "GET", f"/v1/bank/accounts/{target}")
    async with runtime.database.transaction() as tx:
        await tx.execute("UPDATE accounts SET status = 'deleted' WHERE id = $1", held)
    for end in ("", "/transactions", one):
        await hector.refused(404, "Not Found", "GET", f"/v1/bank/accounts/{held}{end}")
    assert [each["account_id"] for each in await hector.get("/v1/bank/accounts")] == [str(other)]
    assert await ida.get("/v1/bank/accounts") == []
    assert (await shop.send("GET", "/v1/bank/accounts")).status_code == 401

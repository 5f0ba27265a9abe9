"""Documents over the wire, and their bytes."""

import hashlib
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from email.message import Message
from urllib.parse import unquote
from uuid import uuid4

import pytest

from afflux.domain.records import DocumentType
from afflux.runtime import Runtime
from tests.facades.iswigo.calling import Client
from tests.facades.iswigo.filling import shelf_of, tenant_of
from tests.facades.iswigo.test_bank import HEADERS, check_headers
from tests.jobs.acting import link, synchronise, working
from tests.services.shelves import document


async def test_the_portal_brings_an_invoice_and_a_document_of_the_same_bytes(runtime: Runtime, hector: Client) -> None:
    tenant = await tenant_of(runtime, hector)
    connection = await link(runtime, tenant, "hector@example.org", provider=1006)
    async with working(runtime):
        await synchronise(runtime, tenant, connection)
    invoice, other = await hector.get("/v1/documents")
    assert list(invoice) == [
        "document_id", "connection_id", "create_time", "name", "extension", "mime", "size", "type", "meta", "hash",
    ]  # fmt: skip
    assert (invoice["type"], other["type"], other["meta"]) == ("invoice", "document", [])
    assert list(invoice["meta"]) == ["amount", "payment_date"]
    assert isinstance(invoice["meta"]["amount"], float | int)
    assert date.fromisoformat(invoice["meta"]["payment_date"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", invoice["create_time"])
    for shown in (invoice, other):
        assert await hector.get(f"/v1/documents/{shown['document_id']}") == shown
        response = await hector.send("GET", f"/v1/documents/{shown['document_id']}/download")
        assert response.status_code == 200
        assert hashlib.sha1(response.content).hexdigest() == shown["hash"]["sha1"] == invoice["hash"]["sha1"]
        assert len(response.content) == shown["size"] == int(response.headers["Content-Length"])
        assert response.headers["Content-Type"] == shown["mime"] == "application/pdf"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Content-Security-Policy"].startswith("sandbox")


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Facture du 2026-06-30", "Facture du 2026-06-30.pdf"),
        ("Relevé n°7 — été", "Releve n7  ete.pdf"),
        ('a"; filename="evil', "a_; filename=_evil.pdf"),
        ("../../etc/passwd", "_.._etc_passwd.pdf"),
        ("..\\..\\boot", "_.._boot.pdf"),
        ("line\r\nSet-Cookie: a=b", "line__Set-Cookie_ a=b.pdf"),
        ("100%41", "100_41.pdf"),
        ("請求書", "document.pdf"),
        ("a＂／b", "a__b.pdf"),
        ("", "document.pdf"),
        ("x" * 1000, "x" * 150 + ".pdf"),
    ],
)
async def test_a_file_has_a_harmless_name(runtime: Runtime, hector: Client, name: str, plain: str) -> None:
    shelf = await shelf_of(runtime, hector)
    await shelf.documents([document(name=name)])
    (shown,) = await hector.get("/v1/documents")
    headers = (await hector.send("GET", f"/v1/documents/{shown['document_id']}/download")).headers
    disposition = headers["Content-Disposition"]
    assert shown["name"] == name
    assert "set-cookie" not in headers
    assert re.fullmatch(r"attachment; filename=\"([^\"\\]*)\"; filename\*=UTF-8''[\w.~%-]+", disposition, re.ASCII)
    parsed = Message()
    parsed["Content-Disposition"] = disposition.partition("; filename*")[0]
    assert parsed.get_filename() == plain
    full = unquote(disposition.rpartition("''")[2])
    assert not set(full) & set('"\\/\r\n%')
    assert full.isascii() == name.isascii()


@pytest.mark.parametrize("mime", ["text/html\r\nX: y", "text/html; charset=utf-7", "nonsense", "", "image/svg+xml"])
async def test_bytes_are_never_more_than_a_file(runtime: Runtime, hector: Client, mime: str) -> None:
    shelf = await shelf_of(runtime, hector)
    await shelf.documents([document(mime=mime, content=b"<script>alert(1)</script>")])
    (shown,) = await hector.get("/v1/documents")
    headers = (await hector.send("GET", f"/v1/documents/{shown['document_id']}/download")).headers
    assert headers["Content-Type"] == (mime if mime == "image/svg+xml" else "application/octet-stream")
    assert (headers["X-Content-Type-Options"], headers["Content-Disposition"][:11]) == ("nosniff", "attachment;")


@pytest.mark.parametrize(
    ("given", "meta"),
    [
        (
            {"amount": Decimal("750.00"), "payment_date": date(2026, 7, 15)},
            {"amount": 750, "payment_date": "2026-07-15"},
        ),
        ({"amount": Decimal("19.90")}, {"amount": 19.9, "payment_date": None}),
        ({"payment_date": date(2026, 7, 15)}, {"amount": None, "payment_date": "2026-07-15"}),
        ({}, []),
    ],
)
async def test_an_invoice_says_what_is_known_of_it(
    runtime: Runtime, hector: Client, given: dict[str, object], meta: object
) -> None:
    shelf = await shelf_of(runtime, hector)
    await shelf.documents([document(type=DocumentType.INVOICE, **given)])
    (shown,) = await hector.get("/v1/documents")
    assert (shown["type"], shown["meta"]) == ("invoice", meta)


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        (datetime(2020, 4, 24, 13, 58, 41, tzinfo=UTC), "2020-04-24 15:58:41"),
        (datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC), "2026-03-29 01:59:59"),
        (datetime(2026, 3, 29, 1, 0, 0, tzinfo=UTC), "2026-03-29 03:00:00"),
        (datetime(2026, 10, 25, 0, 59, 59, tzinfo=UTC), "2026-10-25 02:59:59"),
        (datetime(2026, 10, 25, 1, 0, 0, 999_999, tzinfo=UTC), "2026-10-25 02:00:00"),
    ],
)
async def test_the_time_of_storing_is_that_of_a_clock_in_paris(
    runtime: Runtime, hector: Client, stored: datetime, shown: str
) -> None:
    shelf = await shelf_of(runtime, hector)
    await shelf.documents([document()])
    async with runtime.database.transaction() as tx:
        await tx.execute("UPDATE documents SET created_at = $1", stored)
    assert [each["create_time"] for each in await hector.get("/v1/documents")] == [shown]


async def test_the_last_stored_comes_first_and_what_came_together_in_its_order(
    runtime: Runtime, hector: Client
) -> None:
    shelf = await shelf_of(runtime, hector)
    await shelf.documents([document("1"), document("2")])
    await shelf.documents([document("3"), document("4")])
    await shelf.documents([document("1", name="Relevé 1 bis")])
    assert [each["name"][7:] for each in await hector.get("/v1/documents")] == ["3", "4", "1 bis", "2"]


@pytest.mark.parametrize("filter_", ["filters[type]", "filters%5Btype%5D", "filters%5btype%5d"])
async def test_a_filter_keeps_one_type(runtime: Runtime, hector: Client, filter_: str) -> None:
    shelf = await shelf_of(runtime, hector)
    await shelf.documents([document(type.value, type=type) for type in DocumentType])
    kept = {}
    for type in ("invoice", "document", "statement", "", "nonsense"):
        response = await hector.send("GET", f"/v1/documents?{filter_}={type}&range=0-9")
        assert response.headers["Content-Range"].endswith(f"/{len(response.json())}")
        kept[type] = [each["name"] for each in response.json()]
    assert kept == {
        "invoice": ["Relevé invoice"],
        "document": ["Relevé statement", "Relevé document"],
        "statement": [],
        "": [],
        "nonsense": [],
    }


@pytest.mark.parametrize("count", HEADERS)
async def test_a_list_of_any_length_says_what_it_holds(runtime: Runtime, hector: Client, count: int) -> None:
    shelf = await shelf_of(runtime, hector)
    await shelf.documents([document(str(number)) for number in range(count)])
    await check_headers(hector, "/v1/documents", "documents", count)


async def test_what_is_not_the_users_is_not_found(runtime: Runtime, hector: Client, ida: Client) -> None:
    shelf = await shelf_of(runtime, hector)
    await shelf.documents([document()])
    (shown,) = await hector.get("/v1/documents")
    assert await ida.get("/v1/documents") == []
    for end in ("", "/download"):
        await ida.refused(404, "Not Found", "GET", f"/v1/documents/{shown['document_id']}{end}")
        await hector.refused(404, "Not Found", "GET", f"/v1/documents/{uuid4()}{end}")
        await hector.refused(404, "Not Found", "GET", f"/v1/documents/17{end}")

"""Documents: the portal 1006 and the statements of the bank."""

import io
from decimal import Decimal

import pytest
from pypdf import PdfReader

from afflux.connectors.sandbox.memory import Memory
from afflux.connectors.sandbox.pdf import text_page
from afflux.domain.messages import Done, StateUpdate
from afflux.domain.records import DocumentRecord, DocumentType

from .driver import START, Connection


def portal() -> Connection:
    return Connection("alix@example.org", provider=1006, password="anything at all")


async def test_each_sync_brings_one_invoice_and_one_document_of_the_same_bytes() -> None:
    connection = portal()
    for expected in ("1", "2", "3"):
        invoice, document = (await connection.later(days=1).sync()).of(DocumentRecord)
        assert (invoice.key, document.key) == (f"invoice-{expected}", f"document-{expected}")
        assert (invoice.type, document.type) == (DocumentType.INVOICE, DocumentType.DOCUMENT)
        assert invoice.content == document.content


async def test_an_invoice_says_its_amount_and_when_it_is_paid() -> None:
    invoice, document = (await portal().sync()).of(DocumentRecord)
    assert invoice.amount is not None
    assert invoice.amount > 0
    assert invoice.payment_date is not None
    assert invoice.payment_date > START.date()
    assert (document.amount, document.payment_date) == (None, None)
    text = read(invoice.content)
    assert "Facture FA-00001" in text
    assert f"Montant : {str(invoice.amount).replace('.', ',')} EUR" in text
    assert "16/03/2026" in text


async def test_a_run_killed_before_its_end_gives_the_same_documents_again() -> None:
    connection = portal()
    await connection.sync()
    killed = await connection.later(hours=1).messages()
    *updates, closing = [message for message in killed if isinstance(message, StateUpdate)]
    connection.state = updates[-1].state  # all but the end was kept
    again = (await connection.later(minutes=10).sync()).of(DocumentRecord)
    assert again == [message for message in killed if isinstance(message, DocumentRecord)]
    assert Memory.load(closing.state, START).run == 3


async def test_the_end_of_a_run_is_kept_together_with_its_number() -> None:
    *_, state, done = await portal().messages()
    assert isinstance(state, StateUpdate)
    assert Memory.load(state.state, START).run == 2
    assert done == Done()


async def test_a_portal_has_no_accounts() -> None:
    assert (await portal().sync()).accounts == {}


@pytest.mark.parametrize(("login", "count"), [("documents", 3), ("documents-14", 14)])
async def test_statements_of_the_last_months_are_there_each_time(login: str, count: int) -> None:
    connection = Connection(login)
    first = (await connection.sync()).of(DocumentRecord)
    assert len(first) == count
    assert (await connection.sync()).of(DocumentRecord) == first
    assert "Relevé de compte 2026-02" in read(first[-1].content)


def test_every_line_can_be_read_back() -> None:
    lines = ["Prélèvement (échéance) 12,50 €", r"a\b", "cœur"]
    assert read(text_page(lines)).splitlines() == lines


def test_the_same_lines_give_the_same_bytes() -> None:
    assert text_page(["x", str(Decimal("1.50"))]) == text_page(["x", "1.50"])


def read(content: bytes) -> str:
    reader = PdfReader(io.BytesIO(content), strict=True)
    assert len(reader.pages) == 1
    return reader.pages[0].extract_text()

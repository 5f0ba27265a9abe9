"""Documents of the sandbox: invoices of the portal 1006, statements of the bank."""

from datetime import UTC, datetime, time, timedelta

from afflux.connectors.sandbox.books import Scene
from afflux.connectors.sandbox.draws import Draws
from afflux.connectors.sandbox.months import Month
from afflux.connectors.sandbox.pdf import text_page
from afflux.connectors.sandbox.plan import Portal
from afflux.domain.records import DocumentRecord, DocumentType

PAYMENT_DAYS = 15


def invoices(scene: Scene, began: datetime) -> list[DocumentRecord]:
    """Return this sync's invoice and document. Both hold the same bytes."""
    amount = Draws("invoice", scene.seed, scene.run).money(9, 180)
    number = f"FA-{scene.run:05d}"
    payment_date = began.date() + timedelta(days=PAYMENT_DAYS)
    content = text_page(
        [
            "Portail de factures",
            f"Facture {number}",
            f"Date : {began:%d/%m/%Y}",
            f"Montant : {str(amount).replace('.', ',')} EUR",
            f"Prélèvement le {payment_date:%d/%m/%Y}",
        ]
    )
    invoice = DocumentRecord(
        key=f"invoice-{scene.run}",
        name=f"Facture {number}",
        extension="pdf",
        mime="application/pdf",
        type=DocumentType.INVOICE,
        created_at=began,
        amount=amount,
        payment_date=payment_date,
        content=content,
    )
    document = DocumentRecord(
        key=f"document-{scene.run}",
        name=f"Justificatif {number}",
        extension="pdf",
        mime="application/pdf",
        created_at=began,
        content=content,
    )
    return [invoice, document]


def statements(count: int) -> Portal:
    """Make a portal with the statements of the last `count` whole months."""

    def portal(scene: Scene, began: datetime) -> list[DocumentRecord]:
        month = Month.of(scene.today)
        found = []
        for _ in range(count):
            month = month.previous
            found.append(_statement(month))
        return found[::-1]

    return portal


def _statement(month: Month) -> DocumentRecord:
    return DocumentRecord(
        key=f"statement-{month}",
        account_key="current",
        name=f"Relevé {month}",
        extension="pdf",
        mime="application/pdf",
        type=DocumentType.STATEMENT,
        created_at=datetime.combine(month.last_day, time(20), UTC),
        content=text_page(["Sandbox", f"Relevé de compte {month}", f"Arrêté au {month.last_day:%d/%m/%Y}"]),
    )

"""The books of provider 999: a current account, the card that is settled from it, and one day of six movements."""

from datetime import date, timedelta
from decimal import Decimal

from afflux.connectors.sandbox.books import Book, Scene, fixed
from afflux.connectors.sandbox.draws import Draws
from afflux.connectors.sandbox.french import BIC, identity, masked_card
from afflux.domain.records import AccountRecord, AccountType, TransactionRecord, TransactionType

CURRENT = "current"
CARD = "card"


def books(scene: Scene) -> list[Book]:
    """Return both accounts; only the current account has movements."""
    current = identity(scene.seed)
    account = AccountRecord(
        key=CURRENT,
        name="Compte courant",
        number=current.number,
        iban=current.iban,
        bban=current.bban,
        bic=BIC,
        currency="EUR",
        balance=Decimal("1000.00"),
        balance_at=scene.midnight,
        owner="MME ALIX MARTEAU",
    )
    card = AccountRecord(
        key=CARD,
        type=AccountType.DEFERRED_CARD,
        name="Carte à débit différé",
        number=masked_card(scene.seed),
        currency="EUR",
        owner="MME ALIX MARTEAU",
        parent_key=CURRENT,
    )
    return [Book(account, fixed(_movements(scene))), Book(card, fixed(()))]


def _movements(scene: Scene) -> list[TransactionRecord]:
    day = scene.linked - timedelta(days=3)
    draws = Draws("test bank", scene.seed)
    rows = [
        (TransactionType.FEE, "COTISATION MENSUELLE CARTE", Decimal("-4.10")),
        (TransactionType.CARD, f"CARTE {day:%d/%m} STATION DES PINS", -draws.money(40, 80)),
    ]
    first = draws.between(4_000_000, 4_999_000)
    rows += [(TransactionType.CHECK, f"CHEQUE N° {first + index}", -draws.money(20, 200)) for index in range(4)]
    return [_movement(day, index, *row) for index, row in enumerate(rows, 1)]


def _movement(day: date, index: int, type_: TransactionType, text: str, amount: Decimal) -> TransactionRecord:
    return TransactionRecord(
        account_key=CURRENT,
        key=f"{day:%Y%m%d}-{index}",
        amount=amount,
        currency="EUR",
        booking_date=day,
        value_date=day,
        transaction_date=day,
        type=type_,
        text=text,
    )

"""Whatever is written in a format comes back: every movement, exact to the cent, on its day."""

import json
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afflux.connectors.files.assemble import messages
from afflux.connectors.files.detect import read
from afflux.domain.records import TransactionRecord
from tests.connectors.files.builders import document, entry, statement

Movement = tuple[date, Decimal, str]

MOVEMENTS = st.lists(
    st.tuples(
        st.dates(date(1980, 1, 1), date(2079, 12, 31)),
        st.integers(-(10**14), 10**14).filter(bool).map(lambda cents: Decimal(cents) / 100),
        st.text("abcdefghijklmnop QRSTUVÄé", max_size=40).map(lambda text: " ".join(text.split())),
    ),
    min_size=1,
    max_size=20,
)


def _camt(movements: list[Movement]) -> str:
    entries = (
        entry(f"{abs(amount):.2f}", debit=amount < 0, day=day.isoformat(), more=f"<AddtlNtryInf>{text}</AddtlNtryInf>")
        for day, amount, text in movements
    )
    return document(statement(*entries))


def _mt940(movements: list[Movement]) -> str:
    lines = (
        f":61:{day:%y%m%d%m%d}{'D' if amount < 0 else 'C'}{abs(amount):.2f}NTRFNONREF\n:86:{text}\n".replace(".", ",")
        for day, amount, text in movements
    )
    return f":20:R\n:25:4711\n:60F:C260101EUR0,00\n{''.join(lines)}-\n"


def _ofx(movements: list[Movement]) -> str:
    rows = (
        f"<STMTTRN><DTPOSTED>{day:%Y%m%d}<TRNAMT>{amount:.2f}<FITID>{number}<MEMO>{text}</STMTTRN>"
        for number, (day, amount, text) in enumerate(movements, 1)
    )
    account = "<BANKACCTFROM><BANKID>1<ACCTID>2</BANKACCTFROM>"
    return (
        f"OFXHEADER:100\n\n<OFX><STMTRS><CURDEF>EUR{account}<BANKTRANLIST>{''.join(rows)}</BANKTRANLIST></STMTRS></OFX>"
    )


def _qif(movements: list[Movement]) -> str:
    rows = (f"D{day:%d.%m.%Y}\nT{amount:,.2f}\nM{text}\n^\n" for day, amount, text in movements)
    return f"!Type:Bank\n{''.join(rows)}"


def _csv(movements: list[Movement]) -> str:
    written = ((day, f"{amount:.2f}".replace(".", ","), text) for day, amount, text in movements)
    return "Tag;Betrag;Text\n" + "".join(f"{day:%d.%m.%Y};{amount};{text}\n" for day, amount, text in written)


MAPPING = json.dumps(
    {"account": "1", "currency": "EUR", "columns": {"booking_date": "Tag", "amount": "Betrag", "text": "Text"}}
)


@pytest.mark.parametrize("write", [_camt, _mt940, _ofx, _qif, _csv], ids=["camt", "mt940", "ofx", "qif", "csv"])
@settings(max_examples=40, deadline=None)
@given(movements=MOVEMENTS)
def test_every_movement_comes_back_exactly(write, movements: list[Movement]) -> None:
    found = messages(read(write(movements).encode(), MAPPING))
    records = [message for message in found if isinstance(message, TransactionRecord)]
    assert [(one.booking_date, one.amount, one.text) for one in records] == movements

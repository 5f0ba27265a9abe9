"""OFX 1 (SGML) and 2 (XML), and QFX, which is OFX with a bank's number in it: bank and card statements."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

from afflux.connectors.files import values
from afflux.connectors.files.amounts import decimal_mark, money
from afflux.connectors.files.bank_codes import type_of_ofx
from afflux.connectors.files.mapping import Constants
from afflux.connectors.files.ofx_sgml import Node, parse_markup
from afflux.connectors.files.safety import FileInvalid, check_count, check_text
from afflux.connectors.files.statement import Note, Reading, StatedAccount, Statement
from afflux.domain.records import AccountType, Balance, KeyQuality, TransactionRecord, TransactionStatus

_DATE = re.compile(
    r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})(?:[ T]?([0-9]{2}):?([0-9]{2})(?::?([0-9]{2}))?(?:[.,][0-9]+)?)?\s*"
    r"(?:\[\s*([+-]?[0-9]{1,2})(?:[.:]([0-9]{1,2}))?[^\]]*\]?)?.*",
    re.DOTALL,
)
_ACCOUNT_TYPES = {
    "SAVINGS": AccountType.SAVINGS,
    "MONEYMRKT": AccountType.SAVINGS,
    "CD": AccountType.SAVINGS,
    "CREDITLINE": AccountType.LOAN,
}
_SKIPPED = {"INVSTMTRS": "investment statement", "LOANSTMTRS": "loan statement"}


def is_ofx(head: str) -> bool:
    """Whether a file that starts so is OFX."""
    return bool(re.search(r"OFXHEADER|<OFX[\s>]", head, re.IGNORECASE))


def read_ofx(text: str, constants: Constants) -> Reading:
    """Every bank and card statement in the file; what else it holds is named in notes."""
    root = parse_markup(text)
    found = list(root.iter("STMTRS", "CCSTMTRS"))
    notes = [_left_out(node) for node in root.iter(*_SKIPPED)]
    if not found and not notes:
        raise FileInvalid(_refusal(root))
    statements = [_Reader(text, node, number, constants, notes).statement() for number, node in enumerate(found, 1)]
    check_count(sum(len(statement.transactions) for statement in statements))
    version = 2 if re.search(r"<\?xml|<\?OFX", text[:4096], re.IGNORECASE) else 1
    return Reading(format=f"ofx{version}", statements=tuple(statements), notes=tuple(notes))


def _left_out(node: Node) -> Note:
    account = (node.find("INVACCTFROM") or node.find("LOANACCTFROM") or node).values.get("ACCTID", "")
    return Note(
        code="skipped",
        text=f"The {_SKIPPED[node.name]} of account {account} was left out: only bank and card statements are read.",
    )


def _refusal(root: Node) -> str:
    for status in root.iter("STATUS"):
        if status.values.get("SEVERITY", "").upper() == "ERROR":
            code = values.shown(f"{status.values.get('CODE', '')} {status.values.get('MESSAGE', '')}".strip())
            return f"The OFX file holds no statement, only the bank's error {code}."
    return "The OFX file holds no statement."


class _Reader:
    """Reads one statement aggregate."""

    def __init__(self, text: str, node: Node, number: int, constants: Constants, notes: list[Note]) -> None:
        self.text = text
        self.node = node
        self.place = f"statement {number}"
        self.currency = self._currency(constants, notes)
        self.account = self._account()
        self.entries = list(node.iter("STMTTRN", "STMTTRNP"))
        self.mark = decimal_mark(one.values.get("TRNAMT", "") for one in self.entries)

    def statement(self) -> Statement:
        """The statement with its balances and movements."""
        ledger, moment = self._balance("LEDGERBAL", "booked")
        available, _ = self._balance("AVAILBAL", "available")
        return Statement(
            place=self.place,
            account=self.account,
            removed=tuple(filter(None, (one.values.get("CORRECTFITID") for one in self.entries))),
            balances=tuple(balance for balance in (ledger, available) if balance),
            balance=ledger.amount if ledger else None,
            balance_at=moment,
            transactions=tuple(self._transactions()),
        )

    def _currency(self, constants: Constants, notes: list[Note]) -> str:
        single = self.node.find("CURRENCY")
        stated = self.node.values.get("CURDEF") or constants.currency or (single and single.values.get("CURSYM"))
        if not stated:
            text = f"{self.place}: CURDEF is missing, so the currency is not known; give it in the mapping."
            notes.append(Note(code="currency_unknown", text=text))
            return values.NO_CURRENCY
        return values.currency(stated, f"{self.place}, CURDEF")

    def _account(self) -> StatedAccount:
        source = self.node.find("BANKACCTFROM") or self.node.find("CCACCTFROM")
        number = source.values.get("ACCTID", "") if source else ""
        if source is None or not number:
            raise FileInvalid(f"{self.place}: ACCTID is missing, so the account is not known.")
        iban = values.as_iban(number)
        card = source.name == "CCACCTFROM"
        bank = [source.values.get(name, "") for name in ("BANKID", "BRANCHID")]
        return StatedAccount(
            key=iban or "/".join(part for part in (*bank, number) if part),
            number=_masked(number) if card else number,
            iban=iban,
            currency=self.currency,
            type=AccountType.CARD
            if card
            else _ACCOUNT_TYPES.get(source.values.get("ACCTTYPE", ""), AccountType.CURRENT),
            raw=None if card else self.text[source.start : source.end],
        )

    def _balance(self, name: str, kind: str) -> tuple[Balance | None, datetime | None]:
        node = self.node.find(name)
        amount = node.values.get("BALAMT") if node else None
        listed = self.node.find("BANKTRANLIST")
        stated = [holder.values.get(day) for holder, day in ((node, "DTASOF"), (listed, "DTEND")) if holder]
        stamp = next((day for day in stated if _is_day(day)), None)
        if not amount or not stamp:
            return None, None
        place = f"{self.place}, {name}"
        number = money(amount, place, decimal_mark([amount]))
        return Balance(kind, number, self.currency, _day(stamp, place)), _moment(stamp, place)

    def _transactions(self) -> Iterator[TransactionRecord]:
        for number, node in enumerate(self.entries, 1):
            if node.values.get("CORRECTACTION", "").upper() != "DELETE":
                yield self._transaction(node, f"{self.place}, entry {number}")

    def _transaction(self, node: Node, place: str) -> TransactionRecord:
        given = node.values
        key = values.reference(given.get("FITID", "").strip("0") and given["FITID"])
        converted, original = node.find("CURRENCY"), node.find("ORIGCURRENCY")
        currency = _symbol(converted, place) or self.currency
        posted, paid = _days(given, place)
        payee = node.find("PAYEE")
        other = node.find("BANKACCTTO") or node.find("CCACCTTO")
        symbol = _symbol(original, place)
        return TransactionRecord(
            account_key=self.account.key,
            key=key,
            key_quality=KeyQuality.PROVIDER if key else KeyQuality.DERIVED,
            status=TransactionStatus.PENDING if node.name == "STMTTRNP" else TransactionStatus.BOOKED,
            amount=self._amount(given, place),
            currency=currency,
            booking_date=posted,
            value_date=_optional_day(given.get("DTAVAIL"), place),
            transaction_date=paid,
            type=type_of_ofx(given.get("TRNTYPE", "")),
            text=check_text(_text(given), place),
            counterparty=(payee.values.get("NAME") if payee else None) or given.get("NAME") or None,
            counterparty_account=other.values.get("ACCTID") if other else None,
            references=values.references({"fitid": key, "bank": given.get("REFNUM"), "server": given.get("SRVRTID")}),
            check_number=given.get("CHECKNUM") if given.get("CHECKNUM", "").strip("0") else None,
            original_currency=symbol if symbol != currency else None,
            raw=self.text[node.start : node.end],
        )

    def _amount(self, given: dict[str, str], place: str) -> Decimal:
        if not given.get("TRNAMT"):
            raise FileInvalid(f"{place}: TRNAMT is missing.")
        return money(given["TRNAMT"], f"{place}, TRNAMT", self.mark)


def _days(given: dict[str, str], place: str) -> tuple[date | None, date | None]:
    """The day it was posted, and the day the person paid; pending rows have only the second."""
    posted = _optional_day(given.get("DTPOSTED"), place)
    paid = _optional_day(given.get("DTUSER") or given.get("DTTRAN"), place)
    if posted is None and paid is None:
        raise FileInvalid(f"{place}: DTPOSTED is missing.")
    return posted, paid


def _symbol(node: Node | None, place: str) -> str | None:
    symbol = node.values.get("CURSYM") if node else None
    return values.currency(symbol, f"{place}, CURSYM") if symbol else None


def _text(given: dict[str, str]) -> str:
    """Name and memo; many banks cut the name at 32 characters and repeat it whole in the memo."""
    name, memo = (" ".join(given.get(part, "").split()) for part in ("NAME", "MEMO"))
    return memo if memo.startswith(name) else f"{name} {memo}".strip()


def _masked(number: str) -> str:
    digits = sum(letter.isdigit() for letter in number)
    return f"{'*' * (len(number) - 4)}{number[-4:]}" if digits >= 12 else number


def _optional_day(text: str | None, place: str) -> date | None:
    return _day(text, place) if text and _is_day(text) else None


def _is_day(text: str | None) -> bool:
    """Whether a day is given: some banks write zeros where they have none."""
    return bool(text and text.strip("0 "))


def _day(text: str, place: str) -> date:
    """The day as printed: the bank's own, whatever the zone behind it."""
    match = _DATE.fullmatch(text)
    if match is None:
        raise FileInvalid(f"{place}: {values.shown(text)} is not a date.")
    return values.make_day(int(match[1]), int(match[2]), int(match[3]), text, place)


def _moment(text: str, place: str) -> datetime:
    """The moment in UTC: without a time the end of the day, without a zone GMT (OFX 2.2, section 3.2.8.2)."""
    day = _day(text, place)
    match = _DATE.fullmatch(text)
    if match is None or match[4] is None:
        return values.end_of(day)
    hours, minutes = int(match[7] or 0), int(match[8] or 0)
    try:
        zone = timezone(timedelta(hours=hours, minutes=minutes if hours >= 0 else -minutes))
        stamp = datetime(day.year, day.month, day.day, int(match[4]), int(match[5]), int(match[6] or 0), tzinfo=zone)
        return stamp.astimezone(UTC)
    except (ValueError, OverflowError):
        # A time that does not exist leaves the day, which is what counts.
        return values.end_of(day)

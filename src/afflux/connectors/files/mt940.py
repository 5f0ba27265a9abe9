"""SWIFT MT940 statements and MT942 interim reports, with or without their SWIFT envelope."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from afflux.connectors.files import values
from afflux.connectors.files.mapping import Constants
from afflux.connectors.files.mt940_lines import Frame, read_balance, read_line
from afflux.connectors.files.safety import FileInvalid, check_count, check_text
from afflux.connectors.files.statement import Note, Reading, StatedAccount, Statement
from afflux.domain.records import Balance, KeyQuality, TransactionRecord

_TAG = re.compile(r":(1[23]D?|2[01]|25P?|28C?|34F|6[0245][FM]?|61|86|90[CD]|NS):")
#: A line of SWIFT's header blocks, ending with the opening of the text block.
_ENVELOPE = re.compile(r"^\{[1-5]:.*", re.MULTILINE)
_BROKEN_TAG = re.compile(r"^:\n(?=(?:6[0-9][FM]?|86|2[0-9][CP]?):)", re.MULTILINE)
_END = re.compile(r"-(?:\}.*)?$")
_STATES = re.compile(r"^:61:", re.MULTILINE)
_BOUNDS = re.compile(r"^:60[FM]?:", re.MULTILINE)
_ANY_ACCOUNT = re.compile(r"^:(?:25P?|28C?|20):", re.MULTILINE)
#: A file cut out of a statement may start with any field.
_FRAGMENT = re.compile(r"\s*:(?:20|21|25P?|28C?|6[0245][FM]?|86|NS):")
#: SWIFT's length of an account's identification.
_MAX_ACCOUNT = 35

#: Start of the field to kind of balance.
_BALANCES = {"60": "opening", "62": "closing", "64": "available", "65": "available"}
_ACCOUNTS = ("25", "25P")


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `:61:` and what follows until the next field."""

    tag: str
    value: str
    line: int


@dataclass(slots=True)
class Block:
    """The fields of one statement as they are gathered."""

    number: int
    fields: list[Field] = field(default_factory=list)

    def first(self, *tags: str) -> Field | None:
        """The first field with one of these tags."""
        return next((one for one in self.fields if one.tag in tags), None)

    @property
    def tells(self) -> bool:
        """Whether there is an account, a balance or a movement in it."""
        return any(one.tag in _ACCOUNTS or one.tag.startswith("6") for one in self.fields)


def is_mt940(text: str) -> bool:
    """Whether this looks like MT940 or MT942: statement lines, a balance and what names an account, or a fragment."""
    text = _unwrapped(text)
    whole = _STATES.search(text) or (_BOUNDS.search(text) and _ANY_ACCOUNT.search(text))
    return bool(whole or _FRAGMENT.match(text))


def read_mt940(text: str, constants: Constants) -> Reading:
    """Every statement in the text."""
    text = _unwrapped(text)
    # Before the fields are gathered, because they take far more memory than the text.
    check_count(text.count("\n:61:"))
    check_count(text.count("\n:") // 5)
    notes: list[Note] = []
    statements = [_statement(block, constants, notes) for block in _blocks(_fields(text))]
    if not statements:
        raise FileInvalid("The MT940 file holds no statement: no account (25), no balance and no statement line (61).")
    interim = not _BOUNDS.search(text) and re.search(r"^:(34F|13D?|90[CD]):", text, re.MULTILINE)
    return Reading(format="mt942" if interim else "mt940", statements=tuple(statements), notes=tuple(notes))


def _unwrapped(text: str) -> str:
    """Without SWIFT's envelope, and with tags in one piece."""
    bare = _ENVELOPE.sub(lambda line: line[0].partition("{4:")[2].strip(), text)
    return _BROKEN_TAG.sub(":", bare)


def _fields(text: str) -> Iterator[Field]:
    tag, start, lines = "", 0, list[str]()
    for number, line in enumerate(text.split("\n"), 1):
        match = _TAG.match(line)
        ended = not match and _END.match(line.rstrip())
        if (match or ended) and tag:
            yield Field(tag, check_text("\n".join(lines).rstrip(), f"line {start}, field {tag}"), start)
        if match:
            tag, start, lines = match[1], number, [line[match.end() :]]
        elif ended:
            tag = ""
        elif tag:
            lines.append(line)
    if tag:
        yield Field(tag, check_text("\n".join(lines).rstrip(), f"line {start}, field {tag}"), start)


def _blocks(fields: Iterator[Field]) -> Iterator[Block]:
    """Statements start with field 20; files that leave it out repeat the account or the opening balance."""
    block = Block(1)
    for one in fields:
        if one.tag == "25" and len(one.value) > _MAX_ACCOUNT and block.fields and block.fields[-1].tag == "61":
            # Too long for an account, and where a movement is told about: a field 86 with a wrong number.
            one = replace(one, tag="86")
        starts = one.tag == "20" or (one.tag in (*_ACCOUNTS, "60", "60F", "60M") and block.first(one.tag))
        if starts and block.tells:
            yield block
            account = block.first(*_ACCOUNTS) if one.tag.startswith("60") else None
            block = Block(block.number + 1, [account] if account else [])
        block.fields.append(one)
    if block.tells:
        yield block


def _statement(block: Block, constants: Constants, notes: list[Note]) -> Statement:
    place = f"statement {block.number}"
    stated = list(_balances(block, notes))
    balances = tuple(balance for _, balance in stated)
    account = _account(block, constants, balances, notes)
    opening = next((balance for tag, balance in stated if tag.startswith("60")), None)
    closing = next((balance for tag, balance in reversed(stated) if tag.startswith("62")), None)
    return Statement(
        place=place,
        account=account,
        balances=balances,
        opening=opening,
        closing=closing,
        balance=closing.amount if closing else None,
        balance_at=values.end_of(closing.day) if closing else None,
        transactions=tuple(_transactions(block, account, opening)),
    )


def _balances(block: Block, notes: list[Note]) -> Iterator[tuple[str, Balance]]:
    currency: str | None = None
    for one in block.fields:
        kind = _BALANCES.get(one.tag[:2])
        if kind is None:
            continue
        try:
            balance = read_balance(one.value, kind, currency, _place(one))
        except FileInvalid as error:
            if kind != "available":
                raise
            # Some banks fill a forecast that they do not have with words; nothing is reckoned with it.
            notes.append(Note(code="skipped", text=f"{error} It was left out."))
            continue
        currency = balance.currency
        yield one.tag, balance


def _transactions(block: Block, account: StatedAccount, opening: Balance | None) -> Iterator[TransactionRecord]:
    """A field 86 tells about the field 61 before it; after the closing balance it tells about the statement."""
    frame = Frame(account_key=account.key, currency=opening.currency if opening else account.currency)
    line: Field | None = None
    details: list[str] = []
    extra = ""
    for one in [*block.fields, Field("62", "", 0)]:
        if one.tag.startswith("6"):
            if line:
                yield read_line(line.value, details, extra, frame, _place(line))
            line, details, extra = (one if one.tag == "61" else None), [], ""
        elif one.tag == "86" and line:
            details.append(one.value)
        elif one.tag == "NS" and line:
            extra = one.value


def _account(block: Block, constants: Constants, balances: tuple[Balance, ...], notes: list[Note]) -> StatedAccount:
    one = block.first(*_ACCOUNTS)
    printed, _, rest = (one.value if one else "").strip().partition("\n")
    currency = _currency(block, constants, balances)
    if currency is None:
        notes.append(
            Note(
                code="currency_unknown",
                text=f"statement {block.number}: no currency is stated; give it in the mapping.",
            )
        )
    number = _without_currency(printed.strip().strip("/"), currency) or constants.account
    if not number:
        notes.append(
            Note(code="account_unknown", text=f"statement {block.number}: no account is named; give it in the mapping.")
        )
    # Some banks print their own code before the number: `BIC/IBAN`.
    iban = values.as_iban((number or "").rpartition("/")[2])
    return StatedAccount(
        key=iban or number or "mt940",
        key_quality=KeyQuality.PROVIDER if number else KeyQuality.POSITIONAL,
        number=iban or number or "",
        iban=iban,
        bic=rest.strip() or None if one and one.tag == "25P" else None,
        currency=currency or values.NO_CURRENCY,
        name=constants.name,
        raw=f":{one.tag}:{one.value}" if one else None,
    )


def _currency(block: Block, constants: Constants, balances: tuple[Balance, ...]) -> str | None:
    if balances:
        return balances[0].currency
    for one in block.fields:
        match = re.match(r"[0-9]*([A-Z]{3})", one.value) if one.tag in ("34F", "90C", "90D") else None
        if match:
            return match[1]
    return constants.currency


def _without_currency(printed: str, currency: str | None) -> str:
    """The account number; several banks print the currency behind it."""
    number = re.sub(r"\s+", " ", printed)
    if currency and number.endswith(currency) and number[:-3].rstrip()[-1:].isdigit():
        number = number[:-3].rstrip()
    return number


def _place(one: Field) -> str:
    return f"line {one.line}, field {one.tag}"

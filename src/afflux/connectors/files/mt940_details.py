"""MT940's field 86: free text, German subfields (`166?00…?20…`), or slash codes (`/EREF/…/REMI/…`)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from afflux.connectors.files import values

#: A GVC code or nothing, then the bank's separator before a two-digit subfield number.
_SUBFIELDS = re.compile(r"(?:(?P<code>[0-9]{3})(?=[^A-Za-z0-9\s:/.,-])|(?=[?~<>^]))(?P<mark>.)(?=[0-9]{2})")
#: SEPA keywords that German banks put into the purpose lines.
_KEYWORD = re.compile(r"(EREF|KREF|MREF|CRED|DEBT|COAM|OAMT|SVWZ|ABWA|ABWE|IBAN|BIC)\+")
_SLASHED = (
    "ACCW|ADDR|BENM|BIC|CDTRREFTP|CHGS|CNTP|CREF|CSID|EREF|EXCH|IBAN|ID|IREF|ISDT|MARF|NAME|OCMT|ORDP|PREF|PURP|REMI|"
    "RTRN|SVCL|TRCD|TRTP|ULTB|ULTC|ULTD"
)
_SLASH = re.compile(rf"/({_SLASHED})/")
_ORIGINAL = re.compile(r"(?:/OCMT/|^)\s*([A-Z]{3})\s*([0-9]{1,15},[0-9]{0,5})")
_REFERENCE_KEYWORDS = frozenset({"EREF", "KREF", "MREF", "CRED", "DEBT", "IBAN", "BIC"})
#: Field 86 is cut into lines of 65 characters, German subfields into pieces of 27: a full piece goes on in the next.
_FULL_LINE, _FULL_PIECE = 65, 27


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What field 86 tells about a movement."""

    text: str = ""
    name: str | None = None
    account: str | None = None
    #: German business transaction code, three digits.
    code: str = ""
    references: dict[str, str] = field(default_factory=dict)
    original: tuple[Decimal, str] | None = None


def read_details(fields: list[str], extra: str = "") -> Details:
    """The details of one movement, from its fields 86, or from the bank's own field NS where there are none."""
    whole = "\n".join(fields).strip()
    if not whole and extra:
        return _own(extra)
    joined = whole.replace("\n", "")
    german = _SUBFIELDS.match(joined)
    if german:
        return _german(joined[german.end() - 1 :], german["mark"], german["code"] or "")
    if _SLASH.match(joined):
        return _slashed(joined)
    return Details(text=" ".join(_glued(whole.split("\n"), _FULL_LINE).split()), original=original_amount(whole))


def _own(extra: str) -> Details:
    """Field NS numbers its lines: 01 to 14 and 17 are text, 15 and 16 the other side's name."""
    lines = [(line[:2], line[2:].strip()) for line in extra.split("\n")]
    said = " ".join(text for number, text in lines if "01" <= number <= "14" or number == "17")
    name = "".join(text for number, text in lines if number in ("15", "16"))
    return Details(text=said.strip(), name=name or None)


def original_amount(text: str) -> tuple[Decimal, str] | None:
    """The amount in the currency of the order, from SWIFT's `/OCMT/USD12,50/`."""
    match = _ORIGINAL.search(text) if "/OCMT/" in text else None
    return (values.decimal(match[2], "field 61, OCMT", ","), match[1]) if match else None


def _glued(pieces: Iterable[str], full: int) -> str:
    text = ""
    length = full
    for piece in pieces:
        text += piece if length >= full else f" {piece}"
        length = len(piece)
    return text.strip()


def _german(body: str, mark: str, code: str) -> Details:
    subfields: dict[str, str] = {}
    body = body.rstrip().removesuffix(mark)
    for part in re.split(re.escape(mark) + r"(?=[0-9]{2})", body)[1:]:
        subfields[part[:2]] = subfields.get(part[:2], "") + part[2:]
    purpose = _glued(
        (text for number, text in subfields.items() if "20" <= number <= "29" or "60" <= number <= "63"), _FULL_PIECE
    )
    keywords = _keywords(purpose)
    said = keywords.get("SVWZ", "") if keywords else purpose
    name = _glued((subfields[number] for number in ("32", "33") if number in subfields), _FULL_PIECE)
    account = subfields.get("31", "").strip() or subfields.get("38", "").strip() or keywords.get("IBAN", "")
    return Details(
        text=" ".join(f"{subfields.get('00', '')} {said}".split()),
        name=" ".join(name.split()) or None,
        account="".join(account.split()) or None,
        code=code,
        references=_german_references(keywords, subfields),
    )


def _german_references(keywords: dict[str, str], subfields: dict[str, str]) -> dict[str, str]:
    found = {"end_to_end": "EREF", "customer": "KREF", "mandate": "MREF", "creditor": "CRED"}
    pairs = {name: keywords.get(keyword) for name, keyword in found.items()}
    return values.references({**pairs, "prima_nota": subfields.get("10")})


def _keywords(purpose: str) -> dict[str, str]:
    """Values by keyword. A reference has no spaces: what follows one belongs to the text."""
    parts = _KEYWORD.split(purpose)
    found: dict[str, str] = {}
    said = [parts[0]] if len(parts) > 1 else []
    for keyword, text in zip(parts[1::2], parts[2::2], strict=True):
        value, _, rest = text.strip().partition(" ")
        if keyword in _REFERENCE_KEYWORDS:
            found.setdefault(keyword, value)
            said.append(rest)
        elif keyword == "SVWZ":
            said.append(text)
        else:
            found.setdefault(keyword, text.strip())
    return found | {"SVWZ": " ".join(said).strip()} if len(parts) > 1 else found


def _slashed(joined: str) -> Details:
    parts = _SLASH.split(joined)
    coded: dict[str, str] = {}
    for code, text in zip(parts[1::2], parts[2::2], strict=True):
        coded.setdefault(code, text.strip().strip("/").strip())
    name, account = _party(coded)
    said = re.sub(r"^(USTD/*|STRD/(CUR/)?)", "", coded.get("REMI", ""))
    return Details(
        text=" ".join(f"{coded.get('TRTP', '')} {said}".split()) or joined,
        name=name,
        account=account,
        references=values.references(
            {
                "end_to_end": coded.get("EREF"),
                "mandate": coded.get("MARF"),
                "creditor": coded.get("CSID"),
                "payment_information": coded.get("PREF"),
                "instruction": coded.get("IREF"),
                "return_reason": coded.get("RTRN"),
                "charges": coded.get("CHGS"),
            }
        ),
        original=original_amount(joined),
    )


def _party(coded: dict[str, str]) -> tuple[str | None, str | None]:
    """Name and account: `/NAME/` and `/IBAN/`, or ING's `/CNTP/account/bic/name/city/`."""
    pieces = [piece.strip() for piece in coded.get("CNTP", "").split("/")]
    pieces += [""] * (3 - len(pieces))
    party = coded.get("BENM", "") or coded.get("ORDP", "")
    name = coded.get("NAME") or pieces[2] or party
    account = coded.get("IBAN") or coded.get("ACCW", "").split(",")[0] or pieces[0]
    return name or None, "".join(account.split()) or None

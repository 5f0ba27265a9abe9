"""Broken and hostile files end with one line and change nothing."""

import gzip
import io
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from afflux.connectors.files.assemble import messages
from afflux.connectors.files.detect import read as read_bytes
from afflux.connectors.files.safety import FileInvalid
from tests.connectors.files.builders import balance, document, entry, statement
from tests.connectors.files.reading import SAMPLES, read

GOOD = document(statement(entry()))
MT940 = ":20:R\n:25:4711\n:60F:C260130EUR1,00\n:61:260131C1,00NTRFNONREF\n:62F:C260131EUR2,00\n-\n"


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("camt.xml", GOOD)
    return buffer.getvalue()


BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;">]>' + GOOD.replace(
    "<Id>S1</Id>", "<Id>&c;</Id>"
)
EXTERNAL = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>' + GOOD.replace("<Id>S1</Id>", "<Id>&b;</Id>")


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "empty"),
        (b" \n\t\n", "empty"),
        (b"a" * (25 * 1024 * 1024 + 1), "bytes"),
        (_zip(), "ZIP"),
        (gzip.compress(GOOD.encode()), "gzip"),
        (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100, "office"),
        (bytes(range(256)) * 4, "binary"),
        (b"hello, this is a letter to my bank", "none of"),
        (b"<html><body>Your session has ended</body></html>", "html"),
        (BOMB, "DOCTYPE"),
        (EXTERNAL, "DOCTYPE"),
        (BOMB.encode("utf-16"), "DOCTYPE"),
        (BOMB.replace("1.0", "1.0' encoding='utf-7").encode("utf-7"), "utf-7"),
        ("OFXHEADER:100\n\n<OFX>" + "<![CDATA[" * 200_000, "cut off"),
        ("!Type:Bank\nD1" + " " * 60_000 + "x\nT1\n^\n", "is not a date"),
        (b"{1:" * 2_000_000, "none of"),
        (f"OFXHEADER:100\n\n<!DOCTYPE OFX>{'<OFX></OFX>'}", "DOCTYPE"),
        (GOOD[: len(GOOD) // 2], "broken"),
        (GOOD + "<more/>", "broken"),
        ("<a>" * 5000, "depth"),
        ("OFXHEADER:100\n\n<OFX>" + "<A>" * 5000, "deep"),
        (b'<?xml version="1.0" encoding="UTF-8"?>' + GOOD.replace("Alice", "M\xfcller").encode("latin-1"), "utf-8"),
        (b'<?xml version="1.0" encoding="klingon"?>' + GOOD.encode(), "klingon"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 12 else "",
)
async def test_what_is_no_statement_is_refused_in_one_line(content: bytes | str, named: str) -> None:
    assert named.casefold() in (await read(content)).failure.casefold()


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        (">10.00<", ">NaN<", "entry 1"),
        (">10.00<", ">Infinity<", "entry 1"),
        (">10.00<", ">1e400<", "entry 1"),
        (">10.00<", f">{'9' * 400}<", "too many digits"),
        (">10.00<", f">0.{'1' * 30}<", "too many digits"),
        (">10.00<", ">10,00<", "is not an amount"),
        (">10.00<", ">١٠<", "is not an amount"),
        (">10.00<", "><", "Amt"),
        ("CRDT", "BOTH", "CdtDbtInd"),
        ("2026-01-31<", "2026-02-30<", "is not a date"),
        ("2026-01-31<", "31.01.2026<", "is not a date"),
        ("2026-01-31<", "-0001-01-31<", "is not a date"),
        ("Ccy='EUR'", "Ccy='Euro'", "is not a currency"),
        ("<AcctSvcrRef/>", f"<AcctSvcrRef>{'x' * 70_000}</AcctSvcrRef>", "65536"),
    ],
)
async def test_a_wrong_value_is_named_with_its_place(old: str, new: str, named: str) -> None:
    content = document(statement(entry(more="<AcctSvcrRef/>")))
    assert old in content
    assert named in (await read(content.replace(old, new))).failure


async def test_an_amount_without_any_currency_is_refused() -> None:
    xml = document(statement(entry(currency=""))).replace("<Ccy>EUR</Ccy>", "")
    assert "currency" in (await read(xml)).failure


async def test_one_bad_entry_at_the_end_keeps_every_good_one_out() -> None:
    assert "entry 1001" in (await read(document(statement(entry() * 1000, entry("x"))))).failure


async def test_an_error_line_quotes_no_more_than_a_few_words() -> None:
    failure = (await read(GOOD.replace(">10.00<", f">{'secret ' * 500}<"))).failure
    assert len(failure) < 200


async def test_a_document_type_inside_text_is_only_text_for_formats_that_are_not_markup() -> None:
    outcome = await read(MT940.replace(":62F:", ":86:<!DOCTYPE x>\n:62F:"))
    assert outcome.transactions[0].text == "<!DOCTYPE x>"


async def test_too_many_entries_are_refused() -> None:
    line = ":61:260131C1,NTRFX\n"
    assert "500000" in (await read(MT940.replace(":62F:", line * 500_001 + ":62F:"))).failure


async def test_xml_in_utf_16_is_read() -> None:
    declared = '<?xml version="1.0" encoding="UTF-16"?>' + GOOD
    assert len((await read(declared.encode("utf-16"))).transactions) == 1


@pytest.mark.parametrize("amount", ["1:61,00", "1.000.000,00", "", ",", "1" * 40 + ",00"])
async def test_a_wrong_mt940_line_is_named_with_its_line(amount: str) -> None:
    assert "line 4, field 61" in (await read(MT940.replace("C1,00NTRF", f"C{amount}NTRF"))).failure


SEEDS = [path.read_bytes() for path in sorted(SAMPLES.glob("*/*")) if path.suffix]
SEEDS += [
    MT940.encode(),
    document(statement(balance("OPBD", "1", "2026-01-01"), entry(), balance("CLBD", "11", "2026-01-31"))).encode(),
    b"!Type:Bank\nD1/31'05\nT-1,234.56\nPShop\nN101\n^\nD2/1'05\nT10.00\nPX\n^\n",
    b"Date;Amount\n2026-01-31;-12,50\n",
]
MAPPING = '{"account": "X", "currency": "EUR", "columns": {"booking_date": "Date", "amount": "Amount"}}'
EDITS = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.integers(0, 40),
        st.one_of(st.binary(max_size=8), st.sampled_from([b"<", b"\n:61:", b"^\n"])),
    ),
    min_size=1,
    max_size=6,
)


def _outcome(content: bytes, mapping: str | None) -> str:
    """`read`, with records that can be written down, or the line that says why not. Anything else is a crash."""
    try:
        found = list(messages(read_bytes(content, mapping)))
    except FileInvalid as error:
        return str(error)
    assert all(repr(message).encode() for message in found)
    return "read"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.sampled_from(SEEDS), edits=EDITS, mapping=st.sampled_from([None, MAPPING]))
def test_damaged_files_are_read_or_refused_but_never_crash(
    seed: bytes, edits: list[tuple[float, int, bytes]], mapping: str | None
) -> None:
    content = bytearray(seed)
    for place, length, new in edits:
        start = int(place * len(content))
        content[start : start + length] = new
    line = _outcome(bytes(content), mapping)
    assert "\n" not in line
    assert len(line) < 400


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=400))
def test_arbitrary_bytes_never_crash(content: bytes) -> None:
    assert _outcome(content, None)

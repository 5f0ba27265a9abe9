"""Other people's files: number and sum of entries, counted here without any parser of ours or theirs."""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import mt940
import pytest
from bankfile import parse as bankfile_parse
from lxml import etree

from tests.connectors.files.reading import SAMPLES, read, read_sample


def _names(folder: str, suffix: str) -> list[str]:
    return sorted(f"{folder}/{path.name}" for path in (SAMPLES / folder).glob(f"*{suffix}"))


def _camt_amounts(path: Path) -> Iterator[Decimal]:
    for entry in etree.parse(path).iter("{*}Ntry"):
        sign = -1 if entry.findtext("{*}CdtDbtInd") == "DBIT" else 1
        yield sign * Decimal(entry.findtext("{*}Amt"))


def _mt940_amounts(path: Path) -> Iterator[Decimal]:
    joined = path.read_text().replace("\n", "")
    for mark, amount in re.findall(r":61:\d{6,10}(R?[CD])[A-Z]?(\d+,\d*)", joined):
        yield Decimal(amount.replace(",", ".")) * (-1 if mark in ("D", "RC") else 1)


def _ofx_amounts(path: Path) -> Iterator[Decimal]:
    for amount in re.findall(r"<TRNAMT>([-+.\d]+)", path.read_text()):
        yield Decimal(amount)


_FOLDERS = {"camt": (".xml", _camt_amounts), "mt940": (".sta", _mt940_amounts), "ofx": (".ofx", _ofx_amounts)}
_ALL = [(name, amounts) for folder, (suffix, amounts) in _FOLDERS.items() for name in _names(folder, suffix)]


@pytest.mark.parametrize(("name", "amounts"), _ALL, ids=[name for name, _ in _ALL])
async def test_every_entry_of_every_sample_is_read_with_its_exact_amount(name: str, amounts) -> None:
    outcome = await read_sample(name)
    expected = list(amounts(SAMPLES / name))
    assert sorted(record.amount for record in outcome.transactions) == sorted(expected)
    assert all(record.raw for record in outcome.transactions)


def test_there_are_samples_of_each_format() -> None:
    assert {name.split("/")[0] for name, _ in _ALL} == {"camt", "mt940", "ofx"}
    assert len(_ALL) == 12


@pytest.mark.parametrize("name", _names("mt940", ".sta"))
async def test_an_independent_mt940_reader_finds_the_same_dates_and_amounts(name: str) -> None:
    theirs = mt940.parse(str(SAMPLES / name))
    ours = (await read_sample(name)).transactions
    assert [(one.data["date"], one.data["amount"].amount) for one in theirs] == [
        (one.value_date, one.amount) for one in ours
    ]


@pytest.mark.parametrize("name", _names("ofx", ".ofx"))
async def test_an_independent_ofx_reader_finds_the_same_days_and_amounts(name: str) -> None:
    theirs = bankfile_parse(str(SAMPLES / name)).transactions
    ours = (await read_sample(name)).transactions
    assert [(one.date, one.amount) for one in theirs] == [(one.booking_date, one.amount) for one in ours]


@pytest.mark.parametrize(("name", "amounts"), _ALL, ids=[name for name, _ in _ALL])
async def test_dos_line_ends_change_nothing(name: str, amounts) -> None:
    content = (SAMPLES / name).read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    assert len((await read(content)).transactions) == len(list(amounts(SAMPLES / name)))

"""A bank simulated by others: one movement in three messages, returns, and a statement with a gap."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from tests.connectors.files.reading import Outcome, read

OURS, THEIRS = "NL41MOCK0000000001", "NL14MOCK0000000002"

PAIN = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"><CstmrCdtTrfInitn>
<GrpHdr><MsgId>{run}</MsgId><CreDtTm>2026-09-30T09:00:00</CreDtTm><NbOfTxs>1</NbOfTxs>
<InitgPty><Nm>ACME</Nm></InitgPty></GrpHdr>
<PmtInf><PmtInfId>{run}</PmtInfId><PmtMtd>TRF</PmtMtd><ReqdExctnDt><Dt>{day}</Dt></ReqdExctnDt>
<Dbtr><Nm>ACME</Nm></Dbtr><DbtrAcct><Id><IBAN>{ours}</IBAN></Id></DbtrAcct>
<DbtrAgt><FinInstnId><BICFI>MOCKNL2A</BICFI></FinInstnId></DbtrAgt>
<CdtTrfTxInf><PmtId><EndToEndId>E2E-{run}</EndToEndId></PmtId><Amt><InstdAmt Ccy="EUR">{amount}</InstdAmt></Amt>
<CdtrAgt><FinInstnId><BICFI>MOCKNL2A</BICFI></FinInstnId></CdtrAgt><Cdtr><Nm>Supplier</Nm></Cdtr>
<CdtrAcct><Id><IBAN>{theirs}</IBAN></Id></CdtrAcct></CdtTrfTxInf></PmtInf></CstmrCdtTrfInitn></Document>"""


@dataclass(frozen=True)
class Bank:
    """The simulator's control interface and the folder it writes to."""

    port: int
    folder: Path

    def call(self, method: str, path: str, body: object = None) -> None:
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode() if body is not None else None
        kind = "application/xml" if isinstance(body, str) else "application/json"
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=data, method=method)
        request.add_header("Content-Type", kind)
        with urllib.request.urlopen(request, timeout=20) as response:
            response.read()

    def behave(self, behaviour: str, **parameters: int) -> None:
        self.call("PATCH", "/_mock/accounts/ACME", {"behaviour": behaviour, "parameters": parameters})

    def receive(self, cents: int, note: str) -> None:
        debtor = {"name": "Payer", "iban": THEIRS}
        self.call("POST", "/_mock/credits", {"account": "ACME", "amount": cents, "note": note, "debtor": debtor})

    def pay(self, run: str, amount: str, day: str) -> None:
        self.call("POST", "/payments", PAIN.format(run=run, amount=amount, day=day, ours=OURS, theirs=THEIRS))

    def advance(self, days: int) -> None:
        self.call("POST", f"/_mock/advance?days={days}")

    async def files(self, kind: str) -> list[Outcome]:
        """All files of a kind for our account, in the order in which they were written."""
        paths = self.folder.glob(f"{kind}.*-ACME-*.xml")
        return [await read(path.read_bytes()) for path in sorted(paths, key=lambda path: int(path.stem.split("-")[-1]))]


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path / "pickup"
    command = [sys.executable, "-m", "mockbank", "--port", str(port), "--clock", "2026-09-30T09:00"]
    process = subprocess.Popen([*command, "--pickup-dir", str(folder), "-q"], cwd=tmp_path)
    try:
        running = Bank(port, folder)
        _wait_for(running)
        yield running
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_for(bank: Bank) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            return bank.call("GET", "/_mock/health")
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


async def test_a_movement_is_the_same_record_in_report_notification_and_statement(bank: Bank) -> None:
    bank.receive(11801, "Invoice 1")
    bank.call("POST", "/_mock/accounts/ACME/report")
    bank.advance(1)
    (report,), (notification,) = await bank.files("camt.052"), await bank.files("camt.054")
    statement = (await bank.files("camt.053"))[0]
    (record,) = statement.transactions
    assert report.transactions == notification.transactions == [record]
    assert (record.amount, record.text, record.counterparty) == (Decimal("118.01"), "Invoice 1", "Payer")
    assert (record.counterparty_account, record.key) == (THEIRS, record.references["account_servicer"])
    assert report.accounts[0].key == notification.accounts[0].key == statement.accounts[0].key == OURS
    assert [one.warnings for one in (report, notification, statement)] == [[], [], []]
    assert report.accounts[0].balance == statement.accounts[0].balance == Decimal("125118.01")


async def test_a_returned_payment_comes_back_with_its_own_key_and_the_payment_s_reference(bank: Bank) -> None:
    bank.behave("return-later", days=2)
    bank.pay("RUN-1", "250.25", "2026-09-30")
    bank.advance(6)
    statements = await bank.files("camt.053")
    sent, returned = [record for statement in statements for record in statement.transactions]
    assert (sent.amount, returned.amount) == (Decimal("-250.25"), Decimal("250.25"))
    assert sent.references["end_to_end"] == returned.references["end_to_end"] == "E2E-RUN-1"
    assert sent.key != returned.key
    assert sent.counterparty == returned.counterparty == "Supplier"
    assert "return_reason" in returned.references
    assert [statement.warnings for statement in statements] == [[]] * len(statements)


async def test_a_statement_that_leaves_an_entry_out_is_flagged(bank: Bank) -> None:
    bank.behave("statement-gap")
    bank.receive(500, "stays")
    bank.pay("RUN-2", "100.25", "2026-09-30")
    bank.pay("RUN-3", "40.00", "2026-09-30")
    bank.advance(1)
    notified = [record for one in await bank.files("camt.054") for record in one.transactions]
    statements = [one for one in await bank.files("camt.053") if one.transactions]
    (statement,) = statements
    assert len(statement.transactions) == len(notified) - 1
    assert statement.warnings == ["statement_gap"]

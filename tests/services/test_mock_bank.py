"""A bank of somebody else's making writes its files into a folder: each is read as it appears, and the sums agree."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from afflux.domain.uploads import Upload
from afflux.runtime import Runtime
from tests.conftest import Tenant
from tests.jobs.acting import accounts_of, named, rows_of, working
from tests.services.handing_in import imported

PAYMENT = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"><CstmrCdtTrfInitn>
<GrpHdr><MsgId>MSG-1</MsgId><CreDtTm>2026-09-30T09:00:00</CreDtTm><NbOfTxs>1</NbOfTxs><CtrlSum>100.25</CtrlSum>
<InitgPty><Nm>ACME</Nm></InitgPty></GrpHdr><PmtInf><PmtInfId>PI-1</PmtInfId><PmtMtd>TRF</PmtMtd><NbOfTxs>1</NbOfTxs>
<CtrlSum>100.25</CtrlSum><PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl></PmtTpInf>
<ReqdExctnDt><Dt>2026-09-30</Dt></ReqdExctnDt><Dbtr><Nm>ACME</Nm></Dbtr>
<DbtrAcct><Id><IBAN>NL41MOCK0000000001</IBAN></Id></DbtrAcct>
<DbtrAgt><FinInstnId><BICFI>MOCKNL2A</BICFI></FinInstnId></DbtrAgt><ChrgBr>SLEV</ChrgBr>
<CdtTrfTxInf><PmtId><InstrId>I1</InstrId><EndToEndId>E2E-1</EndToEndId></PmtId>
<Amt><InstdAmt Ccy="EUR">100.25</InstdAmt></Amt><CdtrAgt><FinInstnId><BICFI>MOCKNL2A</BICFI></FinInstnId></CdtrAgt>
<Cdtr><Nm>Supplier One</Nm></Cdtr><CdtrAcct><Id><IBAN>NL14MOCK0000000002</IBAN></Id></CdtrAcct>
<RmtInf><Ustrd>Order 17</Ustrd></RmtInf></CdtTrfTxInf></PmtInf></CstmrCdtTrfInitn></Document>"""


class Bank:
    """The bank's own interface, and the folder it writes to."""

    def __init__(self, client: httpx.AsyncClient, folder: Path) -> None:
        self._client, self._folder, self._seen = client, folder, set[Path]()

    async def tell(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self._client.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    async def credit(self, cents: int, note: str) -> None:
        debtor = {"name": "P", "iban": "NL14MOCK0000000002"}
        await self.tell("POST", "/_mock/credits", {"account": "ACME", "amount": cents, "note": note, "debtor": debtor})

    async def pay(self) -> None:
        answer = await self._client.post("/payments", content=PAYMENT, headers={"Content-Type": "application/xml"})
        assert answer.is_success, answer.text

    async def balance(self) -> Decimal:
        cents: int = (await self.tell("GET", "/_mock/accounts/ACME"))["balance"]
        return Decimal(cents) / 100

    def new_files(self) -> list[Path]:
        """The statement files of the account that appeared since the last look, as they were written."""
        found = set(self._folder.glob("camt.*ACME*.xml")) - self._seen
        self._seen |= found
        return sorted(found, key=lambda path: int(path.stem.rpartition("-")[2]))


@asynccontextmanager
async def mock_bank(folder: Path) -> AsyncIterator[Bank]:
    """The bank as a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = Path(sys.executable).with_name("mock-bank")
    process = await asyncio.create_subprocess_exec(
        program, "--port", str(port), "--clock", "2026-09-30T09:00", "--pickup-dir", folder, "-q"
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            async with asyncio.timeout(20):
                while not await _answers(client):
                    await asyncio.sleep(0.05)
            yield Bank(client, folder)
    finally:
        process.terminate()
        await process.wait()


async def _answers(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/_mock/health")).is_success
    except httpx.TransportError:
        return False


async def _read_new(runtime: Runtime, owner: Tenant, bank: Bank) -> list[Upload]:
    return [await imported(runtime, owner, path.read_bytes(), path.name) for path in bank.new_files()]


def _warnings(uploads: list[Upload]) -> list[str]:
    return [warning["code"] for upload in uploads for warning in upload.result["warnings"]]


async def test_every_file_of_a_bank_is_read_as_it_appears_and_the_sums_are_its_ledgers(
    runtime: Runtime, alice: Tenant, tmp_path: Path
) -> None:
    async with mock_bank(tmp_path / "pickup") as bank, working(runtime):
        opening = await bank.balance()
        await bank.credit(11801, "Invoice 1")
        await bank.credit(250, "Invoice 2")
        await bank.tell("POST", "/_mock/accounts/ACME/report")
        uploads = await _read_new(runtime, alice, bank)  # camt.054 of each, and the camt.052 of the day
        await bank.tell("PATCH", "/_mock/accounts/ACME", {"behaviour": "return-later", "parameters": {"days": 1}})
        await bank.pay()
        await bank.tell("POST", "/_mock/advance?days=2")
        uploads += await _read_new(runtime, alice, bank)
        rows, moved = await rows_of(runtime, alice), await bank.balance() - opening
        (account,) = await accounts_of(runtime, alice)
        assert {upload.error for upload in uploads} == {None}
        assert {upload.format[:8] for upload in uploads if upload.format} == {"camt.052", "camt.053", "camt.054"}
        assert sum(row.amount for row in rows) == moved == Decimal("120.51")
        assert sorted(row.amount for row in rows) == [Decimal(x) for x in ("-100.25", "2.50", "100.25", "118.01")]
        assert account.balance == await bank.balance()
        assert _warnings(uploads) == []
        await _a_lost_row_is_told(runtime, alice, bank)


async def _a_lost_row_is_told(runtime: Runtime, owner: Tenant, bank: Bank) -> None:
    bank.new_files()
    await bank.tell("PATCH", "/_mock/accounts/ACME", {"behaviour": "statement-gap"})
    await bank.credit(999, "Lost on the way")
    await bank.tell("POST", "/_mock/advance?days=1")
    statements = [path for path in bank.new_files() if path.name.startswith("camt.053")]
    uploads = [await imported(runtime, owner, path.read_bytes(), path.name) for path in statements]
    assert set(_warnings(uploads)) == {"statement_gap"}
    assert named(await rows_of(runtime, owner), "Lost on the way") == []

"""What the tests of statement files do: hand them in, wait until they were read, and write small ones."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from afflux.domain.uploads import Upload, UploadStatus
from afflux.runtime import Runtime
from afflux.services import uploads
from afflux.store import uploads as store
from tests.conftest import Tenant

IBAN = "NL91ABNA0417164300"


async def hand_in(runtime: Runtime, tenant: Tenant, name: str, content: bytes, mapping: str | None = None) -> UUID:
    """Give a file to be read."""
    async with runtime.database.transaction() as tx:
        return await uploads.hand_in(
            tx, runtime.vault, runtime.registry, tenant.principal, tenant.user, name, content, mapping
        )


async def is_read(runtime: Runtime, tenant: Tenant, upload_id: UUID) -> Upload:
    """The upload, once it was read or refused."""
    async with asyncio.timeout(30):
        while True:
            async with runtime.database.transaction() as tx:
                upload = await store.by_id(tx, tenant.application.id, upload_id)
            if upload.status is not UploadStatus.WAITING:
                return upload
            await asyncio.sleep(0.02)


async def imported(runtime: Runtime, tenant: Tenant, content: bytes, name: str = "file") -> Upload:
    """Hand a file in and see what comes of it. A worker is at work."""
    return await is_read(runtime, tenant, await hand_in(runtime, tenant, name, content))


@dataclass(frozen=True)
class Entry:
    """One movement of a camt file."""

    amount: str
    day: str
    text: str
    reference: str = ""
    pending: bool = False

    def xml(self) -> str:
        """The entry; a debit is a negative amount."""
        side = "DBIT" if self.amount.startswith("-") else "CRDT"
        reference = f"<AcctSvcrRef>{self.reference}</AcctSvcrRef>" if self.reference else ""
        return (
            f'<Ntry><Amt Ccy="EUR">{self.amount.lstrip("-")}</Amt><CdtDbtInd>{side}</CdtDbtInd>'
            f"<Sts><Cd>{'PDNG' if self.pending else 'BOOK'}</Cd></Sts><BookgDt><Dt>{self.day}</Dt></BookgDt>"
            f"<ValDt><Dt>{self.day}</Dt></ValDt>{reference}<BkTxCd/>"
            f"<NtryDtls><TxDtls><RmtInf><Ustrd>{self.text}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
        )


_ELEMENTS = {
    "052": ("BkToCstmrAcctRpt", "Rpt"),
    "053": ("BkToCstmrStmt", "Stmt"),
    "054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
}


def camt(kind: str, entries: Sequence[Entry], opening: str = "", closing: str = "", day: str = "2026-09-30") -> bytes:
    """A camt file of one account and day, with its balances where they are given."""
    message, statement = _ELEMENTS[kind]
    stated = [("OPBD", opening), ("CLBD", closing)] if opening else []
    balances = "".join(
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{amount}</Amt>'
        f"<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
        for code, amount in stated
    )
    return (
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.{kind}.001.08"><{message}><GrpHdr><MsgId>m</MsgId>'
        f"<CreDtTm>{day}T20:00:00Z</CreDtTm></GrpHdr><{statement}><Id>s</Id><CreDtTm>{day}T20:00:00Z</CreDtTm>"
        f"<Acct><Id><IBAN>{IBAN}</IBAN></Id><Ccy>EUR</Ccy></Acct>{balances}"
        f"{''.join(entry.xml() for entry in entries)}</{statement}></{message}></Document>"
    ).encode()

"""Small camt documents, written out of the parts that a test is about."""

IBAN = "DE89370400440532013000"
OTHER = "NL91ABNA0417164300"


def document(body: str, *, version: str = "053.001.08", prefix: str = "") -> str:
    """A message around statements; with a prefix, every element carries it."""
    container = {"052": "BkToCstmrAcctRpt", "053": "BkToCstmrStmt", "054": "BkToCstmrDbtCdtNtfctn"}[version[:3]]
    xml = f"<Document><{container}>{body}</{container}></Document>"
    if prefix:
        xml = xml.replace("</", "\0").replace("<", f"<{prefix}:").replace("\0", f"</{prefix}:")
    attribute = f"xmlns:{prefix}" if prefix else "xmlns"
    return xml.replace("Document>", f'Document {attribute}="urn:iso:std:iso:20022:tech:xsd:camt.{version}">', 1)


def statement(*parts: str, tag: str = "Stmt", iban: str = IBAN, currency: str = "EUR", extra: str = "") -> str:
    """A statement, report (`Rpt`) or notification (`Ntfctn`) of one account."""
    account = f"<Acct><Id><IBAN>{iban}</IBAN></Id><Ccy>{currency}</Ccy><Ownr><Nm>Alice</Nm></Ownr></Acct>"
    return f"<{tag}><Id>S1</Id><CreDtTm>2026-01-31T20:00:00Z</CreDtTm>{extra}{account}{''.join(parts)}</{tag}>"


def balance(code: str, amount: str, day: str, *, debit: bool = False, currency: str = "EUR") -> str:
    """A balance of the given type code."""
    side = "DBIT" if debit else "CRDT"
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='{currency}'>{amount}</Amt>"
        f"<CdtDbtInd>{side}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def entry(
    amount: str = "10.00",
    *,
    debit: bool = False,
    status: str = "<Cd>BOOK</Cd>",
    day: str = "2026-01-31",
    reference: str = "",
    details: str = "",
    more: str = "",
    currency: str = " Ccy='EUR'",
) -> str:
    """An entry; `details` goes inside its only `TxDtls`, `more` directly into the entry."""
    servicer = f"<AcctSvcrRef>{reference}</AcctSvcrRef>" if reference else ""
    told = f"<NtryDtls><TxDtls>{details}</TxDtls></NtryDtls>" if details else ""
    return (
        f"<Ntry><Amt{currency}>{amount}</Amt><CdtDbtInd>{'DBIT' if debit else 'CRDT'}</CdtDbtInd><Sts>{status}</Sts>"
        f"<BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>2026-02-01</Dt></ValDt>{servicer}{more}{told}</Ntry>"
    )

"""How money moved, from the codes of the formats. What is not clear stays `other`."""

from afflux.connectors.files.xml import Part, words
from afflux.domain.records import TransactionType

#: ISO 20022 bank transaction codes: family within the domain PMNT (External Code Sets, BankTransactionCode).
_FAMILIES = {
    "RCDT": TransactionType.TRANSFER,
    "ICDT": TransactionType.TRANSFER,
    "RRCT": TransactionType.TRANSFER,
    "IRCT": TransactionType.TRANSFER,
    "RDDT": TransactionType.DIRECT_DEBIT,
    "IDDT": TransactionType.DIRECT_DEBIT,
    "RCHQ": TransactionType.CHECK,
    "ICHQ": TransactionType.CHECK,
    "CCRD": TransactionType.CARD,
    "MCRD": TransactionType.CARD,
}
#: Sub-families that say more than their family.
_SUBFAMILIES = {
    "CHRG": TransactionType.FEE,
    "FEES": TransactionType.FEE,
    "COMM": TransactionType.FEE,
    "COME": TransactionType.FEE,
    "COMI": TransactionType.FEE,
    "INTR": TransactionType.INTEREST,
    "CWDL": TransactionType.CASH,
    "CDPT": TransactionType.CASH,
    "POSD": TransactionType.CARD,
    "POSC": TransactionType.CARD,
}

#: German business transaction codes (GVC) that banks of the DK use in camt (`NTRF+116+…`) and in MT940's field 86.
_GVC = {
    TransactionType.DIRECT_DEBIT: (
        4,
        5,
        104,
        105,
        107,
        108,
        109,
        171,
        174,
        181,
        182,
        183,
        184,
        192,
        193,
        195,
        196,
        197,
    ),
    TransactionType.TRANSFER: (
        *(
            20,
            51,
            52,
            53,
            54,
            116,
            117,
            118,
            119,
            152,
            153,
            154,
            155,
            156,
            157,
            158,
            159,
            166,
            167,
            168,
            169,
            177,
            179,
            188,
            189,
        ),
        *(191, 194, 201, 202, 205, 206),
    ),
    TransactionType.CARD: (6, 106, 110, 112, 198),
    TransactionType.CASH: (82, 83, 87),
    TransactionType.CHECK: (1, 2, 11, 12, 70, 71, 72, 101, 102, 103, 111, 170),
    TransactionType.FEE: (808, 809, 810, 811, 812, 813, 817, 818, 819, 820, 821),
    TransactionType.INTEREST: (814, 815, 822, 823),
}
_BY_GVC = {code: kind for kind, codes in _GVC.items() for code in codes}

#: SWIFT transaction type identification codes (MT940 field 61, subfield 6).
_SWIFT = {
    "TRF": TransactionType.TRANSFER,
    "DDT": TransactionType.DIRECT_DEBIT,
    "CHK": TransactionType.CHECK,
    "TCK": TransactionType.CHECK,
    "CHG": TransactionType.FEE,
    "COM": TransactionType.FEE,
    "INT": TransactionType.INTEREST,
    "CSH": TransactionType.CASH,
}

#: OFX transaction types (OFX 2.2, section 11.4.4.3).
_OFX = {
    "INT": TransactionType.INTEREST,
    "FEE": TransactionType.FEE,
    "SRVCHG": TransactionType.FEE,
    "DEP": TransactionType.DEPOSIT,
    "DIRECTDEP": TransactionType.DEPOSIT,
    "ATM": TransactionType.CASH,
    "CASH": TransactionType.CASH,
    "POS": TransactionType.CARD,
    "XFER": TransactionType.TRANSFER,
    "REPEATPMT": TransactionType.TRANSFER,
    "PAYMENT": TransactionType.TRANSFER,
    "CHECK": TransactionType.CHECK,
    "DIRECTDEBIT": TransactionType.DIRECT_DEBIT,
}


def type_of_camt(entry: Part, single: Part | None) -> TransactionType:
    """From the entry's code, else from that of its only detail."""
    for holder in (entry, single):
        if holder is not None and (kind := _camt_code(holder)) is not TransactionType.OTHER:
            return kind
    return TransactionType.OTHER


def _camt_code(holder: Part) -> TransactionType:
    subfamily = words(holder, "BkTxCd/Domn/Fmly/SubFmlyCd")
    family = words(holder, "BkTxCd/Domn/Fmly/Cd")
    found = _SUBFAMILIES.get(subfamily or "") or _FAMILIES.get(family or "")
    return found or _proprietary(words(holder, "BkTxCd/Prtry/Cd") or "")


def _proprietary(code: str) -> TransactionType:
    parts = code.split("+")
    if len(parts) > 1:
        return type_of_gvc(parts[1])
    return type_of_swift(code[1:]) if len(code) == 4 and code[0] in "NFS" else TransactionType.OTHER


def type_of_gvc(code: str) -> TransactionType:
    """From a German three-digit business transaction code."""
    digits = code.isascii() and code.isdigit() and len(code) <= 3
    return _BY_GVC.get(int(code), TransactionType.OTHER) if digits else TransactionType.OTHER


def type_of_swift(code: str) -> TransactionType:
    """From the three letters of MT940's transaction type."""
    return _SWIFT.get(code.upper(), TransactionType.OTHER)


def type_of_ofx(code: str) -> TransactionType:
    """From OFX's TRNTYPE."""
    return _OFX.get(code.upper(), TransactionType.OTHER)

"""Who is at the other end of a camt entry."""

from typing import Protocol

from afflux.connectors.files.xml import Part, find, words

_SIDES = {"debtor": ("Dbtr", "UltmtDbtr"), "creditor": ("Cdtr", "UltmtCdtr")}
_ACCOUNT = "{0}Acct/Id/IBAN|{0}Acct/Id/Othr/Id|{0}Acct/Id/PrtryAcct/Id|{0}Acct/Id/BBAN|{0}Acct/Id/UPIC"


class Own(Protocol):
    """What tells our own side from the other one."""

    @property
    def iban(self) -> str | None: ...

    @property
    def owner(self) -> str | None: ...


Party = tuple[str | None, str | None]


def counterparty(entry: Part, details: list[Part], own: Own, *, incoming: bool) -> Party:
    """Name and account of the other side, as far as all details of the entry agree on them."""
    parties = {_of_detail(detail, own, incoming, _returned(entry, detail)) for detail in details[:1000]}
    if len(parties) == 1:
        return parties.pop()
    return None, None


def _returned(entry: Part, detail: Part) -> bool:
    # Returned and reversed payments keep the roles of the payment they take back.
    return words(entry, "RvslInd") in ("true", "1") or find(detail, "RtrInf") is not None


def _of_detail(detail: Part, own: Own, incoming: bool, returned: bool) -> Party:
    related = find(detail, "RltdPties")
    if related is None:
        return None, None
    expected, opposite = ("debtor", "creditor") if incoming != returned else ("creditor", "debtor")
    party = _party(related, expected)
    other = _party(related, opposite)
    if _is_own(party, own) and not _is_own(other, own):
        return other
    if party == (None, None) and other[1] and not _is_own(other, own):
        return other
    return party


def _party(related: Part, side: str) -> Party:
    main, ultimate = _SIDES[side]
    name = words(related, f"{main}/Nm|{main}/Pty/Nm|{main}/Agt/FinInstnId/Nm|{ultimate}/Nm|{ultimate}/Pty/Nm")
    account = words(related, _ACCOUNT.format(main))
    return name, "".join(account.split()) if account else None


def _is_own(party: Party, own: Own) -> bool:
    name, account = party
    if account and own.iban:
        return account.upper() == own.iban
    return bool(name and own.owner and name.casefold() == own.owner.casefold())

"""The Afflux Test Bank (provider 87): one bank with two channels.

Channel 8700 takes a login and a password and shows everything. Channel 8701 runs by the consent that its user gave on
the bank's own page, and shows only the accounts that people pay from.
"""

import hashlib
import secrets
from dataclasses import replace
from pathlib import Path

from afflux.connectors.base import Request
from afflux.connectors.sandbox import forms, scripts
from afflux.connectors.sandbox.books import Bank, Book, Scene
from afflux.connectors.sandbox.ledger import household
from afflux.connectors.sandbox.loan import loan
from afflux.connectors.sandbox.plan import Fault, Plan, Stage
from afflux.connectors.sandbox.scripts import Script, ScriptError
from afflux.domain.errors import SyncErrorCode
from afflux.domain.records import AccountType

#: Who is known here without a script: this login, alone or with words after it.
LOGIN = "dev"
PASSWORD = "dev"  # noqa: S105 - printed in the documentation, opens nothing
PAYMENT_TYPES = (AccountType.CURRENT, AccountType.CARD, AccountType.DEFERRED_CARD)


def grant(login: str) -> str:
    """What the bank's page sends back when somebody agrees: new each time, and the connector knows who it was."""
    return f"{secrets.token_urlsafe(16)}.{login}"


def granted(request: Request) -> str | None:
    """The grant that a request comes with, as the bank remembers it; None on the channel with a login."""
    code = request.secrets.get("code", "")
    if request.channel_id != forms.BY_CONSENT or not code:
        return None
    return hashlib.blake2b(code.encode(), digest_size=16).hexdigest()


def identified(request: Request) -> Request:
    """The request with the login of whoever agreed on the bank's page, where it was there."""
    if request.channel_id != forms.BY_CONSENT:
        return request
    login = request.secrets.get("code", "").partition(".")[2]
    return replace(request, secrets={**request.secrets, "login": login})


def plan(usual: Plan, request: Request, folder: Path | None) -> Plan:
    """What the bank is going to do: what the `usual` words of the login say, over what the login's script says."""
    login = request.secrets.get("login", "")
    try:
        script = scripts.find(folder, login) if folder else None
    except ScriptError as error:
        return replace(usual, faults=(_fault(Stage.CONNECT, SyncErrorCode.PROVIDER_CHANGED, str(error)),))
    known = replace(usual, password=PASSWORD, bank=_bank(usual, script))
    if not _admits(script, login):
        refusal = _fault(Stage.LOGIN, SyncErrorCode.CREDENTIALS_INVALID, "nobody is known by this login")
        known = replace(known, faults=(refusal,))
    elif script and script.credentials:
        known = replace(known, password=script.credentials[login])
    return _by_consent(known) if request.channel_id == forms.BY_CONSENT else known


def _admits(script: Script | None, login: str) -> bool:
    if script is None:
        return login.split("+")[0] == LOGIN
    return not script.credentials or login in script.credentials


def _bank(usual: Plan, script: Script | None) -> Bank | None:
    if script is not None:
        return lambda scene: script.books
    return usual.bank if usual.accounts or usual.movements else books


def _fault(stage: Stage, code: SyncErrorCode, detail: str) -> Fault:
    return Fault(stage=stage, code=code, detail=detail)


def _by_consent(known: Plan) -> Plan:
    """Nobody is asked anything more, and only some accounts are shown."""
    behaviours = (*known.behaviours, payment_accounts)
    return replace(known, password=None, steps=(), by_consent=True, behaviours=behaviours)


def payment_accounts(scene: Scene, shown: list[Book]) -> list[Book]:
    """Leave out what no payment law makes a bank show."""
    return [book for book in shown if book.account.type in PAYMENT_TYPES]


def books(scene: Scene) -> list[Book]:
    """Return the household of `dev`: a current account, a deferred card, savings, and a loan."""
    shown = household(scene)
    return [*shown, loan(scene, shown[0].account.owner)]

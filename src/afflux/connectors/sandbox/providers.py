"""What each sandbox provider is going to do, and how the login of provider 1000 is read."""

import re
from dataclasses import replace
from pathlib import Path

from afflux.connectors.base import Request
from afflux.connectors.sandbox import forms, testbank, twoways
from afflux.connectors.sandbox.bulk import bulk
from afflux.connectors.sandbox.ledger import household
from afflux.connectors.sandbox.plan import Fault, Plan, Stage
from afflux.connectors.sandbox.portal import invoices
from afflux.connectors.sandbox.scenarios import MOST, ROWS_PER_ACCOUNT, SCENARIOS
from afflux.domain.errors import SyncErrorCode

PLANS = {
    forms.TEST_BANK: Plan(steps=("sms",), bank=testbank.books),
    forms.REFUSING: Plan(
        faults=(Fault(stage=Stage.LOGIN, code=SyncErrorCode.CREDENTIALS_INVALID, detail="login or password refused"),)
    ),
    forms.PORTAL: Plan(password=None, portal=invoices),
    forms.MAINTENANCE: Plan(
        faults=(Fault(stage=Stage.CONNECT, code=SyncErrorCode.PROVIDER_MAINTENANCE, detail="closed for maintenance"),)
    ),
    forms.UNAVAILABLE: Plan(
        faults=(Fault(stage=Stage.CONNECT, code=SyncErrorCode.PROVIDER_UNAVAILABLE, detail="does not answer"),)
    ),
}


def plan_for(request: Request, scripts: Path | None = None) -> Plan:
    """Return what the request's provider is going to do; `scripts` is the folder with those of provider 87."""
    if request.provider_id == forms.TWO_WAYS:
        return twoways.plan(_plan_of_login(request), request, scripts)
    if request.provider_id == forms.SANDBOX:
        return _plan_of_login(request)
    return PLANS[request.provider_id]


def _plan_of_login(request: Request) -> Plan:
    return plan_of(request.secrets.get("login", ""))


def plan_of(login: str) -> Plan:
    """Read a login of provider 1000: words joined by `+`, of which those that are no scenario only choose the data."""
    asked = dict(_words(login))
    plan = Plan(bank=household)
    for name, scenario in SCENARIOS.items():  # in this order, whatever the login's
        if name in asked:
            plan = scenario.change(plan, asked[name])
    if plan.accounts is None and plan.movements is None:
        return plan
    return replace(plan, bank=bulk(plan.accounts or 1, plan.movements or ROWS_PER_ACCOUNT))


def _words(login: str) -> list[tuple[str, int]]:
    """Return the scenarios that a login names, each with its number."""
    return [found for word in login.strip().lower().split("+") if (found := _scenario(word)) is not None]


def _scenario(word: str) -> tuple[str, int] | None:
    if word in SCENARIOS:
        return word, SCENARIOS[word].number or 0
    name, _, digits = word.rpartition("-")
    if name in SCENARIOS and SCENARIOS[name].number is not None and re.fullmatch("[0-9]{1,9}", digits):
        return name, min(max(1, int(digits)), MOST)
    return None

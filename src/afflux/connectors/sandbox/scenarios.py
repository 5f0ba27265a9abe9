"""The magic words that a login of provider 1000 may be made of."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from afflux.connectors.sandbox import behaviours as b
from afflux.connectors.sandbox import tricks
from afflux.connectors.sandbox.books import Behaviour
from afflux.connectors.sandbox.plan import Fault, Plan, Stage
from afflux.connectors.sandbox.portal import statements
from afflux.domain.errors import SyncErrorCode as Code

MOST = 1_000_000
ROWS_PER_ACCOUNT = 20

Change = Callable[[Plan, int], Plan]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One magic word of a login."""

    #: What it does, for the documentation; `N` is the number after the word.
    text: str
    change: Change
    #: The number when the login gives none; `None` where a number means nothing.
    number: int | None = None


def _set(**values: object) -> Change:
    return lambda plan, _: replace(plan, **values)  # type: ignore[arg-type]


def _step(*steps: str, **values: object) -> Change:
    return lambda plan, _: replace(plan, steps=plan.steps + steps, **values)  # type: ignore[arg-type]


def _fault(stage: Stage, code: Code, detail: str) -> Change:
    fault = Fault(stage=stage, code=code, detail=detail)
    return lambda plan, _: replace(plan, faults=(*plan.faults, fault))


def _passing(stage: Stage, code: Code, detail: str) -> Change:
    fault = Fault(stage=stage, code=code, detail=detail)
    return lambda plan, number: replace(plan, faults=(*plan.faults, replace(fault, tries=number)))


def _rate_limit(plan: Plan, seconds: int) -> Plan:
    fault = Fault(stage=Stage.CONNECT, code=Code.RATE_LIMITED, detail="too many requests", seconds=seconds)
    return replace(plan, faults=(*plan.faults, fault))


def _expiring_consent(plan: Plan, _: int) -> Plan:
    fault = Fault(stage=Stage.LOGIN, code=Code.CONSENT_EXPIRED, detail="consent has ended", from_run=2)
    return replace(plan, faults=(*plan.faults, fault))


def _later(plan: Plan, _: int) -> Plan:
    return replace(plan, faults=tuple(replace(fault, from_run=2) for fault in plan.faults))


def _consent(plan: Plan, days: int) -> Plan:
    return replace(plan, steps=plan.steps or ("sms",), consent_days=days)


def _does(behaviour: Behaviour) -> Change:
    return lambda plan, _: replace(plan, behaviours=(*plan.behaviours, behaviour))


def _posts(shop: str, **differences: bool) -> Change:
    return _does(b.pending(b.Posting(shop=shop, **differences)))


SCENARIOS: dict[str, Scenario] = {
    # steps
    "sms": Scenario("asks for a code sent by SMS", _step("sms")),
    "choice": Scenario("asks where to send a code; any choice is right", _step("choice")),
    "choice-sms": Scenario("asks where to send a code, then for the code", _step("choice", "sms")),
    "app": Scenario(
        "waits for an approval in the bank's app, which comes at the N-th look",
        lambda plan, looks: replace(plan, steps=(*plan.steps, "app"), looks=looks),
        2,
    ),
    "app-refused": Scenario("the approval in the app is refused", _step("app", refuses=True)),
    "app-never": Scenario("the approval in the app never comes", _step("app", looks=None)),
    "redirect": Scenario("sends to the bank's site, which sends back at once with consent", _step("redirect")),
    "redirect-refused": Scenario("the same, but consent is refused there", _step("redirect", refuses=True)),
    "display": Scenario("shows a picture of a code to copy", _step("display")),
    "captcha": Scenario("shows a picture of digits to read", _step("captcha")),
    "confirm": Scenario("asks for a yes", _step("confirm")),
    "forgiving": Scenario(
        "a wrong answer is asked again, N times", lambda plan, times: replace(plan, forgiven=times), 2
    ),
    "too-late": Scenario("every answer counts as given too late", _set(code_expired=True)),
    "expires": Scenario(
        "a step must be answered within N seconds", lambda plan, seconds: replace(plan, challenge_seconds=seconds), 5
    ),
    "consent": Scenario("the proof of who is asking lasts N days (`sms`, unless another step is named)", _consent, 90),
    "every-time": Scenario("the step is asked in every run", _set(consent_days=0)),
    "presence": Scenario(
        "refuses to be read while the person is away, asks nothing otherwise", _set(asks_the_absent=True)
    ),
    # refusals
    "wrong-password": Scenario(
        "login or password is refused", _fault(Stage.LOGIN, Code.CREDENTIALS_INVALID, "login or password refused")
    ),
    "locked": Scenario("the access is locked", _fault(Stage.LOGIN, Code.ACCOUNT_LOCKED, "access locked")),
    "password-expired": Scenario(
        "a new password has to be chosen", _fault(Stage.LOGIN, Code.PASSWORD_EXPIRED, "password expired")
    ),
    "action-required": Scenario(
        "terms have to be accepted at the bank first", _fault(Stage.LOGIN, Code.ACTION_REQUIRED, "new terms to accept")
    ),
    "consent-required": Scenario(
        "no consent was given", _fault(Stage.LOGIN, Code.CONSENT_REQUIRED, "no consent given")
    ),
    "consent-expired": Scenario("consent has ended from the second sync on", _expiring_consent),
    "unsupported": Scenario(
        "wants a way to log in that the connector lacks",
        _fault(Stage.LOGIN, Code.UNSUPPORTED_AUTH, "the bank asks for a card reader"),
    ),
    # outages
    "outage": Scenario(
        "does not answer at the first N tries",
        _passing(Stage.CONNECT, Code.PROVIDER_UNAVAILABLE, "the bank does not answer"),
        1,
    ),
    "network": Scenario(
        "the line breaks at the first N tries", _passing(Stage.CONNECT, Code.NETWORK, "connection reset"), 1
    ),
    "down": Scenario("never answers", _fault(Stage.CONNECT, Code.PROVIDER_UNAVAILABLE, "the bank does not answer")),
    "maintenance": Scenario(
        "is closed for maintenance", _fault(Stage.CONNECT, Code.PROVIDER_MAINTENANCE, "closed for maintenance")
    ),
    "rate-limit": Scenario("lets nobody in for N seconds after the first try of a sync, and says so", _rate_limit, 5),
    "changed": Scenario(
        "answers in an unknown way", _fault(Stage.LOGIN, Code.PROVIDER_CHANGED, "unexpected page after login")
    ),
    "half-history": Scenario(
        "breaks off within the last account's history at the first N tries",
        _passing(Stage.HISTORY, Code.PROVIDER_UNAVAILABLE, "the bank stopped answering"),
        1,
    ),
    "later": Scenario("the failures named beside it come with the second sync, the first one is fine", _later),
    "slow": Scenario(
        "takes N seconds for each call", lambda plan, seconds: replace(plan, seconds_per_call=float(seconds)), 2
    ),
    "fast": Scenario("answers at once", _set(seconds_per_call=0.0)),
    # a broken connector
    "crash": Scenario("the connector raises an exception", _set(trick=tricks.crash)),
    "hang": Scenario("the connector never comes back", _set(trick=tricks.hang)),
    "garbage": Scenario("the connector gives something that is no message", _set(trick=tricks.garbage)),
    "undated": Scenario("the connector gives a movement without a date", _set(trick=tricks.undated)),
    "stray": Scenario("the connector gives a movement on an account that it did not list", _set(trick=tricks.stray)),
    "huge-state": Scenario("the connector wants to keep more than it may", _set(trick=tricks.huge_state)),
    "no-end": Scenario("the connector stops without saying how it ended", _set(ends=False)),
    # size
    "accounts": Scenario(
        "has N current accounts, with twenty movements each unless `history` is named",
        lambda plan, number: replace(plan, accounts=number),
        50,
    ),
    "history": Scenario(
        "has current accounts, one unless `accounts` is named, with N movements each, all given again in each sync",
        lambda plan, number: replace(plan, movements=number),
        1000,
    ),
    "documents": Scenario(
        "has the statements of the last N months", lambda plan, number: replace(plan, portal=statements(number)), 3
    ),
    "quiet": Scenario("has no ordinary movements, only what the other words bring", _does(b.quiet)),
    "empty": Scenario("lists no account", _does(b.empty)),
    "partial": Scenario("lists the last account, but gives no history of it", _does(b.skipped)),
    # movements
    "pending": Scenario("a purchase is announced on day 0 and booked on day 2", _posts("HOTEL DU PORT")),
    "pending-id": Scenario("the same, with another key once booked", _posts("GARAGE MODERNE", key=True)),
    "pending-date": Scenario("the same, dated two days later once booked", _posts("OPTIQUE CLAIRE", date=True)),
    "pending-text": Scenario("the same, with another text once booked", _posts("MAISON LAVANDE", text=True)),
    "pending-amount": Scenario("the same, for a little less once booked", _posts("RESTAURANT L'ANCRE", amount=True)),
    "pending-all": Scenario(
        "key, date, text and amount all change", _posts("LOCATION AZUR", key=True, date=True, text=True, amount=True)
    ),
    "pending-gone": Scenario(
        "a purchase is announced on day 0 and gone on day 2", _posts("PARKING NORD", vanishes=True)
    ),
    "twins": Scenario("two purchases of day 0 have the same shop and amount", _does(b.twins)),
    "withdrawn": Scenario("a booked movement is missing from day 2 on", _does(b.withdrawn)),
    "removed": Scenario("the bank says on day 2 that a booked movement does not exist", _does(b.removed)),
    "late": Scenario("a movement dated ten days before day 0 appears on day 2", _does(b.late)),
    "corrected": Scenario("a booked movement's text is corrected on day 2", _does(b.corrected)),
    "foreign": Scenario("a purchase was made in dollars", _does(b.foreign)),
    "repeated": Scenario("one movement is listed twice under one key", _does(b.repeated)),
    # accounts
    "renumbered": Scenario("the first account has another number and key from day 2 on", _does(b.renumbered)),
    "rekeyed": Scenario("the first account has another key from day 2 on, and nothing else", _does(b.rekeyed)),
    "closed": Scenario("the last account is listed as closed from day 2 on", _does(b.closed)),
    "vanished": Scenario("the last account is no longer listed from day 2 on", _does(b.vanished)),
    "opened": Scenario("there is one account more from day 2 on", _does(b.opened)),
    # keys
    "no-keys": Scenario("movements come without keys", _does(b.no_keys)),
    "unstable-keys": Scenario("each sync gives the movements other keys", _does(b.unstable_keys)),
    "positional-keys": Scenario("a movement's key is its place in the list", _does(b.positional_keys)),
}

"""What a sandbox bank asks the person, and what it makes of the answer."""

from collections.abc import Callable
from datetime import datetime
from enum import Enum, auto
from urllib.parse import urlencode, urlsplit, urlunsplit

from afflux.connectors.sandbox import forms
from afflux.connectors.sandbox.memory import Parked
from afflux.connectors.sandbox.plan import Plan
from afflux.connectors.sandbox.png import digits_picture
from afflux.domain.challenges import Answer, Challenge, ChallengeKind

CODE = "1234"
POLL_AFTER = 1.0
#: Steps for which the bank reaches for the person's telephone.
SENDING = frozenset({"sms", "app"})
CHOICES = {"sms": "SMS au 06 ** ** ** 12", "email": "E-mail à a***@example.org"}


class Verdict(Enum):
    """What the bank makes of an answer."""

    ACCEPTED = auto()
    #: Not decided yet: look again later.
    WAITING = auto()
    WRONG = auto()
    #: The person said no.
    DENIED = auto()


def ask(step: str, expires_at: datetime, return_url: str | None, plan: Plan) -> Challenge:
    """Make the challenge of a step."""
    return _CHALLENGES[step](expires_at, return_url or "", plan)


def judge(step: str, answer: Answer, parked: Parked, plan: Plan) -> Verdict:
    """Decide on the person's answer to a step."""
    if answer.cancel:
        return Verdict.DENIED
    return _VERDICTS[step](answer, parked, plan)


def _sms(expires_at: datetime, return_url: str, plan: Plan) -> Challenge:
    return Challenge(
        kind=ChallengeKind.INPUT,
        name="sms",
        text="Un code a été envoyé par SMS au 06 ** ** ** 12.",
        fields=forms.SMS.fields,
        expires_at=expires_at,
    )


def _choice(expires_at: datetime, return_url: str, plan: Plan) -> Challenge:
    return Challenge(
        kind=ChallengeKind.CHOICE,
        name="choice",
        text="Comment voulez-vous recevoir votre code ?",
        choices=CHOICES,
        expires_at=expires_at,
    )


def _app(expires_at: datetime, return_url: str, plan: Plan) -> Challenge:
    return Challenge(
        kind=ChallengeKind.DECOUPLED,
        name="app",
        text="Ouvrez l'application de votre banque et validez la demande.",
        poll_after=POLL_AFTER,
        expires_at=expires_at,
    )


def _redirect(expires_at: datetime, return_url: str, plan: Plan) -> Challenge:
    return Challenge(
        kind=ChallengeKind.REDIRECT,
        name="redirect",
        text="Vous allez être envoyé sur le site de votre banque.",
        url=_sent_back(return_url, {"error": "access_denied"} if plan.refuses else {"code": CODE}),
        expires_at=expires_at,
    )


def _sent_back(return_url: str, parameters: dict[str, str]) -> str:
    # A bank without a site of its own decides at once: its address is the way back, with the decision.
    parts = urlsplit(return_url)
    query = "&".join(filter(None, (parts.query, urlencode(parameters))))
    return urlunsplit(parts._replace(query=query))


def _display(expires_at: datetime, return_url: str, plan: Plan) -> Challenge:
    return Challenge(
        kind=ChallengeKind.DISPLAY,
        name="display",
        text="Recopiez le code que montre l'image.",
        fields=forms.DISPLAY.fields,
        image=digits_picture(CODE),
        expires_at=expires_at,
    )


def _captcha(expires_at: datetime, return_url: str, plan: Plan) -> Challenge:
    return Challenge(
        kind=ChallengeKind.CAPTCHA,
        name="captcha",
        text="Recopiez les chiffres de l'image.",
        fields=forms.CAPTCHA.fields,
        image=digits_picture(CODE, noise=True),
        expires_at=expires_at,
    )


def _confirm(expires_at: datetime, return_url: str, plan: Plan) -> Challenge:
    return Challenge(
        kind=ChallengeKind.CONFIRM,
        name="confirm",
        text="Autorisez-vous la lecture de vos comptes ?",
        expires_at=expires_at,
    )


def _typed(field: str) -> Callable[[Answer, Parked, Plan], Verdict]:
    def verdict(answer: Answer, parked: Parked, plan: Plan) -> Verdict:
        return Verdict.ACCEPTED if answer.values.get(field) == CODE else Verdict.WRONG

    return verdict


def _chosen(answer: Answer, parked: Parked, plan: Plan) -> Verdict:
    return Verdict.ACCEPTED if answer.values.get("choice") in CHOICES else Verdict.WRONG


def _approved(answer: Answer, parked: Parked, plan: Plan) -> Verdict:
    if plan.looks is None or parked.looks + 1 < plan.looks:
        return Verdict.WAITING
    return Verdict.DENIED if plan.refuses else Verdict.ACCEPTED


def _returned(answer: Answer, parked: Parked, plan: Plan) -> Verdict:
    if answer.values.get("error"):
        return Verdict.DENIED
    return Verdict.ACCEPTED if answer.values.get("code") == CODE else Verdict.WRONG


def _confirmed(answer: Answer, parked: Parked, plan: Plan) -> Verdict:
    return Verdict.ACCEPTED if answer.values.get("confirm") == "yes" else Verdict.DENIED


_CHALLENGES: dict[str, Callable[[datetime, str, Plan], Challenge]] = {
    "sms": _sms,
    "choice": _choice,
    "app": _app,
    "redirect": _redirect,
    "display": _display,
    "captcha": _captcha,
    "confirm": _confirm,
}
_VERDICTS: dict[str, Callable[[Answer, Parked, Plan], Verdict]] = {
    "sms": _typed("sms"),
    "choice": _chosen,
    "app": _approved,
    "redirect": _returned,
    "display": _typed("code"),
    "captcha": _typed("captcha"),
    "confirm": _confirmed,
}

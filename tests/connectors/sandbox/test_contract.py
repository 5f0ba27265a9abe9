"""The sandbox bank keeps to the contract that every connector has to keep."""

from collections.abc import Mapping

from afflux.connectors.base import Request
from afflux.connectors.sandbox import manifest
from afflux.domain.challenges import Answer, Challenge

from ..contract import ConnectorContract

PASSWORD = "123456"
STEPS = ("sms", "choice-sms", "app", "redirect", "display", "captcha", "confirm")
RIGHT: dict[str, dict[str, str]] = {
    "sms": {"sms": "1234"},
    "choice": {"choice": "sms"},
    "app": {},
    "redirect": {"code": "1234"},
    "display": {"code": "1234"},
    "captcha": {"captcha": "1234"},
    "confirm": {"confirm": "yes"},
}
WRONG: dict[str, dict[str, str]] = {
    "sms": {"sms": "9999"},
    "choice": {"choice": "pigeon"},
    "display": {"code": "9999"},
    "captcha": {"captcha": "9999"},
    "confirm": {"confirm": "no"},
}


class TestSandbox(ConnectorContract):
    manifest = manifest

    def request(self) -> Request:
        return self._as("fast+pending-all+foreign+documents-2")

    def challenges(self) -> Mapping[str, Request]:
        return {step: self._as(f"fast+quiet+twins+{step}") for step in STEPS}

    def answer(self, challenge: Challenge) -> Answer:
        return Answer(values=RIGHT[challenge.name], poll=challenge.name == "app")

    def wrong_answer(self, challenge: Challenge) -> Answer | None:
        return Answer(values=WRONG[challenge.name]) if challenge.name in WRONG else None

    def refused(self) -> Request:
        return self.sync(100000, {"login": "fast", "password": "654321"})

    def slow(self) -> Request:
        return self._as("slow-5")

    def _as(self, login: str) -> Request:
        return self.sync(100000, {"login": login, "password": PASSWORD})

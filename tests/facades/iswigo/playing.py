"""Plays golden files as a client of this facade: every request is signed."""

from dataclasses import dataclass, field

from tests.facades import playing
from tests.facades.iswigo.calling import signature


@dataclass
class Player(playing.Player):
    """Somebody at the wire who has the applications' secrets."""

    client: str = "shop"
    #: By application.
    secrets: dict[str, str] = field(default_factory=dict)

    def dressed(self, method: str, target: str, given: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
        """Signed, and with the user's token."""
        signed = signature(self.secrets[self.client], method, target, body)
        headers = {"X-Iswigo-App": self.client, "X-Iswigo-Signature": signed}
        if body:
            headers["Content-Type"] = "application/json"
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        return headers | given, body

"""Plays golden files as a client of this facade: what is no JSON is sent as a form, and tokens come along."""

from dataclasses import dataclass

from tests.facades import playing


@dataclass
class Player(playing.Player):
    """Somebody at the wire who may have a token."""

    def dressed(self, method: str, target: str, given: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
        """With the body's type, and the token."""
        headers = {}
        if body:
            is_json = body.startswith(b"{")
            headers["Content-Type"] = "application/json" if is_json else "application/x-www-form-urlencoded"
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        return headers | given, body

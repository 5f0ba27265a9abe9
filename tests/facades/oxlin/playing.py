"""Plays golden files as a client of this facade: what is no JSON is sent as a form, and tokens come along."""

import asyncio
from dataclasses import dataclass

from tests.facades.iswigo.playing import Player


@dataclass
class OxlinPlayer(Player):
    """Somebody at the wire who has the client's id and secret."""

    async def _send(self, method: str, target: str, body: bytes) -> tuple[str, dict[str, str], str]:
        """Status, headers, and body of the answer to a request, as they came over the socket."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self.host}:{self.port}", "Connection: close"]
        if body:
            kind = "application/json" if body.startswith(b"{") else "application/x-www-form-urlencoded"
            lines += [f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
        if self.token:
            lines.append(f"authorization: Bearer {self.token}")
        reader, writer = await asyncio.open_connection(self.host, self.port)
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        raw = await reader.read()
        writer.close()
        head, _, content = raw.partition(b"\r\n\r\n")
        status, *fields = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in fields)}
        return status.removeprefix("HTTP/1.1 "), headers, content.decode("utf-8", "replace")

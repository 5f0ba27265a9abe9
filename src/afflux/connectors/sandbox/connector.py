"""The sandbox bank as a connector."""

import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

from afflux.connectors.base import Context, Request
from afflux.connectors.sandbox import twoways
from afflux.connectors.sandbox.memory import Memory
from afflux.connectors.sandbox.providers import plan_for
from afflux.connectors.sandbox.visit import Visit
from afflux.domain.challenges import Answer
from afflux.domain.errors import InvalidInput
from afflux.domain.messages import Message

DEFAULT_LATENCY = 0.2


class SandboxConnector:
    """Runs every sandbox bank. Keeps nothing: all that outlives a run is in its state and in what it parked."""

    def __init__(self, latency: float, scripts: Path | None) -> None:
        self._latency = latency
        self._scripts = scripts

    def start(self, context: Context, request: Request) -> AsyncIterator[Message]:
        """Run from the beginning."""
        memory = Memory.load(request.state, context.now).tried(context.now)
        return self._visit(context, request, memory).begin()

    def resume(self, context: Context, request: Request, parked: bytes, answer: Answer) -> AsyncIterator[Message]:
        """Go on with the person's answer."""
        memory = Memory.load(request.state, context.now)
        return self._visit(context, request, memory).go_on(parked, answer)

    def _visit(self, context: Context, request: Request, memory: Memory) -> Visit:
        folder = self._scripts or (Path(context.folder) if context.folder else None)
        request = twoways.identified(request)
        plan = plan_for(request, folder)
        until = context.now + timedelta(days=plan.consent_days)
        known = memory.granted(twoways.granted(request), until)
        return Visit(context, request, plan, known, self._latency)


def create(latency: float | None = None, scripts: Path | None = None) -> SandboxConnector:
    """Build the connector.

    Without `latency`, in seconds per call, `AFFLUX_SANDBOX_LATENCY` says it. Without `scripts`, a folder,
    `AFFLUX_SANDBOX_SCRIPTS` does, or else the context of each run.
    """
    return SandboxConnector(_latency_setting() if latency is None else latency, scripts or _scripts_setting())


def _scripts_setting() -> Path | None:
    text = os.environ.get("AFFLUX_SANDBOX_SCRIPTS")
    return Path(text) if text else None


def _latency_setting() -> float:
    text = os.environ.get("AFFLUX_SANDBOX_LATENCY") or str(DEFAULT_LATENCY)
    try:
        latency = float(text)
    except ValueError:
        latency = -1.0
    if not 0 <= latency < float("inf"):
        raise InvalidInput(f"AFFLUX_SANDBOX_LATENCY must be a number of seconds, not {text!r}")
    return latency


connector = create()

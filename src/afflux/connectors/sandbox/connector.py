"""The sandbox bank as a connector."""

import os
from collections.abc import AsyncIterator

from afflux.connectors.base import Context, Request
from afflux.connectors.sandbox.memory import Memory
from afflux.connectors.sandbox.providers import plan_for
from afflux.connectors.sandbox.visit import Visit
from afflux.domain.challenges import Answer
from afflux.domain.errors import InvalidInput
from afflux.domain.messages import Message

DEFAULT_LATENCY = 0.2


class SandboxConnector:
    """Runs every sandbox bank. Keeps nothing: all that outlives a run is in its state and in what it parked."""

    def __init__(self, latency: float) -> None:
        self._latency = latency

    def start(self, context: Context, request: Request) -> AsyncIterator[Message]:
        """Run from the beginning."""
        memory = Memory.load(request.state, context.now).tried(context.now)
        return Visit(context, request, plan_for(request), memory, self._latency).begin()

    def resume(self, context: Context, request: Request, parked: bytes, answer: Answer) -> AsyncIterator[Message]:
        """Go on with the person's answer."""
        memory = Memory.load(request.state, context.now)
        return Visit(context, request, plan_for(request), memory, self._latency).go_on(parked, answer)


def create(latency: float | None = None) -> SandboxConnector:
    """Build the connector; without `latency`, in seconds per call, `AFFLUX_SANDBOX_LATENCY` says it."""
    return SandboxConnector(_latency_setting() if latency is None else latency)


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

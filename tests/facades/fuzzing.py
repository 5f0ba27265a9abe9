"""Asks a server everything that its OpenAPI document allows, and much that it does not."""

from typing import Any

import schemathesis
from requests.auth import AuthBase
from schemathesis.engine import from_schema
from schemathesis.engine.events import NonFatalError, ScenarioFinished

from afflux.web.openapi import Json


def problems(
    document: Json,
    url: str,
    known: dict[str, Any],
    *,
    least: int,
    token: str | None = None,
    auth: AuthBase | None = None,
    examples: int = 3,
) -> list[str]:
    """What the server at `url` answers otherwise than its document says; empty where it keeps to it.

    `known` are values for parameters that have to be right for a request to get anywhere; `least` is the number of
    requests below which too little was asked to tell.
    """
    schema = schemathesis.openapi.from_dict(document, config=_config(url, known, token, examples))
    if auth is not None:
        schema.auth.set_from_requests(auth)
    found, asked = [], 0
    for event in from_schema(schema).execute():
        if isinstance(event, ScenarioFinished):
            asked += len(event.recorder.checks)
            nodes = [node for checks in event.recorder.checks.values() for node in checks]
            found += [_said(event.recorder.label, node) for node in nodes if node.failure_info is not None]
        elif isinstance(event, NonFatalError):
            found.append(f"{event.label}: {event.info}")
    assert asked > least
    return found


def _config(url: str, known: dict[str, Any], token: str | None, examples: int) -> schemathesis.Config:
    return schemathesis.Config.from_dict(
        {
            "base-url": url,
            "seed": 1,
            "workers": 1,
            "parameters": known,
            "headers": {"Authorization": f"Bearer {token}"} if token else {},
            "generation": {
                "max-examples": examples,
                "deterministic": True,
                "no-shrink": True,
                "with-security-parameters": False,
            },
            "phases": {"stateful": {"enabled": False}},
            "checks": {
                # A text that a schema allows may still be no e-mail address, no date, nobody's channel, no assertion.
                "positive_data_acceptance": {"enabled": False},
                # Signature and token come along always; the tests of isolation leave them out.
                "ignored_auth": {"enabled": False},
            },
        }
    )


def _said(label: str, node: Any) -> str:
    failure = node.failure_info.failure
    return f"{label}: {node.name}: {failure.title}: {failure.message}\n{node.failure_info.code_sample}"

"""The manifest, the table of magic words, and the page that tells of them."""

import re
from pathlib import Path

import pytest

from afflux.connectors.sandbox import manifest
from afflux.connectors.sandbox.providers import PLANS, plan_of
from afflux.connectors.sandbox.scenarios import MOST, SCENARIOS, Scenario
from afflux.domain.catalogue import Isolation, Kind, Provider, ProviderStatus
from afflux.domain.challenges import FieldType

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "sandbox-bank.md"


def provider(provider_id: int) -> Provider:
    return next(provider for provider in manifest.providers if provider.id == provider_id)


def test_the_connector_runs_inline_and_needs_no_network() -> None:
    assert (manifest.isolation, manifest.network) == (Isolation.INLINE, False)


def test_the_test_bank_asks_for_what_its_clients_send() -> None:
    (channel,) = provider(999).channels
    login, password = channel.fields
    assert channel.id == 99900
    assert (login.name, login.type, login.max_length) == ("login", FieldType.TEXT, 11)
    assert (password.name, password.type, password.digits) == ("password", FieldType.PASSWORD, True)
    assert (password.min_length, password.max_length) == (6, 6)
    assert [step.name for step in channel.steps] == ["sms"]
    assert provider(999).properties == {"deferred_credit_card": True, "iban": True}


def test_providers_bring_the_kinds_that_their_clients_filter_by() -> None:
    assert provider(999).kinds == {Kind.ACCOUNTS, Kind.TRANSACTIONS}
    assert provider(1005).kinds == set(Kind)
    assert provider(1006).kinds == {Kind.DOCUMENTS}


def test_a_provider_that_cannot_be_linked_is_listed_as_such() -> None:
    assert provider(1011).status is ProviderStatus.MAINTENANCE
    assert provider(1012).status is ProviderStatus.UNAVAILABLE


def test_every_provider_and_channel_has_an_id_of_its_own_and_a_plan() -> None:
    ids = [provider.id for provider in manifest.providers]
    channels = [channel.id for provider in manifest.providers for channel in provider.channels]
    assert len(set(ids)) == len(ids)
    assert len(set(channels)) == len(channels)
    assert set(ids) == {87, 1000, *PLANS}


def test_a_word_without_magic_changes_nothing() -> None:
    assert plan_of("alix") == plan_of("outage-x") == plan_of("sms-3") == plan_of("") == plan_of("+")


def test_words_mean_the_same_in_any_order_and_case() -> None:
    assert plan_of("no-keys+outage-3+alix").faults == plan_of("Outage-3+NO-KEYS").faults
    assert plan_of("no-keys+twins").behaviours[-1] == SCENARIOS["no-keys"].change(plan_of(""), 0).behaviours[0]


@pytest.mark.parametrize(("login", "accounts"), [("accounts", 50), ("accounts-7", 7), ("accounts-0", 1)])
def test_a_number_follows_a_hyphen(login: str, accounts: int) -> None:
    assert plan_of(login).accounts == accounts


def test_a_number_has_an_upper_end() -> None:
    assert plan_of("history-999999999").movements == MOST


def test_the_page_tells_of_every_word_and_of_no_other() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if re.match(r"\| `", line)]
    assert rows == [row(name, scenario) for name, scenario in SCENARIOS.items()]


def test_the_page_tells_of_every_provider() -> None:
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \|", PAGE.read_text(), re.MULTILINE)
    assert rows == [(str(provider.id), provider.name) for provider in manifest.providers]


def row(name: str, scenario: Scenario) -> str:
    if scenario.number is None:
        return f"| `{name}` | {scenario.text} |"
    return f"| `{name}-N` | {scenario.text}; `{name}` alone means `{name}-{scenario.number}` |"

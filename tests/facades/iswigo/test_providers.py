"""Providers over the wire (contract: sections 5.3 and 6.2)."""

import json

import pytest

from afflux.connectors.registry import Registry
from afflux.domain.catalogue import Auth, Channel, Kind, Provider, Step
from afflux.domain.challenges import FieldType, FormField
from afflux.facades.iswigo.wire.providers import provider_object
from afflux.web.answers import answer
from tests.facades.iswigo.calling import Client

LOGIN = FormField(name="login", label="Identifiant", max_length=11)
BIRTHDAY = FormField(name="birthday", label="Date de naissance", min_length=8, max_length=8, digits=True)
SECRET = FormField(name="secret", label="Réponse", type=FieldType.PASSWORD)
GRID = Step(name="securekey", title="Clé de <strong>%b%</strong>", fields=(FormField(name="grid", label="Case"),))


def a_provider(*channels: Channel, **facts: object) -> Provider:
    return Provider(id=7, name="Banque", country="FR", channels=channels, **facts)  # type: ignore[arg-type]


def shown(provider: Provider) -> dict[str, object]:
    return json.loads(answer(provider_object(provider)).content)  # type: ignore[no-any-return]


async def test_the_test_bank_is_as_the_contract_shows_it(shop: Client) -> None:
    found = await shop.get("/v1/providers/999")
    keys = ["provider_id", "depend_of", "name", "logo", "url", "type", "status", "inputs", "properties"]
    assert list(found) == keys
    assert (found["name"], found["depend_of"], found["type"]) == ("Banque de test", None, ["bank"])
    assert found["properties"] == {"deferred_credit_card": True, "iban": True}
    assert list(found["inputs"]) == ["default", "sms"]
    assert found["inputs"]["sms"]["inputs"] == [
        {"name": "sms", "type": "text", "varname": "sms", "minlength": 4, "maxlength": 4, "label": "Code SMS"}
    ]


async def test_providers_come_by_id_and_by_type(shop: Client) -> None:
    everything = await shop.get("/v1/providers?range=0-99")
    papers = await shop.get("/v1/providers?range=0-99&filters[type]=document")
    banks = await shop.get("/v1/providers?range=0-99&filters%5Btype%5D=bank")
    ids = [each["provider_id"] for each in everything]
    assert ids == sorted(ids) == [provider.id for provider in Registry.discover().providers()]
    assert [each["provider_id"] for each in papers] == [
        id["provider_id"] for id in everything if "docs" in id["properties"]
    ]
    assert {1005, 1006} <= {each["provider_id"] for each in papers}
    assert [each for each in everything if "bank" in each["type"]] == banks
    assert 999 not in [each["provider_id"] for each in papers]
    assert await shop.get("/v1/providers?filters[type]=airline") == []


async def test_a_list_of_providers_is_cut_into_ranges(shop: Client) -> None:
    response = await shop.send("GET", "/v1/providers?range=1-1&filters[type]=document")
    total = int(response.headers["Content-Range"].split("/")[1])
    assert response.headers["Accept-Range"] == "providers 1"
    assert response.headers["Content-Range"] == f"1-1/{total}"
    assert (
        '<http://127.0.0.1:8080/v1/providers?range=0-0&filters[type]=document>; rel="prev"' in response.headers["Link"]
    )


@pytest.mark.parametrize("id", ["4711", "0", "abc", "9" * 20, "9_99", "+999", "%20999", "%D9%A9%D9%A9%D9%A9", "999.0"])
async def test_what_is_no_provider_is_not_found(shop: Client, id: str) -> None:
    await shop.refused(404, "Not Found", "GET", f"/v1/providers/{id}")


def test_further_credentials_are_numbered_from_three() -> None:
    fields = (BIRTHDAY, LOGIN, SECRET)
    banking = Channel(id=70, auth=Auth.CREDENTIALS, kinds=frozenset({Kind.ACCOUNTS}), fields=fields, steps=(GRID,))
    assert shown(a_provider(banking))["inputs"] == {
        "default": {
            "title": None,
            "inputs": [
                {
                    "name": "birthday",
                    "type": "text",
                    "varname": "parameter3",
                    "minlength": 8,
                    "maxlength": 8,
                    "mask": "numbers",
                    "label": "Date de naissance",
                },
                {"name": "login", "type": "text", "varname": "login", "maxlength": 11, "label": "Identifiant"},
                {"name": "secret", "type": "password", "varname": "parameter4", "label": "Réponse"},
            ],
        },
        "securekey": {
            "title": "Clé de <strong>%b%</strong>",
            "inputs": [{"name": "grid", "type": "text", "varname": "grid", "label": "Case"}],
        },
    }


def test_a_provider_to_which_nobody_logs_in_asks_for_nothing() -> None:
    page = Channel(id=70, auth=Auth.REDIRECT, kinds=frozenset({Kind.ACCOUNTS}))
    found = shown(a_provider(page, properties={"docs": ["invoice"]}))
    assert found["inputs"] == {"default": {"title": None, "inputs": []}}
    assert found["properties"] == {"deferred_credit_card": False, "iban": False}

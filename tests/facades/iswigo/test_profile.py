"""Profiles and the proof of an address over the wire (contract: sections 5.2 and 11.2)."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from afflux.app import create_app
from afflux.runtime import Runtime
from tests.facades.iswigo.calling import HECTOR, Client
from tests.facades.iswigo.conftest import make_client

ADDRESS = "hector@opera.example"


async def pending(client: Client, address: str = ADDRESS) -> Any:
    """A validation that was just begun."""
    await client.put("/v1/profile", {"email": address})
    return await client.get("/v1/profile/validation")


async def hand_in(client: Client, token: str) -> httpx.Response:
    return await client.send("POST", "/v1/profile/validation", {"token": token})


async def set_expired(runtime: Runtime) -> None:
    """Let a quarter of an hour go by."""
    async with runtime.database.transaction() as tx:
        await tx.execute("UPDATE address_validations SET token_expires_at = token_expires_at - interval '15 minutes'")


def another(token: str) -> str:
    return f"{(int(token) + 1) % 10**6:06}"


async def test_a_fresh_profile_is_as_the_contract_lists_it(hector: Client) -> None:
    response = await hector.send("GET", "/v1/profile")
    user_id = response.json()["user_id"]
    assert response.text == (
        f'{{"user_id":"{user_id}","email":"{HECTOR["email"]}","last_name":null,"first_name":null,"company":null,'
        '"terms_of_service":null,"last_terms_of_service":"2019-10-01"}'
    )


async def test_the_profile_keeps_what_is_not_mentioned(hector: Client) -> None:
    await hector.put("/v1/profile", {"terms_of_service": "2021-02-28", "last_name": "Berlioz", "company": "Opéra"})
    changed = await hector.send("PUT", "/v1/profile", {"email": ADDRESS, "company": None, "unheard_of": 1})
    assert list(changed.json().items())[1:] == [
        ("email", HECTOR["email"]),
        ("email_validation", ADDRESS),
        ("last_name", "Berlioz"),
        ("first_name", None),
        ("company", None),
        ("terms_of_service", "2021-02-28"),
        ("last_terms_of_service", "2019-10-01"),
    ]
    assert await hector.put("/v1/profile", {}) == changed.json() == await hector.get("/v1/profile")
    (listed,) = await hector.get("/v1/users")
    assert listed == {key: value for key, value in changed.json().items() if key != "last_terms_of_service"}


@pytest.mark.parametrize(
    ("member", "value", "description"),
    [
        ("email", "nobody", "Invalid email"),
        ("email", None, "Invalid email"),
        ("terms_of_service", "2021-02-29", "Invalid terms of service"),
        ("terms_of_service", "20210228", "Invalid terms of service"),
        ("terms_of_service", "2021-02-28T00:00:00", "Invalid terms of service"),
        ("terms_of_service", 20210228, "Invalid terms of service"),
        ("terms_of_service", None, "Invalid terms of service"),
        ("last_name", "x" * 256, "Invalid last name"),
        ("first_name", 1, "Invalid first name"),
        ("company", ["x"], "Invalid company"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_kept(
    hector: Client, member: str, value: object, description: str
) -> None:
    before = await hector.get("/v1/profile")
    await hector.refused(400, description, "PUT", "/v1/profile", {"email": ADDRESS, "company": "Opéra", member: value})
    assert await hector.get("/v1/profile") == before
    assert await hector.get("/v1/profile/validation") == {"email": None, "validated": False}


async def test_a_validation_has_three_shapes(runtime: Runtime, hector: Client) -> None:
    assert (await hector.send("GET", "/v1/profile/validation")).text == '{"email":null,"validated":false}'
    begun = await pending(hector)
    assert list(begun) == ["email", "validated", "token", "token_expiration"]
    assert (begun["email"], begun["validated"]) == (ADDRESS, False)
    assert len(begun["token"]) == 6
    assert begun["token"].isdecimal()
    assert begun["token_expiration"].endswith("+00:00")
    left = datetime.fromisoformat(begun["token_expiration"]) - runtime.clock.now()
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)
    assert (await hand_in(hector, begun["token"])).text == "true"
    assert (await hector.send("GET", "/v1/profile/validation")).text == f'{{"email":"{ADDRESS}","validated":true}}'


async def test_only_a_psd2_compliant_application_sees_and_hands_in_the_token(kiosk: Client) -> None:
    visitor = await kiosk.joined_by()
    assert await pending(visitor) == {"email": ADDRESS, "validated": False}
    for body in ({"token": "123456"}, {}):
        await visitor.refused(403, "Forbidden", "POST", "/v1/profile/validation", body)


async def test_a_wrong_token_leaves_the_right_one_good(hector: Client) -> None:
    begun = await pending(hector)
    for wrong in (another(begun["token"]), "", begun["token"] + " ", "é" * 6):
        await hector.refused(400, "Invalid token", "POST", "/v1/profile/validation", {"token": wrong})
    for malformed in ({}, {"token": None}, {"token": int(begun["token"])}, []):
        await hector.refused(400, "Invalid token", "POST", "/v1/profile/validation", malformed)
    assert await hector.get("/v1/profile/validation") == begun
    assert (await hand_in(hector, begun["token"])).status_code == 200


async def test_a_token_counts_once_and_only_where_one_is_awaited(hector: Client, ida: Client) -> None:
    await hector.refused(400, "Invalid token", "POST", "/v1/profile/validation", {"token": "123456"})
    begun = await pending(hector)
    await ida.refused(400, "Invalid token", "POST", "/v1/profile/validation", {"token": begun["token"]})
    answers = await asyncio.gather(*(hand_in(hector, begun["token"]) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
    assert (await hector.get("/v1/profile/validation"))["validated"] is True


async def test_a_token_that_is_over_says_so_and_is_replaced_when_looked_at(runtime: Runtime, hector: Client) -> None:
    begun = await pending(hector)
    await set_expired(runtime)
    await hector.refused(400, "Token expired", "POST", "/v1/profile/validation", {"token": begun["token"]})
    await hector.refused(400, "Invalid token", "POST", "/v1/profile/validation", {"token": another(begun["token"])})
    looks = await asyncio.gather(*(hector.get("/v1/profile/validation") for _ in range(4)))
    renewed = looks[0]
    assert looks == [renewed] * 4
    assert datetime.fromisoformat(renewed["token_expiration"]) > runtime.clock.now()
    assert (await hand_in(hector, renewed["token"])).status_code == 200


async def test_a_token_cannot_be_found_by_trying(hector: Client) -> None:
    begun = await pending(hector)
    wrong = another(begun["token"])
    for _ in range(10):
        await hector.refused(400, "Invalid token", "POST", "/v1/profile/validation", {"token": wrong})
    await hector.refused(400, "Token expired", "POST", "/v1/profile/validation", {"token": begun["token"]})
    assert (await hand_in(hector, (await pending(hector, "new@opera.example"))["token"])).status_code == 200


async def test_another_address_begins_anew_and_the_same_changes_nothing(hector: Client) -> None:
    begun = await pending(hector)
    assert await pending(hector) == begun
    await hand_in(hector, begun["token"])
    assert await pending(hector) == {"email": ADDRESS, "validated": True}
    anew = await pending(hector, "other@opera.example")
    assert (anew["email"], anew["validated"]) == ("other@opera.example", False)
    assert (await hector.get("/v1/profile"))["email"] == HECTOR["email"]


async def test_many_changes_at_once_end_with_one_of_them(hector: Client) -> None:
    addresses = [f"a{n}@opera.example" for n in range(8)]
    await asyncio.gather(*(hector.put("/v1/profile", {"email": address}) for address in addresses))
    held = (await hector.get("/v1/profile"))["email_validation"]
    validation = await hector.get("/v1/profile/validation")
    assert held in addresses
    assert validation["email"] == held
    assert (await hand_in(hector, validation["token"])).status_code == 200


async def test_the_login_may_change_meanwhile(hector: Client) -> None:
    begun = await pending(hector)
    user_id = (await hector.get("/v1/profile"))["user_id"]
    login = {"email": "h@example.org", "password": HECTOR["password"]}
    changed = await hector.put(f"/v1/users/{user_id}/email", login)
    assert (changed["email"], changed["email_validation"]) == ("h@example.org", ADDRESS)
    assert await hector.get("/v1/profile/validation") == begun


async def test_the_terms_in_force_are_a_setting(runtime: Runtime) -> None:
    newer = replace(runtime, settings=replace(runtime.settings, iswigo_terms="2031-05-06"))
    transport = httpx.ASGITransport(create_app(newer))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as http:
        visitor = await (await make_client(newer, http, "shop")).joined_by()
        assert (await visitor.get("/v1/profile"))["last_terms_of_service"] == "2031-05-06"


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/v1/profile"),
        ("PUT", "/v1/profile"),
        ("GET", "/v1/profile/validation"),
        ("POST", "/v1/profile/validation"),
    ],
)
async def test_a_profile_is_its_users_own(shop: Client, method: str, target: str) -> None:
    denied = "The resource owner or authorization server denied the request."
    await shop.refused(401, denied, method, target, None if method == "GET" else {})

"""Consent and tokens: pre-authorization, the page, codes with PKCE, rotation, references."""

import time
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import pytest

from afflux.domain.contracts import ContractKind
from afflux.domain.principal import Principal, Role
from afflux.runtime import Runtime
from afflux.services import users
from tests.conftest import Tenant
from tests.facades.digime.calling import BACK, CALLBACK, Consumer, landed, letters
from tests.facades.digime.conftest import make_consumer

CAROL = ("carol@example.org", "correct horse")


async def join(runtime: Runtime, tenant: Tenant, email: str, password: str) -> None:
    principal = Principal(tenant.application.id, Role.OPERATOR)
    await users.register(runtime.database, runtime.vault, principal, email=email, password=password)


async def age(runtime: Runtime, table: str, column: str, by: timedelta) -> None:
    """Let moments of a table lie further back."""
    async with runtime.database.transaction() as tx:
        await tx.execute(f"UPDATE {table} SET {column} = {column} - $1::interval", by)


async def test_authorize_answers_with_a_code_and_a_pending_session(reader: Consumer, http: httpx.AsyncClient) -> None:
    begun = await reader.authorize()
    assert len(begun.code) == 32
    assert len(begun.session["key"]) == 32
    assert type(begun.session["expiry"]) is int
    assert 14 * 60 < begun.session["expiry"] / 1000 - time.time() < 15 * 60
    listed = await http.get(f"/v1.6/permission-access/query/{begun.session['key']}")
    assert listed.json() == {"status": {"state": "pending"}}


async def test_somebody_new_is_let_through_to_a_pair_of_tokens(reader: Consumer) -> None:
    begun = await reader.authorize()
    browser = reader.browser()
    page = await browser.open("authorize", begun.code)
    assert "shop" in page.text
    response = await browser.press(decision="new")
    assert response.headers["location"].startswith(BACK + "&")
    end = landed(response)
    assert end == {"tenant": "1", "success": "true", "code": end["code"], "state": "a state & more"}
    pair = await reader.take(await reader.exchange(begun.verifier, end["code"]))
    assert len(reader.access_token) == 160
    assert pair["token_type"] == "Bearer"
    assert pair["access_token"]["expires_on"] < pair["refresh_token"]["expires_on"] < 2**31


async def test_somebody_known_signs_in(runtime: Runtime, alice: Tenant, reader: Consumer) -> None:
    await join(runtime, alice, *CAROL)
    await reader.let_in(*CAROL)
    first = await reader.opened(await reader.refresh())
    await reader.let_in(*CAROL)
    second = await reader.opened(await reader.refresh())
    assert first["identifier"] == second["identifier"]
    assert first["consentid"] != second["consentid"]


async def test_a_wrong_password_leads_nowhere(runtime: Runtime, alice: Tenant, reader: Consumer) -> None:
    await join(runtime, alice, *CAROL)
    browser = reader.browser()
    await browser.open("authorize", (await reader.authorize()).code)
    for typed in ({"email": CAROL[0], "password": "wrong"}, {"email": "x@example.org", "password": CAROL[1]}, {}):
        response = await browser.press(decision="allow", **typed)
        assert response.status_code == 400
        assert "wrong" in response.text


async def test_passwords_are_not_tried_without_end(runtime: Runtime, alice: Tenant, reader: Consumer) -> None:
    await join(runtime, alice, *CAROL)
    browser, page, tries = reader.browser(), "", 0
    while "wait a minute" not in page:
        assert tries < 21  # A new minute may have begun meanwhile.
        await browser.open("authorize", (await reader.authorize()).code)
        email = CAROL[0] if tries % 2 else CAROL[0].upper()
        page, tries = (await browser.press(decision="allow", email=email, password="guess")).text, tries + 1
    assert tries > 10


async def test_another_applications_user_is_unknown(runtime: Runtime, bob: Tenant, reader: Consumer) -> None:
    await join(runtime, bob, *CAROL)
    browser = reader.browser()
    await browser.open("authorize", (await reader.authorize()).code)
    response = await browser.press(decision="allow", email=CAROL[0], password=CAROL[1])
    assert response.status_code == 400


async def test_deny_goes_to_the_callback_and_ends_it(reader: Consumer) -> None:
    begun = await reader.authorize()
    browser = reader.browser()
    await browser.open("authorize", begun.code)
    response = await browser.press(decision="deny")
    assert response.headers["location"] == CALLBACK + "&success=false&errorCode=USER_CANCEL"
    again = await browser.open("authorize", begun.code)
    assert landed(again)["errorCode"] == "INVALID_CODE"


async def test_a_code_is_for_one_consent_only(reader: Consumer) -> None:
    begun = await reader.authorize()
    browser = reader.browser()
    await browser.open("authorize", begun.code)
    await browser.decide("new")
    again = await reader.browser().open("authorize", begun.code)
    assert landed(again)["errorCode"] == "INVALID_CODE"


async def test_a_code_does_not_wait_for_ever(runtime: Runtime, reader: Consumer) -> None:
    begun = await reader.authorize()
    await age(runtime, "consent_visits", "expires_at", timedelta(minutes=10))
    assert landed(await reader.browser().open("authorize", begun.code))["errorCode"] == "INVALID_CODE"


@pytest.mark.parametrize(
    "callback",
    [
        "https://evil.example/callback",
        "https://app.example.evil.example/",
        "https://app.example@evil.example/",
        "https://app.example:444/",
        "http://app.example/",
        "//app.example/",
        "https:/\\evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "/apps/saas/authorize",
        "",
    ],
)
async def test_nobody_is_sent_to_an_address_that_is_not_the_contracts(reader: Consumer, callback: str) -> None:
    begun = await reader.authorize()
    for code in (begun.code, letters()):
        response = await reader.browser().open("authorize", code, callback)
        assert response.status_code == 400
        assert "location" not in response.headers


async def test_a_form_from_elsewhere_is_not_taken(reader: Consumer) -> None:
    browser = reader.browser()
    await browser.open("authorize", (await reader.authorize()).code)
    response = await browser.http.post(browser.page.url, data={"csrf": "x" * 43, "decision": "new"})
    assert response.status_code == 400
    assert "Please try again" in response.text


async def test_the_page_of_one_kind_is_not_that_of_the_other(reader: Consumer) -> None:
    begun = await reader.authorize()
    assert landed(await reader.browser().open("onboard", begun.code))["errorCode"] == "INVALID_CODE"


async def consented(reader: Consumer) -> tuple[str, str]:
    """A verifier and the code that goes with it."""
    begun = await reader.authorize()
    browser = reader.browser()
    await browser.open("authorize", begun.code)
    return begun.verifier, (await browser.decide("new"))["code"]


async def test_a_code_used_twice_takes_its_tokens_along(reader: Consumer) -> None:
    verifier, code = await consented(reader)
    await reader.take(await reader.exchange(verifier, code))
    message = await reader.refused(401, "InvalidToken", await reader.exchange(verifier, code))
    assert "authorization_code" in message
    await reader.refused(401, "InvalidToken", await reader.refresh())


async def test_a_wrong_verifier_is_refused_and_burns_the_code(reader: Consumer) -> None:
    verifier, code = await consented(reader)
    await reader.refused(400, "InvalidGrant", await reader.exchange(letters(43), code))
    await reader.refused(401, "InvalidToken", await reader.exchange(verifier, code))


async def test_pkce_cannot_be_left_out(reader: Consumer) -> None:
    _, code = await consented(reader)
    await reader.refused(400, "InvalidRequest", await reader.exchange(None, code))  # type: ignore[arg-type]
    for change in ({"code_challenge": None}, {"code_challenge_method": "plain"}, {"code_challenge_method": None}):
        claims = reader.authorize_claims("v" * 43, **change)
        await reader.refused(400, "InvalidRequest", await reader.post("/oauth/authorize", **claims))


async def test_a_code_is_good_for_its_own_contract_only(
    runtime: Runtime, http: httpx.AsyncClient, alice: Tenant, reader: Consumer
) -> None:
    verifier, code = await consented(reader)
    other = await make_consumer(runtime, http, alice)
    await reader.refused(401, "InvalidToken", await other.exchange(verifier, code))
    await reader.take(await reader.exchange(verifier, code))


async def test_a_code_goes_with_the_address_it_was_asked_with(
    runtime: Runtime, http: httpx.AsyncClient, alice: Tenant
) -> None:
    other = "https://app.example/other"
    reader = await make_consumer(runtime, http, alice, redirect_uris=[BACK, other])
    verifier, code = await consented(reader)
    message = await reader.refused(400, "InvalidRedirectUri", await reader.exchange(verifier, code, redirect_uri=other))
    assert other in message
    verifier, code = await consented(reader)
    await reader.take(await reader.exchange(verifier, code, redirect_uri=None))


async def test_a_code_is_over_after_ten_minutes(runtime: Runtime, reader: Consumer) -> None:
    verifier, code = await consented(reader)
    await age(runtime, "authorization_codes", "expires_at", timedelta(minutes=10))
    await reader.refused(401, "InvalidToken", await reader.exchange(verifier, code))


async def test_a_refresh_token_is_over_after_thirty_days(runtime: Runtime, reader: Consumer) -> None:
    await reader.let_in()
    await age(runtime, "grants", "refresh_expires_at", timedelta(days=29))
    await reader.take(await reader.refresh())
    await age(runtime, "grants", "refresh_expires_at", timedelta(days=31))
    message = await reader.refused(401, "InvalidToken", await reader.refresh())
    assert "refresh_token" in message


async def test_an_access_token_renews_nothing(reader: Consumer) -> None:
    await reader.let_in()
    response = await reader.refresh(refresh_token=reader.access_token)
    message = await reader.refused(400, "InvalidTokenType", response)
    assert message == "The token_type (access_token) is invalid, expected token_type (refresh_token)"
    await reader.take(await reader.refresh())


async def test_refreshing_spends_both_tokens_of_the_pair(reader: Consumer) -> None:
    await reader.let_in()
    access, refresh = reader.access_token, reader.refresh_token
    await reader.take(await reader.refresh())
    assert {access, refresh}.isdisjoint({reader.access_token, reader.refresh_token})
    await reader.refused(401, "InvalidToken", await reader.post("/oauth/token/reference", access_token=access))
    response = await reader.post("/oauth/token/reference", access_token=reader.access_token)
    assert response.status_code == 200


async def test_a_spent_refresh_token_takes_the_family_along(reader: Consumer) -> None:
    await reader.let_in()
    spent = reader.refresh_token
    await reader.take(await reader.refresh())
    await reader.refused(401, "InvalidToken", await reader.refresh(refresh_token=spent))
    await reader.refused(401, "InvalidToken", await reader.refresh())
    await reader.refused(401, "InvalidToken", await reader.post("/permission-access/trigger", **held(reader)))


def held(consumer: Consumer) -> dict[str, str]:
    return {"access_token": consumer.access_token}


async def test_an_unknown_grant_type_is_named(reader: Consumer) -> None:
    message = await reader.refused(400, "InvalidGrant", await reader.post("/oauth/token", grant_type="password"))
    assert "password" in message


async def test_a_refresh_token_opens_no_library(reader: Consumer) -> None:
    await reader.let_in()
    response = await reader.post("/permission-access/trigger", access_token=reader.refresh_token)
    await reader.refused(400, "InvalidTokenType", response)


async def test_a_contract_is_linked_to_the_library_of_another_one_of_its_application(
    runtime: Runtime, http: httpx.AsyncClient, alice: Tenant, reader: Consumer, stranger: Consumer
) -> None:
    await reader.let_in()
    second = await make_consumer(runtime, http, alice, ContractKind.READ_RAW)
    await second.let_in(access_token=reader.access_token)
    async with runtime.database.transaction() as tx:
        holders = await tx.fetch("SELECT DISTINCT user_id FROM grants")
    assert len(holders) == 1
    claims = stranger.authorize_claims("v" * 43, access_token=reader.access_token)
    await stranger.refused(401, "InvalidToken", await stranger.post("/oauth/authorize", **claims))


async def test_an_access_token_that_is_over_still_says_whose_library_it_was(runtime: Runtime, reader: Consumer) -> None:
    await reader.let_in()
    await age(runtime, "grants", "access_expires_at", timedelta(days=2))
    await reader.refused(401, "InvalidToken", await reader.post("/permission-access/trigger", **held(reader)))
    await reader.let_in(access_token=reader.access_token)
    assert (await reader.post("/permission-access/trigger", **held(reader))).status_code == 202


async def test_a_reference_leads_to_the_page_for_a_further_service(reader: Consumer) -> None:
    await reader.let_in()
    response = await reader.post("/oauth/token/reference", access_token=reader.access_token)
    said = await reader.opened(response)
    assert set(said) == {"reference_code", "expires_on", "token_type"}
    assert len(response.json()["session"]["key"]) == 32
    browser = reader.browser()
    page = await browser.open("onboard", said["reference_code"])
    assert "link a further service" in page.text


async def test_who_asks_for_what_is_said_and_nothing_is_marked_up(
    runtime: Runtime, http: httpx.AsyncClient, alice: Tenant
) -> None:
    scope = {"serviceGroups": [{"id": 3, "serviceTypes": [{"id": 1000, "serviceObjectTypes": [{"id": 201}]}]}]}
    narrow = await make_consumer(runtime, http, alice, scope=scope)
    page = await narrow.browser().open("authorize", (await narrow.authorize()).code, state="<script>")
    assert "Finance: movements at" in page.text
    assert "It may do so as long as it comes back within 30 days each time." in page.text
    assert "<script" not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert urlsplit(BACK).netloc in page.headers["content-security-policy"]


async def test_a_callback_adds_no_directive_to_the_policy(
    runtime: Runtime, http: httpx.AsyncClient, alice: Tenant
) -> None:
    reader = await make_consumer(runtime, http, alice, redirect_uris=["own://back"])
    reader.redirect_uri = "own://back"
    page = await reader.browser().open("authorize", (await reader.authorize()).code, "own://x;sandbox,frame-src")
    assert "form-action 'self' own:;" in page.headers["content-security-policy"]
    assert "sandbox" not in page.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("scope", "outcome"),
    [
        ({"serviceGroups": [{"id": 3}]}, "ScopeOutOfBounds"),
        ({"serviceGroups": [{"id": 1}]}, "ScopeOutOfBounds"),
        ({"serviceGroups": [{"id": 3, "serviceTypes": [{"id": 1001}]}]}, "ScopeOutOfBounds"),
        ({"timeRanges": [{"last": "2y"}]}, "ScopeOutOfBounds"),
        ({"timeRanges": [{"from": 0}]}, "ScopeOutOfBounds"),
        ({"timeRanges": [{"last": "six months"}]}, "ValidationErrors"),
        ({"serviceGroups": 7}, "ValidationErrors"),
        ({"serviceGroups": [{"id": 3, "serviceTypes": [{"id": 1000}]}]}, None),
        ({"timeRanges": [{"last": "6m"}, {"to": 2000000000}]}, None),
        ({}, None),
    ],
)
async def test_a_request_stays_within_its_contract(
    runtime: Runtime, http: httpx.AsyncClient, alice: Tenant, scope: dict[str, object], outcome: str | None
) -> None:
    allowed = {"serviceGroups": [{"id": 3, "serviceTypes": [{"id": 1000}]}], "timeRanges": [{"last": "1y"}]}
    narrow = await make_consumer(runtime, http, alice, scope=allowed)
    claims = narrow.authorize_claims("v" * 43)
    response = await narrow.post("/oauth/authorize", {"actions": {"pull": {"scope": scope}}, "agent": {}}, **claims)
    if outcome is None:
        await narrow.opened(response)
    else:
        await narrow.refused(400, outcome, response)


async def test_nobody_consents_by_saying_nothing(reader: Consumer) -> None:
    await reader.let_in()
    browser = reader.browser()
    await browser.open("authorize", (await reader.authorize(access_token=reader.access_token)).code)
    for decision in ("", "maybe"):
        assert (await browser.press(decision=decision)).status_code == 400
    assert (await browser.decide("allow"))["success"] == "true"

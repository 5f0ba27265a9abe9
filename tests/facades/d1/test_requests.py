"""Paths, headers and bodies, item by item of the contract's checklist (7, 8 and 12), and consumers with cards."""

import logging
from uuid import UUID

import pytest

from afflux.domain.principal import Principal, Role
from afflux.runtime import Runtime
from afflux.services import suspension, users
from afflux.store import applications
from tests.facades.d1.calling import Backend


@pytest.mark.parametrize(
    ("issuer", "consumer", "operation", "name"),
    [
        ("BANKONE-0", "anna", "x", "issuerId"),
        ("BANKONE-012", "anna", "x", "issuerId"),
        ("BANKONE.01", "anna", "x", "issuerId"),
        ("BANKONE-01", "a" * 65, "x", "consumerId"),
        ("BANKONE-01", "an.na", "x", "consumerId"),
        ("BANKONE-01", "an%0Ana", "x", "consumerId"),
        ("BANKONE-01", "anna%0A", "x", "consumerId"),
        ("BANKONE-01", "%C3%A4nna", "x", "consumerId"),
        ("BANKONE-01", "%FF", "x", "consumerId"),
        ("BANKONE-01", "%zz", "x", "consumerId"),
        ("BANKONE-01", "%00", "x", "consumerId"),
        ("BANKONE-01", "anna", "x" * 65, "operationId"),
        ("BANKONE-01", "anna", "x.y", "operationId"),
    ],
)
async def test_ids_have_their_letters(bank: Backend, issuer: str, consumer: str, operation: str, name: str) -> None:
    base = f"/banking/v1/issuers/{issuer}/consumers/{consumer}"
    calls = [("GET", f"{base}/operations/{operation}")]
    if name != "operationId":
        calls += [("GET", f"{base}/operations"), ("POST", f"{base}/operations:delete"), ("PUT", base)]
    for method, path in calls:
        await bank.refused(400, f"Invalid value for {name}", method, path)


async def test_a_consumer_id_may_have_64_letters_of_all_kinds(bank: Backend) -> None:
    for consumer in ("a" * 64, "-", "_", "Z9-_"):
        await bank.register(consumer)
        assert len((await bank.list(consumer))["operations"]) == 1


async def test_the_correlation_id_comes_back(bank: Backend, caplog: pytest.LogCaptureFixture) -> None:
    path = bank.path("anna", "/operations")
    with caplog.at_level(logging.INFO, "afflux"):
        for given in ("a b.c_d-9", "x" * 64):
            response = await bank.send("GET", path, x_correlation_id=given)
            assert response.headers.get_list("x-correlation-id") == [given]
    # What the client itself logs is not ours.
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("afflux")]
    assert "GET /banking/v1/issuers/{issuer_id}/consumers/{consumer_id}/operations 200, correlation a b.c_d-9" in ours
    assert not any("anna" in message for message in ours)
    made = {(await bank.send("GET", path)).headers["x-correlation-id"] for _ in range(2)}
    assert len({UUID(each) for each in made}) == 2


@pytest.mark.parametrize("given", ["x" * 65, "a/b", "", "a\tb"])
async def test_a_wrong_correlation_id_is_refused(bank: Backend, given: str) -> None:
    for method, rest in (("GET", "/operations"), ("POST", "/operations:delete"), ("PUT", "")):
        await bank.refused(
            400, "Invalid value for x-correlation-id", method, bank.path("anna", rest), x_correlation_id=given
        )
    token = await bank.http.post("/authz/v1/oauth2/token", headers={"x-correlation-id": given})
    assert token.status_code == 400
    assert token.headers["x-correlation-id"] != given


async def test_the_token_is_looked_at_first_and_the_issuer_after_the_syntax(bank: Backend, rival: Backend) -> None:
    nobody = Backend(bank.http, bank.issuer)
    await nobody.refused(401, "Unauthorized", "GET", bank.path("a.b", "/operations?limit=0"))
    await rival.refused(400, "Invalid value for consumerId", "GET", bank.path("a.b", "/operations"))
    await rival.refused(403, "Forbidden", "GET", bank.path("ab", "/operations?limit=0"))
    await rival.refused(403, "Forbidden", "POST", bank.path("ab", "/operations:delete"), b"{", content_type="text/x")
    await bank.refused(400, "Invalid value for reason", "POST", bank.path("ab", "/operations:delete"), {"reason": ""})


async def test_a_colon_may_be_encoded(bank: Backend) -> None:
    await bank.register("anna")
    response = await bank.send("POST", bank.path("anna", "/operations%3Adelete"))
    assert response.json()["status"] == "SUCCESSFUL"


async def test_what_is_not_there_is_not_found(bank: Backend) -> None:
    for method, rest in (
        ("POST", "/operations:unknown"),
        ("POST", "/operations:suspend"),
        ("GET", "/cards/x"),
        ("GET", "/operations/x/y"),
    ):
        await bank.refused(404, "Not found", method, bank.path("anna", rest))
    await bank.refused(404, "Not found", "GET", "/banking/v2/issuers")
    await bank.refused(404, "Not found", "GET", "/authz/v1/oauth2")


async def test_a_path_has_its_methods(bank: Backend) -> None:
    for method, path, allowed in (
        ("GET", bank.path("anna", "/operations:delete"), "POST"),
        ("DELETE", bank.path("anna", "/operations"), "GET"),
        ("PATCH", bank.path("anna"), "PUT"),
        ("GET", "/authz/v1/oauth2/token", "POST"),
    ):
        response = await bank.send(method, path)
        assert (response.status_code, response.json()) == (405, {"error": "Method not allowed"})
        assert response.headers["allow"] == allowed
        assert UUID(response.headers["x-correlation-id"])


async def test_hostile_bodies_are_refused(bank: Backend) -> None:
    path = bank.path("anna", "/operations:delete")
    json = {"content_type": "application/json"}
    await bank.refused(413, "Request body too large", "POST", path, b" " * (1024 * 1024 + 1), **json)
    for body in (b"[" * 40_000, b'{"reason": "\xff"}', b'{"a":NaN}', b'{"a":1}}', b'"\\ud800"'):
        response = await bank.send("POST", path, body, **json)
        assert response.status_code == 400, body[:20]
    await bank.refused(400, "Unexpected body", "GET", bank.path("anna", "/operations"), {"a": 1})


async def test_cards_are_kept_sealed_with_a_new_consumer(runtime: Runtime, bank: Backend) -> None:
    card = {"cardId": "C1", "cardProductId": "GOLD", "state": "ACTIVE", "encryptedData": "a.b.c.d.e", "more": 1}
    for cards in ([card], [card, {**card, "cardId": "C2"}]):
        response = await bank.send("PUT", bank.path("anna", "/cards"), {"cards": cards})
        assert (response.status_code, response.content) == (204, b"")
    assert [each["operation"] for each in (await bank.list("anna"))["operations"]] == ["REGISTER"]
    async with runtime.database.reading() as tx:
        held = [row["content"] for row in await tx.fetch("SELECT content FROM cards")]
    assert len(held) == 2
    assert not [each for each in held if b"GOLD" in each or b"C1" in each]
    await bank.delete("anna")
    async with runtime.database.reading() as tx:
        assert await tx.value("SELECT count(*) FROM cards") == 0


@pytest.mark.parametrize(
    "cards", [None, {}, [{}], ["x"], [{"cardId": "x" * 49}], [{"cardId": ""}], [{"cardId": "x", "state": "LOST"}]]
)
async def test_cards_that_are_not_right_register_nobody(bank: Backend, cards: object) -> None:
    response = await bank.send("PUT", bank.path("anna", "/cards"), {"cards": cards} if cards is not None else None)
    assert response.status_code == 400
    assert (await bank.list("anna"))["operations"] == []


async def test_a_user_of_any_facade_is_a_consumer(runtime: Runtime, bank: Backend) -> None:
    async with runtime.database.reading() as tx:
        application = await applications.by_name(tx, "bank")
    principal = Principal(application.id, Role.USER)
    alice = await users.register(runtime.database, runtime.vault, principal, email="alice@example.org")
    carol = await users.register(runtime.database, runtime.vault, principal, email="c@example.org", external_id="carol")
    async with runtime.database.transaction() as tx:
        await suspension.suspend(tx, Principal(application.id, Role.OPERATOR), alice, reason="asked by phone")
    suspended, registered = (await bank.list(str(alice.id)))["operations"]
    assert (suspended["operation"], suspended["requestorType"], suspended["reason"]) == (
        "SUSPEND",
        "CCI",
        "asked by phone",
    )
    assert (registered["requestorType"], registered["requestorId"]) == ("USER", str(alice.id))
    assert (await bank.list(str(carol.id)))["operations"] == [], "Carol has an id of the application's own"
    assert (await bank.list("carol"))["operations"][0]["requestorId"] == "carol"
    await bank.refused(404, "Consumer not found", "POST", bank.path(str(carol.id), "/operations:delete"))
    for consumer in (str(alice.id), "carol"):
        await bank.register(consumer)
        await bank.delete(consumer)
        assert (await bank.list(consumer))["operations"][0]["operation"] == "DELETE"

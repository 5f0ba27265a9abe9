"""Users over the wire."""

import pytest

from afflux.domain.principal import Principal, Role
from afflux.runtime import Runtime
from afflux.services import suspension
from afflux.store import users
from tests.facades.oxlin.calling import ANA, Client, linked, sandbox
from tests.jobs.acting import working


async def test_a_user_is_made_by_the_application_and_read_by_himself(shop: Client) -> None:
    itself = await shop.itself()
    response = await itself.send("POST", "/users", ANA | {"first_name": "Ana", "birthdate": 0, "hobby": "chess"})
    assert response.status_code == 201
    user_id = response.json()["id"]
    assert response.json() == {"id": user_id}
    assert response.headers["location"] == f"/users/{user_id}"
    ana = await shop.as_user(user_id)
    me = await ana.get("/users/me")
    assert me == await ana.get(f"/users/{user_id}")
    assert me.pop("creation_date") > 1_700_000_000
    assert me == {"id": user_id, "email": ANA["email"], "first_name": "Ana", "birthdate": 0}


async def test_a_user_is_made_with_all_that_was_said_or_not_at_all(
    shop: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks_down(*_: object) -> None:
        raise RuntimeError

    itself = await shop.itself()
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(users, "change_profile", breaks_down)
        await itself.refused(500, "INTERNAL_ERROR", "POST", "/users", ANA | {"first_name": "Ana"})
    ana = await shop.as_user((await itself.post("/users", ANA | {"first_name": "Ana"}))["id"])
    assert (await ana.get("/users/me"))["first_name"] == "Ana"


async def test_what_is_missing_or_wrong_is_named(shop: Client, ana: Client) -> None:
    itself = await shop.itself()
    await itself.refused(400, "PARAMETER_MISSING", "POST", "/users", {"email": "a@b.org"})
    await itself.refused(400, "PARAMETER_MISSING", "POST", "/users")
    await itself.refused(400, "BAD_PARAMETER", "POST", "/users", ANA | {"email": "no address"})
    await itself.refused(400, "BAD_PARAMETER", "POST", "/users", ANA | {"gender": "ROBOT"})
    await itself.refused(400, "FORMAT_ERROR", "POST", "/users", ANA | {"email": 3})
    await itself.refused(400, "FORMAT_ERROR", "POST", "/users", b"{")
    await itself.refused(409, "ALREADY_EXISTS", "POST", "/users", ANA | {"email": ANA["email"].upper()})
    response = await itself.send("POST", "/users", b"<a/>", content_type="text/xml")
    assert (response.status_code, response.json()["error"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_a_user_changes_himself(shop: Client, ana: Client, ben: Client) -> None:
    await ana.patch("/users/me", {"last_name": "Lopez", "email": "new@example.org", "password": "An0ther"})
    assert (await ana.get("/users/me"))["last_name"] == "Lopez"
    assert await shop.as_user(ana.user_id or "", "new@example.org", "An0ther")
    await ana.refused(409, "ALREADY_EXISTS", "PATCH", "/users/me", {"email": "ben@example.org"})
    assert (await ana.send("PATCH", "/users/me")).status_code == 204


async def test_an_application_manages_its_users_by_id(shop: Client, ana: Client, kiosk: Client) -> None:
    itself, stranger = await shop.itself(), await kiosk.itself()
    await itself.patch(f"/users/{ana.user_id}", {"first_name": "Anna"})
    assert (await ana.get("/users/me"))["first_name"] == "Anna"
    await itself.refused(403, "insufficient_scope", "GET", f"/users/{ana.user_id}")
    await itself.refused(404, "RESOURCE_UNKNOWN", "DELETE", "/users/me")
    await stranger.refused(404, "RESOURCE_UNKNOWN", "DELETE", f"/users/{ana.user_id}")
    await itself.delete(f"/admin/users/{ana.user_id}")
    await itself.refused(404, "RESOURCE_UNKNOWN", "DELETE", f"/admin/users/{ana.user_id}")


async def test_another_user_is_nobody(ana: Client, ben: Client) -> None:
    for user_id in (ben.user_id, "999999", "0", "x", "9" * 30, "%00", "007"):
        said = await ana.refused(404, "RESOURCE_UNKNOWN", "GET", f"/users/{user_id}")
        assert said["id"].startswith("/users/")
        await ana.refused(404, "RESOURCE_UNKNOWN", "DELETE", f"/users/{user_id}")


async def test_an_address_is_free_again_once_its_user_is_erased(shop: Client, ana: Client) -> None:
    await ana.delete("/admin/users/me")
    assert await shop.joined_by()


async def test_only_the_application_makes_users(ana: Client) -> None:
    await ana.refused(403, "insufficient_scope", "POST", "/users", ANA)


async def test_unknown_routes_and_verbs(ana: Client) -> None:
    await ana.refused(404, "RESOURCE_UNKNOWN", "GET", "/nothing")
    await ana.refused(405, "METHOD_NOT_ALLOWED", "PUT", "/users")


async def test_nothing_is_synchronised_for_a_suspended_user_and_all_is_shown(runtime: Runtime, ana: Client) -> None:
    async with working(runtime):
        connection = await linked(ana, sandbox("fast"))
    async with runtime.database.transaction() as tx:
        (row,) = await tx.fetch("SELECT application_id, id FROM users")
        user = await users.by_id(tx, row["application_id"], row["id"])
        await suspension.suspend(tx, Principal(user.application_id, Role.OPERATOR), user)
    for path in (f"/connections/{connection['id']}/synchronize", "/connections/synchronize"):
        refusal = await ana.refused(409, "INVALID_STATE", "POST", path)
        assert refusal["error_description"] == "the user is suspended"
    assert await ana.get("/connections") == [connection]
    assert await ana.get("/accounts")

"""Users over the wire (contract: section 5.1)."""

import asyncio
import threading
import time
from uuid import uuid4

import pytest
from argon2 import PasswordHasher

from afflux.runtime import Runtime
from afflux.services import erasure, passwords
from tests.facades.iswigo.acting import tenant_of
from tests.facades.iswigo.calling import HECTOR, Client

GRANT = (
    "The provided authorization grant (e.g., authorization code, resource owner credentials) or refresh token is "
    "invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued "
    "to another client."
)


async def id_of(client: Client) -> str:
    return str((await client.get("/v1/profile"))["user_id"])


async def test_a_new_user_is_as_the_contract_lists_it(shop: Client) -> None:
    made = await shop.send("POST", "/v1/users", HECTOR)
    user_id = made.json()["user_id"]
    assert made.status_code == 201
    assert made.text == (
        f'{{"user_id":"{user_id}","email":"{HECTOR["email"]}","last_name":null,"first_name":null,"company":null,'
        '"terms_of_service":null}'
    )
    assert (await shop.send("GET", f"/v1/users/{user_id}")).content == made.content


async def test_a_second_creation_answers_409_with_the_same_user(shop: Client) -> None:
    first = await shop.send("POST", "/v1/users", HECTOR)
    second = await shop.send("POST", "/v1/users", HECTOR | {"email": "Hector.Berlioz@iswigo.com", "password": "other"})
    assert (first.status_code, second.status_code) == (201, 409)
    assert first.content == second.content
    assert (await shop.as_user()).token


async def test_many_creations_at_once_make_one_user(shop: Client) -> None:
    made = await asyncio.gather(*(shop.send("POST", "/v1/users", HECTOR) for _ in range(8)))
    assert sorted(each.status_code for each in made) == [201] + [409] * 7
    assert len({each.content for each in made}) == 1


async def test_an_address_is_free_once_its_user_is_gone_and_no_sooner(
    shop: Client, hector: Client, runtime: Runtime
) -> None:
    tenant = await tenant_of(runtime, hector)
    async with runtime.database.transaction() as tx:
        going = await erasure.request(tx, tenant.principal, tenant.user.id)
    await shop.refused(409, "Email already used", "POST", "/v1/users", HECTOR)
    await erasure.finish(runtime, going)
    assert (await shop.post("/v1/users", HECTOR))["user_id"] != str(tenant.user.id)


async def test_an_address_may_be_used_in_each_application(shop: Client, kiosk: Client) -> None:
    here, there = await shop.post("/v1/users", HECTOR), await kiosk.post("/v1/users", HECTOR)
    assert here["user_id"] != there["user_id"]
    assert [await shop.get("/v1/users"), await kiosk.get("/v1/users")] == [[here], [there]]


@pytest.mark.parametrize(
    ("body", "description"),
    [
        ({"password": "x"}, "Invalid email"),
        ({"email": 3, "password": "x"}, "Invalid email"),
        ({"email": None, "password": "x"}, "Invalid email"),
        ({"email": "nobody", "password": "x"}, "Invalid email"),
        ({"email": "@b.org", "password": "x"}, "Invalid email"),
        ({"email": "a@b@c.org", "password": "x"}, "Invalid email"),
        ({"email": "a b@c.org", "password": "x"}, "Invalid email"),
        ({"email": "a@b..org", "password": "x"}, "Invalid email"),
        ({"email": "a..b@c.org", "password": "x"}, "Invalid email"),
        ({"email": "a@127.0.0.1", "password": "x"}, "Invalid email"),
        ({"email": "eve,ada@c.org", "password": "x"}, "Invalid email"),
        ({"email": "a@b.org\r\nBcc: c@d.org", "password": "x"}, "Invalid email"),
        ({"email": f"{'a' * 65}@b.org", "password": "x"}, "Invalid email"),
        ({"email": f"a@{'b.' * 130}org", "password": "x"}, "Invalid email"),
        ({"email": "a@b.org"}, "Invalid password"),
        ({"email": "a@b.org", "password": ""}, "Invalid password"),
        ({"email": "a@b.org", "password": ["x"]}, "Invalid password"),
        ({"email": "a@b.org", "password": "x" * 1025}, "Invalid password"),
    ],
)
async def test_what_is_wrong_with_a_new_user_is_named(shop: Client, body: object, description: str) -> None:
    await shop.refused(400, description, "POST", "/v1/users", body)
    assert await shop.get("/v1/users") == []


@pytest.mark.parametrize("email", ["o'neil+x@b.co.uk", "zoé@example.org", "ada@münchen.example", "a@xn--b-zka.org"])
async def test_addresses_of_all_kinds_can_log_in(shop: Client, email: str) -> None:
    assert (await shop.joined_by(email)).token


async def test_a_token_is_bearer_and_holds_for_an_hour(shop: Client) -> None:
    await shop.post("/v1/users", HECTOR)
    token = await shop.post("/v1/authenticate", HECTOR)
    assert list(token) == ["token_type", "expires_in", "access_token"]
    assert (token["token_type"], token["expires_in"]) == ("Bearer", 3599)
    assert token["access_token"].count(".") == 2


@pytest.mark.parametrize(
    "body",
    [
        HECTOR | {"password": "wrong"},
        HECTOR | {"password": ""},
        HECTOR | {"password": "x" * 5000},
        HECTOR | {"email": "nobody@example.org"},
        HECTOR | {"email": 1},
        {"email": HECTOR["email"]},
        {"password": HECTOR["password"]},
        {},
        [],
    ],
)
async def test_whatever_is_wrong_with_a_login_the_answer_is_the_same(shop: Client, body: object) -> None:
    await shop.post("/v1/users", HECTOR)
    await shop.refused(400, GRANT, "POST", "/v1/authenticate", body)


async def test_a_login_works_in_its_own_application_only(shop: Client, kiosk: Client) -> None:
    await shop.post("/v1/users", HECTOR)
    await kiosk.refused(400, GRANT, "POST", "/v1/authenticate", HECTOR)


@pytest.mark.usefixtures("dear_passwords")
async def test_an_unknown_user_takes_as_long_as_a_wrong_password(shop: Client) -> None:
    await shop.post("/v1/users", HECTOR)

    async def seconds(email: str) -> float:
        began = time.perf_counter()
        await shop.refused(400, GRANT, "POST", "/v1/authenticate", {"email": email, "password": "wrong"})
        return time.perf_counter() - began

    # In turns, so that whatever else the machine does meets both; the quickest of each is the work itself.
    rounds = [(await seconds("nobody@example.org"), await seconds(HECTOR["email"])) for _ in range(9)]
    unknown, wrong = (min(each) for each in zip(*rounds, strict=True))
    # A hash takes several times as long as all the rest; without one the ratio would be far off.
    ratio = unknown / wrong
    assert 0.6 < ratio < 1.6


async def test_others_are_served_while_passwords_are_hashed(shop: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    await shop.post("/v1/users", HECTOR)
    served = threading.Event()

    class Waiting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:
            # On the event loop this would keep from happening what it waits for.
            assert served.wait(30), "nobody was served meanwhile"
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "_hasher", Waiting())
    logins = [asyncio.create_task(shop.as_user()) for _ in range(12)]
    await shop.get("/v1/users")
    assert not any(login.done() for login in logins)
    served.set()
    assert all([(await login).token for login in logins])


async def test_users_are_listed_in_order_by_ranges(shop: Client) -> None:
    made = [await shop.post("/v1/users", {"email": f"u{n}@example.org", "password": "p"}) for n in range(21)]
    first = await shop.send("GET", "/v1/users")
    assert first.json() == made[:20]
    assert (first.headers["Accept-Range"], first.headers["Content-Range"]) == ("users 20", "0-19/21")
    assert await shop.get("/v1/users?range=20-39") == made[20:]


async def test_a_user_of_another_application_is_not_there(shop: Client, hector: Client, kiosk: Client) -> None:
    user_id = await id_of(hector)
    for target in (f"/v1/users/{user_id}", f"/v1/users/{uuid4()}", "/v1/users/x"):
        await kiosk.refused(404, "Not Found", "GET", target)
    for form in (f"%7B{user_id}%7D", f"urn:uuid:{user_id}"):
        await shop.refused(404, "Not Found", "GET", f"/v1/users/{form}")
    body = {"email": "a@b.org", "password": HECTOR["password"], "new_password": "n"}
    for what in ("email", "password"):
        await kiosk.refused(404, "Not Found", "PUT", f"/v1/users/{user_id}/{what}", body)
        await kiosk.refused(404, "Not Found", "PUT", f"/v1/users/{uuid4()}/{what}", body)


async def test_the_login_changes_with_the_password_given(shop: Client, hector: Client) -> None:
    target = f"/v1/users/{await id_of(hector)}/email"
    await shop.refused(400, "Invalid user password", "PUT", target, {"email": "h@example.org", "password": "wrong"})
    await shop.refused(400, "Invalid email", "PUT", target, {"email": "h", "password": "wrong"})
    await shop.refused(400, "Invalid email", "PUT", target, {"password": "wrong"})
    changed = await shop.put(target, {"email": "h@example.org", "password": HECTOR["password"]})
    assert changed["email"] == "h@example.org"
    await shop.refused(400, GRANT, "POST", "/v1/authenticate", HECTOR)
    assert await id_of(await shop.as_user("h@example.org")) == changed["user_id"]
    assert (await hector.get("/v1/profile"))["email"] == "h@example.org", "the old token still works"


async def test_a_login_that_stays_is_fine_and_one_that_is_taken_is_not(shop: Client, hector: Client) -> None:
    await shop.post("/v1/users", {"email": "ida@example.org", "password": "p"})
    target = f"/v1/users/{await id_of(hector)}/email"
    for same in (HECTOR["email"], HECTOR["email"].upper()):
        assert (await shop.put(target, HECTOR | {"email": same}))["email"] == same
    await shop.refused(409, "Email already used", "PUT", target, HECTOR | {"email": "IDA@example.org"})
    await shop.refused(400, "Invalid user password", "PUT", target, {"email": "ida@example.org", "password": "wrong"})


async def test_the_password_changes_with_the_old_one_given(shop: Client, hector: Client) -> None:
    target = f"/v1/users/{await id_of(hector)}/password"
    old = HECTOR["password"]
    await shop.refused(400, "Invalid user password", "PUT", target, {"password": "wrong", "new_password": "new"})
    for body in ({"password": old, "new_password": ""}, {"password": old}, {"password": old, "new_password": 5}):
        await shop.refused(400, "Invalid password", "PUT", target, body)
    assert (await shop.put(target, {"password": old, "new_password": "new"}))["email"] == HECTOR["email"]
    await shop.refused(400, GRANT, "POST", "/v1/authenticate", HECTOR)
    assert (await shop.as_user(password="new")).token
    assert await hector.get("/v1/profile"), "the old token still works"


async def test_a_user_without_a_password_cannot_log_in(runtime: Runtime, shop: Client, hector: Client) -> None:
    async with runtime.database.transaction() as tx:
        await tx.execute("UPDATE users SET password_hash = NULL")
    for password in ("", HECTOR["password"], "nobody has this password"):
        await shop.refused(400, GRANT, "POST", "/v1/authenticate", HECTOR | {"password": password})


async def test_a_user_deletes_himself_and_nobody_else(shop: Client, hector: Client, ida: Client) -> None:
    hectors, idas = await id_of(hector), await id_of(ida)
    for other in (idas, str(uuid4())):
        await hector.refused(403, "Forbidden", "DELETE", f"/v1/users/{other}")
    denied = "The resource owner or authorization server denied the request."
    await shop.refused(401, denied, "DELETE", f"/v1/users/{hectors}")
    await hector.delete(f"/v1/users/{hectors}")
    await hector.refused(401, denied, "GET", "/v1/profile")
    await shop.refused(404, "Not Found", "GET", f"/v1/users/{hectors}")
    await shop.refused(400, GRANT, "POST", "/v1/authenticate", HECTOR)
    assert [user["user_id"] for user in await shop.get("/v1/users")] == [idas]
    assert (await shop.post("/v1/users", HECTOR))["user_id"] != hectors

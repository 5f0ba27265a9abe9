"""Users over the wire."""

from tests.facades.iswigo.calling import HECTOR, Client


async def test_a_second_creation_answers_409_with_the_same_user(shop: Client) -> None:
    first = await shop.send("POST", "/v1/users", HECTOR)
    second = await shop.send("POST", "/v1/users", HECTOR | {"email": "Hector.Berlioz@iswigo.com"})
    assert (first.status_code, second.status_code) == (201, 409)
    assert first.content == second.content


async def test_what_is_missing_is_named(shop: Client) -> None:
    await shop.refused(400, "Invalid email", "POST", "/v1/users", {"password": "x"})
    await shop.refused(400, "Invalid email", "POST", "/v1/users", {"email": 3, "password": "x"})
    await shop.refused(400, "Invalid password", "POST", "/v1/users", {"email": "a@b.org"})
    await shop.refused(400, "Invalid password", "POST", "/v1/users", {"email": "a@b.org", "password": ""})

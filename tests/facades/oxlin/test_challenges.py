"""Challenges over the wire."""

import time

from afflux.runtime import Runtime
from afflux.store import connections
from tests.facades.oxlin.calling import EMBEDDED, Client, rested, tenant_of, two_ways
from tests.facades.oxlin.test_queues import answer, asked
from tests.jobs.acting import working


async def test_a_challenge_is_asked_and_answered_once(runtime: Runtime, ana: Client, ben: Client) -> None:
    async with working(runtime):
        connection = await ana.post("/connections", two_ways(EMBEDDED, login="dev+sms"))
        place = f"/connections/{connection['id']}/challenges"
        challenge = await asked(ana, connection["id"])
        assert abs(challenge["creation_date"] - time.time()) < 60
        assert challenge["expires"] - challenge["creation_date"] in range(290, 301)
        assert challenge["id"].isdigit()
        assert challenge["connection_id"] == connection["id"]
        assert (challenge["channel_definition_id"], challenge["type"]) == (EMBEDDED, "OTP")
        (field,) = challenge["fields"]
        assert field == {"key": field["key"], "label": field["label"], "type": "TEXT", "required": True}
        assert (await ana.get(f"/connections/{connection['id']}"))["status"] == "RUNNING"
        right = {"credentials": [{"key": field["key"], "value": "1234"}]}
        await ana.refused(400, "PARAMETER_MISSING", "POST", f"{place}/{challenge['id']}", {"credentials": []})
        await ana.refused(400, "PARAMETER_MISSING", "POST", f"{place}/{challenge['id']}", {})
        await ana.refused(404, "RESOURCE_UNKNOWN", "POST", f"{place}/1", right)
        await ben.refused(404, "RESOURCE_UNKNOWN", "POST", f"{place}/{challenge['id']}", right)
        await ben.refused(404, "RESOURCE_UNKNOWN", "GET", place)
        await answer(ana, connection["id"], challenge, "1234")
        await ana.refused(404, "RESOURCE_UNKNOWN", "POST", f"{place}/{challenge['id']}", right)
        done = await rested(ana, connection["id"])
    assert done["status"] == "SUCCESS"
    assert await ana.get(place) == []


async def test_a_challenge_does_not_change_what_the_user_wishes(runtime: Runtime, ana: Client) -> None:
    async with working(runtime):
        connection = await ana.post("/connections", two_ways(EMBEDDED, login="dev+sms"))
        await answer(ana, connection["id"], await asked(ana, connection["id"]), "1234")
        assert (await rested(ana, connection["id"]))["auto_sync"] is True
    tenant = await tenant_of(runtime, ana)
    async with runtime.database.reading() as tx:
        held = await connections.by_number(tx, tenant.application.id, tenant.user.id, int(connection["id"]))
    assert (held.auto_sync, held.needs_user, held.runs_alone) == (True, True, False)


async def test_a_wrong_answer_fails_the_authentication(runtime: Runtime, ana: Client) -> None:
    async with working(runtime):
        connection = await ana.post("/connections", two_ways(EMBEDDED, login="dev+sms"))
        await answer(ana, connection["id"], await asked(ana, connection["id"]), "9999")
        done = await rested(ana, connection["id"])
    assert (done["status"], done["channels"][1]["status"]) == ("FAILED", "AUTH_FAILED")


async def test_an_unanswered_challenge_stays_with_the_channel(runtime: Runtime, ana: Client) -> None:
    async with working(runtime):
        connection = await ana.post("/connections", two_ways(EMBEDDED, login="dev+sms+expires-3"))
        assert await asked(ana, connection["id"])
        done = await rested(ana, connection["id"])
    assert (done["status"], done["channels"][1]["status"]) == ("FAILED", "CHALLENGE_REQUIRED")


async def test_an_approval_elsewhere_needs_no_answer(runtime: Runtime, ana: Client) -> None:
    async with working(runtime):
        connection = await ana.post("/connections", two_ways(EMBEDDED, login="dev+app"))
        challenge = await asked(ana, connection["id"])
        assert (challenge["type"], challenge["fields"]) == ("DECOUPLED", [])
        assert (await rested(ana, connection["id"]))["status"] == "SUCCESS"


async def test_a_choice_says_what_can_be_chosen(runtime: Runtime, ana: Client) -> None:
    async with working(runtime):
        connection = await ana.post("/connections", two_ways(EMBEDDED, login="dev+choice"))
        challenge = await asked(ana, connection["id"])
        assert challenge["type"] == "CHOICE"
        wrong = {"credentials": [{"key": "choice", "value": "pigeon"}]}
        place = f"/connections/{connection['id']}/challenges/{challenge['id']}"
        await ana.refused(400, "BAD_PARAMETER", "POST", place, wrong)
        await answer(ana, connection["id"], challenge, challenge["choices"][0]["value"])
        assert (await rested(ana, connection["id"]))["status"] == "SUCCESS"


async def test_a_visit_to_the_banks_page_is_the_answer(runtime: Runtime, ana: Client) -> None:
    async with working(runtime):
        connection = await ana.post("/connections", two_ways(EMBEDDED, login="dev+redirect"))
        challenge = await asked(ana, connection["id"])
        assert (challenge["type"], challenge["fields"]) == ("REDIRECT", [])
        page = await ana.http.get(challenge["url"])
        assert (page.status_code, "Your answer has arrived" in page.text) == (200, True)
        assert (await ana.http.get(challenge["url"])).status_code == 404
        assert (await rested(ana, connection["id"]))["status"] == "SUCCESS"

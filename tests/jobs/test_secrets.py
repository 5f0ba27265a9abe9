"""Passwords and codes are where they belong, sealed, and nowhere else."""

import logging

import pytest

from afflux.domain.syncs import SyncStatus
from afflux.runtime import Runtime
from tests.conftest import Tenant
from tests.jobs.acting import answer, events_of, link, synchronise, typed, until, working
from tests.services.everything import everything, forms

PASSWORD = "kanarienvogel-Pa55wort-ÄÖ7"
LOGIN = "sms+zugvogel-anmeldung-4711"
CODE = "98765432123456789"


@pytest.mark.parametrize("moment", ["waiting", "answered", "failed"])
async def test_what_a_person_types_is_nowhere_to_be_read(
    runtime: Runtime, alice: Tenant, caplog: pytest.LogCaptureFixture, moment: str
) -> None:
    caplog.set_level(logging.DEBUG)
    refused = await link(runtime, alice, LOGIN, password=PASSWORD)
    asking = await link(runtime, alice, LOGIN)
    async with working(runtime):
        await synchronise(runtime, alice, refused)
        waiting = await synchronise(runtime, alice, asking)
        assert waiting.status is SyncStatus.WAITING
    if moment in ("answered", "failed"):
        await answer(runtime, alice, asking, typed(sms=CODE))
    if moment == "failed":
        async with working(runtime):
            await until(runtime, waiting, SyncStatus.FAILED)
    held = await everything(runtime.dsn)
    said = caplog.text + str(await events_of(runtime, alice))
    for secret in (PASSWORD, LOGIN, CODE):
        assert not held.places_of(secret)
        assert not any(form in said.encode() for form in forms(secret))


async def test_the_search_finds_a_secret_in_every_disguise(runtime: Runtime, alice: Tenant) -> None:
    for form in forms(PASSWORD):
        async with runtime.database.transaction() as tx:
            await tx.execute("UPDATE users SET data_key = $1", b"~" + form + b"~")
        assert (await everything(runtime.dsn)).places_of(PASSWORD) == {"users.data_key"}

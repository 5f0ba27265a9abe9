"""Any order of events leads a sync only along the steps that it may take."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from afflux.domain.challenges import Answer, Challenge, ChallengeKind, FormField
from afflux.domain.connections import Connection
from afflux.domain.errors import AffluxError, Conflict, Fenced, SyncErrorCode
from afflux.domain.jobs import RunSync
from afflux.domain.syncs import TRANSITIONS, Sync, SyncKind
from afflux.runtime import Runtime
from afflux.services import challenges, syncs
from afflux.store import syncs as store
from afflux.store.database import Tx
from tests.conftest import Tenant
from tests.jobs.acting import link, syncs_of

#: A decoupled challenge is looked at by a run of its own, while the sync waits.

Step = Callable[["Walk", Tx], Awaitable[object]]


@dataclass
class Walk:
    """One connection, and the runs of its syncs that ever began: most are out of date, as in real life."""

    runtime: Runtime
    tenant: Tenant
    connection: Connection
    runs: list[Sync] = field(default_factory=list)
    jobs: list[RunSync] = field(default_factory=list)

    def run(self) -> Sync:
        """The run that began last."""
        if not self.runs:
            raise Fenced("no run yet")
        return self.runs[-1]


async def _request(walk: Walk, tx: Tx) -> None:
    await syncs.request(tx, walk.tenant.principal, walk.connection, SyncKind.ALL, interactive=True)


async def _request_accounts(walk: Walk, tx: Tx) -> None:
    await syncs.request(tx, walk.tenant.principal, walk.connection, SyncKind.ACCOUNTS, interactive=True)


async def _begin(walk: Walk, tx: Tx) -> None:
    """Every job that there ever was is delivered once more."""
    for row in await tx.fetch("SELECT id, job_id FROM syncs WHERE connection_id = $1", walk.connection.id):
        if row["job_id"] is not None:
            job = RunSync(walk.tenant.application.id, row["id"])
            begun = await syncs.begin(tx, job, row["job_id"], 60)
            walk.runs += [begun] if begun else []


async def _begin_with_a_strange_job(walk: Walk, tx: Tx) -> None:
    run = walk.run()
    assert await syncs.begin(tx, RunSync(run.application_id, run.id), 10**9, 60) is None


def _park(kind: ChallengeKind, seconds: float) -> Step:
    async def step(walk: Walk, tx: Tx) -> None:
        challenge = Challenge(
            kind=kind,
            name="sms",
            fields=(FormField(name="sms", label="Code"),) if kind is ChallengeKind.INPUT else (),
            expires_at=datetime.now(UTC) + timedelta(seconds=seconds),
        )
        await syncs.hold(tx, walk.run())
        await challenges.park(tx, walk.runtime.vault, walk.tenant.user, walk.run(), 100000, challenge, b"parked")

    return step


async def _answer(walk: Walk, tx: Tx) -> None:
    given = Answer(values={"sms": "1234"})
    await challenges.answer(tx, walk.runtime.vault, walk.tenant.principal, walk.connection, given)


async def _expire(walk: Walk, tx: Tx) -> None:
    for sync in await store.overdue(tx, 100):
        await challenges.expire(tx, sync)


async def _rescue(walk: Walk, tx: Tx) -> None:
    await tx.execute("DELETE FROM pgqueuer")
    for sync in await store.orphans(tx, 100):
        await syncs.rescue(tx, sync)


async def _postpone(walk: Walk, tx: Tx) -> None:
    await syncs.hold(tx, walk.run())
    await syncs.postpone(tx, walk.run(), SyncErrorCode.NETWORK, None)


async def _hand_back(walk: Walk, tx: Tx) -> None:
    await syncs.hand_back(tx, walk.run())


async def _finish(walk: Walk, tx: Tx) -> None:
    await syncs.hold(tx, walk.run())
    await syncs.finish(tx, walk.run(), {})


async def _fail(walk: Walk, tx: Tx) -> None:
    await syncs.hold(tx, walk.run())
    await syncs.fail(tx, walk.run(), SyncErrorCode.PROVIDER_CHANGED, "")


async def _cancel(walk: Walk, tx: Tx) -> None:
    await syncs.cancel(tx, walk.tenant.principal, walk.connection)


STEPS: dict[str, Step] = {
    "request": _request,
    "request accounts": _request_accounts,
    "begin": _begin,
    "begin with a strange job": _begin_with_a_strange_job,
    "park": _park(ChallengeKind.INPUT, 60),
    "park too late": _park(ChallengeKind.INPUT, -1),
    "park and look": _park(ChallengeKind.DECOUPLED, 60),
    "answer": _answer,
    "expire": _expire,
    "rescue": _rescue,
    "postpone": _postpone,
    "hand back": _hand_back,
    "finish": _finish,
    "fail": _fail,
    "cancel": _cancel,
}

Seen = dict[object, Sync]


async def _seen(walk: Walk) -> Seen:
    return {sync.id: sync for sync in await syncs_of(walk.runtime, walk.connection)}


def _check(name: str, before: Seen, after: Seen, refused: bool) -> None:
    assert before.keys() <= after.keys()
    assert sum(sync.status.active for sync in after.values()) <= 1
    assert not refused or before == after
    for id, was in before.items():
        now = after[id]
        step = (was.status, now.status)
        assert was.status is now.status or now.status in TRANSITIONS[was.status], (name, step)
        assert was.status.active or was == now, f"{name} changed a sync that had ended"
        assert now.attempt >= was.attempt
        assert now.status.active or (now.parked, now.answer, now.challenge) == (None, None, None)


# A walk begins with a run under way, so that few of its steps come to nothing.
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(names=st.lists(st.sampled_from(sorted(STEPS)), max_size=14).map(lambda names: ["request", "begin", *names]))
async def test_no_order_of_events_takes_a_sync_where_it_may_not_go(
    runtime: Runtime, alice: Tenant, names: list[str]
) -> None:
    walk = Walk(runtime, alice, await link(runtime, alice, "fast+quiet"))
    before = await _seen(walk)
    for name in names:
        refused = False
        try:
            async with runtime.database.transaction() as tx:
                await STEPS[name](walk, tx)
        except (Fenced, Conflict):
            refused = True
        after = await _seen(walk)
        _check(name, before, after, refused)
        before = after


async def test_a_run_that_lost_its_sync_can_do_nothing_to_it(runtime: Runtime, alice: Tenant) -> None:
    walk = Walk(runtime, alice, await link(runtime, alice, "fast+quiet"))
    for step in (_request, _begin, _begin):
        async with runtime.database.transaction() as tx:
            await step(walk, tx)
    old, new = walk.runs
    assert (old.id, old.attempt + 1) == (new.id, new.attempt)
    walk.runs = [old]
    for step in (_park(ChallengeKind.INPUT, 60), _postpone, _hand_back, _finish, _fail):
        refusal = None
        try:
            async with runtime.database.transaction() as tx:
                await step(walk, tx)
        except AffluxError as error:
            refusal = error
        assert isinstance(refusal, Fenced)
    assert (await _seen(walk))[new.id] == new

"""Syncs. Every write of a run carries the fence: `attempt` must still be the number the run began with."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from afflux.domain.errors import SyncErrorCode
from afflux.domain.syncs import Sync, SyncKind, SyncStatus
from afflux.store.database import Tx
from afflux.store.rows import many, maybe, one

_COLUMNS = """id, number, application_id, user_id, connection_id, provider_id, kind, then_kind, stage, interactive,
              status, attempt, job_id, losses, losses_here, retries, outcomes, channel_id, let_in, phase, percent,
              error_code, error_detail, challenge, challenge_expires_at, parked, answer, result, requested_at,
              started_at, deadline_at, ended_at"""


async def insert(
    tx: Tx, application_id: UUID, connection_ids: Collection[UUID], kind: SyncKind, interactive: bool
) -> list[Sync]:
    """Add a pending sync for each of these connections, but for those that have an active one by now."""
    rows = await tx.fetch(
        f"""
        INSERT INTO syncs (id, application_id, user_id, connection_id, provider_id, kind, stage, interactive, status,
                           requested_at)
        SELECT gen_random_uuid(), application_id, user_id, id, provider_id, $3, $3, $4, 'pending', $5
        FROM connections WHERE application_id = $1 AND id = ANY($2) ORDER BY id
        ON CONFLICT (connection_id) WHERE status IN ('pending', 'running', 'waiting') DO NOTHING
        RETURNING {_COLUMNS}
        """,
        application_id,
        list(connection_ids),
        kind,
        interactive,
        tx.now,
    )
    return many(Sync, rows)


async def lock_active(tx: Tx, application_id: UUID, connection_ids: Collection[UUID]) -> list[Sync]:
    """The active syncs of these connections, kept from changing until the transaction ends."""
    rows = await tx.fetch(
        f"""
        SELECT {_COLUMNS} FROM syncs
        WHERE application_id = $1 AND connection_id = ANY($2) AND status IN ('pending', 'running', 'waiting')
        ORDER BY connection_id FOR UPDATE
        """,
        application_id,
        list(connection_ids),
    )
    return many(Sync, rows)


async def lock(tx: Tx, application_id: UUID, sync_id: UUID) -> Sync:
    """One sync, kept from changing until the transaction ends. Raises `NotFound`."""
    row = await tx.row(
        f"SELECT {_COLUMNS} FROM syncs WHERE application_id = $1 AND id = $2 FOR UPDATE", application_id, sync_id
    )
    return one(Sync, row, "sync")


async def by_id(tx: Tx, application_id: UUID, sync_id: UUID) -> Sync:
    """One sync. Raises `NotFound`."""
    row = await tx.row(f"SELECT {_COLUMNS} FROM syncs WHERE application_id = $1 AND id = $2", application_id, sync_id)
    return one(Sync, row, "sync")


async def latest(tx: Tx, application_id: UUID, connection_ids: Sequence[UUID]) -> list[Sync]:
    """The newest sync of each of these connections that has any."""
    rows = await tx.fetch(
        f"""
        SELECT DISTINCT ON (connection_id) {_COLUMNS} FROM syncs
        WHERE application_id = $1 AND connection_id = ANY($2) ORDER BY connection_id, number DESC
        """,
        application_id,
        list(connection_ids),
    )
    return many(Sync, rows)


async def set_then(tx: Tx, application_id: UUID, sync_ids: Sequence[UUID], kind: SyncKind) -> None:
    """Another sync of this kind follows each of these when it has ended."""
    await tx.execute(
        "UPDATE syncs SET then_kind = $3 WHERE application_id = $1 AND id = ANY($2)", application_id, sync_ids, kind
    )


async def set_jobs(tx: Tx, application_id: UUID, jobs: Mapping[UUID, int]) -> None:
    """These jobs of the queue will run the syncs (sync id to job)."""
    await tx.execute(
        """
        UPDATE syncs SET job_id = job.id FROM unnest($2::uuid[], $3::bigint[]) AS job (sync_id, id)
        WHERE syncs.application_id = $1 AND syncs.id = job.sync_id
        """,
        application_id,
        list(jobs),
        list(jobs.values()),
    )


async def begin(tx: Tx, application_id: UUID, sync_id: UUID, job_id: int, seconds: int) -> Sync | None:
    """Start a run and raise the fence; None when this job has no business with the sync any more.

    A job begins what it was enqueued for, and again what it began itself: a running sync delivered a second time
    means that its worker died. The job of a waiting sync is the one that looks whether a decoupled challenge was
    approved.
    """
    row = await tx.row(
        f"""
        UPDATE syncs SET status = 'running', attempt = attempt + 1, started_at = coalesce(started_at, $4),
                         deadline_at = $4 + $5, losses = losses + CASE WHEN status = 'running' THEN 1 ELSE 0 END,
                         losses_here = losses_here + CASE WHEN status = 'running' THEN 1 ELSE 0 END
        WHERE application_id = $1 AND id = $2 AND job_id = $3 AND status IN ('pending', 'running', 'waiting')
        RETURNING {_COLUMNS}
        """,
        application_id,
        sync_id,
        job_id,
        tx.now,
        timedelta(seconds=seconds),
    )
    return maybe(Sync, row)


async def hold(tx: Tx, sync: Sync) -> bool:
    """Lock the sync until the transaction ends; False when this run no longer owns it."""
    return bool(
        await tx.value(
            """
            SELECT true FROM syncs WHERE application_id = $1 AND id = $2 AND attempt = $3 AND status = 'running'
            FOR NO KEY UPDATE
            """,
            sync.application_id,
            sync.id,
            sync.attempt,
        )
    )


async def progressed(tx: Tx, sync: Sync, channel_id: int, phase: str, percent: int) -> None:
    """Note how far the run is, after `hold`."""
    await tx.execute(
        "UPDATE syncs SET channel_id = $3, phase = $4, percent = $5 WHERE application_id = $1 AND id = $2",
        sync.application_id,
        sync.id,
        channel_id,
        phase,
        percent,
    )


async def let_in(tx: Tx, sync: Sync, channel_id: int) -> None:
    """Note that the channel's provider has let this stage in, after `hold`."""
    await tx.execute(
        "UPDATE syncs SET let_in = $3 WHERE application_id = $1 AND id = $2", sync.application_id, sync.id, channel_id
    )


async def forgive(tx: Tx, sync: Sync) -> None:
    """Count lost workers anew, after `hold`: the run got further than any before it."""
    await tx.execute(
        "UPDATE syncs SET losses_here = 0 WHERE application_id = $1 AND id = $2", sync.application_id, sync.id
    )


async def entered(tx: Tx, sync: Sync, stage: SyncKind, outcomes: Mapping[str, str], result: Mapping[str, Any]) -> None:
    """Note what the stage has come to, after `hold`."""
    await tx.execute(
        """
        UPDATE syncs SET let_in = CASE WHEN stage = $3 THEN let_in END, stage = $3, outcomes = $4, result = $5,
                         parked = NULL, answer = NULL, challenge = NULL, challenge_expires_at = NULL
        WHERE application_id = $1 AND id = $2
        """,
        sync.application_id,
        sync.id,
        stage,
        dict(outcomes),
        dict(result),
    )


async def park(
    tx: Tx, sync: Sync, channel_id: int, challenge: Mapping[str, Any], expires_at: datetime, parked: bytes
) -> None:
    """Wait for the human, after `hold`. The fence rises, so that the run that parked can write no more."""
    await tx.execute(
        """
        UPDATE syncs SET status = 'waiting', attempt = attempt + 1, channel_id = $3, challenge = $4,
                         challenge_expires_at = $5, parked = $6, answer = NULL, job_id = NULL, percent = NULL
        WHERE application_id = $1 AND id = $2
        """,
        sync.application_id,
        sync.id,
        channel_id,
        dict(challenge),
        expires_at,
        parked,
    )


async def asked(tx: Tx, sync: Sync) -> None:
    """The sync's challenge is a new one, after `park`."""
    await tx.execute(
        "UPDATE syncs SET challenge_asked_at = $3 WHERE application_id = $1 AND id = $2",
        sync.application_id,
        sync.id,
        tx.now,
    )


async def resumed(tx: Tx, application_id: UUID, sync_id: UUID, answer: bytes | None, job_id: int) -> None:
    """The wait is over: a job goes on with the sealed answer."""
    await tx.execute(
        """
        UPDATE syncs SET status = 'pending', answer = $3, job_id = $4 WHERE application_id = $1 AND id = $2
        """,
        application_id,
        sync_id,
        answer,
        job_id,
    )


async def postponed(
    tx: Tx, application_id: UUID, sync_id: UUID, job_id: int, error: SyncErrorCode | None, retries: int
) -> None:
    """Back to pending for another job, which starts later. The fence rises."""
    await tx.execute(
        """
        UPDATE syncs SET status = 'pending', attempt = attempt + 1, job_id = $3, error_code = $4, retries = $5,
                         percent = NULL
        WHERE application_id = $1 AND id = $2
        """,
        application_id,
        sync_id,
        job_id,
        error,
        retries,
    )


async def end(
    tx: Tx,
    application_id: UUID,
    sync_id: UUID,
    status: SyncStatus,
    *,
    error: SyncErrorCode | None = None,
    detail: str | None = None,
    result: Mapping[str, Any] | None = None,
) -> None:
    """The sync is over. The fence rises; parked secrets go."""
    await tx.execute(
        """
        UPDATE syncs SET status = $3, attempt = attempt + 1, error_code = $4, error_detail = $5, ended_at = $6,
                         result = coalesce($7, result), percent = CASE WHEN $3 = 'finished' THEN 100 END,
                         parked = NULL, answer = NULL, challenge = NULL, challenge_expires_at = NULL
        WHERE application_id = $1 AND id = $2
        """,
        application_id,
        sync_id,
        status,
        error,
        detail,
        tx.now,
        None if result is None else dict(result),
    )


async def overdue(tx: Tx, limit: int) -> list[Sync]:
    """Waiting syncs whose challenge has expired, as they were when looked at."""
    rows = await tx.fetch(
        f"""
        -- every application: the housekeeping of the whole server
        SELECT {_COLUMNS} FROM syncs WHERE status = 'waiting' AND challenge_expires_at <= $1
        ORDER BY challenge_expires_at LIMIT $2
        """,
        tx.now,
        limit,
    )
    return many(Sync, rows)


async def lost(tx: Tx, runs: Mapping[UUID, int]) -> list[UUID]:
    """Which of these runs (sync id to attempt) own their sync no longer."""
    rows = await tx.fetch(
        """
        -- every application: one look at all runs of a worker
        SELECT mine.id FROM unnest($1::uuid[], $2::integer[]) AS mine (id, attempt)
        LEFT JOIN syncs ON syncs.id = mine.id AND syncs.attempt = mine.attempt AND syncs.status = 'running'
        WHERE syncs.id IS NULL
        """,
        list(runs),
        list(runs.values()),
    )
    return [row["id"] for row in rows]


async def orphans(tx: Tx, limit: int) -> list[Sync]:
    """Pending and running syncs whose job is no longer in the queue, as they were when looked at."""
    rows = await tx.fetch(
        f"""
        -- every application: the housekeeping of the whole server
        SELECT {_COLUMNS} FROM syncs WHERE status IN ('pending', 'running')
        AND NOT EXISTS (SELECT FROM pgqueuer WHERE pgqueuer.id = syncs.job_id)
        ORDER BY number LIMIT $1
        """,
        limit,
    )
    return many(Sync, rows)


async def lock_unchanged(tx: Tx, seen: Sync) -> bool:
    """Lock the sync until the transaction ends; False when it is no longer as it was seen."""
    return bool(
        await tx.value(
            """
            SELECT true FROM syncs
            WHERE application_id = $1 AND id = $2 AND attempt = $3 AND status = $4 AND job_id IS NOT DISTINCT FROM $5
            FOR UPDATE
            """,
            seen.application_id,
            seen.id,
            seen.attempt,
            seen.status,
            seen.job_id,
        )
    )

"""Visits to the consent pages. Whoever knows a visit's code may open its page; only the code's hash is kept."""

from datetime import datetime
from typing import Any
from uuid import UUID

from afflux.domain.applications import Registration
from afflux.domain.libraries import VisitKind
from afflux.store.database import Tx


async def insert(
    tx: Tx,
    registration: Registration,
    session_id: UUID,
    user_id: UUID | None,
    code_hash: bytes,
    kind: VisitKind,
    redirect_uri: str,
    state: str | None,
    challenge: str | None,
    expires_at: datetime,
) -> None:
    """Add a visit."""
    await tx.execute(
        """
        INSERT INTO consent_visits (id, application_id, registration_id, session_id, user_id, code_hash, kind,
                                    redirect_uri, state, challenge, expires_at)
        VALUES (gen_random_uuid(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        """,
        registration.application.id,
        registration.id,
        session_id,
        user_id,
        code_hash,
        kind,
        redirect_uri,
        state,
        challenge,
        expires_at,
    )


async def by_code(tx: Tx, code_hash: bytes) -> dict[str, Any] | None:
    """The columns of the visit that this code opens or opened, with its contract's client id."""
    row = await tx.row(
        """
        -- every application: whoever has the code may see what it opens
        SELECT visits.id, session_id, user_id, kind, redirect_uri, state, challenge, browser_hash, connection_id,
               expires_at, used_at, public_id
        FROM consent_visits AS visits JOIN registrations ON registrations.id = registration_id
        WHERE code_hash = $1
        """,
        code_hash,
    )
    return None if row is None else dict(row)


async def settle(tx: Tx, application_id: UUID, visit_id: UUID, user_id: UUID, browser_hash: bytes) -> bool:
    """Note whose library it is and which browser consented, once; False when another one did before."""
    return bool(
        await tx.execute(
            """
            UPDATE consent_visits SET user_id = $3, browser_hash = $4
            WHERE application_id = $1 AND id = $2 AND used_at IS NULL AND browser_hash IS NULL
            """,
            application_id,
            visit_id,
            user_id,
            browser_hash,
        )
    )


async def set_connection(tx: Tx, application_id: UUID, visit_id: UUID, connection_id: UUID) -> None:
    """Note what was linked."""
    await tx.execute(
        "UPDATE consent_visits SET connection_id = $3 WHERE application_id = $1 AND id = $2",
        application_id,
        visit_id,
        connection_id,
    )


async def use(tx: Tx, application_id: UUID, visit_id: UUID) -> bool:
    """End the visit, once: False when it has ended before."""
    return bool(
        await tx.execute(
            "UPDATE consent_visits SET used_at = $3 WHERE application_id = $1 AND id = $2 AND used_at IS NULL",
            application_id,
            visit_id,
            tx.now,
        )
    )

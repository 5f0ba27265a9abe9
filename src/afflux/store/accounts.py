"""Accounts and their stated balances."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from afflux.domain.accounts import Account, AccountStatus
from afflux.domain.events import IDS_PER_EVENT
from afflux.domain.records import AccountRecord, Balance
from afflux.domain.syncs import Sync
from afflux.store.database import Tx
from afflux.store.rows import many, one

_COLUMNS = """id, number, connection_id, channel_id, type, status, name, account_number, iban, bban, bic, currency,
              balance, balance_at, owner, is_professional, parent_id, created_at, updated_at"""


async def of_user(
    tx: Tx, application_id: UUID, user_id: UUID, first: int = 0, limit: int | None = None
) -> list[Account]:
    """The user's accounts that are not deleted, oldest first, none before its parent: `limit` from index `first`."""
    rows = await tx.fetch(
        f"""
        SELECT {_COLUMNS} FROM accounts AS held WHERE application_id = $1 AND user_id = $2 AND status <> 'deleted'
        ORDER BY greatest(number, (SELECT number FROM accounts WHERE application_id = $1 AND id = held.parent_id)),
                 parent_id IS NOT NULL, number
        OFFSET $3 LIMIT $4
        """,
        application_id,
        user_id,
        first,
        limit,
    )
    return many(Account, rows)


async def count(tx: Tx, application_id: UUID, user_id: UUID) -> int:
    """How many accounts of the user are not deleted."""
    return int(
        await tx.value(
            "SELECT count(*) FROM accounts WHERE application_id = $1 AND user_id = $2 AND status <> 'deleted'",
            application_id,
            user_id,
        )
    )


async def by_id(tx: Tx, application_id: UUID, user_id: UUID, account_id: UUID) -> Account:
    """One account of the user that is not deleted. Raises `NotFound`."""
    row = await tx.row(
        f"""
        SELECT {_COLUMNS} FROM accounts
        WHERE application_id = $1 AND user_id = $2 AND id = $3 AND status <> 'deleted'
        """,
        application_id,
        user_id,
        account_id,
    )
    return one(Account, row, "account")


async def held(tx: Tx, sync: Sync) -> list[dict[str, Any]]:
    """What there is of the connection's accounts, for comparing with what its provider lists."""
    rows = await tx.fetch(
        """
        SELECT id, key, hash, status, channel_id, listed_by, iban, account_number, type, currency, name, owner,
               parent_id, cursor
        FROM accounts WHERE application_id = $1 AND connection_id = $2
        """,
        sync.application_id,
        sync.connection_id,
    )
    return [dict(row) for row in rows]


async def listed(tx: Tx, sync: Sync, channel_id: int | None = None) -> list[UUID]:
    """Ids of the connection's accounts that are not deleted, oldest first, as many as an event names; with a channel,
    of those that it lists.
    """
    rows = await tx.fetch(
        """
        SELECT id FROM accounts
        WHERE application_id = $1 AND connection_id = $2 AND status <> 'deleted'
              AND ($3::integer IS NULL OR $3 = ANY(listed_by))
        ORDER BY number LIMIT $4
        """,
        sync.application_id,
        sync.connection_id,
        channel_id,
        IDS_PER_EVENT,
    )
    return [row["id"] for row in rows]


def _listed(record: AccountRecord) -> tuple[object, ...]:
    """The columns from `type` to `raw`, as the provider lists them."""
    status = AccountStatus.CLOSED if record.closed else AccountStatus.ACTIVE
    return (
        record.type, status, record.name, record.number, record.iban, record.bban, record.bic, record.currency,
        record.balance, record.balance_at, record.owner, record.is_professional, record.raw,
    )  # fmt: skip


async def insert(tx: Tx, sync: Sync, channel_id: int, account_id: UUID, record: AccountRecord, digest: bytes) -> None:
    """Add an account as the provider lists it."""
    await tx.execute(
        """
        INSERT INTO accounts (id, application_id, user_id, connection_id, channel_id, listed_by, key, hash, type,
                              status, name, account_number, iban, bban, bic, currency, balance, balance_at, owner,
                              is_professional, raw, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5::integer, ARRAY[$5::integer], $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
                $17, $18, $19, $20, $21, $21)
        """,
        account_id,
        sync.application_id,
        sync.user_id,
        sync.connection_id,
        channel_id,
        record.key,
        digest,
        *_listed(record),
        tx.now,
    )


async def update(tx: Tx, sync: Sync, channel_id: int, account_id: UUID, record: AccountRecord, digest: bytes) -> None:
    """Make the account say what the provider says now."""
    await tx.execute(
        """
        UPDATE accounts SET channel_id = $3, key = $4, hash = $5, type = $6, status = $7, name = $8,
                            account_number = $9, iban = $10, bban = $11, bic = $12, currency = $13, balance = $14,
                            balance_at = $15, owner = $16, is_professional = $17, raw = $18, updated_at = $19
        WHERE application_id = $1 AND id = $2
        """,
        sync.application_id,
        account_id,
        channel_id,
        record.key,
        digest,
        *_listed(record),
        tx.now,
    )


async def set_parent(tx: Tx, sync: Sync, account_id: UUID, parent_id: UUID) -> None:
    """Note the account that this one is settled from."""
    await tx.execute(
        "UPDATE accounts SET parent_id = $3 WHERE application_id = $1 AND id = $2",
        sync.application_id,
        account_id,
        parent_id,
    )


async def delete(tx: Tx, sync: Sync, account_id: UUID) -> None:
    """Forget an account that the user deleted, to make room for its successor."""
    await tx.execute("DELETE FROM accounts WHERE application_id = $1 AND id = $2", sync.application_id, account_id)


async def list_by(tx: Tx, sync: Sync, channel_id: int, account_ids: Sequence[UUID]) -> None:
    """The channel's list has these accounts now, and did not before."""
    await tx.execute(
        """
        UPDATE accounts SET listed_by = array_append(listed_by, $3::integer)
        WHERE application_id = $1 AND id = ANY($2)
        """,
        sync.application_id,
        list(account_ids),
        channel_id,
    )


async def unlist_by(tx: Tx, sync: Sync, channel_id: int, account_ids: Sequence[UUID]) -> list[UUID]:
    """The channel's list no longer has these accounts; which of them no channel lists any more."""
    rows = await tx.fetch(
        """
        UPDATE accounts SET listed_by = array_remove(listed_by, $3::integer)
        WHERE application_id = $1 AND id = ANY($2) RETURNING id, listed_by
        """,
        sync.application_id,
        list(account_ids),
        channel_id,
    )
    return [row["id"] for row in rows if not row["listed_by"]]


async def mark_missing(tx: Tx, sync: Sync, account_ids: Sequence[UUID]) -> None:
    """The provider no longer lists these. Should it list one again, the other hash makes it a change."""
    await tx.execute(
        """
        UPDATE accounts SET status = 'not_found', hash = '', updated_at = $3
        WHERE application_id = $1 AND id = ANY($2)
        """,
        sync.application_id,
        list(account_ids),
        tx.now,
    )


async def lock(tx: Tx, sync: Sync, account_id: UUID) -> bool:
    """Let nobody else compare and change this account's transactions until the transaction ends; False when its user
    has deleted it meanwhile.
    """
    return bool(
        await tx.value(
            """
            SELECT true FROM accounts WHERE application_id = $1 AND id = $2 AND status <> 'deleted' FOR NO KEY UPDATE
            """,
            sync.application_id,
            account_id,
        )
    )


async def set_cursor(tx: Tx, sync: Sync, account_id: UUID, cursor: str) -> None:
    """Where the next sync of the account goes on; written only when it moved."""
    await tx.execute(
        "UPDATE accounts SET cursor = $3 WHERE application_id = $1 AND id = $2 AND cursor IS DISTINCT FROM $3",
        sync.application_id,
        account_id,
        cursor,
    )


async def add_balances(tx: Tx, sync: Sync, account_id: UUID, balances: Sequence[Balance]) -> None:
    """Keep stated balances; one for each kind and day, the newest statement wins. Equal ones are not written."""
    unique = {(balance.kind, balance.day): balance for balance in balances}
    await tx.execute(
        """
        INSERT INTO balances (account_id, kind, day, application_id, user_id, amount, currency)
        SELECT $1, new.kind, new.day, $2, $3, new.amount, new.currency
        FROM unnest($4::text[], $5::date[], $6::numeric[], $7::text[]) AS new (kind, day, amount, currency)
        WHERE NOT EXISTS (SELECT FROM balances AS held WHERE held.application_id = $2 AND held.account_id = $1
                          AND (held.kind, held.day, held.amount) = (new.kind, new.day, new.amount))
        ON CONFLICT (account_id, kind, day) DO UPDATE SET amount = excluded.amount, currency = excluded.currency
        """,
        account_id,
        sync.application_id,
        sync.user_id,
        [balance.kind for balance in unique.values()],
        [balance.day for balance in unique.values()],
        [balance.amount for balance in unique.values()],
        [balance.currency for balance in unique.values()],
    )


async def broken_chain(tx: Tx, sync: Sync, account_id: UUID, opening: Balance) -> tuple[date, Decimal] | None:
    """The closing balance that `opening` should have gone on from and does not; None where all is well.

    Nothing is said about an opening balance that is known already: its statement was read before.
    """
    row = await tx.row(
        """
        SELECT day, amount FROM balances AS closing
        WHERE application_id = $1 AND account_id = $2 AND kind = 'closing' AND day <= $3
        AND NOT EXISTS (SELECT FROM balances AS seen WHERE seen.application_id = $1 AND seen.account_id = $2
                        AND seen.kind = 'opening' AND seen.day = $3 AND seen.amount = $4)
        ORDER BY day DESC LIMIT 1
        """,
        sync.application_id,
        account_id,
        opening.day,
        opening.amount,
    )
    return None if row is None or row["amount"] == opening.amount else (row["day"], row["amount"])


async def name(tx: Tx, application_id: UUID, account_id: UUID, given: str | None, professional: bool | None) -> None:
    """What the user calls the account and uses it for, whatever the provider says; None leaves it as it is."""
    await tx.execute(
        """
        UPDATE accounts SET given_name = coalesce($3, given_name),
                            given_professional = coalesce($4, given_professional)
        WHERE application_id = $1 AND id = $2
        """,
        application_id,
        account_id,
        given,
        professional,
    )


async def bury(tx: Tx, application_id: UUID, account_id: UUID) -> None:
    """Keep nothing of the account but what it is known by, so that its provider does not bring it back unasked."""
    await tx.execute(
        """
        UPDATE accounts SET status = 'deleted', hash = '', balance = NULL, balance_at = NULL, bban = NULL, bic = NULL,
                            parent_id = NULL, cursor = NULL, raw = NULL, given_name = NULL, given_professional = NULL,
                            updated_at = $3
        WHERE application_id = $1 AND id = $2
        """,
        application_id,
        account_id,
        tx.now,
    )


async def orphan(tx: Tx, application_id: UUID, account_id: UUID) -> None:
    """Let no other account be settled from this one."""
    await tx.execute(
        "UPDATE accounts SET parent_id = NULL WHERE application_id = $1 AND parent_id = $2", application_id, account_id
    )


async def drop_balances(tx: Tx, application_id: UUID, account_id: UUID) -> None:
    """Delete the account's stated balances."""
    await tx.execute("DELETE FROM balances WHERE application_id = $1 AND account_id = $2", application_id, account_id)


async def barren_channels(tx: Tx, application_id: UUID, connection_id: UUID) -> list[int]:
    """The connection's channels that brought accounts of which none is left."""
    rows = await tx.fetch(
        """
        SELECT held.channel_id FROM connection_channels AS held
        WHERE held.application_id = $1 AND held.connection_id = $2
        AND EXISTS (SELECT FROM accounts WHERE accounts.application_id = $1 AND accounts.connection_id = $2
                    AND held.channel_id = ANY(accounts.listed_by || accounts.channel_id))
        AND NOT EXISTS (SELECT FROM accounts WHERE accounts.application_id = $1 AND accounts.connection_id = $2
                        AND accounts.status <> 'deleted'
                        AND held.channel_id = ANY(accounts.listed_by || accounts.channel_id))
        """,
        application_id,
        connection_id,
    )
    return [row["channel_id"] for row in rows]

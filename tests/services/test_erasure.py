"""Erasing a user who has everything: nothing is left, nobody else is touched, and one record says that it happened."""

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from afflux.connectors.registry import Registry
from afflux.domain.errors import AffluxError, NotFound
from afflux.domain.events import EventType
from afflux.domain.operations import Operation, OperationKind, OperationStatus
from afflux.domain.principal import Role
from afflux.domain.syncs import SyncStatus
from afflux.runtime import Runtime, open_runtime
from afflux.services import connections, erasure, syncs, users
from afflux.store import catalogue, chain, ledger, operations
from afflux.store import erasure as store
from afflux.store import users as user_store
from tests.conftest import ROOT_KEY, Tenant
from tests.jobs.acting import answer, documents_of, events_of, link, request, synchronise, typed, until, working
from tests.services import revoking
from tests.services.belongings import give
from tests.services.canaries import Canaries
from tests.services.everything import everything, forms
from tests.services.handing_in import hand_in, is_read

#: Rows of a user by the column that names whose they are.
Rows = dict[str, list[str]]


def statement(canary: Canaries, rows: int) -> bytes:
    """An OFX file with a canary in each of its texts."""
    movements = "".join(
        f"<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>2026010{n % 9 + 1}<TRNAMT>-{n}.10<FITID>{canary()}"
        f"<NAME>{canary()}<MEMO>{canary()}</STMTTRN>"
        for n in range(rows)
    )
    return (
        "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\n\n<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>EUR"
        f"<BANKACCTFROM><BANKID>{canary()}<ACCTID>{canary()}<ACCTTYPE>CHECKING</BANKACCTFROM>"
        f"<BANKTRANLIST><DTSTART>20260101<DTEND>20260131{movements}</BANKTRANLIST>"
        "<LEDGERBAL><BALAMT>1.00<DTASOF>20260131</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
    ).encode()


async def register(runtime: Runtime, tenant: Tenant, canary: Canaries) -> Tenant:
    """A user of the tenant's application, known by canaries."""
    user = await users.register(
        runtime.database,
        runtime.vault,
        tenant.principal,
        email=f"{canary()}@example.org",
        password=canary(),
        external_id=canary(),
    )
    return Tenant(tenant.application, tenant.principal, user)


async def live(runtime: Runtime, tenant: Tenant, canary: Canaries) -> None:
    """Do everything that a user can do; a worker is at work. Leaves a sync waiting, one running and one looking."""
    documented = await link(runtime, tenant, f"fast+accounts-1+documents-2+{canary()}")
    await synchronise(runtime, tenant, documented)
    await give(runtime, tenant, canary)
    await is_read(runtime, tenant, await hand_in(runtime, tenant, f"{canary()}.ofx", statement(canary, 10)))
    await is_read(runtime, tenant, await hand_in(runtime, tenant, f"{canary()}.txt", canary().encode(), canary()))
    refused = await link(runtime, tenant, f"fast+sms+{canary()}")
    await synchronise(runtime, tenant, refused, typed(sms=canary()))
    async with runtime.database.transaction() as tx:
        await connections.create(
            tx, runtime.vault, runtime.registry, tenant.principal, tenant.user, 1000,
            {100000: {"login": canary(), "password": canary()}}, name=canary(),
        )  # fmt: skip
    await synchronise(runtime, tenant, await link(runtime, tenant, f"fast+app-never+{canary()}"))
    await synchronise(runtime, tenant, await link(runtime, tenant, f"fast+sms+{canary()}"))
    running = await request(runtime, tenant, await link(runtime, tenant, f"slow-30+{canary()}"))
    await until(runtime, running, SyncStatus.RUNNING)


async def rows_where(dsn: str, column: str, value: UUID) -> Rows:
    """Every row in which `column` has this value, by table, as text."""
    connection = await asyncpg.connect(dsn)
    try:
        tables = await connection.fetch(
            "SELECT table_name AS name FROM information_schema.columns WHERE column_name = $1", column
        )
        found = {
            each["name"]: await connection.fetch(
                f"SELECT t::text AS row FROM {each['name']} AS t WHERE {column} = $1 ORDER BY 1", value
            )
            for each in tables
        }
        return {table: [row["row"] for row in rows] for table, rows in found.items()}
    finally:
        await connection.close()


async def row_of(runtime: Runtime, tenant: Tenant) -> str:
    """The user's own row, as text."""
    async with runtime.database.reading() as tx:
        return str(await tx.value("SELECT u::text FROM users AS u WHERE id = $1", tenant.user.id))


async def tables_of(runtime: Runtime, tenant: Tenant) -> set[str]:
    """The tables with rows of the user."""
    return {table for table, rows in (await rows_where(runtime.dsn, "user_id", tenant.user.id)).items() if rows}


async def erase(runtime: Runtime, tenant: Tenant) -> Operation:
    return await erasure.erase(runtime, tenant.principal, tenant.user.id, reason="asked for it", reason_code="GDPR17")


async def no_jobs(runtime: Runtime) -> None:
    """Wait until the jobs that the erased user left have found that there is nothing to do."""
    async with asyncio.timeout(20):
        while (await everything(runtime.dsn)).cells["pgqueuer.id"]:
            await asyncio.sleep(0.1)


async def test_nothing_of_an_erased_user_is_left_and_nobody_else_is_touched(
    runtime: Runtime, alice: Tenant, bob: Tenant
) -> None:
    canary, others = Canaries(), Canaries()
    victim = await register(runtime, alice, canary)
    neighbour = await register(runtime, alice, others)
    async with working(runtime):
        await live(runtime, victim, canary)
        for other in (neighbour, bob):
            await is_read(runtime, other, await hand_in(runtime, other, "x.ofx", statement(others, 2)))
            await synchronise(runtime, other, await link(runtime, other, "fast+accounts-1+documents-2"))
        kept = await rows_where(runtime.dsn, "user_id", neighbour.user.id)
        bobs = await rows_where(runtime.dsn, "application_id", bob.application.id)
        neighbours_own = await row_of(runtime, neighbour)
        async with runtime.database.reading() as tx:
            await tx.execute("ANALYZE")
            assert set(await store.tables(tx)) - await tables_of(runtime, victim) == set(), "a table was forgotten"
        planted = await everything(runtime.dsn)
        assert [place for word in canary.words for place in planted.places_of(word) if "statistics" in place]
        async with runtime.database.transaction() as tx:
            counted = await erasure.preview(tx, victim.application.id, victim.user.id)
        assert (await erase(runtime, victim)).counts.keys() == counted.keys()
        await no_jobs(runtime)
    held = await everything(runtime.dsn)
    assert len(canary.words) >= 40
    assert sum(bool(planted.places_of(word)) for word in canary.words) >= 30, "the canaries were never there"
    assert {word: held.places_of(word) for word in canary.words if held.places_of(word)} == {}
    assert await tables_of(runtime, victim) == set(store.KEPT)
    assert await rows_where(runtime.dsn, "user_id", neighbour.user.id) == kept
    assert await row_of(runtime, neighbour) == neighbours_own
    assert await rows_where(runtime.dsn, "application_id", bob.application.id) == bobs


async def test_what_was_counted_before_is_what_goes(runtime: Runtime, alice: Tenant) -> None:
    await link(runtime, alice, "fast+accounts-1")
    async with runtime.database.transaction() as tx:
        counted = await erasure.preview(tx, alice.application.id, alice.user.id)
    rows = await rows_where(runtime.dsn, "user_id", alice.user.id)
    assert counted == {table: len(found) for table, found in rows.items() if found and table != "operations"}
    assert (await erase(runtime, alice)).counts == counted


async def test_an_erasure_leaves_one_record_and_one_event(runtime: Runtime, alice: Tenant) -> None:
    erased = await erase(runtime, alice)
    async with runtime.database.transaction() as tx:
        record, registered = await operations.on_user(tx, alice.application.id, alice.user.id)
    (event,) = await events_of(runtime, alice)
    assert (record.id, record.kind, record.reason) == (erased.id, OperationKind.ERASE, "asked for it")
    assert record.reason_code == "GDPR17"
    assert record.counts == erased.counts
    assert registered.kind is OperationKind.REGISTER
    assert (event.type, event.user_id, event.data) == (EventType.USER_ERASED, None, {"user_id": str(alice.user.id)})


async def test_a_user_is_erased_once(runtime: Runtime, alice: Tenant) -> None:
    async def attempt() -> str:
        try:
            return str((await erase(runtime, alice)).id)
        except NotFound as error:
            return str(error)

    outcomes = set(await asyncio.gather(*(attempt() for _ in range(5))))
    assert len(outcomes - {"user not found"}) == 1, "one operation, whoever joined it or came too late"
    assert await attempt() == "user not found"
    async with runtime.database.transaction() as tx:
        assert len(await operations.on_user(tx, alice.application.id, alice.user.id)) == 2


async def test_nothing_of_an_erased_user_can_be_born(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, "fast+quiet+sms")
    await erase(runtime, alice)
    births = (
        lambda: link(runtime, alice, "fast"),
        lambda: hand_in(runtime, alice, "x.ofx", b"OFXHEADER:100"),
        lambda: request(runtime, alice, connection),
    )
    for birth in births:
        with pytest.raises(NotFound):
            await birth()
    for born in ("grants", "connect_sessions"):
        assert (await rows_where(runtime.dsn, "user_id", alice.user.id))[born] == []
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await give(runtime, alice, Canaries())


async def test_an_erasure_in_the_midst_of_everything_ends_without_waiting_for_it(
    runtime: Runtime, alice: Tenant
) -> None:
    linked = [await link(runtime, alice, f"fast+accounts-3+history-300+{n}") for n in range(4)]
    asking = await link(runtime, alice, "fast+quiet+sms")
    async with working(runtime):
        await synchronise(runtime, alice, asking)
        await asyncio.gather(*(request(runtime, alice, connection) for connection in linked))
        doings = [
            answer(runtime, alice, asking, typed(sms="1234")),
            *(request(runtime, alice, connection) for connection in linked),
            link(runtime, alice, "fast"),
            hand_in(runtime, alice, "x.ofx", statement(Canaries(), 2)),
        ]
        others = asyncio.gather(*doings, return_exceptions=True)
        await asyncio.wait_for(erase(runtime, alice), 20)
        refusals = [each for each in await others if isinstance(each, BaseException)]
    assert all(isinstance(refusal, NotFound | syncs.Conflict) for refusal in refusals), refusals
    assert await tables_of(runtime, alice) == {"operations"}


async def test_bytes_that_two_connections_share_go_with_the_last_of_them(runtime: Runtime, alice: Tenant) -> None:
    portal = [await link(runtime, alice, "a@example.org", provider=1006, password="p") for _ in range(2)]
    async with working(runtime):
        for connection in portal:
            await synchronise(runtime, alice, connection)
    for connection, left in zip(portal, (1, 0), strict=True):
        async with runtime.database.transaction() as tx:
            await connections.delete(tx, alice.principal, connection)
            assert await tx.value("SELECT count(*) FROM blobs") == left
    assert await documents_of(runtime, alice) == []


async def test_every_table_of_users_hangs_on_them_by_cascades(cluster: str) -> None:
    connection = await asyncpg.connect(cluster)
    links = await connection.fetch(
        """
        SELECT conrelid::regclass::text AS child, confrelid::regclass::text AS parent, attname AS column, attnotnull
        FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
        WHERE contype = 'f' AND confdeltype = 'c'
        """
    )
    with_user = await connection.fetch(
        "SELECT table_name AS name FROM information_schema.columns WHERE column_name = 'user_id'"
    )
    await connection.close()
    hanging = {"users"}
    for _ in links:
        hanging |= {
            link["child"]
            for link in links
            if link["parent"] in hanging
            and (link["attnotnull"] or (link["parent"], link["column"]) == ("users", "user_id"))
        }
    assert len(with_user) >= 12
    assert {table["name"] for table in with_user} - hanging == set(store.KEPT)


async def test_a_user_with_a_hundred_thousand_rows_is_erased_in_seconds(runtime: Runtime, alice: Tenant) -> None:
    canary = Canaries()
    async with working(runtime):
        await live(runtime, alice, canary)
        await multiply(runtime, alice, 100_000)
        began = time.monotonic()
        erased = await erase(runtime, alice)
        assert time.monotonic() - began < 10
    assert erased.counts["transactions"] >= 100_000
    assert await tables_of(runtime, alice) == {"operations"}
    async with runtime.database.reading() as tx:
        assert await tx.value("SELECT reltuples FROM pg_class WHERE relname = 'transactions'") == 0, "not analysed"


async def multiply(runtime: Runtime, tenant: Tenant, rows: int) -> None:
    """Give the user many more transactions like the first."""
    async with runtime.database.transaction() as tx:
        columns = [
            row["name"]
            for row in await tx.fetch(
                """SELECT column_name AS name FROM information_schema.columns WHERE table_name = 'transactions'
                   AND column_name NOT IN ('id', 'number', 'identity')"""
            )
        ]
        await tx.execute(
            f"""INSERT INTO transactions (id, identity, {", ".join(columns)})
                SELECT gen_random_uuid(), 'again-' || n, {", ".join(columns)}
                FROM (SELECT * FROM transactions WHERE user_id = $1 LIMIT 1) AS first,
                     generate_series(1, $2::int) AS n""",
            tenant.user.id,
            rows,
        )


async def test_consents_are_withdrawn_and_nobody_waits_for_a_provider_that_does_not_answer(
    runtime: Runtime, alice: Tenant, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    registry = Registry([*runtime.registry.manifests, revoking.MANIFEST])
    runtime = replace(runtime, registry=registry)
    async with runtime.database.transaction() as tx:
        await catalogue.publish(tx, registry.manifests)
    journal = tmp_path / "journal"
    for provider in (revoking.WILLING, revoking.SILENT, revoking.BROKEN, 1000):
        await link(runtime, alice, str(journal), provider=provider, password="canary")
    began = time.monotonic()
    assert (await erase(runtime, alice)).status is OperationStatus.SUCCESSFUL
    assert time.monotonic() - began < 10
    assert sorted(map(int, journal.read_text().split())) == [revoking.WILLING, revoking.SILENT, revoking.BROKEN]
    assert "canary" not in caplog.text


async def test_nothing_of_the_erased_is_in_a_file_or_a_log(
    runtime: Runtime, alice: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    canary = Canaries()
    victim = await register(runtime, alice, canary)
    letter = runtime.settings.data / "outbox" / f"{victim.user.id}.7.eml"
    letter.parent.mkdir(parents=True)
    letter.write_text(f"To: {canary()}")
    with caplog.at_level(logging.DEBUG):
        async with working(runtime):
            await live(runtime, victim, canary)
            await erase(runtime, victim)
            await no_jobs(runtime)
    files = {path: path.read_bytes() for path in runtime.settings.data.rglob("*") if path.is_file()}
    assert [path.name for path in files] == ["erasures.jsonl"]
    written = caplog.text.encode() + b"".join(files.values())
    assert [word for word in canary.words if any(form in written for form in forms(word))] == []


async def test_a_user_on_the_way_out_is_found_by_nobody(runtime: Runtime, alice: Tenant) -> None:
    linked = await link(runtime, alice, "fast+quiet")
    async with runtime.database.transaction() as tx:
        await erasure.request(tx, alice.principal, alice.user.id, after=timedelta(hours=1))
    async with runtime.database.reading() as tx:
        ids = (alice.application.id, alice.user.id)
        assert await user_store.by_email(tx, alice.application.id, "alice@example.org") is None
        assert await user_store.page(tx, alice.application.id, 0, 10) == []
        assert await user_store.count(tx, alice.application.id) == 0
        with pytest.raises(NotFound):
            await user_store.by_id(tx, *ids)
        with pytest.raises(NotFound):
            await erasure.preview(tx, *ids)
    for birth in (link(runtime, alice, "fast"), request(runtime, alice, linked)):
        with pytest.raises(NotFound):
            await birth


async def test_an_erasure_without_a_job_gets_one(runtime: Runtime, alice: Tenant) -> None:
    async with runtime.database.transaction() as tx:
        operation = await erasure.request(tx, alice.principal, alice.user.id)
        await erasure.rescue(runtime)
        await tx.execute("DELETE FROM pgqueuer")
    for _ in range(2):
        await erasure.rescue(runtime)
    assert len((await everything(runtime.dsn)).cells["pgqueuer.id"]) == 1
    async with working(runtime):
        await no_jobs(runtime)
    async with runtime.database.reading() as tx:
        assert (await operations.by_id(tx, alice.application.id, operation.id)).status is OperationStatus.SUCCESSFUL


async def test_a_restored_backup_brings_nobody_back(runtime: Runtime, alice: Tenant, bob: Tenant) -> None:
    async with working(runtime):
        await synchronise(runtime, alice, await link(runtime, alice, "fast+accounts-1"))
    async with backup(runtime) as restored:
        await erase(runtime, alice)
        assert await erasure.apply_ledger(runtime) == 0
        async with open_runtime(runtime.settings, restored, ROOT_KEY, runtime.registry) as again:
            assert await tables_of(again, alice) > {"operations"}
            assert await erasure.apply_ledger(again) == 1
            assert await tables_of(again, alice) == {"operations"}
            assert await tables_of(again, bob) >= {"events"}
            assert await erasure.apply_ledger(again) == 0
            async with again.database.transaction() as tx:
                assert (await chain.verify(tx.connection, tx.audit_key))[1] == []
                newest = (await operations.on_user(tx, alice.application.id, alice.user.id))[0]
            assert (newest.kind, newest.actor) == (OperationKind.ERASE, Role.SYSTEM)


@asynccontextmanager
async def backup(runtime: Runtime) -> AsyncIterator[str]:
    """The DSN of a copy of the database as it is now."""
    name = re.search(r"/(t[0-9a-f]{32})\?", runtime.dsn)
    assert name is not None
    connection = await asyncpg.connect(re.sub(r"//afflux@/t[0-9a-f]+\?", "//postgres@/postgres?", runtime.dsn))
    copy = f"c{name[1]}"
    await runtime.database.pool.expire_connections()
    await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name[1])
    await connection.execute(f"CREATE DATABASE {copy} TEMPLATE {name[1]} OWNER afflux")
    try:
        yield runtime.dsn.replace(f"/{name[1]}?", f"/{copy}?")
    finally:
        await connection.execute(f"DROP DATABASE {copy} WITH (FORCE)")
        await connection.close()


async def test_a_ledger_that_is_lost_is_asked_for(runtime: Runtime, alice: Tenant, bob: Tenant) -> None:
    assert await erasure.apply_ledger(runtime) == 0
    await erase(runtime, alice)
    runtime.settings.ledger.rename(runtime.settings.ledger.with_suffix(".lost"))
    with pytest.raises(AffluxError, match="is missing: put it back"):
        await erasure.apply_ledger(runtime)


async def test_a_line_that_a_crash_tore_spoils_no_other(runtime: Runtime, alice: Tenant, bob: Tenant) -> None:
    await erase(runtime, alice)
    whole = runtime.settings.ledger.read_bytes()
    runtime.settings.ledger.write_bytes(whole + whole[: len(whole) // 2])
    await erase(runtime, bob)
    assert [entry.user_id for entry in ledger.entries(runtime.settings.ledger)] == [alice.user.id, bob.user.id]
    assert runtime.settings.ledger.stat().st_mode & 0o777 == 0o600


#: What tables without rows of users hold, column by column. Whoever adds one says here what it is: no data of users.
NOT_OF_USERS = {
    "alembic_version": "version_num",
    "root_keys": "key_id created_at",
    "signing_keys": "id private_key created_at retired_at",
    "applications": "id name psd2 redirect_uris created_at",
    "registrations": "id application_id facade public_id secret_sealed secret_hash public_key settings created_at",
    "providers": "id connector name country url logo status kinds properties listed",
    "channels": "id provider_id place auth kinds form limits",
    "connector_clocks": "connector days_ahead",
    "event_heads": "application_id position",
    "operation_chains": "application_id first before last pending hash seal",
    "nonces": "registration_id nonce application_id expires_at",
}
#: What outlives users: ids and keyed hashes, and what was said about the act by whoever asked for it.
OUTLIVES_USERS = {
    "operations": "id number application_id user_id kind status actor reason reason_code counts error_code error place "
    "hash started_at ended_at",
    "pseudonyms": "application_id digest user_id",
}
#: The queue's own tables: jobs carry ids only, and go with the user.
QUEUE = {"pgqueuer", "pgqueuer_log", "pgqueuer_statistics", "pgqueuer_schedules"}


async def test_every_table_and_column_is_classified(cluster: str) -> None:
    connection = await asyncpg.connect(cluster)
    rows = await connection.fetch(
        """SELECT table_name AS table, array_agg(column_name::text) AS columns FROM information_schema.columns
           JOIN information_schema.tables USING (table_schema, table_name)
           WHERE table_schema = 'public' AND table_type = 'BASE TABLE' GROUP BY 1"""
    )
    await connection.close()
    columns = {row["table"]: set(row["columns"]) for row in rows}
    for table, said in (NOT_OF_USERS | OUTLIVES_USERS).items():
        assert columns.pop(table) == set(said.split()), f"{table}: does a column hold data of users?"
    assert OUTLIVES_USERS.keys() == set(store.KEPT)
    of_users = columns.keys() - QUEUE
    strangers = {table for table in of_users if not {"user_id"} <= columns[table]} - {"users"}
    assert strangers == set(), "tables that are neither a user's nor said to be nobody's"

"""What a user comes to have by the dialects and their pages, put straight where it is kept."""

from afflux.runtime import Runtime
from afflux.services import consumers, queues, validations
from afflux.store import users
from tests.conftest import Tenant
from tests.services.canaries import Canaries

#: The types of what is given, and a registration of the application.
_WITH = """
    WITH given AS (SELECT $1::uuid, $2::uuid, $3::bytea, $4::text),
         registration AS (SELECT id, facade FROM registrations WHERE application_id = $2 LIMIT 1)
"""
#: By table: what is inserted for the user $1 of the application $2, with two canaries, $3 as bytes and $4 as text. His
#: connection, document and sync are any of his.
_ROWS = {
    "grants": """(id, application_id, user_id, registration_id, facade, family, access_hash, scope, created_at)
        SELECT gen_random_uuid(), $2, $1, id, facade, gen_random_uuid(), $3, ARRAY[$4], now() FROM registration""",
    "connect_sessions": """(id, application_id, user_id, facade, token_hash, action, state, created_at, expires_at)
        SELECT gen_random_uuid(), $2, $1, 'oxlin', $3, 'add', jsonb_build_object('return', $4), now(), now()""",
    "authorization_codes": """(code_hash, application_id, user_id, registration_id, family, redirect_uri, scope,
                               expires_at)
        SELECT $3, $2, $1, id, gen_random_uuid(), $4, '{}', now() FROM registration""",
    "consent_requests": """(connection_id, channel_id, application_id, user_id, state_hash, redirect_url, expires_at)
        SELECT connection_id, channel_id, $2, $1, $3, $4, now() FROM connection_channels WHERE user_id = $1 LIMIT 1""",
    "library_sessions": """(id, application_id, registration_id, user_id, key_hash, options, created_at, expires_at)
        SELECT gen_random_uuid(), $2, id, $1, $3, jsonb_build_object('scope', $4), now(), now()
        FROM registration""",
    "session_syncs": """(session_id, sync_id, application_id, user_id)
        SELECT library_sessions.id, syncs.id, $2, $1 FROM library_sessions JOIN syncs USING (user_id)
        WHERE user_id = $1 LIMIT 1""",
    "consent_visits": """(id, application_id, registration_id, session_id, user_id, code_hash, kind, redirect_uri,
                          expires_at)
        SELECT gen_random_uuid(), $2, registration_id, id, $1, $3, 'authorize', $4, now() FROM library_sessions
        WHERE user_id = $1""",
    "library_files": """(user_id, name, application_id, signature, updated_at)
        SELECT $1, $4, $2, length($3), now()""",
    "postboxes": """(id, application_id, registration_id, user_id, public_id, public_key, private_key, created_at)
        SELECT gen_random_uuid(), $2, id, $1, $4, $4, $3, now() FROM registration""",
    "postbox_items": """(id, postbox_id, application_id, user_id, name, descriptor, content, created_at)
        SELECT gen_random_uuid(), id, $2, $1, $4, $3, $3, now() FROM postboxes WHERE user_id = $1""",
    "pushed_documents": """(document_id, application_id, user_id, registration_id, descriptor)
        SELECT documents.id, $2, $1, registration.id, $3 FROM documents, registration
        WHERE user_id = $1 LIMIT 1""",
}


async def give(runtime: Runtime, tenant: Tenant, canary: Canaries) -> None:
    """Everything of every dialect. A worker at work mails a letter of it."""
    app, user = tenant.application.id, tenant.user.id
    async with runtime.database.transaction() as tx:
        await tx.execute("UPDATE users SET profile = $1 WHERE id = $2", {"name": canary()}, user)
        for table, row in _ROWS.items():
            await tx.execute(f"{_WITH} INSERT INTO {table} {row}", user, app, canary().encode(), canary())
        await queues.create(tx, tenant.user)
        await users.lock(tx, app, user)
        await validations.request(tx, runtime.vault, tenant.user, f"{canary()}@example.org")
    await consumers.keep_cards(runtime, tenant.principal, tenant.user, {canary(): {"pan": canary()}})

"""Pushing files to a library (contract: section 3.10)."""

from uuid import UUID

from litestar import Response, post
from litestar.datastructures import UploadFile
from litestar.exceptions import HTTPException
from litestar.params import FromPath

from afflux.domain.contracts import ContractKind
from afflux.domain.scopes import Scope
from afflux.facades.digime import errors
from afflux.facades.digime.access import user_of
from afflux.facades.digime.claims import PushClaims
from afflux.facades.digime.documented import problems
from afflux.facades.digime.given import GivenRuntime
from afflux.facades.digime.requests import AnyRequest, Asked, asked
from afflux.facades.digime.responses import answer, milliseconds, seconds
from afflux.facades.digime.unsealing import unsealed
from afflux.facades.digime.wire.postbox import Taken
from afflux.facades.digime.wire.tokens import SessionObject
from afflux.runtime import Runtime
from afflux.services import library_access, library_sessions, postboxes
from afflux.services.library_access import Standing
from afflux.services.postboxes import Pushed
from afflux.services.session_options import Options
from afflux.store import postboxes as store
from afflux.store import users
from afflux.store.database import Tx
from afflux.store.postboxes import Postbox

#: What a multipart body has besides the file, and a cipher's padding.
_ROOM = 64 * 1024


@post("/permission-access/postbox/{postbox_id:str}", status_code=200, responses=problems(401, 404, 429))
async def push(request: AnyRequest, postbox_id: FromPath[str], runtime: GivenRuntime) -> Response[Taken]:
    """Push an encrypted file. With a good access token it is a document at once, without one at the next trigger."""
    given = await asked(request, runtime, PushClaims)
    if given.contract.kind is not ContractKind.WRITE:
        raise errors.wrong_contract()
    standing, user_id = await _standing(runtime, given)
    async with runtime.database.reading() as tx:
        postbox = await _postbox(tx, given, postbox_id)
    if postbox is None or user_id not in (None, postbox.user_id):
        raise errors.not_found()
    name, body = await _file(request)
    delivered = await _keep(runtime, given, postbox, standing, name, body)
    async with runtime.database.transaction() as tx:
        session = await library_sessions.open_session(
            tx, runtime.settings, given.contract, Options(Scope(), None, None)
        )
    told = SessionObject(session.key, milliseconds(session.expires_at))
    return answer(Taken("delivered" if delivered else "pending", seconds(session.expires_at), told))


async def _postbox(tx: Tx, given: Asked[PushClaims], postbox_id: str) -> Postbox | None:
    """The contract's postbox that the path names. The database does not take a NUL even to look for it."""
    return None if "\0" in postbox_id else await store.by_public_id(tx, given.contract.registration, postbox_id)


async def _standing(runtime: Runtime, given: Asked[PushClaims]) -> tuple[Standing | None, UUID | None]:
    """What the access token is worth, and whose library it opens; None and None without one. Raises `Refused` for one
    that never was good here.
    """
    if given.claims.access_token is None:
        return None, None
    async with runtime.database.reading() as tx:
        found = await library_access.look(tx, given.contract, given.claims.access_token)
    return found[0], user_of(found, good=(Standing.GOOD, Standing.OVER))


async def _file(request: AnyRequest) -> tuple[str, bytes]:
    """Name and bytes of the one part that is a file. Raises `Refused`."""
    try:
        form = await request.form()
    except HTTPException as error:
        raise errors.validation("the body has to be multipart/form-data", error.status_code) from None
    except (ValueError, LookupError):  # Of a part without a file name, which is text in a character set that it names.
        raise errors.validation("a part of the body is not the text that it says it is") from None
    for name, part in form.multi_items():
        if name == "file" and isinstance(part, UploadFile):
            body = await part.read()
            return part.filename, body
    raise errors.validation("the body needs a part named file, with a file name")


async def _keep(
    runtime: Runtime, given: Asked[PushClaims], postbox: Postbox, standing: Standing | None, name: str, body: bytes
) -> bool:
    """Store the file as its token says; whether it is a document now."""
    registration = given.contract.registration
    async with runtime.database.reading() as tx:
        user = await users.by_id(tx, postbox.application_id, postbox.user_id)
    pushed: Pushed = unsealed(postboxes.key_of(runtime.vault, user, postbox), given.claims, name, body)
    if len(pushed.content) > runtime.settings.digime_push_bytes:
        raise errors.validation("the file is too large", 413)
    async with runtime.database.transaction() as tx:
        if standing is Standing.GOOD:
            await postboxes.deliver(tx, runtime, postbox.user_id, registration, pushed)
        elif standing is None:
            await postboxes.keep(tx, runtime.vault, user, postbox, pushed)
    return standing is Standing.GOOD


def largest(runtime: Runtime) -> int:
    """Bytes of a request's body."""
    return runtime.settings.digime_push_bytes + _ROOM


HANDLERS = (push,)

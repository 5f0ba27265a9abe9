"""Documents and their bytes (contract: section 5.6)."""

from typing import Annotated
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, QueryParameter

from afflux.facades.iswigo.auth import with_recent_token
from afflux.facades.iswigo.documented import problems
from afflux.facades.iswigo.given import GivenRuntime, GivenUser
from afflux.facades.iswigo.ranges import DEFAULT, Range, RangeText, ranged
from afflux.facades.iswigo.requests import JsonRequest
from afflux.facades.iswigo.wire.documents import DocumentObject, document_object, download_headers, types_called
from afflux.services import documents
from afflux.store import documents as store
from afflux.web.answers import answer
from afflux.web.routes import get_often

TypeFilter = Annotated[str | None, QueryParameter(name="filters[type]", description="`invoice` or `document`")]


@get_often("/documents", guards=[with_recent_token], responses=problems())
async def list_documents(
    request: JsonRequest,
    runtime: GivenRuntime,
    user: GivenUser,
    type_filter: TypeFilter = None,
    range_text: RangeText = DEFAULT,
) -> Response[list[DocumentObject]]:
    """The user's documents, last stored first."""
    window = Range.parse(range_text)
    types = None if type_filter is None else types_called(type_filter)
    async with runtime.database.reading() as tx:
        total = await store.count(tx, user.application_id, user.id, types)
        held = await store.of_user(tx, user.application_id, user.id, types, window.first, window.width)
    items = [document_object(document) for document in held]
    return ranged(request, "documents", window, items, total, runtime.settings.public_url)


@get_often("/documents/{document_id:uuid}", guards=[with_recent_token], responses=problems(404))
async def get_document(document_id: FromPath[UUID], runtime: GivenRuntime, user: GivenUser) -> Response[DocumentObject]:
    """One document, without its bytes."""
    async with runtime.database.reading() as tx:
        return answer(document_object(await store.by_id(tx, user.application_id, user.id, document_id)))


@get_often("/documents/{document_id:uuid}/download", guards=[with_recent_token], responses=problems(404))
async def download_document(document_id: FromPath[UUID], runtime: GivenRuntime, user: GivenUser) -> Response[bytes]:
    """The document's bytes, as a file to be stored."""
    async with runtime.database.reading() as tx:
        document = await store.by_id(tx, user.application_id, user.id, document_id)
        content = await documents.content(tx, runtime.vault, user, document)
    return Response(content, headers=download_headers(document))


HANDLERS = (list_documents, get_document, download_document)

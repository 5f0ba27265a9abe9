"""Documents (contract: section 6.7), and the headers of a download."""

import re
import unicodedata
from datetime import date
from urllib.parse import quote
from uuid import UUID

import msgspec

from afflux.domain.accounts import Document
from afflux.domain.records import DocumentType
from afflux.facades.iswigo.wire.values import Number, local_time, number

#: What a document is called here. A statement is no type of its own.
_TYPES = {
    DocumentType.INVOICE: "invoice",
    DocumentType.STATEMENT: "document",
    DocumentType.DOCUMENT: "document",
}
#: What has a meaning in a header's quoted text or in a path, and what is not to be seen.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\xa0"%\\/:*?<>|\u2028\u2029]')
#: RFC 9110, section 8.3: a media type without parameters.
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+", re.ASCII)
#: Characters of a file's name before its dot, and after it.
_LONGEST_NAME, _LONGEST_ENDING = 150, 16


class InvoiceMeta(msgspec.Struct):
    """What an invoice says."""

    amount: Number | None
    payment_date: date | None


class Hash(msgspec.Struct):
    """A digest of the bytes."""

    #: 40 hexadecimal digits.
    sha1: str


class DocumentObject(msgspec.Struct):
    """A document, without its bytes."""

    document_id: UUID
    connection_id: UUID
    #: When it was stored; local time in Paris.
    create_time: str
    name: str
    #: Without a dot.
    extension: str
    mime: str
    #: Bytes.
    size: int
    #: `invoice` or `document`.
    type: str
    #: Of an invoice; otherwise an empty array.
    meta: InvoiceMeta | list[str]
    hash: Hash


def document_object(document: Document) -> DocumentObject:
    """The document as listed and read."""
    return DocumentObject(
        document.id,
        document.connection_id,
        local_time(document.created_at),
        document.name,
        document.extension,
        document.mime,
        document.size,
        _TYPES[document.type],
        _meta(document),
        Hash(document.sha1.hex()),
    )


def _meta(document: Document) -> InvoiceMeta | list[str]:
    amount, day = document.amount, document.payment_date
    if document.type is not DocumentType.INVOICE or (amount is None and day is None):
        return []
    return InvoiceMeta(None if amount is None else number(amount), day)


def types_called(name: str) -> list[DocumentType]:
    """What `filters[type]` means; nothing for a type that does not exist."""
    return [type for type, called in _TYPES.items() if called == name]


def download_headers(document: Document) -> dict[str, str]:
    """What a browser needs to know to store the bytes, and not to run them."""
    return {
        "Content-Type": document.mime if _MEDIA_TYPE.fullmatch(document.mime) else "application/octet-stream",
        "Content-Disposition": disposition(document.name, document.extension),
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }


def disposition(name: str, extension: str) -> str:
    """`Content-Disposition` for a file of any name (RFC 6266), for old clients in ASCII as well."""
    plain = _file_name(_in_ascii(name), _in_ascii(extension))
    full = _file_name(name, extension)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(full, safe='')}"


def _file_name(name: str, extension: str) -> str:
    stem, ending = (_UNSAFE.sub("_", part).strip(". ") for part in (name, extension))
    return ".".join(filter(None, (stem[:_LONGEST_NAME] or "document", ending[:_LONGEST_ENDING])))


def _in_ascii(text: str) -> str:
    """The text without accents, and without what has no letter in ASCII."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()

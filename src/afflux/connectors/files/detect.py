"""Which format a file is, by its content alone, and the reader for it."""

import re

from lxml import etree

from afflux.connectors.files.camt import is_camt, read_camt
from afflux.connectors.files.delimited import read_delimited
from afflux.connectors.files.mapping import FileMapping, read_mapping
from afflux.connectors.files.mt940 import is_mt940, read_mt940
from afflux.connectors.files.ofx import is_ofx, read_ofx
from afflux.connectors.files.qif import is_qif, read_qif
from afflux.connectors.files.safety import FileInvalid, check_bytes
from afflux.connectors.files.statement import Reading
from afflux.connectors.files.text import decode
from afflux.connectors.files.values import shown
from afflux.connectors.files.xml import decode_xml, local_name, parse_xml

#: Characters at the start of a file in which OFX shows itself.
_HEAD = 4096


def read(content: bytes, mapping: str | None) -> Reading:
    """Everything in the file. Raises `FileInvalid` with one line where it cannot be read."""
    check_bytes(content)
    said = read_mapping(mapping)
    if _is_markup(content):
        return _read_markup(content, said)
    text = decode(content, said.encoding)
    if is_ofx(text[:_HEAD]):
        return read_ofx(text, said.constants)
    if is_mt940(text):
        return read_mt940(text, said.constants)
    if is_qif(text):
        return read_qif(text, said)
    if said.columns:
        return read_delimited(content, said)
    raise FileInvalid(
        "The file is none of camt.052, camt.053, camt.054, MT940, MT942, OFX and QIF; "
        "CSV needs a mapping of its columns."
    )


def _is_markup(content: bytes) -> bool:
    """Whether it starts with `<`, in any encoding. OFX 1 starts with header lines, or, rarely, bare with its root."""
    start = content[:_HEAD].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    return start.startswith(b"<") and not re.match(rb"<OFX[\s>]", start, re.IGNORECASE)


def _read_markup(content: bytes, said: FileMapping) -> Reading:
    text = decode_xml(content)
    if is_ofx(text[:_HEAD]):
        return read_ofx(text.replace("\r\n", "\n"), said.constants)
    root = parse_xml(text)
    if is_camt(root):
        return read_camt(root, said.constants)
    message = (etree.QName(root).namespace or "").rpartition(":")[2] or local_name(root)
    raise FileInvalid(
        f"The XML message {shown(message)} is not a statement: camt.052, camt.053, camt.054 and OFX are read."
    )

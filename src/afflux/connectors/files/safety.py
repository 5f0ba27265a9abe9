"""The limits of what is read, and the one way to say that a file cannot be read."""

#: Bytes of a whole file.
MAX_BYTES = 25 * 1024 * 1024
#: Movements in a whole file, over all its accounts.
MAX_ENTRIES = 500_000
#: Characters of one text.
MAX_TEXT = 64 * 1024
#: Elements and attributes of an XML or OFX file, by their `<` and `=`: keeps its tree within the child's memory.
MAX_ELEMENTS = 2_000_000
MAX_ATTRIBUTES = 1_500_000
#: Elements inside each other in OFX; libxml2 has its own limit of 256 for XML.
MAX_DEPTH = 64


class FileInvalid(Exception):
    """The file cannot be read. The message is one line that names the place, for the person who sent it."""


_FOREIGN = (
    (b"PK\x03\x04", "a ZIP archive or an office document; unpack it, or save the sheet as CSV"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"BZh", "a bzip2 archive; unpack it first"),
    (b"\xfd7zXZ\x00", "an xz archive; unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it first"),
    (b"%PDF", "a PDF document"),
    (b"\xd0\xcf\x11\xe0", "an old office document; save the sheet as CSV"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"{\\rtf", "a text document (RTF)"),
)


def check_bytes(content: bytes) -> None:
    """Refuse what cannot be a statement file at all, before anything looks inside."""
    if not content.strip():
        raise FileInvalid("The file is empty.")
    if len(content) > MAX_BYTES:
        raise FileInvalid(f"The file has {len(content)} bytes; at most {MAX_BYTES} are read.")
    for magic, what in _FOREIGN:
        if content.startswith(magic):
            raise FileInvalid(f"This is not a statement file but {what}.")


def check_text(text: str, place: str) -> str:
    """`text`, unless it is too long to be one field of a statement."""
    if len(text) > MAX_TEXT:
        raise FileInvalid(f"{place}: a text of {len(text)} characters; at most {MAX_TEXT} are read.")
    return text


def check_count(count: int) -> None:
    """Refuse a file with more movements than are read."""
    if count > MAX_ENTRIES:
        raise FileInvalid(f"The file has more than {MAX_ENTRIES} entries.")


def check_markup(text: str) -> None:
    """Refuse markup whose tree would need far more memory than the file is long."""
    if text.count("<") - text.count("</") > MAX_ELEMENTS or text.count("=") > MAX_ATTRIBUTES:
        raise FileInvalid(f"The file has more than {MAX_ELEMENTS} elements or {MAX_ATTRIBUTES} attributes.")

"""XML without its dangers: no document type, no entities, no network, bounded size."""

import re
from collections.abc import Iterator
from functools import cache, lru_cache

from lxml import etree

from afflux.connectors.files.safety import MAX_TEXT, FileInvalid, check_markup, check_text
from afflux.connectors.files.text import marked

_DECLARED = re.compile(rb"""\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_DECLARATIONS = re.compile(r"""\A(<[^\s/>]+)(?: xmlns(?::[^\s=]+)?="[^"]*")+""")
_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")
#: Part of UTF-8, and what OFX files in UTF-8 often call themselves.
_ASCII = re.compile(r"(us-?)?ascii", re.I)
#: Encodings of the ASCII family and UTF-16: in any other one, the check for a document type could be fooled.
_ENCODINGS = re.compile(r"utf-?8|utf-?16(le|be)?|iso-?8859-?[0-9]{1,2}|latin-?[0-9]|windows-?125[0-8]|cp125[0-8]", re.I)


def decode_xml(content: bytes) -> str:
    """The text of an XML file in the encoding it declares, or UTF-8."""
    encoding = marked(content) or _declared(content)
    if not _ENCODINGS.fullmatch(encoding):
        raise FileInvalid(f"The XML encoding {encoding} is not read.")
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except (UnicodeError, LookupError) as error:
        position = getattr(error, "start", 0)
        raise FileInvalid(f"Byte {position + 1}: the file is not written in {encoding}, as it says.") from None


def _declared(content: bytes) -> str:
    if content[:4] in (b"<\0?\0", b"\0<\0?"):
        return "utf-16-le" if content[0] else "utf-16-be"
    match = _DECLARED.match(content[:1024])
    name = match[1].decode("ascii") if match else "utf-8"
    return "utf-8" if _ASCII.fullmatch(name) else name


def parse_xml(text: str) -> etree._Element:
    """The root element of `text`, without comments and processing instructions."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise FileInvalid("The XML has a document type declaration (DOCTYPE); such files are refused.")
    check_markup(text)
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(_blank_declaration(text).encode("utf-8"), parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        raise FileInvalid(f"Line {line}, column {column}: the XML is broken: {_reason(error)}.") from None


def _blank_declaration(text: str) -> str:
    # The declared encoding no longer holds after decoding; spaces keep line numbers and columns right.
    match = _DECLARATION.match(text)
    if match is None:
        return text.lstrip()
    return "\n" * match[0].count("\n") + text[match.end() :]


def _reason(error: etree.XMLSyntaxError) -> str:
    reason = (error.msg or "not well-formed").split(", line ")[0]
    return " ".join(reason.split())[:120]


#: Elements that come in thousands: each is a part of its own, looked into only when its turn comes.
_APART = frozenset({"Stmt", "Rpt", "Ntfctn", "Ntry", "TxDtls"})
#: Elements in which nothing is asked for.
_UNREAD = frozenset({"PstlAdr", "RltdAgts", "SplmtryData", "CtctDtls"})
_CLOSED = _APART | _UNREAD
#: No path that is asked for is longer, and no name in the message definitions either.
_MAX_STEPS, _MAX_NAME = 8, 64


class Part:
    """An element whose descendants are found by paths of local names, in whatever namespace.

    All paths are noted in one walk, when the first is asked for. An entry is asked for about sixty of them, and asking
    lxml for each takes four times as long.
    """

    __slots__ = ("_paths", "element")

    def __init__(self, element: etree._Element) -> None:
        self.element = element
        self._paths: dict[str, list[etree._Element]] | None = None

    @property
    def paths(self) -> dict[str, list[etree._Element]]:
        """The elements below this one by path, in order."""
        if self._paths is None:
            self._paths = {}
            _note(self.element, "", _MAX_STEPS, self._paths)
        return self._paths

    def forget(self) -> None:
        """Let go of the paths: a batch has tens of thousands of parts."""
        self._paths = None

    @property
    def text(self) -> str:
        """The text before the first child, stripped."""
        return (self.element.text or "").strip()

    @property
    def name(self) -> str:
        """The tag without its namespace."""
        return _local(self.element.tag)

    @property
    def line(self) -> int | None:
        """Where it stands in the file."""
        line: int | None = self.element.sourceline
        return line

    def get(self, attribute: str) -> str | None:
        """The value of an attribute."""
        value: str | None = self.element.get(attribute)
        return value


def _note(element: etree._Element, prefix: str, steps: int, paths: dict[str, list[etree._Element]]) -> None:
    for child in element:
        name = _local(child.tag)
        path = prefix + name
        if path in paths:
            paths[path].append(child)
        else:
            paths[path] = [child]
        if steps > 1 and len(child) and name not in _CLOSED:
            _note(child, f"{path}/", steps - 1, paths)


@cache
def _alternatives(path: str) -> tuple[str, ...]:
    return tuple(path.split("|"))


@lru_cache(maxsize=1024)
def _local(tag: str) -> str:
    return tag.rpartition("}")[2][:_MAX_NAME]


def find(part: Part, path: str) -> Part | None:
    """The first element at a path of local names."""
    found = part.paths.get(path)
    return Part(found[0]) if found else None


def each(part: Part, path: str) -> Iterator[Part]:
    """All elements at a path of local names, one after the other."""
    return map(Part, part.paths.get(path, ()))


def words(part: Part, path: str) -> str | None:
    """The text at the first of the alternatives `a/b|c/d` that has one; None if there is none."""
    paths = part.paths
    for alternative in _alternatives(path):
        found = paths.get(alternative)
        if found and (text := (found[0].text or "").strip()):
            return text if len(text) <= MAX_TEXT else check_text(text, _place(found[0]))
    return None


def _place(element: etree._Element) -> str:
    return f"line {element.sourceline}, element {_local(element.tag)}"


def source(part: Part) -> str:
    """The element as XML without inherited namespaces: an entry is the same text in a camt.052 and in a camt.053."""
    text: str = etree.tostring(part.element, encoding="unicode", with_tail=False)
    return _DECLARATIONS.sub(r"\1", text)


def local_name(element: etree._Element) -> str:
    """The tag without its namespace."""
    return _local(element.tag)

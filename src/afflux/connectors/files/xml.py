"""XML without its dangers: no document type, no entities, no network, bounded size."""

import re
from functools import cache, lru_cache

from lxml import etree

from afflux.connectors.files.safety import MAX_TEXT, FileInvalid, check_markup, check_text
from afflux.connectors.files.text import marked

_DECLARED = re.compile(rb"""\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_DECLARATIONS = re.compile(r"""\A(<[^\s/>]+)(?: xmlns(?::[^\s=]+)?="[^"]*")+""")
_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")
#: Encodings of the ASCII family and UTF-16: in any other one, the check for a document type could be fooled.
_ENCODINGS = re.compile(
    r"utf-?8|utf-?16(le|be)?|us-?ascii|ascii|iso-?8859-?[0-9]{1,2}|latin-?[0-9]|windows-?125[0-8]|cp125[0-8]", re.I
)


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
    return match[1].decode("ascii") if match else "utf-8"


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


class Part:
    """An element whose children are found by local name, in whatever namespace.

    The children are sorted by name once, when first asked for: an entry is asked about a hundred times, and asking
    lxml anew each time takes ten times as long.
    """

    __slots__ = ("_children", "element")

    def __init__(self, element: etree._Element) -> None:
        self.element = element
        self._children: dict[str, list[Part]] | None = None

    def children(self, name: str) -> list["Part"]:
        """The children of this local name, in order."""
        if self._children is None:
            self._children = {}
            for child in self.element:
                self._children.setdefault(_local(child.tag), []).append(Part(child))
        return self._children.get(name, [])

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
        return self.element.sourceline

    def get(self, attribute: str) -> str | None:
        """The value of an attribute."""
        return self.element.get(attribute)


@cache
def _alternatives(path: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(alternative.split("/")) for alternative in path.split("|"))


@lru_cache(maxsize=1024)
def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _descend(part: Part, steps: tuple[str, ...]) -> list[Part]:
    found = part.children(steps[0])
    for step in steps[1:]:
        found = found[0].children(step) if len(found) == 1 else [child for one in found for child in one.children(step)]
    return found


def find(part: Part, path: str) -> Part | None:
    """The first element at a path of local names."""
    return next(iter(find_all(part, path)), None)


def find_all(part: Part, path: str) -> list[Part]:
    """All elements at a path of local names."""
    return _descend(part, _alternatives(path)[0])


def words(part: Part, path: str) -> str | None:
    """The text at the first of the alternatives `a/b|c/d` that has one; None if there is none."""
    for steps in _alternatives(path):
        found = _descend(part, steps)
        if found and (text := found[0].text):
            return check_text(text, f"line {found[0].line}, element {found[0].name}") if len(text) > MAX_TEXT else text
    return None


def source(part: Part) -> str:
    """The element as XML without inherited namespaces: an entry is the same text in a camt.052 and in a camt.053."""
    text: str = etree.tostring(part.element, encoding="unicode", with_tail=False)
    return _DECLARATIONS.sub(r"\1", text)


def local_name(element: etree._Element) -> str:
    """The tag without its namespace."""
    return _local(element.tag)

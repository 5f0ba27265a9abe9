"""OFX markup as a tree: SGML, where values are never closed and empty ones look like aggregates, and XML alike."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from afflux.connectors.files.safety import MAX_DEPTH, FileInvalid, check_markup, check_text

_TOKEN = re.compile(
    r"<!\[CDATA\[(?P<cdata>.*?)\]\]>|<(?:!--.*?--|\?[^>]*\?)>|<(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9_.:-]*)(?:\s[^<>]*?)?(?P<empty>/?)>",
    re.DOTALL,
)


@dataclass(slots=True)
class Node:
    """An aggregate: its values by name, and the aggregates in it."""

    name: str
    #: Where it starts and ends in the text.
    start: int
    end: int = 0
    values: dict[str, str] = field(default_factory=dict)
    nodes: list["Node"] = field(default_factory=list)

    def iter(self, *names: str) -> Iterator["Node"]:
        """Aggregates with one of these names at any depth, in order, not looking inside those found."""
        for node in self.nodes:
            if node.name in names:
                yield node
            else:
                yield from node.iter(*names)

    def find(self, name: str) -> "Node | None":
        """The first aggregate of this name at any depth."""
        return next(self.iter(name), None)


def parse_markup(text: str) -> Node:
    """The `OFX` aggregate. A file that ends before `OFX` is closed is refused: it was cut off."""
    if "<!DOCTYPE" in text.upper()[:65536] or "<!ENTITY" in text:
        raise FileInvalid("The OFX file has a document type declaration (DOCTYPE); such files are refused.")
    check_markup(text)
    # Each opening has its end ahead, so that looking for ends takes linear time.
    for opening, end in (("<![CDATA[", "]]>"), ("<!--", "-->"), ("<?", "?>")):
        if text.rfind(opening) > text.rfind(end):
            raise FileInvalid(f"The OFX file ends inside {opening}; it was cut off.")
    match = re.search(r"<OFX[\s>]", text, re.IGNORECASE)
    if match is None:
        raise FileInvalid("The OFX file has no OFX element.")
    builder = _Builder(text)
    return builder.build(match.start())


class _Builder:
    """Turns tokens into nodes. `open` is the stack of aggregates, or of empty values not yet known as such."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.root = Node("", 0)
        self.open = [self.root]
        #: The last token opened an element: text that follows is its value.
        self.fresh = False
        #: The name of the value just read, while its closing tag may still come.
        self.leaf = ""

    def build(self, start: int) -> Node:
        position = start
        for token in _TOKEN.finditer(self.text, start):
            self._data(self.text[position : token.start()], token["cdata"])
            position = token.end()
            if token["name"]:
                self._tag(token)
            if len(self.open) == 1 and self.root.nodes:
                return self.root.nodes[0]
        inside = self.open[-1].name
        raise FileInvalid(f"Line {self._line(self.open[-1].start)}: the file ends inside {inside}; it was cut off.")

    def _data(self, between: str, cdata: str | None) -> None:
        value = html.unescape(between).strip() if not cdata else (between + cdata).strip()
        if not value or len(self.open) < 2:
            return
        if self.fresh:
            node = self.open.pop()
            self.fresh, self.leaf = False, node.name
            self.open[-1].values.setdefault(node.name, check_text(value, f"element {node.name}"))
        elif self.leaf and self.leaf in self.open[-1].values:
            joined = f"{self.open[-1].values[self.leaf]}{value}"
            self.open[-1].values[self.leaf] = check_text(joined, f"element {self.leaf}")

    def _tag(self, token: re.Match[str]) -> None:
        name = token["name"].upper()
        if token["close"]:
            self._close(name, token.end())
        elif not token["empty"]:
            if len(self.open) > MAX_DEPTH:
                raise FileInvalid(f"Line {self._line(token.start())}: elements are more than {MAX_DEPTH} deep.")
            self.open.append(Node(name, token.start()))
            self.fresh = True
            self.leaf = ""

    def _close(self, name: str, end: int) -> None:
        fresh, self.fresh = self.fresh, False
        if name == self.leaf:
            self.leaf = ""
            return
        if fresh and self.open[-1].name == name and name != "OFX":
            self._keep(self.open.pop(), end)
            return
        if name not in (node.name for node in self.open):
            return
        # Whatever is open above it was an empty value, never closed: its contents belong one level higher.
        strays = []
        while self.open[-1].name != name:
            strays.append(self.open.pop())
        node = self.open.pop()
        for stray in reversed(strays):
            node.nodes += stray.nodes
            node.values = stray.values | node.values
        self._keep(node, end)

    def _keep(self, node: Node, end: int) -> None:
        node.end = end
        self.leaf = ""
        self.open[-1].nodes.append(node)

    def _line(self, position: int) -> int:
        return self.text.count("\n", 0, position) + 1

"""What there is to read about the dialects: `/`, `/docs/<dialect>` for people, and its `openapi.json` for programs."""

import re
from collections.abc import Sequence
from functools import cached_property

import msgspec
from litestar import MediaType, Response, Router, get
from litestar.di import NamedDependency, Provide
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from markupsafe import Markup, escape

from afflux.web.openapi import Dialect, Json, describe
from afflux.web.pages import Pages, stylesheet

_PAGES = Pages("afflux.web", "/docs")
_KEPT = {"Cache-Control": "public, max-age=300"}


class Reference:
    """The documentation of one dialect, made when it is first asked for."""

    def __init__(self, dialect: Dialect, url: str) -> None:
        """`url` is where clients reach the server."""
        self.dialect = dialect
        self._url = url

    @cached_property
    def document(self) -> Json:
        """As OpenAPI has it."""
        return describe(self.dialect, self._url)

    @cached_property
    def json(self) -> bytes:
        """The document as it is sent."""
        return msgspec.json.format(msgspec.json.encode(self.document), indent=2)

    @cached_property
    def page(self) -> Response[str]:
        """The document as people read it."""
        return _PAGES.page(
            "reference.html",
            headers=_KEPT,
            dialect=self.dialect,
            document=self.document,
            resolved=self._resolved,
            pretty=_pretty,
            marked=_marked,
        )

    def _resolved(self, value: Json) -> Json:
        """What a reference within the document leads to; anything else as it is."""
        found: Json = value
        if "$ref" in value:
            found = self.document
            for step in value["$ref"].removeprefix("#/").split("/"):
                found = found[step]
        return found


def _pretty(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _marked(text: str) -> Markup:
    """The text with what is between backticks shown as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped first


class Shelf:
    """The documentation of all dialects."""

    def __init__(self, dialects: Sequence[Dialect], url: str) -> None:
        """`url` is where clients reach the server."""
        self._references = {dialect.name: Reference(dialect, url) for dialect in dialects}

    @property
    def dialects(self) -> list[Dialect]:
        """In the order they were given."""
        return [reference.dialect for reference in self._references.values()]

    def find(self, name: str) -> Reference:
        """Raises `NotFoundException`."""
        if name not in self._references:
            raise NotFoundException
        return self._references[name]


GivenShelf = NamedDependency[Shelf]


@get(["/", "/docs"], include_in_schema=False, sync_to_thread=False)
def index(shelf: GivenShelf) -> Response[str]:
    """Which dialects are spoken here."""
    return _PAGES.page("index.html", headers=_KEPT, dialects=shelf.dialects)


@get("/docs/{name:str}", include_in_schema=False, sync_to_thread=True)
def reference(shelf: GivenShelf, name: FromPath[str]) -> Response[str]:
    """A dialect for people."""
    return shelf.find(name).page


@get("/docs/{name:str}/openapi.json", include_in_schema=False, sync_to_thread=True)
def openapi(shelf: GivenShelf, name: FromPath[str]) -> Response[bytes]:
    """A dialect for programs."""
    return Response(shelf.find(name).json, media_type=MediaType.JSON, headers=_KEPT)


def documentation(dialects: Sequence[Dialect], url: str) -> Router:
    """The routes."""
    shelf = Shelf(dialects, url)
    return Router(
        "/",
        route_handlers=[index, reference, openapi, Router("/docs", route_handlers=[stylesheet])],
        dependencies={"shelf": Provide(lambda: shelf, sync_to_thread=False)},
    )

"""The OpenAPI document of a dialect, made of its routes and of the objects that travel.

Docstrings are its texts: of a route module the tag's, of a handler the operation's, of a struct the schema's; and the
`#:` comment above a member is what is said of that member.
"""

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast, get_args, get_type_hints

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import Server

from afflux.web.examples import example

Json = dict[str, Any]

_METHODS = ("get", "post", "put", "patch", "delete")
_ORDER = ("tags", "summary", "description", "operationId", "security", "parameters", "requestBody", "responses")
#: What Litestar says even where there is nothing to say.
_IDLE = {"deprecated": False, "allowEmptyValue": False, "allowReserved": False, "headers": {}}


@dataclass(frozen=True, slots=True)
class Section:
    """A passage of the guide to a dialect."""

    title: str
    #: Paragraphs.
    texts: tuple[str, ...]
    #: Lines for a shell.
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """A wire API, as far as its documentation has to know it."""

    #: Its segment of the path below `/docs`.
    name: str
    title: str
    version: str
    sections: tuple[Section, ...]
    handlers: Sequence[HTTPRouteHandler]
    #: The application that serves them, with its document.
    app: Callable[[OpenAPIConfig], Litestar]
    #: OpenAPI's security schemes by name.
    schemes: Mapping[str, Json]
    #: Says of an operation what only its dialect knows: who may call it, which headers come back.
    annotate: Callable[[HTTPRouteHandler, Json], None]
    #: What a body (by operation id) or a member (by name) can look like.
    examples: Mapping[str, Any]


def describe(dialect: Dialect, url: str) -> Json:
    """The document; `url` is where clients reach the server."""
    found = _generated(dialect, url)
    handlers = {_operation_id(each, method, ()): each for each in dialect.handlers for method in each.http_methods}
    schemas = _schemas(dialect.handlers)
    paths = {path: _path(dialect, handlers, schemas, item) for path, item in found["paths"].items()}
    shared = _share_refusals(paths)
    order = {name: place for place, name in enumerate(handlers)}
    return {
        "openapi": found["openapi"],
        "info": {"title": dialect.title, "version": dialect.version, "description": _description(dialect.sections)},
        "servers": found["servers"],
        "tags": _tags(dialect.handlers),
        "paths": dict(
            sorted(paths.items(), key=lambda item: min(order[each["operationId"]] for each in item[1].values()))
        ),
        "components": {"schemas": schemas, "responses": shared, "securitySchemes": dict(dialect.schemes)},
    }


def _generated(dialect: Dialect, url: str) -> Json:
    """What Litestar makes of the routes."""
    config = OpenAPIConfig(
        title=dialect.title,
        version=dialect.version,
        servers=[Server(url)],
        operation_id_creator=_operation_id,
        use_handler_docstrings=True,
    )
    return dialect.app(config).openapi_schema.to_schema()


def _operation_id(handler: HTTPRouteHandler, method: str, _: object) -> str:
    """The handler's name, which is one operation's unless it serves several methods."""
    name = str(handler.handler_name)
    return name if len(handler.http_methods) == 1 else f"{name}_{method.lower()}"


def _description(sections: tuple[Section, ...]) -> str:
    """The guide as Markdown."""
    passages = [
        [f"## {each.title}", *each.texts, *([f"```sh\n{each.code}\n```"] if each.code else [])] for each in sections
    ]
    return "\n\n".join(text for passage in passages for text in passage)


def _tags(handlers: Sequence[HTTPRouteHandler]) -> list[Json]:
    """One for each module of routes."""
    modules = dict.fromkeys(handler.fn.__module__ for handler in handlers)
    return [{"name": _tag(name), "description": _module_text(name)} for name in modules]


def _tag(module: str) -> str:
    return module.rpartition(".")[2]


def _module_text(name: str) -> str:
    """The first sentence of a module's docstring, without the reference to the contract."""
    sentence = (sys.modules[name].__doc__ or "").strip().partition("\n")[0]
    return sentence.partition(" (contract")[0].rstrip(".") + "."


# Operations.


def _path(dialect: Dialect, handlers: Mapping[str, HTTPRouteHandler], schemas: Json, item: Json) -> Json:
    return {
        method: _operation(dialect, handlers[item[method]["operationId"]], schemas, item[method])
        for method in _METHODS
        if method in item
    }


def _operation(dialect: Dialect, handler: HTTPRouteHandler, schemas: Json, found: Json) -> Json:
    operation = cast(Json, _tidied(found))
    for parameter in operation.get("parameters", ()):
        parameter["schema"] = _present(parameter["schema"])
    summary, _, more = " ".join(found["description"].split()).partition(". ")
    operation |= {"tags": [_tag(handler.fn.__module__)], "summary": summary.rstrip("."), "description": more}
    for status, response in operation["responses"].items():
        _complete_response(handler, int(status), response)
    for media in _bodies(operation):
        name = operation["operationId"] if media is _request(operation) else ""
        media["example"] = example(media["schema"], schemas, dialect.examples, name)
    dialect.annotate(handler, operation)
    return {key: operation[key] for key in _ORDER if operation.get(key)}


def _complete_response(handler: HTTPRouteHandler, status: int, response: Json) -> None:
    """Bytes are not JSON, and a success is called by its name."""
    if status < HTTPStatus.BAD_REQUEST:
        response["description"] = HTTPStatus(status).phrase
        if get_args(get_type_hints(handler.fn)["return"]) == (bytes,):
            response["content"] = {"*/*": {"schema": {"type": "string", "format": "binary"}}}


def _share_refusals(paths: Json) -> Json:
    """Say an error that several operations answer with once: the components that references now lead to."""
    shared: Json = {}
    for responses in [operation["responses"] for item in paths.values() for operation in item.values()]:
        for status, response in responses.items():
            name = HTTPStatus(int(status)).phrase.title().replace(" ", "")
            if int(status) >= HTTPStatus.BAD_REQUEST and shared.setdefault(name, response) == response:
                responses[status] = {"$ref": f"#/components/responses/{name}"}
    return dict(sorted(shared.items()))


def _bodies(operation: Json) -> Iterator[Json]:
    """The JSON that is sent, and what comes back when all is well."""
    if request := _request(operation):
        yield request
    for status, response in operation["responses"].items():
        if status.startswith("2") and "application/json" in response.get("content", {}):
            yield response["content"]["application/json"]


def _request(operation: Json) -> Json | None:
    found: Json | None = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return found


def _tidied(value: Any) -> Any:
    """The value without what says nothing."""
    if isinstance(value, list):
        return [_tidied(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {key: _tidied(each) for key, each in value.items() if not (key in _IDLE and _IDLE[key] == each)}


def _present(schema: Json) -> Json:
    """The schema of a parameter that is there: null is no text, and what it means is said beside it."""
    options = [each for each in schema.get("oneOf", ()) if each != {"type": "null"}]
    kept = {key: value for key, value in schema.items() if key not in ("oneOf", "description")}
    return kept | (options[0] if len(options) == 1 else {"anyOf": options} if options else {})


# Schemas.


def _schemas(handlers: Sequence[HTTPRouteHandler]) -> Json:
    """Every object that a route takes or gives, by name."""
    structs = list(dict.fromkeys(struct for handler in handlers for struct in _structs(_annotations(handler))))
    _, schemas = msgspec.json.schema_components(structs, ref_template="#/components/schemas/{name}")
    for struct in structs:
        for member, comment in _comments(struct).items():
            schemas[struct.__name__]["properties"].get(member, {}).setdefault("description", comment)
    return {name: schemas[name] for name in sorted(schemas)}


def _annotations(handler: HTTPRouteHandler) -> list[Any]:
    hints = get_type_hints(handler.fn, include_extras=True)
    answers = [each.data_container for each in (handler.responses or {}).values()]
    return [hints["return"], hints.get("data"), *answers]


def _structs(annotations: Sequence[Any]) -> Iterator[type[msgspec.Struct]]:
    """The structs in the annotations, and those in them."""
    for annotation in annotations:
        if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
            yield annotation
            yield from _structs(list(get_type_hints(annotation, include_extras=True).values()))
        yield from _structs(get_args(annotation))


def _comments(struct: type[msgspec.Struct]) -> dict[str, str]:
    """What the `#:` comments say of the members."""
    found: dict[str, str] = {}
    bases = [each for each in struct.__mro__ if isinstance(each, msgspec.StructMeta) and each is not msgspec.Struct]
    for each in reversed(bases):
        said: list[str] = []
        for line in map(str.strip, inspect.getsource(each).splitlines()):
            if line.startswith("#:"):
                said.append(line.removeprefix("#:").strip())
            elif said:
                found[line.partition(":")[0]] = " ".join(said)
                said = []
    return found

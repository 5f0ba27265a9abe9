"""What JSON that fits a schema can look like."""

from collections.abc import Mapping
from typing import Any

_PLAIN: dict[str, Any] = {"string": "text", "integer": 1, "number": 12.5, "boolean": True, "null": None}


def example(schema: Mapping[str, Any], schemas: Mapping[str, Any], known: Mapping[str, Any], name: str = "") -> Any:
    """A value for `schema`, whose references lead into `schemas`.

    `known` has values by name, which come first: of a body, of a member, or of an object's member (`User.email`). A
    member that may be left out is, unless it is known.
    """
    if name in known:
        return known[name]
    if "$ref" in schema:
        return example(schemas[schema["$ref"].rpartition("/")[2]], schemas, known, name)
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return example(schema[choice][0], schemas, known, name)
    for settled in ("const", "default"):
        if settled in schema:
            return schema[settled]
    if "enum" in schema:
        return schema["enum"][0]
    return _of_type(schema, schemas, known, name)


def _of_type(schema: Mapping[str, Any], schemas: Mapping[str, Any], known: Mapping[str, Any], name: str) -> Any:
    match schema.get("type"):
        case "array":
            return [example(schema["items"], schemas, known, name)]
        case "object":
            return {
                member: example(each, schemas, known, own if own in known else member)
                for member, each in schema.get("properties", {}).items()
                if (own := f"{schema.get('title')}.{member}") in known
                or member in known
                or member in schema.get("required", ())
            }
        case kind:
            return _PLAIN.get(str(kind))

"""What has to be true of every facade's OpenAPI document."""

from collections.abc import Iterator

import jsonschema_rs

from afflux.web.openapi import Json


def operations(document: Json, home: str = "") -> Iterator[tuple[str, Json]]:
    """Each operation by method and path; `home` is what all paths begin with."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path.removeprefix(home)}", operation


def check_examples(document: Json, least: int) -> None:
    """The examples, more than `least` of them, are what they are examples of."""
    media = [
        each
        for _, operation in operations(document)
        for part in (operation.get("requestBody", {}), *operation["responses"].values())
        for each in part.get("content", {}).values()
        if "example" in each
    ]
    assert len(media) > least
    for each in media:
        whole = {**each["schema"], "components": document["components"]}
        jsonschema_rs.Draft202012Validator(whole).validate(each["example"])

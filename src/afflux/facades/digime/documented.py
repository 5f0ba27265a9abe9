"""What routes say of themselves in the OpenAPI document."""

from litestar.openapi import ResponseSpec

from afflux.facades.digime.errors import Error

_MEANINGS = {
    400: "The request is wrong; the code says how",
    401: "The request's token, or one of ours in it, is no good",
    403: "The contract does not go that far",
    404: "There is no such thing, or it is somebody else's",
    406: "The client takes no JSON",
    413: "The body is too large",
    429: "The contract asks too often; try again with the same token after `Retry-After`",
    500: "Something went wrong on our side; try again with the same token",
    503: "The database is away; try again with the same token",
}


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """The errors a route answers with, besides those of every route."""
    return {
        status: ResponseSpec(Error, description=_MEANINGS[status], generate_examples=False)
        for status in sorted({400, 406, 413, 500, 503, *statuses})
    }

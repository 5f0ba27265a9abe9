"""What routes say of themselves in the OpenAPI document."""

from litestar.openapi import ResponseSpec

from afflux.facades.d1.errors import Error

_MEANINGS = {
    400: "The request is wrong; the text says how",
    401: "The access token is missing, wrong or over",
    403: "The token is another issuer's, or lacks the scope",
    404: "There is no such thing",
    409: "The consumer is being deleted",
    413: "The body is larger than 1 MiB",
    415: "The body is not JSON",
    503: "The database is away; try again",
}


def problems(*statuses: int, token: bool = True) -> dict[int, ResponseSpec]:
    """The errors a route answers with, besides those of every route; `token`: whether it asks for one."""
    return {
        status: ResponseSpec(Error, description=_MEANINGS[status], generate_examples=False)
        for status in sorted({413, 503, *statuses, *([401] if token else [])})
    }

"""What routes say of themselves in the OpenAPI document."""

from litestar.openapi import ResponseSpec

from afflux.facades.iswigo.errors import Error

_MEANINGS = {
    400: "The request is wrong; the description says how",
    401: "The signature or the access token is missing or wrong",
    403: "The application or the user is not entitled",
    404: "There is no such thing, or it is somebody else's",
    409: "It is taken",
    413: "The body is larger than 1 MiB",
    415: "The body is not JSON",
    429: "The application asks too often; try again after `Retry-After`",
    503: "The database is away; try again",
}
#: What any request may be answered with.
EVERYWHERE = (400, 401, 413, 429, 503)


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """The errors a route answers with, besides those of `EVERYWHERE`."""
    return {
        status: ResponseSpec(Error, description=_MEANINGS[status], generate_examples=False)
        for status in sorted({*EVERYWHERE, *statuses})
    }

"""Pages for people: templates that escape everything, and headers that let a browser do nothing else."""

from datetime import UTC, datetime
from importlib.resources import files

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from litestar import MediaType, Response, get

_NOTHING_ELSE = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_STYLE = files("afflux.web").joinpath("static/style.css").read_bytes()
_BANK = files("afflux.web").joinpath("static/bank.svg").read_bytes()


class Pages:
    """The pages of one surface: the templates of its package, which may extend `base.html` beside this module."""

    def __init__(self, package: str, home: str) -> None:
        """`package` has a folder `templates`; `home` is the path below which `stylesheet` is served."""
        self._environment = Environment(
            loader=ChoiceLoader([PackageLoader(package), PackageLoader("afflux.web")]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals["home"] = home

    def page(
        self, template: str, status: int = 200, headers: dict[str, str] | None = None, **values: object
    ) -> Response[str]:
        """A template with its values filled in, as an answer that nobody keeps; `headers` come over the usual ones."""
        text = self._environment.get_template(template).render(values)
        kept = {**_NOTHING_ELSE, "Cache-Control": "no-store", **(headers or {})}
        return Response(text, status_code=status, media_type=MediaType.HTML, headers=kept)


def sent_on(location: str) -> Response[None]:
    """Send the browser there, without a word of where it was."""
    headers = {"Location": location, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    # As text, since None as JSON would be a body.
    return Response(None, status_code=303, media_type=MediaType.TEXT, headers=headers)


def in_words(moment: datetime) -> str:
    """Such as `3 February 2031, 09:15 UTC`."""
    utc = moment.astimezone(UTC)
    return f"{utc.day} {utc:%B %Y, %H:%M} UTC"


@get("/style.css", include_in_schema=False, sync_to_thread=False)
def stylesheet() -> Response[bytes]:
    """What all pages look like."""
    headers = {**_NOTHING_ELSE, "Cache-Control": "public, max-age=3600"}
    return Response(_STYLE, media_type=MediaType.CSS, headers=headers)


@get("/bank.svg", include_in_schema=False, sync_to_thread=False)
def bank_picture() -> Response[bytes]:
    """What stands for a bank without a logo."""
    headers = {**_NOTHING_ELSE, "Cache-Control": "public, max-age=86400"}
    return Response(_BANK, media_type="image/svg+xml", headers=headers)

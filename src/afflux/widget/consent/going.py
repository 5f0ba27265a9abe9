"""Where the browser goes next: on to the application, or back to where it came from."""

from urllib.parse import urlsplit
from uuid import UUID

from litestar import Response

from afflux.domain.contracts import ContractKind
from afflux.domain.errors import Conflict, NotFound
from afflux.domain.libraries import Visit, VisitKind
from afflux.runtime import Runtime
from afflux.services import consent_visits, postboxes
from afflux.services.consents import with_query
from afflux.web import forms
from afflux.web.pages import sent_on
from afflux.widget.consent.visits import AnyRequest, Arrival, Declined

HOME = "/apps/saas"
COOKIE = "afflux_consent"


def headers(runtime: Runtime, arrival: Arrival, word: str, *leads_to: str) -> dict[str, str]:
    """What lets a form be sent from this browser only, and its redirect lead on: home, or to one of these."""
    home = urlsplit(runtime.settings.public_url)
    secure, path = home.scheme == "https", home.path.rstrip("/") + HOME
    return {
        "Set-Cookie": forms.set_cookie(COOKIE, word, path, secure=secure, same_site="Lax"),
        "Content-Security-Policy": forms.policy(arrival.visit.redirect_uri, arrival.callback, *leads_to),
    }


async def on(request: AnyRequest, runtime: Runtime, arrival: Arrival) -> Response[None]:
    """After the decision, for the browser it was made in. Raises `Declined` for another one."""
    if not consent_visits.is_by(arrival.visit, request.cookies.get(COOKIE, "")):
        raise Declined(arrival.callback, "INVALID_CODE")
    if arrival.service is not None and arrival.visit.contract.kind is ContractKind.READ:
        return sent_on(f"{HOME}/link?{arrival.query}")
    return await finish(runtime, arrival)


async def finish(runtime: Runtime, arrival: Arrival) -> Response[None]:
    """End the visit well, and send the browser on. Raises `Declined` where it has ended before."""
    visit = arrival.visit
    if visit.user_id is None:
        raise Declined(arrival.callback, "INVALID_CODE")
    try:
        more = await _postbox(runtime, visit, visit.user_id)
        async with runtime.database.transaction() as tx:
            parameters = await consent_visits.finish(tx, runtime, visit, visit.user_id)
    except NotFound:
        raise Declined(arrival.callback, "INVALID_CODE") from None
    except Conflict:
        raise Declined(arrival.callback, "SERVER_ERROR") from None
    home = arrival.callback if visit.kind is VisitKind.ONBOARD else visit.redirect_uri
    return sent_on(with_query(home, {**parameters, **more}))


async def _postbox(runtime: Runtime, visit: Visit, user_id: UUID) -> dict[str, str]:
    """Where a contract that writes may push to. Raises `NotFound` for a user who is gone."""
    if visit.kind is VisitKind.ONBOARD or visit.contract.kind is not ContractKind.WRITE:
        return {}
    postbox = await postboxes.opened(runtime, visit.contract.registration, user_id)
    return {"postboxId": postbox.public_id, "publicKey": postbox.public_key}

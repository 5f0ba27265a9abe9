"""Sessions of the widget (contract: section 3.8)."""

import msgspec


class SessionLinks(msgspec.Struct):
    """Where the user's browser may be sent; whoever sends it there appends `&name=value`."""

    add_connection: str
    professional_account: str
    terms: str


class WidgetSession(msgspec.Struct, rename={"links": "_links"}):
    """Screens that are open for the user for an hour."""

    session_id: str
    links: SessionLinks


def widget_session(session_id: str, base: str, *, captive: bool) -> WidgetSession:
    """The session as answered; `base` is the address below which the screens are."""

    def link(screen: str) -> str:
        return f"{base}/widget/{screen}?session_id={session_id}" + ("" if captive else "&captive_mode=false")

    return WidgetSession(session_id, SessionLinks(link("add_connection"), link("professional-account"), link("terms")))

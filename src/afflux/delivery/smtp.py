"""Mail by SMTP (RFC 5321), encrypted where the server can (RFC 3207, RFC 8314), its certificate always checked."""

import smtplib
import ssl
from email.message import EmailMessage
from urllib.parse import SplitResult, unquote, urlsplit

from afflux.delivery.letter import Undelivered

#: Seconds for each answer of the server.
_PATIENCE = 15.0
#: Ports of submission, unless the URL names one.
_PORTS = {"smtp": 587, "smtps": 465}


def send(url: str, message: EmailMessage, sender: str, recipient: str) -> None:
    """Hand the message to the server at `url`. Blocks. Raises `Undelivered`."""
    try:
        with _connect(urlsplit(url)) as server:
            server.send_message(message, sender, [recipient])
    except smtplib.SMTPRecipientsRefused as error:
        ((code, _),) = error.recipients.values()
        raise Undelivered(f"recipient refused, {code}", for_good=code >= 500) from None
    except smtplib.SMTPResponseException as error:
        text = f"{type(error).__name__}, {error.smtp_code}"
        raise Undelivered(text, for_good=isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500) from None
    except (OSError, ValueError) as error:
        raise Undelivered(type(error).__name__) from None


def _connect(url: SplitResult) -> smtplib.SMTP:
    """A connection ready for mail."""
    trusted = ssl.create_default_context()
    host, port = url.hostname or "", url.port or _PORTS[url.scheme]
    server: smtplib.SMTP
    if url.scheme == "smtps":
        server = smtplib.SMTP_SSL(host, port, timeout=_PATIENCE, context=trusted)
    else:
        server = smtplib.SMTP(host, port, timeout=_PATIENCE)
    try:
        _prepare(server, url, trusted)
    except BaseException:
        server.close()
        raise
    return server


def _prepare(server: smtplib.SMTP, url: SplitResult, trusted: ssl.SSLContext) -> None:
    """Encrypt and log in."""
    server.ehlo_or_helo_if_needed()
    if server.has_extn("starttls") and not isinstance(server, smtplib.SMTP_SSL):
        server.starttls(context=trusted)
    if url.username is None:
        return
    if not isinstance(server.sock, ssl.SSLSocket):
        raise Undelivered("no encryption is offered, so the password is not sent")
    server.login(unquote(url.username), unquote(url.password or ""))

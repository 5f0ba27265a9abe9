"""Sends letters: by the operator's mail server, or into the outbox where there is none."""

import asyncio
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import localtime, parseaddr

from afflux.config import Settings
from afflux.delivery import outbox, smtp
from afflux.delivery.letter import Letter


async def send(settings: Settings, letter: Letter) -> None:
    """Hand the letter over. Raises `Undelivered`."""
    message = _message(settings.mail_from, letter)
    if settings.smtp_url is None:
        await asyncio.to_thread(outbox.put, settings.data, letter.id, message.as_bytes())
    else:
        await asyncio.to_thread(smtp.send, settings.smtp_url, message, parseaddr(settings.mail_from)[1], letter.to)


def _message(sender: str, letter: Letter) -> EmailMessage:
    """The letter as a mail. A text that would end its header early is refused with `ValueError`."""
    message = EmailMessage(SMTP if letter.to.isascii() else SMTPUTF8)
    name, address = parseaddr(sender)
    message["From"] = _address(address, name)
    message["To"] = _address(letter.to)
    message["Subject"] = letter.subject
    message["Date"] = localtime()
    message["Message-ID"] = f"<{letter.id}@{address.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    return message


def _address(address: str, name: str = "") -> Address:
    local, _, domain = address.rpartition("@")
    return Address(name, local, domain)

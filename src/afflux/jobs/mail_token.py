"""Mails the code that proves an address, and clears away the letters that nobody needs any more."""

import logging
import random
from datetime import timedelta
from uuid import UUID

from afflux.delivery import mail, outbox
from afflux.delivery.letter import Letter, Undelivered
from afflux.domain.errors import NotFound
from afflux.domain.jobs import MailToken
from afflux.runtime import Runtime
from afflux.services import validations
from afflux.services.validations import Code
from afflux.store import applications, users
from afflux.store import validations as store
from afflux.store.queue import TryLater

log = logging.getLogger(__name__)

_TEXT = """\
{application} wants to know whether this e-mail address is yours.
If you were just asked for a code, it is

    {code.digits}

and holds for 15 minutes, until {code.expires_at:%H:%M} UTC. If you were not, there is nothing to do.
"""


async def mail_token(runtime: Runtime, job: MailToken, job_id: int) -> None:
    """Mail the code that the job was enqueued for, if it can still be used.

    Raises `TryLater` when the letter could not be handed over; the code's end is the end of the attempts too.
    """
    due = await _due(runtime, job, job_id)
    if due is None:
        return
    letter, code = due
    try:
        await mail.send(runtime.settings, letter)
    except Undelivered as error:
        log.warning("a letter was not delivered: %s", error)
        if not error.for_good:
            raise _later(runtime.clock.now() - (code.expires_at - validations.LIFE)) from None
    async with runtime.database.transaction() as tx:
        await store.mailed(tx, job.application_id, job.user_id, job_id)


async def _due(runtime: Runtime, job: MailToken, job_id: int) -> tuple[Letter, Code] | None:
    """The letter to be sent, if there still is one, and the code in it."""
    async with runtime.database.reading() as tx:
        try:
            user = await users.by_id(tx, job.application_id, job.user_id)
        except NotFound:
            return None
        application = await applications.by_id(tx, job.application_id)
        validation = await validations.to_mail(tx, runtime.vault, user, job_id)
    if validation is None or validation.code is None:
        return None
    text = _TEXT.format(application=application.name, code=validation.code)
    letter = Letter(f"{user.id}.{job_id}", validation.address, f"Your code for {application.name}", text)
    return letter, validation.code


def _later(waited: timedelta) -> TryLater:
    """Try again after as long as the letter has been waiting: the pauses double."""
    return TryLater(max(waited, timedelta(seconds=1)) * random.uniform(1.0, 1.25))  # noqa: S311 - spreads retries


async def clear_outbox(runtime: Runtime) -> None:
    """Take away the letters whose code was used, is over, or belonged to a user who is gone."""
    lying = outbox.letters(runtime.settings.data)
    if not lying:
        return
    async with runtime.database.reading() as tx:
        good = await store.good_letters(tx, [UUID(id.partition(".")[0]) for id in lying])
    outbox.remove(runtime.settings.data, lying - good)

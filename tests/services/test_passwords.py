"""What it costs to guess a password."""

import pytest

from afflux.services import passwords

pytestmark = pytest.mark.usefixtures("dear_passwords")


async def test_a_guess_costs_memory_and_time_whether_there_is_such_a_user_or_not() -> None:
    for hashed in (await passwords.hashed("open sesame"), passwords._DUMMY):
        assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_the_right_password_matches_and_no_other() -> None:
    hashed = await passwords.hashed("open sesame")
    assert await passwords.matches(hashed, "open sesame")
    assert not await passwords.matches(hashed, "sesame")
    assert not await passwords.matches(None, "nobody has this password")

"""Passwords of users: argon2id, computed in a small pool of threads so that the event loop goes on."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from afflux.domain.errors import InvalidInput

#: Characters. Longer input only makes the server work.
LONGEST = 1024

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")
#: Compared against when the user is unknown, so that both cases take the same time.
_DUMMY = _hasher.hash("nobody has this password")


async def hashed(password: str) -> str:
    """The hash to keep. Raises `InvalidInput` for an empty or overlong password."""
    if not 0 < len(password) <= LONGEST:
        raise InvalidInput(f"a password has 1 to {LONGEST} characters")
    return await asyncio.get_running_loop().run_in_executor(_pool, _hasher.hash, password)


async def matches(password_hash: str | None, password: str) -> bool:
    """Whether the password is right; an unknown user (no hash) takes as long as a wrong password."""
    candidate = password if len(password) <= LONGEST else ""
    right = await asyncio.get_running_loop().run_in_executor(_pool, _verify, password_hash or _DUMMY, candidate)
    return right and password_hash is not None


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerifyMismatchError, InvalidHashError):
        return False

"""What became of a pushed file (contract: section 3.10)."""

import msgspec

from afflux.facades.digime.wire.tokens import SessionObject


class Taken(msgspec.Struct):
    """The answer to a push."""

    #: `delivered`, or `pending` where it is not in the library yet.
    status: str
    #: Seconds since 1970.
    expires: int
    session: SessionObject

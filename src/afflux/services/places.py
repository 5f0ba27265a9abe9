"""Where each sealed value lives. A value opens only at the place it was sealed for."""

from uuid import UUID

from afflux.store.vault import Place

_NO_APPLICATION = UUID(int=0)

#: What a browser takes along to a bank's page and back; kept nowhere.
RETURN = Place("syncs", "return", "", _NO_APPLICATION)


def credentials(application_id: UUID, connection_id: UUID, channel_id: int) -> Place:
    """What the user typed to link a channel."""
    return Place("connection_channels", "credentials", f"{connection_id}/{channel_id}", application_id)


def channel_state(application_id: UUID, connection_id: UUID, channel_id: int) -> Place:
    """What a connector keeps from run to run."""
    return Place("connection_channels", "state", f"{connection_id}/{channel_id}", application_id)


def parked(application_id: UUID, sync_id: UUID) -> Place:
    """What a connector wants back with the answer to its challenge."""
    return Place("syncs", "parked", str(sync_id), application_id)


def answer(application_id: UUID, sync_id: UUID) -> Place:
    """What the human answered."""
    return Place("syncs", "answer", str(sync_id), application_id)


def upload(application_id: UUID, upload_id: UUID) -> Place:
    """A statement file."""
    return Place("uploads", "content", str(upload_id), application_id)


def blob(application_id: UUID, blob_id: UUID) -> Place:
    """The bytes of a document."""
    return Place("blobs", "content", str(blob_id), application_id)


def application_secret(application_id: UUID, registration_id: UUID) -> Place:
    """A secret that has to be recoverable: Iswigo's signature needs it."""
    return Place("registrations", "secret_sealed", str(registration_id), application_id)


def signing_key(key_id: str) -> Place:
    """A private key of the server's own."""
    return Place("signing_keys", "private_key", key_id, _NO_APPLICATION)


def address_token(application_id: UUID, user_id: UUID) -> Place:
    """The code that proves a user's e-mail address."""
    return Place("address_validations", "token", str(user_id), application_id)


def card(application_id: UUID, user_id: UUID, digest: bytes) -> Place:
    """A card that an issuer registered for a user."""
    return Place("cards", "content", f"{user_id}/{digest.hex()}", application_id)


def pushed_descriptor(application_id: UUID, document_id: UUID) -> Place:
    """What was said of a document that was pushed."""
    return Place("pushed_documents", "descriptor", str(document_id), application_id)


def postbox_key(application_id: UUID, postbox_id: UUID) -> Place:
    """The key that opens what is pushed to a postbox."""
    return Place("postboxes", "private_key", str(postbox_id), application_id)


def postbox_item(application_id: UUID, item_id: UUID, column: str) -> Place:
    """A file that was pushed and is not a document yet, and what is said of it."""
    return Place("postbox_items", column, str(item_id), application_id)

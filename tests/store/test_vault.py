"""Sealed secrets."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afflux.domain.errors import DecryptionFailed
from afflux.domain.users import User
from afflux.store.vault import Place, Sealer, Vault

APPLICATION, USER = uuid.uuid4(), uuid.uuid4()
PLACE = Place("syncs", "parked", "1", APPLICATION)


def user(vault: Vault, id: uuid.UUID = USER) -> User:
    key = vault.new_user_key(APPLICATION, id)
    return User(id, 1, APPLICATION, None, None, None, key, {}, None, datetime.now(UTC))


@given(st.binary(max_size=10_000))
def test_what_is_sealed_opens_at_its_place(plain: bytes) -> None:
    sealer = Sealer(bytes(32))
    sealed = sealer.seal(PLACE, plain)
    assert sealer.open(PLACE, sealed) == plain
    assert not plain or len(plain) < 4 or plain not in sealed


async def cut(sealed: bytes, length: int) -> AsyncIterator[bytes]:
    for first in range(0, len(sealed), length):
        yield sealed[first : first + length]


async def joined(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


@given(st.binary(max_size=1000), st.integers(28, 300))
async def test_what_is_sealed_opens_piece_by_piece(plain: bytes, length: int) -> None:
    sealer = Sealer(bytes(32))
    assert await joined(sealer.open_pieces(PLACE, cut(sealer.seal(PLACE, plain), length))) == plain


@given(st.binary(max_size=1000), st.integers(28, 300), st.data())
async def test_no_piece_can_be_changed_or_cut_off(plain: bytes, length: int, data: st.DataObject) -> None:
    sealer = Sealer(bytes(32))
    sealed = bytearray(sealer.seal(PLACE, plain))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1
    for wrong, place in ((sealed, PLACE), (sealed[:-1], PLACE), (sealer.seal(PLACE, plain), replace(PLACE, row="2"))):
        with pytest.raises(DecryptionFailed):
            await joined(sealer.open_pieces(place, cut(bytes(wrong), length)))


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(PLACE, table="users"),
        replace(PLACE, column="answer"),
        replace(PLACE, row="2"),
        replace(PLACE, application_id=uuid.uuid4()),
    ],
)
def test_it_opens_nowhere_else(elsewhere: Place) -> None:
    sealer = Sealer(bytes(32))
    with pytest.raises(DecryptionFailed):
        sealer.open(elsewhere, sealer.seal(PLACE, b"secret"))


@given(st.integers(min_value=0, max_value=33))
def test_a_changed_byte_is_noticed(place: int) -> None:
    sealer = Sealer(bytes(32))
    sealed = bytearray(sealer.seal(PLACE, b"secret"))
    sealed[place % len(sealed)] ^= 1
    with pytest.raises(DecryptionFailed):
        sealer.open(PLACE, bytes(sealed))


def test_each_user_has_a_key_of_its_own() -> None:
    vault = Vault(bytes(32))
    ada, ben = user(vault), user(vault, uuid.uuid4())
    sealed = vault.of(ada).seal(PLACE, b"secret")
    assert vault.of(ada).open(PLACE, sealed) == b"secret"
    with pytest.raises(DecryptionFailed):
        vault.of(ben).open(PLACE, sealed)


def test_a_user_key_does_not_open_for_another_user_or_root() -> None:
    vault, other = Vault(bytes(32)), Vault(bytes(31) + b"\1")
    ada = user(vault)
    with pytest.raises(DecryptionFailed):
        vault.of(replace(ada, id=uuid.uuid4()))
    with pytest.raises(DecryptionFailed):
        other.of(ada)


def test_nothing_prints_a_key() -> None:
    key = bytes(range(32))
    ada = user(Vault(key))
    for text in (repr(Sealer(key)), repr(ada), str(ada)):
        assert key.hex() not in text
        assert repr(key)[2:-1] not in text
        assert "data_key" not in text

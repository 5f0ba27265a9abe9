"""Every message survives its line, and nothing but a line of ours is read."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afflux.connectors import wire
from afflux.connectors.base import Context, File, Operation, Request
from afflux.connectors.drive import Crash, Job
from afflux.domain.challenges import Answer, Challenge, FormField
from afflux.domain.errors import SyncErrorCode
from afflux.domain.messages import Done, Failure, Message, Progress
from afflux.domain.records import DocumentRecord
from tests.connectors.misbehaving import LATER, park, record

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
zones = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
for kind, strategy in {
    str: texts,
    float: st.floats(allow_nan=False, allow_infinity=False),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False),
    datetime: st.datetimes(timezones=zones | st.just(UTC)),
    dict: st.dictionaries(texts, texts, max_size=3),
}.items():
    st.register_type_strategy(kind, strategy)


def built(cls: type) -> st.SearchStrategy[Any]:
    """Values of a frozen dataclass, every field drawn from its declared type, none left at its default."""
    return st.builds(cls, **{name: strategy_of(hint) for name, hint in get_type_hints(cls).items()})


def strategy_of(hint: Any) -> st.SearchStrategy[Any]:
    if hint in (Challenge, FormField, File, Context, Request, Answer):
        return built(hint)
    if get_args(hint) and type(None) in get_args(hint):
        return st.none() | strategy_of(get_args(hint)[0])
    if str(hint).startswith("tuple["):
        return st.lists(strategy_of(get_args(hint)[0]), max_size=2).map(tuple)
    if "Mapping" in str(hint):
        return st.dictionaries(texts, texts, max_size=3)
    return st.from_type(hint)


@pytest.mark.parametrize("cls", get_args(wire.Wired), ids=lambda cls: cls.__name__)
def test_every_value_comes_back_from_its_line_as_it_was(cls: type) -> None:
    @settings(max_examples=40, deadline=None)
    @given(built(cls))
    def comes_back(value: Any) -> None:
        line = wire.encode(value)
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        assert wire.decode(line) == value
        assert wire.exact(value) == value

    comes_back()


def test_every_message_type_has_a_line() -> None:
    assert set(get_args(Message)) <= set(get_args(wire.Wired))


def test_a_line_is_readable_json_with_exact_decimals() -> None:
    line = json.loads(wire.encode(record(amount=Decimal("-0.10"), original_amount=Decimal("1E+5"))))
    assert line["type"] == "TransactionRecord"
    assert line["data"]["amount"] == "-0.10"
    assert line["data"]["original_amount"] == "1E+5"
    assert line["data"]["booking_date"] == "2026-03-01"


def test_a_whole_number_may_stand_for_seconds() -> None:
    exact = wire.exact(Failure(SyncErrorCode.RATE_LIMITED, "later", 30))
    assert isinstance(exact, Failure)
    assert type(exact.retry_after) is float


def edited(**changes: Any) -> bytes:
    """The line of a transaction with some fields written otherwise; `...` takes one away."""
    line = json.loads(wire.encode(record()))
    line["data"] = {name: value for name, value in (line["data"] | changes).items() if value is not ...}
    return json.dumps(line).encode()


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"", "not a message"),
        (b"garbage", "not a message"),
        (b"[]", "not a message"),
        (b'{"type": "Done"}', "not a message"),
        (b'{"type": "Done", "data": {}} {}', "not a message"),
        (b'{"type": "Done", "data": {}, "more": 1}', "not a message"),
        (b'{"type": "Done", "data": []}', "Done: wrong value"),
        (b'{"type": "Done", "data": {"secret": 1}}', "Done: unknown field"),
        (b'{"type": "Nothing", "data": {}}', "unknown type"),
        (b'{"type": "object", "data": {}}', "unknown type"),
        (b'{"type": "Progress", "data": {"phase": "\xff", "percent": 1}}', "wrong"),
        (b'{"type": "Progress", "data": ' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}", "not a message"),
        (edited(currency=...), "TransactionRecord: missing currency"),
        (edited(booking_date="secret"), "TransactionRecord: wrong booking_date"),
        (edited(status="secret"), "TransactionRecord: wrong status"),
        (edited(amount="secret"), "TransactionRecord: wrong amount"),
        (edited(amount=12.5), "TransactionRecord: inexact amount"),
        (edited(amount="1_0"), "TransactionRecord: inexact amount"),
        (edited(account_key=None), "TransactionRecord: wrong account_key"),
        (edited(references={"a": 1}), "TransactionRecord: wrong references[...]"),
        (edited(key=...), "TransactionRecord: inexact key"),
        (edited(more="secret"), "TransactionRecord: unknown field"),
    ],
)
def test_anything_else_is_refused_without_its_values(line: bytes, complaint: str) -> None:
    with pytest.raises(wire.WireError, match=r"^[^\n]+$") as refused:
        wire.decode(line)
    assert complaint in str(refused.value)
    assert "secret" not in str(refused.value)


def test_an_unknown_field_deep_inside_is_refused() -> None:
    line = json.loads(wire.encode(park(fields=(FormField(name="code", label="Code"),))))
    line["data"]["challenge"]["fields"][0]["mask"] = "9999"
    with pytest.raises(wire.WireError, match="inexact challenge"):
        wire.decode(json.dumps(line).encode())


def test_the_largest_document_fits_and_a_larger_one_does_not() -> None:
    largest = DocumentRecord(
        key="d", name="d", extension="bin", mime="application/pdf", created_at=LATER, content=bytes(wire.MAX_DOCUMENT)
    )
    assert wire.decode(wire.encode(largest)) == largest
    with pytest.raises(wire.WireError, match="DocumentRecord is too large"):
        wire.encode(replace(largest, content=bytes(wire.MAX_DOCUMENT + 5 * 1024 * 1024)))
    with pytest.raises(wire.WireError, match="too long"):
        wire.decode(b" " * (wire.MAX_LINE + 1))


@pytest.mark.parametrize("value", [None, 1, "Done", Done, {"type": "Done"}, object(), FormField(name="a", label="b")])
def test_what_is_no_message_has_no_line(value: Any) -> None:
    with pytest.raises(wire.WireError, match="is not a message"):
        wire.encode(value)


def test_a_value_of_another_type_cannot_be_written() -> None:
    with pytest.raises(wire.WireError, match="TransactionRecord holds a value that cannot be written"):
        wire.encode(record(text=object()))


def test_lone_surrogates_are_refused_as_bad_text() -> None:
    with pytest.raises(wire.BadText):
        wire.encode(record(text="\ud800"))


def test_secrets_do_not_show_when_a_job_is_printed() -> None:
    request = Request(
        operation=Operation.SYNC, provider_id=1, channel_id=1, connection_ref="c", secrets={"password": "canary"}
    )
    context = Context(interactive=True, now=LATER, deadline=LATER)
    job = Job(
        connector="a:b", context=context, request=request, parked=b"canary", answer=Answer(values={"sms": "canary"})
    )
    assert "canary" not in repr(job)


@given(st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"")), max_size=8), st.data())
def test_lines_come_out_whole_however_the_bytes_arrive(lines: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    reader, found = wire.Lines(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += reader.feed(stream[start:end])
    assert found == lines


def test_a_line_without_end_is_refused_before_it_fills_the_memory() -> None:
    reader = wire.Lines()
    megabyte = b"x" * 1024 * 1024
    for _ in range(wire.MAX_LINE // len(megabyte)):
        reader.feed(megabyte)
    with pytest.raises(wire.WireError, match="too long"):
        reader.feed(megabyte)


def test_progress_and_crash_are_what_they_say() -> None:
    assert wire.decode(b'{"type":"Progress","data":{"phase":"auth","percent":7}}') == Progress("auth", 7)
    assert wire.decode(b'{"type":"Crash","data":{"exception":"KeyError","frames":[]}}') == Crash("KeyError")

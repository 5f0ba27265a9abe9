"""How a connection stands, derived from its channels: pure, so tried with everything."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afflux.domain.connections import ChannelState, ChannelStatus
from afflux.domain.errors import SYNC_ERRORS, Actor, SyncErrorCode
from afflux.domain.overviews import SyncOverview
from afflux.domain.syncs import SyncKind
from afflux.facades.oxlin.states import FAILURES, Status, broken_off, during, of_channel, of_connection

NOW = datetime(2030, 1, 1, tzinfo=UTC)
OF_CHANNELS = [status for status in Status if status is not Status.NONE]


def channel(
    id: int = 1,
    status: ChannelStatus = ChannelStatus.SUCCESS,
    error: SyncErrorCode | None = None,
    *,
    awaits: bool = False,
    consent: datetime | None = None,
) -> ChannelState:
    """A channel that stands so."""
    return ChannelState(id, status, error, awaits, consent, None, None)


def at_work(outcomes: dict[str, str], stage: SyncKind = SyncKind.ALL) -> SyncOverview:
    """A sync that has come so far."""
    return SyncOverview(stage, outcomes, None, None, None, None)


@pytest.mark.parametrize(
    ("channels", "connection"),
    [
        ([], "NONE"),
        (["SUCCESS", "SUCCESS"], "SUCCESS"),
        (["SUCCESS", "EMPTY"], "SUCCESS"),
        (["SUCCESS", "PARTIAL_SUCCESS"], "PARTIAL_SUCCESS"),
        (["SUCCESS", "TOKEN_EXPIRED"], "FAILED"),
        (["PARTIAL_SUCCESS", "FAILED"], "FAILED"),
        (["RUNNING", "TOKEN_EXPIRED"], "RUNNING"),
        (["RUNNING", "SUCCESS"], "RUNNING"),
        (["CLOSED", "CLOSED"], "CLOSED"),
        (["CHALLENGE_REQUIRED", "EMPTY"], "FAILED"),
    ],
)
def test_the_contract_s_own_checks(channels: list[str], connection: str) -> None:
    assert of_connection([Status(each) for each in channels]) == connection


@given(st.lists(st.sampled_from(OF_CHANNELS), min_size=1, max_size=4))
def test_a_connection_follows_from_its_channels_whatever_their_order(channels: list[Status]) -> None:
    stands = of_connection(channels)
    assert stands in {"RUNNING", "SUCCESS", "PARTIAL_SUCCESS", "FAILED", "CLOSED"}
    assert of_connection(channels[::-1]) == stands
    assert of_connection([*channels, Status.EMPTY]) == stands
    if Status.CLOSED not in channels:
        assert (stands == "RUNNING") == (Status.RUNNING in channels)
        assert of_connection([*channels, Status.RUNNING]) == "RUNNING"


def test_every_failure_has_a_name_and_those_of_the_user_say_what_to_do() -> None:
    for code, rule in SYNC_ERRORS.items():
        status = of_channel(channel(status=ChannelStatus.FAILED, error=code), NOW)
        assert status is FAILURES.get(code, Status.FAILED)
        if rule.actor is Actor.USER and code is not SyncErrorCode.FILE_INVALID:
            assert status is not Status.FAILED, code


def test_a_consent_counts_to_its_last_second() -> None:
    over = channel(consent=NOW)
    good = channel(consent=NOW + timedelta(seconds=1))
    assert (of_channel(over, NOW), of_channel(good, NOW)) == ("TOKEN_EXPIRED", "SUCCESS")
    assert of_channel(channel(status=ChannelStatus.NEW, awaits=True), NOW) == "TOKEN_EXPIRED"


states = st.builds(
    channel,
    id=st.integers(1, 3),
    status=st.sampled_from([each for each in ChannelStatus if each is not ChannelStatus.RUNNING]),
    error=st.sampled_from(SyncErrorCode),
    awaits=st.booleans(),
)
outcomes = st.dictionaries(st.sampled_from(["1", "2", "3"]), st.just("success"))


linked = st.lists(states, min_size=1, max_size=3, unique_by=lambda state: state.channel_id)


@given(linked, outcomes, st.sampled_from(SyncKind))
def test_a_connection_runs_exactly_while_a_sync_is_at_work(
    channels: list[ChannelState], outcomes: dict[str, str], stage: SyncKind
) -> None:
    working = [of_channel(state, NOW) for state in during(channels, at_work(outcomes, stage))]
    resting = [of_channel(state, NOW) for state in during(channels, None)]
    assert of_connection(working) is Status.RUNNING
    assert of_connection(resting) is not Status.RUNNING


def test_a_channel_that_is_done_shows_it_while_another_runs() -> None:
    channels = [channel(1), channel(2)]
    done = during(channels, at_work({"1": "success"}))
    assert [of_channel(state, NOW) for state in done] == ["SUCCESS", "RUNNING"]
    listed = during(channels, at_work({"1": "success"}, SyncKind.ACCOUNTS))
    assert [of_channel(state, NOW) for state in listed] == ["RUNNING", "RUNNING"]


def test_what_was_broken_off_has_failed() -> None:
    stands = [of_channel(state, NOW) for state in broken_off([channel(1), channel(2)], {"1": "success"})]
    assert stands == ["SUCCESS", "FAILED"]

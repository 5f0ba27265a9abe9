"""Several statements of an account: completeness windows, gaps, copies."""

from datetime import date
from decimal import Decimal

from tests.connectors.files.builders import balance, document, entry, statement
from tests.connectors.files.reading import read

PERIOD = "<FrToDt><FrDtTm>2026-01-01T00:00:00</FrDtTm><ToDtTm>2026-01-31T23:59:59</ToDtTm></FrToDt>"


def _day(number: int, opening: str, closing: str, *entries: str) -> str:
    day = f"2026-01-{number:02}"
    booked = "".join(entries).replace("2026-01-31", day)
    return statement(balance("OPBD", opening, day), booked, balance("CLBD", closing, day))


async def _window(xml: str, version: str = "053.001.08"):
    (checkpoint,) = (await read(document(xml, version=version))).checkpoints
    return checkpoint.complete_from, checkpoint.complete_to, checkpoint.pending_only


async def test_a_statement_s_period_is_complete_for_pending_rows_only() -> None:
    assert await _window(statement(entry(), extra=PERIOD)) == (date(2026, 1, 1), date(2026, 1, 31), True)


async def test_a_period_that_ends_at_midnight_ends_the_day_before() -> None:
    period = PERIOD.replace("2026-01-31T23:59:59", "2026-02-01T00:00:00")
    assert await _window(statement(entry(), extra=period)) == (date(2026, 1, 1), date(2026, 1, 31), True)


async def test_without_a_period_the_balances_bound_it() -> None:
    assert await _window(_day(5, "0.00", "10.00", entry())) == (date(2026, 1, 5), date(2026, 1, 5), True)


async def test_an_opening_balance_of_the_day_before_does_not_claim_that_day() -> None:
    xml = statement(balance("OPBD", "0", "2026-01-30"), entry(), balance("CLBD", "10", "2026-01-31"))
    assert await _window(xml) == (date(2026, 1, 31), date(2026, 1, 31), True)


async def test_a_period_that_its_entries_contradict_claims_nothing() -> None:
    assert await _window(statement(entry(day="2025-12-01"), extra=PERIOD)) == (None, None, False)


async def test_reports_and_notifications_claim_nothing() -> None:
    assert await _window(statement(entry(), extra=PERIOD, tag="Rpt"), "052.001.08") == (None, None, False)
    assert await _window(statement(entry(), extra=PERIOD, tag="Ntfctn"), "054.001.08") == (None, None, False)


async def test_windows_that_touch_become_one_and_only_the_latest_run_counts() -> None:
    days = [_day(2, "0", "10", entry()), _day(5, "10", "20", entry()), _day(6, "20", "30", entry())]
    assert await _window("".join(days)) == (date(2026, 1, 5), date(2026, 1, 6), True)


async def test_statements_of_one_account_make_one_account_with_the_latest_balance() -> None:
    outcome = await read(document(_day(6, "10", "20", entry()) + _day(5, "0", "10", entry())))
    assert [one.balance for one in outcome.accounts] == [Decimal("20")]
    assert len(outcome.transactions) == 2
    assert len(outcome.checkpoints) == 1
    assert outcome.warnings == []


async def test_a_statement_that_does_not_add_up_is_flagged() -> None:
    outcome = await read(document(_day(5, "0.00", "25.00", entry())))
    assert outcome.warnings == ["statement_gap"]
    (warning,) = [message for message in outcome.messages if type(message).__name__ == "Warning"]
    assert "10.00" in warning.text
    assert "25.00 EUR" in warning.text
    assert warning.account_key == outcome.accounts[0].key


async def test_pending_entries_are_no_part_of_the_booked_balance() -> None:
    outcome = await read(document(_day(5, "0.00", "10.00", entry(), entry("99.00", status="PDNG"))))
    assert outcome.warnings == []


async def test_a_missing_statement_between_two_is_flagged() -> None:
    outcome = await read(document(_day(5, "0", "10", entry()) + _day(7, "35", "45", entry())))
    assert outcome.warnings == ["statement_gap"]


async def test_balances_in_different_currencies_are_not_compared() -> None:
    xml = statement(balance("OPBD", "5", "2026-01-31"), entry(), balance("CLBD", "9", "2026-01-31", currency="SEK"))
    outcome = await read(document(xml))
    assert outcome.warnings == []
    assert outcome.accounts[0].balance is None


async def test_a_report_of_a_part_of_the_day_is_not_a_gap() -> None:
    parts = balance("OPBD", "100", "2026-01-31"), entry(), balance("ITBD", "150", "2026-01-31")
    outcome = await read(document(statement(*parts, tag="Rpt"), version="052.001.08"))
    assert outcome.warnings == []
    assert outcome.accounts[0].balance == Decimal("150")


async def test_a_copy_of_a_statement_in_the_same_file_does_not_count_twice() -> None:
    one = _day(5, "0", "10", entry(reference="REF-123456"))
    outcome = await read(document(one + one.replace("</Id>", "</Id><CpyDplctInd>DUPL</CpyDplctInd>", 1)))
    assert [record.key for record in outcome.transactions] == ["REF-123456"]
    assert outcome.warnings == ["skipped"]

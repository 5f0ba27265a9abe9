"""The headers of a list (contract: section 9)."""

import pytest
from litestar.testing import RequestFactory

from afflux.facades.iswigo.ranges import Range, ranged

ORIGIN = "https://afflux.example.org"


def headers(window: Range, shown: int, total: int, query: dict[str, str | list[str]] | None = None) -> dict[str, str]:
    """What is said of a list of which `shown` items are read and `total` were counted."""
    request = RequestFactory().get("/v1/users", query_params=query)
    return dict(ranged(request, "users", window, ["x"] * shown, total, ORIGIN).headers)


def links(window: Range, total: int) -> dict[str, str]:
    """Each range that can be reached, by what it is."""
    shown = max(0, min(window.width, total - window.first))
    found = headers(window, shown, total).get("Link", "").split(",")
    return {link.split('"')[1]: link.split("range=")[1].split(">")[0] for link in found if link}


@pytest.mark.parametrize(
    ("first", "shown", "total", "content_range"),
    [
        (0, 0, 0, "*/0"),
        (0, 1, 1, "0-0/1"),
        (0, 20, 20, "0-19/20"),
        (0, 20, 21, "0-19/21"),
        (20, 1, 21, "20-20/21"),
        (40, 0, 21, "*/21"),
        # Some came while the list was read, and some went.
        (0, 20, 19, "0-19/20"),
        (20, 2, 0, "20-21/22"),
        (0, 18, 20, "0-17/20"),
        (20, 0, 21, "*/21"),
    ],
)
def test_a_range_lies_within_its_total(first: int, shown: int, total: int, content_range: str) -> None:
    said = headers(Range(first, 20), shown, total)
    assert (said["Accept-Range"], said["Content-Range"]) == (f"users {shown}", content_range)


@pytest.mark.parametrize(
    ("window", "total", "reached"),
    [
        (Range(0, 20), 20, {}),
        (Range(0, 20), 21, {"next": "20-39", "last": "20-39"}),
        (Range(0, 20), 340, {"next": "20-39", "last": "320-339"}),
        (Range(40, 20), 340, {"first": "0-19", "prev": "20-39", "next": "60-79", "last": "320-339"}),
        (Range(320, 20), 340, {"first": "0-19", "prev": "300-319", "last": "320-339"}),
        # One that begins elsewhere leads back to those that begin at a multiple of the width.
        (Range(5, 10), 30, {"first": "0-9", "prev": "0-9", "next": "10-19", "last": "20-29"}),
        (Range(25, 10), 36, {"first": "0-9", "prev": "20-29", "next": "30-39", "last": "30-39"}),
        (Range(5, 10), 15, {"first": "0-9", "prev": "0-9", "last": "10-19"}),
        # Beyond the end.
        (Range(500, 20), 340, {"first": "0-19", "prev": "320-339", "last": "320-339"}),
        (Range(500, 20), 345, {"first": "0-19", "prev": "340-359", "last": "340-359"}),
        (Range(40, 20), 21, {"first": "0-19", "prev": "20-39", "last": "20-39"}),
    ],
)
def test_the_other_ranges_are_linked(window: Range, total: int, reached: dict[str, str]) -> None:
    assert links(window, total) == reached


def test_a_link_asks_for_its_range_however_often_the_request_named_one() -> None:
    said = headers(Range(2, 2), 2, 4, {"range": ["0-1", "2-3"], "x": "1"})
    assert f'<{ORIGIN}/v1/users?range=0-1&range=0-1&x=1>; rel="prev"' in said["Link"]

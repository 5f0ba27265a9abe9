"""Searching transactions by category: the database has to read texts as the rules do."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from afflux.domain.categories import CATEGORIES, RULES, category_of, conditions, folded
from afflux.domain.records import TransactionType
from afflux.runtime import Runtime
from afflux.store.transaction_search import FOLDED

TEXTS = st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=5, max_size=20)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS)
async def test_the_database_folds_texts_as_we_do(runtime: Runtime, texts: list[str]) -> None:
    async with runtime.database.reading() as tx:
        rows = await tx.fetch(
            f"SELECT {FOLDED} AS words FROM (SELECT unnest($1::text[]) AS text, 'card' AS type) AS transactions", texts
        )
    assert [row["words"] for row in rows] == [folded(text, TransactionType.CARD) for text in texts]


async def test_the_database_finds_the_category_that_the_rules_say(runtime: Runtime) -> None:
    words = [keyword for _, keywords in RULES for keyword in keywords]
    texts = [*words, *(f"{one} {other}" for one, other in zip(words, reversed(words), strict=True)), "", "x"]
    for category in [*CATEGORIES, "NOTHING"]:
        wanted = conditions(category)
        async with runtime.database.reading() as tx:
            rows = await tx.fetch(
                """
                SELECT text FROM unnest($1::text[], $2::text[]) AS known (text, words)
                WHERE EXISTS (SELECT FROM unnest($3::text[], $4::text[]) AS condition (found, missing)
                              WHERE words ~ found AND (missing IS NULL OR words !~ missing))
                """,
                texts,
                [folded(text, TransactionType.CARD) for text in texts],
                [found for found, _ in wanted],
                [missing for _, missing in wanted],
            )
        expected = [text for text in texts if category_of(text, TransactionType.CARD) == category]
        assert [row["text"] for row in rows] == expected, category

"""Categories (contract: section 3.2)."""

import msgspec

from afflux.domain.categories import CATEGORIES, Category, CategoryType


class Parent(msgspec.Struct):
    """The wider category."""

    id: str
    label: str


class CategoryObject(msgspec.Struct, omit_defaults=True):
    """What money was spent on or came from."""

    id: str
    label: str
    type: CategoryType
    parent: Parent | None = None


def category_object(category: Category) -> CategoryObject:
    """The category as listed and read."""
    wider = CATEGORIES[category.parent] if category.parent else None
    return CategoryObject(category.id, category.label, category.type, Parent(wider.id, wider.label) if wider else None)

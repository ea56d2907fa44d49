"""Language and screen class."""

import pytest

from adapters.local.enrich.place import language, screen_class


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("de-DE,de;q=0.9,en;q=0.8", "de"),
        ("en;q=0.5, fr-CH;q=0.9", "fr"),
        ("en-US", "en"),
        ("zh-Hans-CN", "zh"),
        ("pt_BR", "pt"),
        ("haw", "haw"),
        ("*", ""),
        ("*;q=0.5, sv;q=0.1", "sv"),
        ("de;q=0", ""),
        ("english please", ""),
        ("", ""),
    ],
)
def test_the_preferred_language_is_its_primary_tag(header: str, expected: str) -> None:
    assert language(header) == expected


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (1, "Mobile"), (575, "Mobile"), (576, "Tablet"), (991, "Tablet"), (992, "Laptop"), (1439, "Laptop"),
        (1440, "Desktop"), (7680, "Desktop"), (0, ""), (-5, ""), (None, ""),
    ],
)  # fmt: skip
def test_the_width_gives_the_screen_class(width: int | None, expected: str) -> None:
    assert screen_class(width) == expected

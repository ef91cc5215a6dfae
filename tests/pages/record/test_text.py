"""Two texts that look the same: the characters in which they differ are named."""

from __future__ import annotations

import pytest

from einsum_doc.pages.record.text import lookalikes


@pytest.mark.parametrize(
    ("left", "right", "named"),
    [
        ("a\tb", "a    b", r"U+0009 '\t' and U+0020 SPACE"),
        ("a  b", "a b", "U+0020 SPACE and U+0062 LATIN SMALL LETTER B"),
        ("a ", "a", "U+0020 SPACE and the end"),
        ("a\u200bb", "ab", "U+200B ZERO WIDTH SPACE and U+0062 LATIN SMALL LETTER B"),
        ("-1", "\u22121", "U+002D HYPHEN-MINUS and U+2212 MINUS SIGN"),
        ("\u00c5", "\u212b", "U+00C5 LATIN CAPITAL LETTER A WITH RING ABOVE and U+212B ANGSTROM SIGN"),
        ("e", "e\u0301", "the end and U+0301 COMBINING ACUTE ACCENT"),
        (
            "\u00f1",
            "n\u0303",
            "U+00F1 LATIN SMALL LETTER N WITH TILDE and U+006E LATIN SMALL LETTER N, U+0303 COMBINING TILDE",
        ),
        ("  a", "a", ""),
        ("a\r\n", "a\n", r"U+000D '\r' and U+000A '\n'"),
        ("a", "a", ""),
        ("a", "b", ""),
        ("a", "aa", ""),
        ("\u4f60", "\u597d", ""),
    ],
)
def test_the_characters_in_which_texts_that_look_alike_differ(left: str, right: str, named: str) -> None:
    assert lookalikes(left, right) == named

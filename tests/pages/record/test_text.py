"""Text as a terminal shows it, and two texts that look the same."""

from __future__ import annotations

import pytest

from einsum_doc.pages.record.text import lookalikes, on_terminal, plain

# What is written, and what is seen of it.
WRITTEN = {
    "a progress bar": (
        "".join(f"\r{step:3d} of 300 |{'#' * (step // 10):30}|" for step in range(301)),
        "300 of 300 |" + "#" * 30 + "|",
    ),
    "a part": ("abc\rX", "Xbc"),
    "line endings": ("a\r\nb\r\n", "a\r\nb\r\n"),
    "line endings and frames": ("a\r\n1\r2\r\r\n", "a\n2\n"),
    "at the end": ("1 %\r2 %\r", "2 %"),
    "a bar that is taken away": ("begin\n50 %\r     \r", "begin\n"),
    "backspaces": ("abc\b\bX", "aXc"),
    "a line that is erased": ("a long line\r\x1b[Kshort\nx\x1b[2K\ry", "short\ny"),
    "its beginning": ("abcd\b\b\x1b[1Kx", "  xd"),
    "two bars": ("0 %\n\r1 %\x1b[A\r50 %\n\r2 %\x1b[A\r100 %\n\n", "100 %\n2 %\n"),
    "colours": ("\x1b[31mred\rX\x1b[0m", "\x1b[31mXed\x1b[0m"),
    "colours of the last frame": ("\x1b[1;32mab\x1b[0m\rc", "c\x1b[1;32mb\x1b[0m"),
    "other sequences": ("\x1b]8;;https://a\x07a\x1b]8;;\x07\rb", "b"),
    "numbers without sense": (f"a\rb\x1b[1;2A\x1b[{'9' * 5000}Ac\x1b[2;5K", "bc"),
    "no characters": ("red\r\x1b[H\0\x07", "red"),
    "no end of a sequence": ("\r\x1b[", ""),
    "more rows than a screen": ("\n" * 99 + "a\rb" + "\x1b[60Ac", "\n" * 50 + " c" + "\n" * 49 + "b"),
}


@pytest.mark.parametrize(("written", "seen"), WRITTEN.values(), ids=WRITTEN)
def test_frames_are_written_over_each_other(written: str, seen: str) -> None:
    assert on_terminal(written) == seen
    assert on_terminal(seen) == seen
    assert "\r" not in plain(written)


def test_text_without_a_carriage_return_is_left_as_it_is() -> None:
    text = "a  \n\tb\x1b[31m \x1b[?25l\x07\n"
    assert on_terminal(text) is text


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

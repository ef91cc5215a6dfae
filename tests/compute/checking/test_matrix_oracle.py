"""A second reader of matrix notation, with whole matrices and finite differences, has the verdicts of the checker."""

import pytest
from matrix_oracle import Text, UnreadError, judged
from test_derivation_published import TEXTS
from test_published_notation import FALSE, TRUE, _replaced

WRITTEN = {
    **{name: (text, _replaced(text, old, new)) for name, (text, old, new) in TRUE.items()},
    **{text["name"]: (text["added"] + text["literal"], text["added"] + text["false_variant"]) for text in TEXTS},
}


def _is_read(text: str) -> bool:
    try:
        Text(text)
    except UnreadError:
        return False
    return r"\mathbf{" in text or "% matrix" in text


MATRICES = {name: (true, false) for name, (true, false) in WRITTEN.items() if _is_read(true) and _is_read(false)}


def test_many_texts_are_read_by_both() -> None:
    assert len(MATRICES) == 92


@pytest.mark.parametrize("name", MATRICES)
def test_both_readers_agree(name: str) -> None:
    true, false = MATRICES[name]
    assert judged(true)
    assert not judged(false, true)


@pytest.mark.parametrize(
    "name",
    [
        "a determinant as a scalar of the loss",
        "an upstream gradient as a differential",
        "a matrix that nothing makes square",
    ],
)
def test_both_readers_find_what_looks_alike(name: str) -> None:
    assert name in FALSE
    assert not judged(FALSE[name])

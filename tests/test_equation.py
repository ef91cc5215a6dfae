"""Reading an equation: canonical text, implicit output, roles, places, and what is refused."""

import pickle
import re
import string

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opt_einsum import get_symbol

from einsum_doc import ArgumentError, Equation, EquationError, Role, from_sublists, parse


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("ijk,ip->jkp", "ijk,ip->jkp"),
        ("i...j, ij... -> ...ij", "i...j,ij...->...ij"),
        ("ij,jk", "ij,jk->ik"),
        ("ii", "ii->"),
        ("ba", "ba->ab"),
        ("bA", "bA->Ab"),
        ("...k,kj", "...k,kj->...j"),
        ("", "->"),
        (" , , ", ",,->"),
        ("->...", "->..."),
        ("ié->i", "ié->i"),
        ("αβ,βγ", "αβ,βγ->αγ"),
        ("i->ij", "i->ij"),
        ("->ii", "->ii"),
    ],
)
def test_canonical_text(text: str, canonical: str) -> None:
    equation = parse(text)
    assert str(equation) == canonical
    assert parse(canonical) == equation
    assert str(parse(canonical)) == canonical


labels = st.sampled_from([*string.ascii_letters, "é", "λ", "ж"])
terms = st.tuples(st.lists(labels, max_size=5), st.none() | st.integers(0, 5)).map(
    lambda drawn: tuple(drawn[0]) if drawn[1] is None else (*drawn[0][: drawn[1]], "...", *drawn[0][drawn[1] :])
)


@given(st.builds(Equation, st.lists(terms, min_size=1, max_size=5).map(tuple), terms))
def test_text_round_trips(equation: Equation) -> None:
    assert parse(str(equation)) == equation
    assert parse(" ".join(re.findall(r"\.\.\.|->|.", str(equation)))) == equation


@pytest.mark.parametrize(
    ("text", "fault", "places"),
    [
        ("ij,j1->i", "stray character '1'", (4,)),
        ("...j$", "stray character '$'", (4,)),
        ("i\tj->ji", "stray character '\\t'", (1,)),
        ("i\nj", "stray character '\\n'", (1,)),
        ("ij→i", "stray character '→': an arrow is written '->'", (2,)),
        ("ij−>i", "stray character '−': an arrow is written '->'", (2,)),
        ("…i->i", "stray character '…': an ellipsis is written '...'", (0,)),
        ("ij;j->i", "stray character ';': operands are separated by ','", (2,)),
        ("a->..", "a dot that is not part of an ellipsis '...'", (3,)),
        (".i...", "a dot that is not part of an ellipsis '...'", (0,)),
        ("a. ..", "a dot that is not part of an ellipsis '...'", (1,)),
        ("i....j", "a dot that is not part of an ellipsis '...'", (4,)),
        ("...i...", "a second ellipsis in operand 0", (0, 4)),
        ("i,...i...", "a second ellipsis in operand 1", (2, 6)),
        ("...->......", "a second ellipsis in the output", (5, 8)),
        ("i->i->i", "a second arrow", (1, 4)),
        ("i- >i", "a '-' that is not part of an arrow '->'", (1,)),
        ("i>i", "a '>' that is not part of an arrow '->'", (1,)),
        ("i,j->i,j", "a comma in the output", (6,)),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_place(text: str, fault: str, places: tuple[int, ...]) -> None:
    with pytest.raises(EquationError) as caught:
        parse(text)
    assert (caught.value.fault, caught.value.places, caught.value.text) == (fault, places, text)


def test_symbols_of_opt_einsum_are_labels() -> None:
    symbols = [get_symbol(number) for number in range(8000)]
    labels = [symbol for symbol in symbols if not symbol.isspace()]
    assert {"×", "÷"} < set(labels)
    assert parse(",".join(labels)).operands == tuple((label,) for label in labels)


def test_only_text_is_an_equation() -> None:
    with pytest.raises(ArgumentError, match="not 3"):
        parse(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("ik,kj->ij", {"i": {Role.FREE}, "k": {Role.CONTRACTED}, "j": {Role.FREE}}),
        ("bi,bj->bij", {"b": {Role.BATCH}, "i": {Role.FREE}, "j": {Role.FREE}}),
        ("ij->i", {"i": {Role.FREE}, "j": {Role.SUMMED}}),
        ("ii->", {"i": {Role.SUMMED, Role.REPEATED}}),
        ("ii->i", {"i": {Role.FREE, Role.REPEATED}}),
        ("iij,jk->ik", {"i": {Role.FREE, Role.REPEATED}, "j": {Role.CONTRACTED}, "k": {Role.FREE}}),
        ("i->ii", {"i": {Role.FREE, Role.REPEATED}}),
        ("i->ij", {"i": {Role.FREE}, "j": {Role.BROADCAST}}),
        ("->jj", {"j": {Role.BROADCAST, Role.REPEATED}}),
        ("...i,...->...", {"...": {Role.BATCH, Role.ELLIPSIS}, "i": {Role.SUMMED}}),
        ("...,i->i", {"...": {Role.SUMMED, Role.ELLIPSIS}, "i": {Role.FREE}}),
    ],
)
def test_roles(text: str, roles: dict[str, set[Role]]) -> None:
    assert parse(text).roles == roles


def test_places_and_positions() -> None:
    equation = parse("ik, k...k -> i...")
    assert equation.occurrences("k") == ((0, 1), (1, 0), (1, 2))
    assert equation.occurrences("i") == ((0, 0), (None, 0))
    assert equation.positions("k") == (1, 4, 8)
    assert equation.positions("k", operand=1) == (4, 8)
    assert equation.positions("...", operand=None) == (14,)
    assert equation.positions("z") == ()
    assert parse("ij,jk").positions("i", operand=None) == ()


def test_an_equation_is_a_value() -> None:
    assert parse("ij , jk") == parse("ij,jk->ik")
    assert len({parse("ij,jk"), parse("ij,jk->ik")}) == 1
    assert parse("ij,jk").roles
    assert pickle.loads(pickle.dumps(parse("ij,jk"))) == parse("ij,jk->ik")
    assert eval(repr(parse("ij,jk"))) == parse("ij,jk->ik")
    with pytest.raises(AttributeError):
        parse("i->i").output = ()  # type: ignore[misc]


@pytest.mark.parametrize(
    ("operands", "output"),
    [((("ij",),), ()), ((("1",),), ()), (((",",),), ()), ((("i",),), ("->",)), ((), ("i",)), ((("...", "..."),), ())],
)
def test_an_equation_that_has_no_text_is_refused(
    operands: tuple[tuple[str, ...], ...], output: tuple[str, ...]
) -> None:
    with pytest.raises(EquationError):
        Equation(operands, output)


def test_sublists() -> None:
    assert str(from_sublists([[0, 1], [..., 0]], [1, ...])) == "AB,...A->B..."
    assert str(from_sublists([[26, 0], [0, 51]])) == "aA,Az->az"
    assert str(from_sublists(np.array([[1, 0], [0, 2]]), range(1, 3))) == "BA,AC->BC"  # type: ignore[arg-type]
    numbers = list(range(200))
    equation = from_sublists([numbers], numbers[::-1])
    assert len(set(equation.output)) == 200
    assert parse(str(equation)) == equation


@pytest.mark.parametrize("entry", [-1, 1.0, "i", None])
def test_a_sublist_holds_numbers(entry: object) -> None:
    with pytest.raises(ArgumentError, match="whole number from 0 on"):
        from_sublists([[0, entry]])  # type: ignore[list-item]
    with pytest.raises(ArgumentError, match=r"a sublist is a sequence of numbers, such as \[0, 1\], not 3"):
        from_sublists([[0, 1]], 3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "words", "formula"),
    [
        (
            "ij,jk->ik",
            "Multiply x0 and x1 where their labels are equal, sum over j, and keep i and k.",
            "z[i,k] = Σ_j x0[i,j] x1[j,k]",
        ),
        ("ii->", "Take x0, on the diagonal of i, sum over i, and keep no label.", "z[] = Σ_i x0[i,i]"),
        ("...i->...", "Take x0, sum over i, and keep the ellipsis.", "z[...] = Σ_i x0[...,i]"),
        ("i->ij", "Take x0, repeat along j, and keep i.", "z[i,j] = x0[i] 1[j]"),
        ("i->iii", "Take x0, write the diagonal, and keep i.", "z[i,i',i''] = x0[i] δ[i,i'] δ[i,i'']"),
        ("->ii", "Take x0, repeat along i, write the diagonal, and keep no label.", "z[i,i'] = x0[] 1[i] δ[i,i']"),
    ],
)
def test_an_equation_says_itself(text: str, words: str, formula: str) -> None:
    assert parse(text).in_words() == words
    assert parse(text).as_sum() == formula


@pytest.mark.parametrize(
    "text", ["ij,jk->ik", "iij,j->i", "i->iij", "->", "...i,ij->...j", "...i,j->", "ii->...", "z,o->zo", "i×,×->i"]
)
def test_the_loops_run(text: str) -> None:
    size = {"i": 2, "j": 3, "k": 4, "z": 2, "o": 3, "×": 2}
    equation = parse(text)
    random = np.random.default_rng(0)

    def shape(term: tuple[str, ...]) -> list[int]:
        return [
            n
            for label in term
            for n in ([2, 3] if label == "..." and "...i" in text else [size[label]] if label != "..." else [])
        ]

    operands = {f"x{number}": random.normal(size=shape(term)) for number, term in enumerate(equation.operands)}
    out = np.zeros(shape(equation.output))
    exec(equation.as_loops(), {"size": size, "out": out, **operands})
    ordinary = len(set(equation.output)) == len(equation.output) and "iij" not in text
    if ordinary or text.startswith("iij"):
        np.testing.assert_allclose(out, np.einsum(text.replace("×", "x"), *operands.values(), optimize=True))
    else:
        np.testing.assert_allclose(out, np.einsum("i,ia,j->iaj", operands["x0"], np.eye(2), np.ones(3)))

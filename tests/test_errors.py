"""The message of an error: the fault, carets under it, what was given."""

import pickle

import pytest

from einsum_doc import ArgumentError, EinsumError, EquationError, OperandError, check, cost, einsum, parse, vjp


def message(equation: str, *shapes: tuple[int, ...], **sizes: int) -> str:
    import torch

    with pytest.raises(EinsumError) as caught:
        einsum(equation, *map(torch.zeros, shapes), sizes=sizes)
    return f"{type(caught.value).__name__}: {caught.value}"


def test_a_label_without_a_size() -> None:
    assert message("ik,kj->il", (4, 3), (3, 5)) == (
        "EquationError: label 'l' is in the output but in no operand, and has no size\n"
        "  ik,kj->il\n"
        "          ^\n"
        "  operand 0: ik, shape (4, 3)\n"
        "  operand 1: kj, shape (3, 5)"
    )


def test_sizes_that_disagree() -> None:
    assert message("ik, kj -> ij", (4, 3), (2, 5)) == (
        "OperandError: label 'k' has size 3 in operand 0 and size 2 in operand 1\n"
        "  ik, kj -> ij\n"
        "   ^  ^\n"
        "  operand 0: ik, shape (4, 3)\n"
        "  operand 1: kj, shape (2, 5)"
    )


def test_sizes_that_disagree_under_the_ellipsis() -> None:
    assert message("...i,...", (4, 2, 3), (5, 2)) == (
        "OperandError: axis -2 under the ellipsis has size 4 in operand 0 and size 5 in operand 1\n"
        "  ...i,...\n"
        "  ^    ^\n"
        "  operand 0: ...i, shape (4, 2, 3)\n"
        "  operand 1: ..., shape (5, 2)"
    )


def test_a_repeated_label_with_two_sizes() -> None:
    assert message("ii,k->k", (1, 3), (2,)) == (
        "OperandError: label 'i' is repeated in operand 0 with sizes 1 and 3\n"
        "  ii,k->k\n"
        "  ^^\n"
        "  operand 0: ii, shape (1, 3)\n"
        "  operand 1: k, shape (2,)"
    )


def test_a_stray_character_that_cannot_be_printed() -> None:
    assert (
        message("i\tj->ji", (2, 3)) == "EquationError: stray character '\\t'\n  i\N{REPLACEMENT CHARACTER}j->ji\n   ^"
    )


def test_dimensions() -> None:
    assert message("ij,jk->ik", (1, 2, 3), (3, 4)) == (
        "OperandError: operand 0 has 3 dimensions, but its labels 'ij' need 2\n"
        "  ij,jk->ik\n"
        "  ^^\n"
        "  operand 0: ij, shape (1, 2, 3)\n"
        "  operand 1: jk, shape (3, 4)"
    )


def test_the_number_of_operands() -> None:
    assert message("ij,jk->ik", (2, 2)) == (
        "OperandError: the equation has 2 operands, but 1 was given\n  ij,jk->ik\n     ^^\n  operand 0: shape (2, 2)"
    )


def test_the_facts_are_fields() -> None:
    import torch

    with pytest.raises(OperandError) as caught:
        einsum("ik,kj->ij", torch.zeros(4, 3), torch.zeros(2, 5))
    error = caught.value
    assert (error.label, error.operands, error.places, error.text) == ("k", (0, 1), (1, 3), "ik,kj->ij")
    assert isinstance(error, ValueError)
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error)
    assert again.operands == error.operands


def test_a_size_that_is_no_news_or_no_size() -> None:
    assert message("ij->i", (2, 3), j=3).startswith(
        "OperandError: a size is given for label 'j', which is not in the output"
    )
    assert message("i->i", (2,), i=3).startswith("OperandError: label 'i' has size 2 and is given size 3")
    assert message("i->ij", (2,), j=-1).startswith("OperandError: the size given for label 'j' is -1")
    assert message("i->i...", (2,), **{"...": 3}).startswith(
        "OperandError: the ellipsis takes a sequence of sizes, not 3"
    )


def test_tensors_that_do_not_go_together() -> None:
    import torch

    x, y = torch.zeros(2, 2), torch.zeros(2, 2, dtype=torch.float64)
    with pytest.raises(OperandError, match="float32 and float64 are contracted") as caught:
        einsum("ij,jk->ik", x, y)
    assert caught.value.given == (
        "operand 0: ij, shape (2, 2), float32",
        "operand 1: jk, shape (2, 2), float64",
    )
    assert str(caught.value).startswith(
        "float32 and float64 are contracted, which need one dtype\n  ij,jk->ik\n     ^^\n"
    )
    with pytest.raises(OperandError, match="different devices") as caught:
        einsum("ij,jk->ik", x, x.to("meta"))
    assert (caught.value.operands, caught.value.places) == ((1,), (3, 4))
    with pytest.raises(ArgumentError, match="operand 1 is no tensor: list") as caught:
        einsum("ij,jk->ik", x, [[1.0]])
    assert (caught.value.operands, caught.value.places) == ((1,), (3, 4))
    with pytest.raises(OperandError, match="dtype int64, which has no gradient"):
        vjp("i->", (torch.arange(3),), torch.tensor(1))


def test_the_upstream_gradient_fits_the_output() -> None:
    import torch

    x = torch.zeros(2, 3)
    with pytest.raises(OperandError, match="label 'i' has size 2 and is given size 4 in the upstream gradient"):
        vjp("ij->i", (x,), torch.zeros(4))
    with pytest.raises(OperandError, match="has 2 dimensions, but the output has 1"):
        vjp("ij->i", (x,), torch.zeros(2, 3))
    with pytest.raises(OperandError, match="has dtype float64, the output has float32"):
        vjp("ij->i", (x,), torch.zeros(2, dtype=torch.float64))
    with pytest.raises(OperandError, match="axis -1 under the ellipsis has size 1 and is given size 2"):
        vjp("...->...", (torch.zeros(1),), torch.zeros(2))


def test_a_call_that_forgets_the_equation() -> None:
    import torch

    x = torch.zeros(2, 2)
    for call in ((x,), (x, x), (x, [0, 1], x, x)):
        with pytest.raises(ArgumentError, match="an operand comes with its sublist"):
            einsum(*call)


def test_sizes_that_are_none() -> None:
    for size, fault in ((-3, "the size given for label 'j' is -3"), ("3", "label 'j' takes one size, not '3'")):
        for function in (check, cost):
            with pytest.raises(OperandError, match=fault) as caught:
                function("ij,jk->ik", {"i": 2, "j": size, "k": 4})  # type: ignore[dict-item]
            assert caught.value.places == (1, 3)


def test_a_call_without_operands() -> None:
    with pytest.raises(EinsumError):
        einsum()
    with pytest.raises(EinsumError):
        einsum("")
    with pytest.raises(EquationError):
        parse("i$")

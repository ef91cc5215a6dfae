"""Every bad argument of every public function is refused by one of our errors, as torch refuses it where it does."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import einsum_doc
from einsum_doc.errors import ArgumentError, EinsumError, NotationError

X, Y = torch.arange(6.0).reshape(2, 3), torch.arange(12.0).reshape(3, 4)
BOTH, Z = (X, Y), torch.ones(2, 4)
MATRICES = {"equation": "ij,jk->ik"}
GOOD: dict[str, dict[str, Any]] = {
    "parse": {"text": "ij,jk->ik"},
    "from_sublists": {"operands": [[0, 1], [1, 2]], "output": [0, 2]},
    "gradient": {**MATRICES, "wrt": 0},
    "tangent": MATRICES,
    "second_derivative": {**MATRICES, "wrt": 0, "wrt2": 1},
    "shared_gradient": {**MATRICES, "slots": [0, 1]},
    "derive": {**MATRICES, "wrt": 0, "wrt2": 1, "names": ["x", "y"], "output": "z", "loss": "l", "mode": "second"},
    "emit": {**MATRICES, "wrt": 0, "library": "numpy"},
    "cost": {**MATRICES, "sizes": [(2, 3), (3, 4)], "itemsize": 4, "memory_limit": 100},
    "check": {**MATRICES, "sizes": {"i": 2, "j": 3, "k": 4}, "dtype": torch.float64, "seed": 0},
    "einsum": {"arguments": ("ij,jk->ikl", X, Y), "sizes": {"l": 2}, "memory_limit": 100},
    "vjp": {**MATRICES, "operands": BOTH, "dldz": Z, "memory_limit": 100},
    "jvp": {"equation": "ij,jk->ikl", "operands": BOTH, "tangents": BOTH, "sizes": {"l": 2}, "memory_limit": 100},
    "hvp": {**MATRICES, "operands": BOTH, "dldz": Z, "tangents": BOTH, "memory_limit": 100},
    "prove": {"latex": r"y_i &= x_i \\ u_j &= y_j"},
    "verify": {
        "latex": r"y_i &= x_i \\ u_j &= y_j",
        **{"let": {}, "size": {}, "fixed": (), "no_sum": (), "positive": (), "local": (), "namespace": {}, "seed": 0},
        **{"small": (), "symmetric": (), "positive_definite": (), "interval": {}, "sums_to_one": {}},
    },
}

EQUATIONS = [None, 3, 1.5, ["ij"], np.zeros(2), X, "i$->i", "ij,jk->k->i", "ij->i..", bytearray(b"ij->i")]
OPERANDS = [None, 3, X, X.numpy(), "xy", [], [X], [X, Y, Y], [X, None], [X, [[1.0]]], [X, Y.numpy()], [X, X], [X, Y, 3]]
NUMBERS = ["x", 1.5, None, -1, [0], X]
SIZES = [3, "ijk", [2, 3, 4], [(2, 3)], [(2, 3), 4], [(2, "3"), (3, 4)], [(2, -3), (-3, 4)], [(2, 3), (2, 4)], object()]
LABELLED = [
    3,
    "ab",
    {"j": 3},
    {"m": 3},
    {3: 4},
    {"l": -1},
    {"l": 1.5},
    {"l": "2"},
    {"l": {2}},
    {"l": [2]},
    {"l": X},
    [2],
]
LISTS = [3, 1.5, object()]
BAD: dict[str, list[Any]] = {
    "text": EQUATIONS,
    "equation": EQUATIONS,
    "wrt": [*NUMBERS[:2], *NUMBERS[3:], 2],
    "wrt2": [*NUMBERS[:2], *NUMBERS[3:], 2],
    "slots": [3, None, "x", [1.5], [2], [-1]],
    "names": [3, [3, 4], ["x"], ["x", "$"], ["x", []], ["x", "z"], ["x", r"\mathbf{x}"]],
    "output": [3, "", "$", "x", []],
    "loss": [3, "", "$", "x", []],
    "mode": ["grad", "seconds", 3, None, []],
    "library": ["numpi", "cupy", 3, None, []],
    "sizes": SIZES,
    "itemsize": NUMBERS,
    "memory_limit": [*NUMBERS[:2], *NUMBERS[3:]],
    "dtype": [torch.float32, "float64", None, float, []],
    "seed": NUMBERS,
    "operands": OPERANDS,
    "dldz": [None, 3, [1.0], Z.numpy(), X, Z.double()],
    "tangents": [None, 3, X, [X], [X, Y, Y], [X, 3], [X, X], [X, Y.double()], [X, Y.numpy()]],
    "latex": [None, 3, b"y_i &= x_i", "", "y_i &= "],
    "let": [3, ["y"], {"y": "("}, {"u": "q(x)"}, {3: "x"}, {"w": max}],
    "size": [3, ["i"], {"i": 1.5}, {"i": "m"}, {3: 3}, {"i": -1}],
    "fixed": [*LISTS, [3], "1"],
    "no_sum": [*LISTS, [3], "m"],
    "positive": [*LISTS, [3], "m"],
    "small": [*LISTS, [3], "m"],
    "symmetric": [*LISTS, [3], "m", "x"],
    "positive_definite": [*LISTS, [3], "m", "x"],
    "interval": [3, ["x"], {"x": 3}, {"x": (1,)}, {"x": (1, 0)}, {"x": ("a", "b")}, {"m": (0, 1)}],
    "sums_to_one": [3, ["x"], {"x": "m"}, {"m": "i"}, {"x": 3}],
    "local": [*LISTS, [3], "m"],
    "namespace": [3, "x", ["x"]],
}
OF_ONE_FUNCTION: dict[tuple[str, str], list[Any]] = {
    ("from_sublists", "operands"): [
        3,
        None,
        [3],
        [None],
        ["ij"],
        [[0, "j"]],
        [[0, 1.5]],
        [[-1]],
        [[..., ...]],
        [[2**40]],
    ],
    ("from_sublists", "output"): [3, "ij", [-1], [1.5], [..., ...]],
    ("einsum", "arguments"): [
        *((equation, X) for equation in EQUATIONS if equation is not X),
        *(("ij,jk->ik", operands) for operands in OPERANDS if not isinstance(operands, list)),
        *(("ij,jk->ik", *operands) for operands in OPERANDS if isinstance(operands, list)),
        *((X, sublist) for sublist in (None, 3, X, X[0], [-1, 0], [0, 1.5], "ij", [0], [0, 1, 2])),
        *((), (X,), (X, X), (X, [0, 1], None), (X, [0, 1], None, [0]), (X, [0, 1], 3, []), (X, [0, 1], Y, [1, 2], Z)),
    ],
    ("einsum", "sizes"): LABELLED,
    ("jvp", "sizes"): LABELLED,
    ("check", "sizes"): [*SIZES, {"i": 2}, {"i": 2, "j": 3, "k": -4}, {"i": 2, "j": 3, "k": {4}}],
}
FLAGS = {"complex"}
"""Parameters that take everything, for it is true or false."""


def public_functions() -> list[str]:
    return [name for name in einsum_doc.__all__ if inspect.isfunction(getattr(einsum_doc, name))]


def call(name: str, arguments: dict[str, Any]) -> Any:
    return getattr(einsum_doc, name)(
        *arguments.get("arguments", ()), **{k: v for k, v in arguments.items() if k != "arguments"}
    )


def parts(value: Any) -> list[Any]:
    """Return a value, and all that is in it."""
    if isinstance(value, str):
        return [value, *value]
    inside = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list | tuple) else []
    return [value, *(part for item in inside for part in parts(item))]


CASES = [
    pytest.param(name, parameter, id=f"{name} {parameter}")
    for name in public_functions()
    for parameter in inspect.signature(getattr(einsum_doc, name)).parameters
    if parameter not in FLAGS
]


@pytest.mark.parametrize("name", public_functions())
def test_the_good_arguments_are_taken(name: str) -> None:
    call(name, GOOD[name])
    assert set(GOOD[name]) == set(inspect.signature(getattr(einsum_doc, name)).parameters) - FLAGS


@pytest.mark.parametrize(("name", "parameter"), CASES)
def test_a_bad_argument_is_refused(name: str, parameter: str) -> None:
    for value in OF_ONE_FUNCTION.get((name, parameter)) or BAD[parameter]:
        with pytest.raises((EinsumError, NotationError)) as caught:
            call(name, {**GOOD[name], parameter: value})
        fault = str(caught.value).splitlines()[0]
        assert " " in fault
        if isinstance(caught.value, ArgumentError):
            shown = {" ".join(repr(part).split())[:6] for part in parts(value)}
            assert any(text in fault for text in shown | {type(part).__name__ for part in parts(value)}), fault


class Call:
    """A call of an einsum, by the arguments that it has."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments

    def outcome(self, einsum: Callable[..., Any]) -> Any:
        try:
            return einsum(*self.arguments)
        except Exception as error:
            return error


LABELS = torch.tensor([0, 1])
CALLS = {
    "no arguments": Call(),
    "None alone": Call(None),
    "an equation alone": Call("ij"),
    "an empty list": Call("ij", []),
    "a number for an equation": Call(3, X),
    "None for an equation": Call(None, X),
    "a list for an equation": Call(["ij->i"], X),
    "an array for an equation": Call(np.zeros(2), [0]),
    "bytes": Call(b"ij->i", X),
    "bytes that are no text": Call(b"\xff\xfe->", X),
    "bytes that cannot be read": Call(b"i$->i", X),
    "a bytearray": Call(bytearray(b"ij->i"), X),
    "a string of NumPy": Call(np.str_("ij->i"), X),
    "a stray character": Call("i$->i", X),
    "a digit": Call("i1->i", X),
    "a tab": Call("i\tj->i", X),
    "two arrows": Call("ij->i->i", X),
    "half an arrow": Call("ij-i", X),
    "the other half": Call("ij>i", X),
    "a dot": Call("i.j", X),
    "two ellipses": Call("......", X),
    "two ellipses in the output": Call("...->......", X),
    "a comma in the output": Call("ij->i,j", X),
    "a label of the output alone": Call("ij->ik", X),
    "too few operands": Call("ij,jk->ik", X),
    "too many operands": Call("ij->i", X, Y),
    "too few dimensions": Call("ijk->i", X),
    "too many dimensions": Call("i->i", X),
    "too few dimensions for an ellipsis": Call("ijk...->i", X),
    "two sizes": Call("ij,jk->ik", X, X),
    "two sizes in one operand": Call("ii->i", X),
    "two sizes under the ellipsis": Call("...,...->...", X, Y),
    "two dtypes": Call("ij,jk->ik", X, Y.double()),
    "booleans": Call("ij,jk->ik", X.bool(), Y.bool()),
    "None for an operand": Call("ij->i", None),
    "a number for an operand": Call("->", 1.5),
    "a list of numbers": Call("i->i", [1.0, 2.0]),
    "an array": Call("ij->i", X.numpy()),
    "a second array": Call("ij,jk->ik", X, Y.numpy()),
    "an iterator": Call("ij,jk->ik", iter((X, Y))),
    "operands in a list": Call("ij,jk->ik", [X, Y]),
    "operands in a list in a tuple": Call("ij,jk->ik", ([X, Y],)),
    "an operand and a list": Call("ij,jk->ik", X, [Y]),
    "a tensor alone": Call(X),
    "no equation": Call(X, X),
    "no equation, but three operands": Call(X, Y, X),
    "tensors as sublists": Call(X, LABELS, Y, LABELS + 1),
    "tensors as sublists, and as that of the output": Call(X, LABELS, Y, LABELS + 1, torch.tensor([2, 0])),
    "a tensor as the sublist of the output": Call(X, [0, 1], LABELS[:1]),
    "a tensor of floats as a sublist": Call(X, LABELS / 2),
    "a scalar tensor as a sublist": Call(X, LABELS[0]),
    "a list of tensors as a sublist": Call(X, [LABELS[0], LABELS[1]]),
    "an array as a sublist": Call(X, LABELS.numpy()),
    "bytes as a sublist": Call(X, b"\x00\x01"),
    "a range as a sublist": Call(X, range(2), [1]),
    "booleans in a sublist": Call(X, [False, True], [True]),
    "text as a sublist": Call(X, "ij"),
    "text in a sublist": Call(X, ["i", "j"]),
    "a float in a sublist": Call(X, [0, 1.0]),
    "None in a sublist": Call(X, [0, None]),
    "a negative number in a sublist": Call(X, [-1, 0]),
    "None for a sublist": Call(X, None),
    "a number for a sublist": Call(X, 3),
    "None for the output": Call(X, [0, 1], None),
    "None between sublists": Call(X, [0, 1], None, [1]),
    "two outputs": Call(X, [0, 1], Y, [1, 2], [0, 2], [3]),
    "a new number in the output": Call(X, [0, 1], [2]),
    "two ellipses in a sublist": Call(X, [..., ..., 0]),
}


@pytest.mark.parametrize("name", CALLS)
def test_an_error_is_one_that_torch_raises(name: str) -> None:
    theirs, ours = CALLS[name].outcome(torch.einsum), CALLS[name].outcome(einsum_doc.einsum)
    if isinstance(theirs, NotImplementedError):
        theirs = RuntimeError()
    if isinstance(theirs, Exception):
        assert isinstance(ours, type(theirs))
        assert isinstance(ours, EinsumError)
    else:
        torch.testing.assert_close(ours, theirs)

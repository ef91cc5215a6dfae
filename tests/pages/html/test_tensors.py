"""What is shown of a tensor: a small one's numbers, a large one's facts."""

from __future__ import annotations

import re

import numpy as np
import pytest

from einsum_doc.pages.html.tensors import is_tensor, tensor_html

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
NAN, INF = float("nan"), float("inf")
X = torch.arange(12.0).reshape(3, 4)

# A tensor, the rows of its matrix, and what is said of it.
CASES = {
    "float32": (torch.tensor([[1.5, -0.25], [10.0, 2.0]]), "1.50 -0.25 | 10.00 2.00", "shape (2, 2) float32 cpu"),
    "whole numbers": (X[:2, :2], "0 1 | 4 5", "shape (2, 2) float32 cpu"),
    "rounded": (torch.tensor([1 / 3, -2.0]), "0.3333 -2.0000", "shape (2,) float32 cpu"),
    "rounded to zero": (torch.tensor([1.0, -1e-17]), "1.0000 -0.0000", "shape (2,) float32 cpu"),
    "minus zero": (torch.tensor([-0.0, 1.0]), "0 1", "shape (2,) float32 cpu"),
    "what float32 loses": (torch.tensor([0.1, 1 - 6e-8]), "0.1 1.0", "shape (2,) float32 cpu"),
    "tiny": (torch.tensor([3e-9, -1e-17], dtype=torch.float64), "3.000e-09 -1.000e-17", "shape (2,) float64 cpu"),
    "large": (torch.tensor([123456.0, 1.0]), "1.235e+05 1.000e+00", "shape (2,) float32 cpu"),
    "not finite": (torch.tensor([NAN, INF, -INF, 0.5]), "nan inf -inf 0.5", "shape (4,) float32 cpu"),
    "nothing finite": (torch.tensor([NAN, INF]), "nan inf", "shape (2,) float32 cpu"),
    "integers": (torch.tensor([-7, 100]), "-7 100", "shape (2,) int64 cpu"),
    "truth": (torch.eye(2) > 0, "True False | False True", "shape (2, 2) bool cpu"),
    "complex": (torch.tensor([1 + 2j, -0.5j]), "1.0+2.0j 0.0-0.5j", "shape (2,) complex64 cpu"),
    "conjugated": (torch.tensor([1 + 2j]).conj(), "1-2j", "shape (1,) complex64 cpu"),
    "a number": (torch.tensor(3.5), "3.5", "shape () float32 cpu"),
    "half": (torch.ones(2, dtype=torch.bfloat16), "1 1", "shape (2,) bfloat16 cpu"),
    "eighth": (torch.ones(2).to(torch.float8_e5m2), "1 1", "shape (2,) float8_e5m2 cpu"),
    "with a gradient": (X[:1, :2].clone().requires_grad_() * 2, "0 2", "shape (1, 2) float32 cpu requires grad"),
    "a view": (X.T[:2, :2], "0 4 | 1 5", "shape (2, 2) float32 cpu"),
    "largest that is written out": (torch.ones(8, 8), " | ".join(["1 1 1 1 1 1 1 1"] * 8), "shape (8, 8) float32 cpu"),
    "long": (torch.arange(9), "", "shape (9,) int64 cpu min 0 mean 4 max 8"),
    "three axes": (torch.ones(2, 2, 2), "", "shape (2, 2, 2) float32 cpu min 1 mean 1 max 1"),
    "empty": (torch.empty(0, 3), "", "shape (0, 3) float32 cpu empty"),
    "some are nan": (
        torch.tensor([NAN, INF, NAN, *range(7)]),
        "",
        "shape (10,) float32 cpu min 0 mean 3 max 6 2 nan 1 infinite",
    ),
    "all are nan": (torch.full((1000,), NAN), "", "shape (1000,) float32 cpu 1,000 nan"),
    "much truth": (torch.arange(2000) > 9, "", "shape (2000,) bool cpu 1,990 of 2,000 true"),
    "many integers": (torch.arange(2000) - 5, "", "shape (2000,) int64 cpu min -5 mean 994.5 max 1,994"),
    "unsigned": (torch.full((9,), 2**32 - 1, dtype=torch.uint32), "", "min 4,294,967,295 mean 4.295e+09 max 4,294"),
    "many halves": (torch.full((5000,), 100.0, dtype=torch.half), "", "float16 cpu min 100 mean 100 max 100"),
    "much that is complex": (torch.full((9,), 3 + 4j), "", "complex64 cpu abs min 5 mean 3+4j abs max 5"),
    "without data": (torch.ones(2, 3, device="meta"), "", "shape (2, 3) float32 meta without data"),
    "NumPy's": (np.array([[1.5], [2]]), "1.5 | 2.0", "shape (2, 1) float64"),
    "NumPy's, large": (np.arange(100), "", "shape (100,) int64 min 0 mean 49.5 max 99"),
    "NumPy's, some nan": (np.array([NAN, *range(9)]), "", "shape (10,) float64 min 0 mean 4 max 8 1 nan"),
    "NumPy's, truth": (np.ones(9, bool), "", "shape (9,) bool 9 of 9 true"),
    "NumPy's, a number": (np.array(5), "5", "shape () int64"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_tensor(case: str) -> None:
    tensor, rows, facts = CASES[case]
    assert is_tensor(tensor)
    html = tensor_html(tensor)
    entries, _, caption = html.partition("<figcaption>")
    cells = " | ".join(
        " ".join(re.findall("<td>(.*?)</td>", row)) for row in re.findall("<tr>(.*?)</tr>", entries)
    ) or re.sub("<[^>]+>", "", entries)
    assert cells == rows
    said = re.sub("<[^>]+>", "", caption)
    assert said.startswith("array " if isinstance(tensor, np.ndarray) else "tensor ")
    assert facts in said


def test_a_parameter_is_called_one() -> None:
    assert "<b>parameter</b>" in tensor_html(torch.nn.Parameter(torch.ones(2)))


@pytest.mark.parametrize(
    "value",
    [
        3.5,
        [1.0],
        np.float64(1),
        np.array(["a"]),
        np.array([1, "a"], dtype=object),
        np.ma.array([1, 2]),
        np.zeros(2, dtype="datetime64[s]"),
        torch.eye(2).to_sparse(),
    ],
    ids=str,
)
def test_what_is_no_tensor_of_plain_numbers(value: object) -> None:
    assert not is_tensor(value)


def test_the_tensor_is_not_changed() -> None:
    x = torch.tensor([1.0, NAN], requires_grad=True)
    y = x * 2
    tensor_html(y)
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [2.0, 2.0]

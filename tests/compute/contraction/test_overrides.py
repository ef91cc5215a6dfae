"""What overrides, records or counts the calls of torch sees einsum as it sees torch.einsum."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.fx import symbolic_trace
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

import einsum_doc
from einsum_doc import EquationError, einsum, vjp

Einsum = Callable[..., Tensor]
X, Y, Z = torch.randn(3, 4), torch.randn(4, 5), torch.randn(5, 2)
CALLS: dict[str, Callable[[Einsum, Any, Any], Any]] = {
    "two operands": lambda e, x, y: e("ij,jk->ik", x, y),
    "an implicit output": lambda e, x, y: e("ij,jk", x, y),
    "an ellipsis": lambda e, x, y: e("...j,jk->...k", x, y),
    "one operand": lambda e, x, y: e("ij->ji", x),
    "three operands": lambda e, x, y: e("ij,jk,ik->k", x, y, e("ij,jk->ik", x, y)),
    "sublists": lambda e, x, y: e(x, [0, 1], y, [1, 2], [0, 2]),
    "operands in a list": lambda e, x, y: e("ij,jk->ik", [x, y]),
}


class Calls(TorchFunctionMode):
    """The functions that are called, by name, with the arguments that are no tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[Any] = []

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        plain = [own for own in args if not isinstance(own, Tensor | list | tuple)]
        self.made.append((function, *plain))
        return function(*args, **(kwargs or {}))


class Named(Tensor):
    """A type of tensors that does nothing of its own."""


class Answers(Tensor):
    """A type of tensors that overrides every function."""

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return function, len(args), kwargs


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_mode_sees_torchs_einsum(call: Callable[[Einsum, Any, Any], Any]) -> None:
    with Calls() as ours:
        output = call(einsum, X, Y)
    with Calls() as theirs:
        expected = call(torch.einsum, X, Y)
    assert ours.made == theirs.made
    assert ours.made[0][0] is torch.einsum
    torch.testing.assert_close(output, expected)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_type_of_tensors_overrides_it(call: Callable[[Einsum, Any, Any], Any]) -> None:
    x, y = X.as_subclass(Named), Y.as_subclass(Named)
    ours, theirs = call(einsum, x, y), call(torch.einsum, x, y)
    assert type(ours) is type(theirs) is Named
    torch.testing.assert_close(ours, theirs)
    assert einsum("ij,jk->ik", X.as_subclass(Answers), Y) == (torch.einsum, 3, {})
    assert einsum("ij,jk->ik", X, [Y.as_subclass(Answers)][0]) == (torch.einsum, 3, {})


def test_what_torch_cannot_write_is_overridden_as_ours() -> None:
    x = X.as_subclass(Answers)
    assert einsum("ij->ijj", x) == (einsum, 2, {})
    assert einsum("ij->ijk", x, sizes={"k": 2}) == (einsum, 2, {"sizes": {"k": 2}})
    assert einsum("αj->jα", x) == (einsum, 2, {})
    assert vjp("ij,jk->ik", (x, Y), torch.ones(3, 5)) == (vjp, 3, {})
    named = X.as_subclass(Named)
    assert type(einsum("ij->ijk", named, sizes={"k": 2})) is Named
    assert all(type(gradient) is Named for gradient in vjp("ij,jk->ik", (named, Y), torch.ones(3, 5)))
    with Calls() as calls:
        torch.testing.assert_close(einsum("ij->ijj", X), torch.diag_embed(X))
    assert calls.made[0][0] is einsum
    with Calls(), pytest.raises(EquationError):
        einsum("i$->i", X)


@pytest.fixture
def default_device() -> Iterator[None]:
    torch.set_default_device("cpu")
    yield
    torch.set_default_device(None)


@pytest.mark.usefixtures("default_device")
def test_a_default_device_overrides_nothing() -> None:
    """It is a mode too, of torch's own, and the plan has to run under it."""
    operands = [operand.clone().requires_grad_() for operand in (X, Y, Z)]
    output = einsum("ij,jk,kl->ji", *operands)
    assert "_ContractionNode" in type(output.grad_fn).__name__
    output.sum().backward()


@pytest.mark.parametrize(
    "equation", ["ij,jk->ik", "ij,j->i", "ij,ij->i", "ij,ij->ij", "i,j->ij", "ij->i", "bij,bjk->bik", "bi,bij,bj->b"]
)
def test_the_flops_are_those_of_torch(equation: str) -> None:
    """Which has no choice of order but for three operands, where both choose well."""
    sizes = {"b": 2, "i": 3, "j": 4, "k": 5}

    def flops(function: Einsum) -> int:
        operands = [
            torch.ones([sizes[label] for label in term], requires_grad=True)
            for term in equation.split("->")[0].split(",")
        ]
        with FlopCounterMode(display=False) as counter:
            function(equation, *operands).sum().backward()
        total: int = counter.get_total_flops()
        return total

    assert flops(einsum) == flops(torch.einsum)


def test_a_mode_that_is_not_torchs_sees_the_plan() -> None:
    """It measures what runs without it: here a product and a sum, where torch.einsum has a batch of products."""

    class Names(TorchDispatchMode):
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            names.append(function.overloadpacket.__name__)
            return function(*args, **(kwargs or {}))

    names: list[str] = []
    x, y = torch.ones(9, 3000), torch.ones(9, 3000)
    with Names():
        einsum("ij,ij->i", x, y)
    assert "bmm" not in names
    assert "mul" in names


class Module(nn.Module):
    """A module whose forward pass is a function of einsum and two tensors."""

    def __init__(self, function: Einsum, body: Callable[[Einsum, Any, Any], Any]) -> None:
        super().__init__()
        self.function, self.body = function, body

    def forward(self, x: Any, y: Any) -> Any:
        return self.body(self.function, x, y)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_fx_records_torchs_einsum(call: Callable[[Einsum, Any, Any], Any]) -> None:
    ours, theirs = (symbolic_trace(Module(function, call)) for function in (einsum, torch.einsum))
    assert ours.code == theirs.code
    torch.testing.assert_close(ours(X, Y), theirs(X, Y))


def test_fx_records_ours_where_torch_has_none() -> None:
    traced = symbolic_trace(Module(einsum, lambda e, x, y: e("ij->jjk", x, sizes={"k": y.shape[1]})))
    assert "einsum_doc_compute_contraction_public_einsum('ij->jjk', x, sizes = " in traced.code
    for columns in (2, 7):
        torch.testing.assert_close(traced(X, torch.ones(1, columns)), einsum("ij->jjk", X, sizes={"k": columns}))


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
@pytest.mark.parametrize("name", ["einsum", "vjp", "jvp", "hvp"])
def test_a_script_refuses_it_with_a_sentence(name: str) -> None:
    function = getattr(einsum_doc, name)

    def body(x: Tensor, y: Tensor) -> Tensor:
        return function("ij,jk->ik", x, y)  # type: ignore[no-any-return]

    sentence = rf"torch.jit.script cannot compile einsum_doc.{name}, .*: use torch.compile, "
    for what in (body, function):
        with pytest.raises(RuntimeError, match=sentence):
            torch.jit.script(what)

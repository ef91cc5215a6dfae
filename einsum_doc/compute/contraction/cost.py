"""Equation + shapes -> Cost: of the output and all gradients in one sweep, and of gradients one by one."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from html import escape
from math import prod

from einsum_doc.compute.contraction.binding import Binding, Sizes, bind, check_limit, shapes_from
from einsum_doc.compute.contraction.calls import TorchCall
from einsum_doc.compute.contraction.plan import AxisMap, Contraction, Plan, make_plan
from einsum_doc.equation import Equation, parse
from einsum_doc.errors import whole


@dataclass(frozen=True)
class Work:
    """The cost of a computation.

    >>> cost("ij,jk->ik", {"i": 10, "j": 20, "k": 30}).forward
    Work(multiply_adds=6000, moved=4400, peak=1200)

    multiply_adds: of its contractions, one for each value of their labels.
    moved: bytes read and written by contractions, and to expand and to write diagonals.
    peak: the most bytes at a time of tensors that it makes, without operands and the upstream gradient.
    """

    multiply_adds: int
    moved: int
    peak: int


@dataclass(frozen=True)
class Cost:
    """The cost of an einsum and its gradients; `str()` is a small table.

    >>> print(cost("ij,jk->ik", {"i": 10, "j": 20, "k": 30}))
    ij,jk->ik  i=10 j=20 k=30
                                          multiply-adds    bytes moved     peak bytes
      output                                      6,000          4,400          1,200
      output and gradients, one sweep            18,000         13,200          4,400
      output and gradients, one by one           18,000         13,200          4,400

    equation: its canonical text.
    sizes: of each of its labels.
    forward: the output alone.
    sweep: the output and all gradients, along one tree.
    naive: the output, and every gradient by an einsum of its own, each in its best order; it is counted when it is
    first read, because every one of them is planned.
    """

    equation: str
    sizes: Mapping[str, int]
    forward: Work
    sweep: Work
    _count_naive: Callable[[], Work] = field(repr=False, compare=False)

    @cached_property
    def naive(self) -> Work:
        return self._count_naive()

    def __str__(self) -> str:
        lines = [f"{self.equation}  {self._sizes}".rstrip()]
        lines.append(f"  {'':<34}{'multiply-adds':>15}{'bytes moved':>15}{'peak bytes':>15}")
        for name, work in self._ways:
            lines.append(f"  {name:<34}{work.multiply_adds:>15,}{work.moved:>15,}{work.peak:>15,}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = f"<th><code>{escape(self.equation)}</code> {escape(self._sizes)}</th>"
        head += "<th>multiply-adds</th><th>bytes moved</th><th>peak bytes</th>"
        rows = "".join(
            f"<tr><td>{name}</td><td>{work.multiply_adds:,}</td><td>{work.moved:,}</td><td>{work.peak:,}</td></tr>"
            for name, work in self._ways
        )
        return f'<table class="cost"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'

    @property
    def _sizes(self) -> str:
        return " ".join(f"{label}={size}" for label, size in self.sizes.items())

    @property
    def _ways(self) -> Sequence[tuple[str, Work]]:
        return (
            ("output", self.forward),
            ("output and gradients, one sweep", self.sweep),
            ("output and gradients, one by one", self.naive),
        )


def cost(
    equation: Equation | str,
    sizes: Sizes | Sequence[Sequence[int]],
    *,
    itemsize: int = 4,
    memory_limit: int | None = None,
) -> Cost:
    """Count the cost of an einsum and its gradients, without computing them.

    >>> found = cost("ab,bc,cd,de->ae", {label: 100 for label in "abcde"})
    >>> found.forward.multiply_adds, found.sweep.multiply_adds, found.naive.multiply_adds
    (3000000, 9000000, 15000000)

    sizes: of each label, or the shapes of the operands and then, if it has new labels, of the output.
    itemsize: the bytes of a number; 4 for float32.
    memory_limit: the most numbers in an intermediate tensor, as in `einsum`.
    Raises: as `einsum`; OperandError, if a label has no size.
    """
    equation = parse(equation)
    shapes, new = shapes_from(equation, sizes)
    binding = bind(equation, shapes, new)
    itemsize, memory_limit = whole(itemsize, "itemsize is"), check_limit(memory_limit)
    plan = make_plan(binding, memory_limit=memory_limit)
    forward, sweep = _Simulation(plan, itemsize), _Simulation(plan, itemsize)
    forward.output(keep=False)
    sweep.output(keep=True)
    sweep.gradients()
    naive = partial(_one_by_one, binding, forward.work, itemsize, memory_limit)
    return Cost(str(equation), binding.sizes, forward.work, sweep.work, naive)


def _one_by_one(binding: Binding, output: Work, itemsize: int, memory_limit: int | None) -> Work:
    """Count the output, and every gradient by an einsum of its own."""
    gradients = (_one_gradient(binding, number, itemsize, memory_limit) for number in range(len(binding.shapes)))
    works = [output, *gradients]
    kept = [prod(shape) * itemsize for shape in (binding.output_shape, *binding.shapes)]
    peak = max(sum(kept[:number]) + work.peak for number, work in enumerate(works))
    return Work(sum(work.multiply_adds for work in works), sum(work.moved for work in works), peak)


def _one_gradient(binding: Binding, number: int, itemsize: int, memory_limit: int | None) -> Work:
    """Count the einsum of one gradient."""
    others = [n for n in range(len(binding.operands)) if n != number]
    target = zip(binding.operands[number], binding.shapes[number], strict=True)
    swapped = Binding(
        operands=(binding.output, *(binding.operands[n] for n in others)),
        output=tuple(label for label, size in target if size != 1),
        shapes=(binding.output_shape, *(binding.shapes[n] for n in others)),
        sizes=binding.sizes,
    )
    simulation = _Simulation(make_plan(swapped, memory_limit=memory_limit), itemsize)
    simulation.output(keep=False)
    return simulation.work


class _Simulation:
    """Run a plan without tensors."""

    def __init__(self, plan: Plan, itemsize: int) -> None:
        self.plan = plan
        self.itemsize = itemsize
        self.multiply_adds = 0
        self.moved = 0
        self.alive: dict[object, int] = {}
        self.peak = 0

    @property
    def work(self) -> Work:
        return Work(self.multiply_adds, self.moved * self.itemsize, self.peak * self.itemsize)

    def output(self, *, keep: bool) -> None:
        """Count the forward sweep; the gradients need the tensors that are kept."""
        if not self.plan.contractions:
            self._read(self.plan.operands[0], 0)
        for number, contraction in enumerate(self.plan.contractions):
            for side in (contraction.left, contraction.right):
                if side < len(self.plan.operands):
                    self._read(self.plan.operands[side], side)
            self._contract(contraction, contraction.forward, contraction.result)
            if not keep:
                used = (contraction.left, contraction.right)
                self._free(tensor for tensor in used if self.plan.last_uses[tensor] == number)
        self._write(self.plan.output, self.plan.last)
        if self.plan.output.broadcasts:
            # A gradient may be an expanded view, the output may not.
            made = prod(self.plan.output.shape)
            self.moved += prod(self.plan.output.sizes[label] for label in self.plan.output.labels) + made
            self._make("output", made)

    def gradients(self) -> None:
        """Count the reverse sweep."""
        self._read(self.plan.output, f"gradient {self.plan.last}")
        for contraction in reversed(self.plan.contractions):
            for call, target, _ in contraction.backward:
                self._contract(contraction, call, f"gradient {target}")
            self._free([f"gradient {contraction.result}", contraction.left, contraction.right])
        for number, axes in enumerate(self.plan.operands):
            self._write(axes, f"gradient {number}")

    def _contract(self, contraction: Contraction, call: TorchCall, result: object) -> None:
        self.multiply_adds += call.multiply_adds
        self.moved += sum(each.size for each in (contraction.forward, contraction.to_left, contraction.to_right))
        self._make(result, call.size)

    def _read(self, axes: AxisMap, tensor: object) -> None:
        if axes.contiguous or len(axes.labels) < len(axes.distinct):
            made = prod(axes.sizes[label] for label in axes.labels)
            self.moved += prod(axes.sizes[label] for label in axes.distinct) + made
            self._make(tensor, made)

    def _write(self, axes: AxisMap, tensor: object) -> None:
        """Count writing: a repeated label makes a new tensor, leading axes are summed; a lone label is a view."""
        if axes.expanded:
            made = prod(axes.sizes[label] for label in axes.labels)
            self.moved += prod(axes.expanded) * made + made
            self._make((axes.expanded, tensor), made)
        if len(axes.distinct) < len(axes.visible):
            self.moved += prod(axes.shape)
            self._make((axes, tensor), prod(axes.shape))

    def _make(self, name: object, size: int) -> None:
        self.alive[name] = size
        self.peak = max(self.peak, sum(self.alive.values()))

    def _free(self, names: Iterable[object]) -> None:
        for name in names:
            self.alive.pop(name, None)

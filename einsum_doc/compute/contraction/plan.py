"""Equation + shapes -> Plan: one contraction tree for the output and all gradients."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import cached_property
from math import prod

from einsum_doc.compute.contraction.axes import Layout, arrange, as_matrices
from einsum_doc.compute.contraction.binding import Binding
from einsum_doc.equation import Term
from einsum_doc.errors import Shape

Order = tuple[int, ...] | None
"""For each axis of a result, the axis that it was before: what `permute` takes. None is no change."""


Aligned = tuple[Order, Shape, Order]
"""How a vector and a matrix are brought to the axes batch, free and contracted: the vector's order, and its shape with
missing axes put in with size 1; the matrix's order."""


@dataclass(frozen=True)
class Slot:
    """Where a tensor meets the tree: an operand that is read, or the output that is written.

    The tree works on distinct labels. What an operand has beyond them is taken off when it is read: an axis
    of size 1 is dropped, the diagonal of a repeated label is taken, a label that no one else has is summed.
    Writing is the transpose of reading: the label is expanded, the diagonal written, the axis put back. So
    the gradient of an operand is written to the operand's own slot, and the upstream gradient is read at
    the output's.

    axes: the label of each axis, None for one of size 1.
    shape: the tensor's shape.
    labels: those that the tree sees, in the order in which it gets them.
    dense: whether the tree gets them in memory in that order: a tensor that would have to be copied for each
    of its contractions is copied once.
    lent: the sizes of the labels that the tree sees in front of these, and the tensor does not have: it is
    expanded when it is read, and summed when it is written.
    """

    axes: tuple[str | None, ...]
    shape: Shape
    labels: Term
    dense: bool = False
    lent: Shape = ()

    @cached_property
    def plain(self) -> bool:
        """Whether the tree sees the tensor as it is."""
        return self.axes == self.labels and not self.lent

    @cached_property
    def sums(self) -> tuple[tuple[int, ...], Order] | None:
        """Along which axes reading sums, and how the others are permuted then, if that is all there is to do."""
        if None in self.axes or len(set(self.axes)) < len(self.axes):
            return None
        kept = [label for label in self.squeezed if label in self.labels]
        lone = tuple(axis for axis, label in enumerate(self.axes) if label not in self.labels)
        return lone, _order(kept, self.labels)

    @cached_property
    def back(self) -> tuple[Order] | None:
        """How axes are permuted for writing, if that is all there is to do."""
        return None if self.sums is None or self.sums[0] else (_order(self.labels, self.squeezed),)

    @cached_property
    def squeezed(self) -> Term:
        """The labels of the axes that are not dropped."""
        return tuple(label for label in self.axes if label is not None)

    @cached_property
    def distinct(self) -> Term:
        """The labels, each once."""
        return tuple(dict.fromkeys(self.squeezed))

    @cached_property
    def sizes(self) -> Mapping[str, int]:
        """The size of each label."""
        return {label: size for label, size in zip(self.axes, self.shape, strict=True) if label is not None}

    @cached_property
    def pattern(self) -> tuple[tuple[int, ...], tuple[int, ...], Shape]:
        """How the slot reads, whatever its labels are called."""
        names = {label: number for number, label in enumerate(dict.fromkeys((None, *self.axes)))}
        return tuple(names[axis] for axis in self.axes), tuple(names[label] for label in self.labels), self.lent

    @cached_property
    def broadcasts(self) -> bool:
        """Whether writing repeats the tensor along a label that the tree does not see."""
        return len(self.labels) < len(self.distinct)


class Kind(Enum):
    """The torch call that a contraction is."""

    PRODUCT = auto()
    """No label is contracted: a product of tensors that are aligned with the result."""
    DOT = auto()
    """Every label is contracted: the inner product of two vectors."""
    ROWS = auto()
    """No label is free: the inner products of the rows of two matrices."""
    MATRIX = auto()
    """A product of two matrices."""
    BATCH = auto()
    """As many products of two matrices as the batch labels have values."""


@dataclass(frozen=True)
class Pair:
    """The einsum of two tensors without repeated or lone labels, as one torch call.

    swapped: whether left and right trade places first: torch is better at a row times a matrix than at a
    matrix times a column.
    left_order, right_order: how each tensor's axes are permuted: for a matrix product to batch, free,
    contracted and batch, contracted, free.
    left_shape, right_shape: its shape then, with the groups flattened, or missing axes put in with size 1;
    None where that is what it is.
    length: how many numbers are summed for each of the result; contracted: along how many axes.
    shape, order: of the result, before its axes are permuted, and how they are.
    size: how many numbers the result has.
    multiply_adds: one for each value of all labels.
    aligned: of a batch of vectors and matrices that lie so that each would have to be copied, how they are multiplied
    and summed instead.
    """

    kind: Kind
    swapped: bool
    left_order: Order
    left_shape: Shape | None
    right_order: Order
    right_shape: Shape | None
    contracted: int
    length: int
    shape: Shape | None
    order: Order
    size: int
    multiply_adds: int
    aligned: Aligned | None = None

    @property
    def contracts(self) -> bool:
        """Whether a label is summed, and not only multiplied."""
        return self.kind is not Kind.PRODUCT


@dataclass(frozen=True)
class Step:
    """A contraction of the tree, and the two that send its gradient back.

    left, right, result: numbers of tensors; the leaves come first, then the results in order.
    to_left: of the result's gradient and the right tensor, is the left one's gradient. to_right: likewise.
    """

    left: int
    right: int
    result: int
    forward: Pair
    to_left: Pair
    to_right: Pair

    @cached_property
    def symmetric(self) -> bool:
        """Whether the sides can trade places: then, if they are equal, so are their gradients."""
        return self.to_left == self.to_right

    @property
    def uniform(self) -> bool:
        """Whether both gradients are calls of the same kind as the forward one: that is what torch derives of it."""
        return self.left != self.right and self.forward.kind is self.to_left.kind is self.to_right.kind

    @cached_property
    def transposed(self) -> tuple[tuple[Pair, int, int], ...]:
        """The contractions that send the gradient back: each with its target, and the other tensor it takes.

        The one that writes less comes first, so that what is read is still in the cache.
        """
        ways = [(self.to_left, self.left, self.right), (self.to_right, self.right, self.left)]
        return tuple(sorted(ways, key=lambda way: way[0].size))


@dataclass(frozen=True, eq=False)
class Plan:
    """What to compute for an equation and shapes, forwards and backwards.

    operands: the slot of each operand; output: the slot of the output.
    leaves: for each tensor that the tree starts from, the operand that it is read from.
    steps: the contraction tree, in the order of the forward pass; the reverse sweep goes back along it.
    last: the number of the tensor that the output is written from.
    twins: for each tensor of the tree, the first that has the same value: an operand that is the same tensor in
    the same slot, and what is made in the same way from such. It is computed once.
    """

    operands: tuple[Slot, ...]
    output: Slot
    leaves: tuple[int, ...]
    steps: tuple[Step, ...]
    last: int
    twins: tuple[int, ...]

    @cached_property
    def last_uses(self) -> Mapping[int, int]:
        """For each tensor, the last step that computes something from its value."""
        return {
            self.twins[used]: number
            for number, step in enumerate(self.steps)
            for used in (step.left, step.right)
            if self.twins[step.result] == step.result
        }

    @cached_property
    def torch_derives(self) -> bool:
        """Whether torch itself derives the reverse sweep from the forward one: there is one product at most."""
        return not self.steps or (len(self.steps) == 1 and self.steps[0].uniform)

    @property
    def multiply_adds(self) -> int:
        """Those of the forward pass."""
        return sum(step.forward.multiply_adds for step in self.steps)

    @cached_property
    def alike(self) -> Sequence[int]:
        """For each tensor, one that has the same gradient: itself, or a twin with which it can trade places."""
        alike = list(range(len(self.twins)))
        known: dict[object, int] = {}
        for step in reversed(self.steps):
            for pair, target, other in step.transposed:
                key = pair, alike[step.result], self.twins[other]
                alike[target] = known.setdefault(key, target)
        return alike

    @cached_property
    def merged(self) -> "Plan":
        """The plan in which twins are one tensor, whose gradients are added before they are sent on."""
        own = [number for number, twin in enumerate(self.twins) if number == twin]
        numbers = [own.index(twin) for twin in self.twins]
        steps = tuple(
            replace(step, left=numbers[step.left], right=numbers[step.right], result=numbers[step.result])
            for step in self.steps
            if step.result in own
        )
        leaves = tuple(number for number in own if number < len(self.operands))
        return replace(self, leaves=leaves, steps=steps, last=numbers[self.last], twins=tuple(range(len(own))))


def make_plan(binding: Binding, same: Sequence[int] | None = None, memory_limit: int | None = None) -> Plan:
    """The plan for an equation whose sizes are known.

    same: for each operand, the first operand that is the same tensor; without it, all are different.
    memory_limit: as in `find_path`.
    """
    kept = _kept_of_one(binding)
    axes = [_visible(term, shape, kept) for term, shape in zip(binding.operands, binding.shapes, strict=True)]
    output_shape = binding.output_shape
    output_axes = _visible(binding.output, output_shape, kept)
    output = tuple(label for label in dict.fromkeys(output_axes) if label is not None)
    slots = []
    for number, (own, shape) in enumerate(zip(axes, binding.shapes, strict=True)):
        elsewhere = {label for other in (*axes[:number], *axes[number + 1 :], output) for label in other}
        slots.append(Slot(own, shape, _read_labels(own, elsewhere)))
    layout = arrange([slot.labels for slot in slots], output, binding.sizes, memory_limit)
    for number, (slot, lent) in enumerate(zip(slots, layout.lent, strict=True)):
        added, labels = layout.tensors[number][:lent], layout.tensors[number][lent:]
        sizes = tuple(binding.sizes[label] for label in added)
        slots[number] = replace(slot, labels=labels, dense=labels != slot.labels, lent=sizes)
    steps, twins = _grow(slots, layout, binding.sizes, range(len(slots)) if same is None else same)
    output_slot = Slot(output_axes, output_shape, layout.tensors[-1], dense=layout.settles)
    return Plan(tuple(slots), output_slot, tuple(range(len(slots))), steps, len(twins) - 1, twins)


def _kept_of_one(binding: Binding) -> Collection[str]:
    """The labels that are not dropped even where their size is 1.

    Of a single operand they are those that are summed, new, or repeated in the output: as for torch, what is made
    along them is no view of the operand, and a sum of integers has the dtype of one.
    """
    if len(binding.operands) > 1:
        return ()
    operand, output = binding.operands[0], binding.output
    return {label for label in (*operand, *output) if label not in operand or output.count(label) != 1}


def _visible(term: Term, shape: Shape, kept: Collection[str]) -> tuple[str | None, ...]:
    """The labels of a tensor's axes, None where the size is 1: such an axis broadcasts and is dropped."""
    return tuple(label if size != 1 or label in kept else None for label, size in zip(term, shape, strict=True))


def _read_labels(axes: Sequence[str | None], elsewhere: Collection[str | None]) -> Term:
    """The labels of an operand once it is read: each once, and none that nobody else has."""
    return tuple(label for label in dict.fromkeys(axes) if label is not None and label in elsewhere)


def _grow(
    slots: Sequence[Slot], layout: Layout, sizes: Mapping[str, int], same: Sequence[int]
) -> tuple[tuple[Step, ...], tuple[int, ...]]:
    """The steps of the tree, and for each of its tensors the first that has the same value."""
    known: dict[object, int] = {}
    twins = [known.setdefault((same[operand], slot.pattern), operand) for operand, slot in enumerate(slots)]
    steps: list[Step] = []
    for (left, right), result in zip(layout.path, layout.tensors[len(slots) :], strict=True):
        left_labels, right_labels = layout.tensors[left], layout.tensors[right]
        forward = make_pair(left_labels, right_labels, result, sizes)
        # Of Z = XY, that is Ẋ = Ż Yᵀ and Ẏ = Xᵀ Ż: no other order is faster for every layout.
        to_left = make_pair(result, right_labels, left_labels, sizes, swap=forward.swapped)
        to_right = make_pair(result, left_labels, right_labels, sizes, swap=not forward.swapped)
        steps.append(Step(left, right, len(twins), forward, to_left, to_right))
        twins.append(known.setdefault((twins[left], twins[right], forward), len(twins)))
    return tuple(steps), tuple(twins)


def make_pair(left: Term, right: Term, result: Term, sizes: Mapping[str, int], *, swap: bool | None = None) -> Pair:
    """The torch call for `left,right->result`, of distinct labels and none in `left` or `right` alone.

    swap: whether the right one comes first in a matrix product; without it, as suits the result.
    """
    larger = left if prod(sizes[label] for label in left) >= prod(sizes[label] for label in right) else right
    contracted = [label for label in larger if label in left and label in right and label not in result]
    batch = [label for label in result if label in left and label in right]
    free_left = [label for label in left if label not in right]
    free_right = [label for label in right if label not in left]

    def size(labels: Sequence[str]) -> int:
        return prod(sizes[label] for label in labels)

    if bool(free_left) != bool(free_right):
        # A row times a matrix is faster than a matrix times a column.
        swapped = bool(contracted and free_left)
    elif swap is None:
        swapped = bool(contracted) and (*batch, *free_right, *free_left) == result != (
            *batch,
            *free_left,
            *free_right,
        )
    else:
        swapped = swap and bool(contracted and free_left)
    if swapped:
        left, right, free_left, free_right = right, left, free_right, free_left
    head: Shape = (size(batch),) if batch else ()
    whole = [*batch, *free_left, *free_right]
    if not contracted:
        kind, whole = Kind.PRODUCT, list(result)
        orders = [label for label in result if label in left], [label for label in result if label in right]
        left_shape, right_shape = (
            tuple(sizes[label] if label in own else 1 for label in result) for own in (left, right)
        )
    elif not free_left and not free_right:
        kind = Kind.ROWS if batch else Kind.DOT
        orders = [*batch, *contracted], [*batch, *contracted]
        left_shape = right_shape = (*head, size(contracted))
    else:
        kind = Kind.BATCH if batch else Kind.MATRIX
        orders = [*batch, *free_left, *contracted], [*batch, *contracted, *free_right]
        if len(free_left) == len(free_right) == len(contracted) == 1:
            head = tuple(sizes[label] for label in batch)
        left_shape = (*head, size(free_left), size(contracted))
        right_shape = (*head, size(contracted), size(free_right))
    aligned = None
    if (
        kind is Kind.BATCH
        and not free_left
        and right != as_matrices(right, tuple(batch), tuple(contracted), tuple(free_right))
    ):
        ones = (1,) * len(free_right)
        vector = (*(sizes[label] for label in batch), *ones, *(sizes[label] for label in contracted))
        aligned = _order(left, [*batch, *contracted]), vector, _order(right, [*batch, *free_right, *contracted])
    flat = {
        Kind.PRODUCT: tuple(sizes[label] for label in result),
        Kind.ROWS: (*head, 1, 1),
        Kind.DOT: (),
    }.get(kind, (*head, size(free_left), size(free_right)))
    shape = tuple(sizes[label] for label in whole)
    return Pair(
        kind=kind,
        swapped=swapped,
        left_order=_order(left, orders[0]),
        left_shape=_unless_same(left_shape, [sizes[label] for label in orders[0]]),
        right_order=_order(right, orders[1]),
        right_shape=_unless_same(right_shape, [sizes[label] for label in orders[1]]),
        contracted=len(contracted),
        length=size(contracted),
        shape=_unless_same(shape, flat),
        order=_order(whole, result),
        size=size(result),
        multiply_adds=size(tuple(dict.fromkeys((*left, *right)))),
        aligned=aligned,
    )


def _order(labels: Sequence[str], target: Sequence[str]) -> Order:
    """How the axes with these labels are permuted to the target's order."""
    return None if list(labels) == list(target) else tuple(labels.index(label) for label in target)


def _unless_same(shape: Shape, known: Sequence[int]) -> Shape | None:
    return None if shape == tuple(known) else shape

"""Equation + shapes -> Plan: one contraction tree for the output and all gradients."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from einsum_doc.compute.contraction.axes import OrderedTree, order_tree
from einsum_doc.compute.contraction.binding import Binding
from einsum_doc.compute.contraction.calls import Step, Steps, TorchCall, choose_call, permute, reshape
from einsum_doc.equation import Term
from einsum_doc.errors import Shape


@dataclass(frozen=True)
class AxisMap:
    """The map between the axes of an operand, which is read, or of the output, which is written, and the tree's labels.

    The tree works on distinct labels. Reading removes what an operand has beyond them: it drops an axis of size 1,
    takes the diagonal of a repeated label, and sums a label that no other term has. Writing is the transpose: it
    expands the label, writes the diagonal, and puts the axis back. So the gradient of an operand is written by the
    operand's own map, and the upstream gradient is read by the output's.

    axes: the label of each axis, None for one of size 1.
    shape: the tensor's shape.
    labels: the labels that the tree sees, in its order.
    contiguous: true if the tensor is made contiguous in that order: it is copied once, and not again for each
    contraction. With the copy, 'bcdk,bd->ckb' in benchmarks/einsum.py takes 1.7 ms instead of 2.9
    (`--without operand-copies`), and 4.2 MB more for as long as the copy is kept.
    expanded: sizes of leading axes that the operand lacks: reading expands along them, writing sums them away.
    """

    axes: tuple[str | None, ...]
    shape: Shape
    labels: Term
    contiguous: bool = False
    expanded: Shape = ()

    @cached_property
    def visible(self) -> Term:
        """The labels of the axes that are not dropped."""
        return tuple(label for label in self.axes if label is not None)

    @cached_property
    def distinct(self) -> Term:
        """The labels, each once."""
        return tuple(dict.fromkeys(self.visible))

    @cached_property
    def sizes(self) -> Mapping[str, int]:
        """The size of each label."""
        return {label: size for label, size in zip(self.axes, self.shape, strict=True) if label is not None}

    @cached_property
    def broadcasts(self) -> bool:
        """True if writing repeats the tensor along a label that the tree does not see."""
        return len(self.labels) < len(self.distinct)

    @cached_property
    def reading(self) -> Steps:
        """The steps from the tensor to the tree."""
        steps = [*reshape(self.shape, tuple(self.sizes[label] for label in self.visible))]
        labels = [*self.visible]
        for label in self.distinct:
            while labels.count(label) > 1:
                first = labels.index(label)
                second = labels.index(label, first + 1)
                steps.append(("diagonal", (0, first, second)))
                labels = [*labels[:first], *labels[first + 1 : second], *labels[second + 1 :], label]
        summed = tuple(axis for axis, label in enumerate(labels) if label not in self.labels)
        if summed:
            steps.append(("sum", (summed,)))
        steps += permute([label for label in labels if label in self.labels], self.labels)
        if self.contiguous:
            steps.append(("contiguous", ()))
        if self.expanded:
            steps.append(("expand", (*self.expanded, *(self.sizes[label] for label in self.labels))))
        return tuple(steps)

    @cached_property
    def writing(self) -> Steps:
        """The steps from the tree to a tensor, the transpose of `reading`. It may become an expanded view."""
        known = [label for label in self.distinct if label in self.labels]
        steps: list[Step] = [("sum", (range(len(self.expanded)),))] if self.expanded else []
        steps += permute(self.labels, known)
        if self.broadcasts:
            ones = tuple(self.sizes[label] if label in known else 1 for label in self.distinct)
            steps += [("reshape", (ones,)), ("expand", tuple(self.sizes[label] for label in self.distinct))]
        labels = [*self.distinct]
        for label in self.distinct:
            for _ in range(self.visible.count(label) - 1):
                steps += [("movedim", (labels.index(label), -1)), ("diag_embed", ())]
                labels.remove(label)
                labels += [label, label]
        places = {label: [axis for axis, own in enumerate(labels) if own == label] for label in labels}
        order = [places[label].pop(0) for label in self.visible]
        if order != sorted(order):
            steps.append(("permute", tuple(order)))
        return (*steps, *reshape(tuple(self.sizes[label] for label in self.visible), self.shape))


@dataclass(frozen=True)
class Contraction:
    """A contraction of the tree, and the two that send its gradient back.

    left, right, result: numbers of tensors; the leaves come first, then the results in order.
    to_left: makes the left tensor's gradient from the result's gradient and the right tensor. to_right: likewise.
    """

    left: int
    right: int
    result: int
    forward: TorchCall
    to_left: TorchCall
    to_right: TorchCall

    @cached_property
    def symmetric(self) -> bool:
        """True if the sides can trade places: then, if they are equal, so are their gradients."""
        return self.to_left == self.to_right

    @property
    def uniform(self) -> bool:
        """True if both gradients are the same operation as the forward call, as torch itself derives them."""
        operations = {call.operation for call in (self.forward, self.to_left, self.to_right)}
        return self.left != self.right and len(operations) == 1

    @cached_property
    def backward(self) -> tuple[tuple[TorchCall, int, int], ...]:
        """The calls that send the gradient back: each with its target, and the other tensor it takes.

        The one that writes less comes first, so that its input is still in the cache for the next.
        """
        ways = [(self.to_left, self.left, self.right), (self.to_right, self.right, self.left)]
        return tuple(sorted(ways, key=lambda way: way[0].size))


@dataclass(frozen=True, eq=False)
class Plan:
    """The computation of an equation for given shapes, forwards and backwards.

    operands: the axis map of each operand; output: that of the output.
    leaves: for each tensor that the tree starts from, the operand that it is read from.
    contractions: the tree, in the order of the forward pass; the reverse sweep goes back along it.
    first_equal: for each tensor of the tree, the first that has the same value, which is computed once: an operand
    that is the same tensor read in the same way, and the results of the same calls on such.
    """

    operands: tuple[AxisMap, ...]
    output: AxisMap
    leaves: tuple[int, ...]
    contractions: tuple[Contraction, ...]
    first_equal: tuple[int, ...]

    @property
    def last(self) -> int:
        """The number of the tensor that the output is written from."""
        return len(self.first_equal) - 1

    @cached_property
    def last_uses(self) -> Mapping[int, int]:
        """For each tensor, the last contraction that computes something from its value."""
        return {
            self.first_equal[used]: number
            for number, contraction in enumerate(self.contractions)
            for used in (contraction.left, contraction.right)
            if self.first_equal[contraction.result] == contraction.result
        }

    @cached_property
    def torch_derives(self) -> Sequence[bool]:
        """For each contraction, true if it is left to torch, which derives its gradients without any Python.

        It keeps the copies that it makes: one of an intermediate tensor takes its place, one of an operand does not.
        """

        def copies_operand(contraction: Contraction) -> bool:
            sides = zip((contraction.left, contraction.right), contraction.forward.copied, strict=True)
            return any(copied and side < len(self.leaves) for side, copied in sides)

        return [contraction.uniform and not copies_operand(contraction) for contraction in self.contractions]

    @cached_property
    def copies_upstream(self) -> Collection[int]:
        """The sides of the last contraction whose gradients are made from a copy of the upstream gradient.

        The gradient of an operand is as large as its product with the upstream gradient, and is made without a copy,
        unless the operand itself was copied: that copy is freed before.
        """
        return [
            target
            for call, target, _ in (self.contractions[-1].backward if self.output.contiguous else ())
            if call.contracts or target >= len(self.leaves) or self.operands[self.leaves[target]].contiguous
        ]

    @cached_property
    def plain(self) -> bool:
        """True if nothing is made but the output and the gradients, by at most one contraction that torch derives."""
        made = {name for axes in self.operands for name, _ in axes.reading} & {"sum", "contiguous", "expand"}
        copied = any(True in contraction.forward.copied for contraction in self.contractions)
        return len(self.contractions) <= 1 and not (made or copied or self.output.writing) and all(self.torch_derives)

    @property
    def multiply_adds(self) -> int:
        """The multiply-adds of the forward pass."""
        return sum(contraction.forward.multiply_adds for contraction in self.contractions)

    @cached_property
    def same_gradient(self) -> Sequence[int]:
        """For each tensor, one with the same gradient: itself, or an equal one with which it can trade places."""
        same = list(range(len(self.first_equal)))
        known: dict[object, int] = {}
        for contraction in reversed(self.contractions):
            for call, target, other in contraction.backward:
                key = call, same[contraction.result], self.first_equal[other]
                same[target] = known.setdefault(key, target)
        return same

    @cached_property
    def merged(self) -> "Plan":
        """The plan in which equal tensors are one, whose gradients are added before they are sent on."""
        own = [number for number, first in enumerate(self.first_equal) if number == first]
        places = {number: place for place, number in enumerate(own)}
        numbers = [places[first] for first in self.first_equal]
        contractions = tuple(
            replace(each, left=numbers[each.left], right=numbers[each.right], result=numbers[each.result])
            for each in self.contractions
            if each.result in places
        )
        leaves = tuple(number for number in own if number < len(self.operands))
        return replace(self, leaves=leaves, contractions=contractions, first_equal=tuple(range(len(own))))


def make_plan(
    binding: Binding,
    same: Sequence[int] | None = None,
    memory_limit: int | None = None,
    wanted: Collection[int] | None = None,
) -> Plan:
    """Plan an equation whose sizes are known.

    same: for each operand, the first operand that is the same tensor; without it, all are different.
    memory_limit, wanted: as in `find_path`.
    """
    kept = _kept_of_one(binding)
    axes = [_visible(term, shape, kept) for term, shape in zip(binding.operands, binding.shapes, strict=True)]
    output_axes = _visible(binding.output, binding.output_shape, kept)
    output = tuple(label for label in dict.fromkeys(output_axes) if label is not None)
    holders = Counter(label for term in (*axes, output) for label in set(term))
    leaves = [tuple(label for label in dict.fromkeys(own) if label is not None and holders[label] > 1) for own in axes]
    tree = order_tree(leaves, output, binding.sizes, memory_limit, wanted, binding.operands)
    operands = []
    for own, shape, leaf, labels, count in zip(axes, binding.shapes, leaves, tree.tensors, tree.expanded, strict=False):
        expanded = tuple(binding.sizes[label] for label in labels[:count])
        operands.append(AxisMap(own, shape, labels[count:], contiguous=labels[count:] != leaf, expanded=expanded))
    contractions, first_equal = _contractions(
        operands, tree, binding.sizes, range(len(operands)) if same is None else same
    )
    output_map = AxisMap(output_axes, binding.output_shape, tree.tensors[-1], contiguous=tree.copies_upstream)
    leaf_numbers = tuple(range(len(operands)))
    return Plan(tuple(operands), output_map, leaf_numbers, contractions, first_equal)


def _kept_of_one(binding: Binding) -> Collection[str]:
    """Return the labels that are not dropped even where their size is 1.

    Of a single operand they are those that are summed, new, or repeated in the output: as with torch, the output is
    then no view of the operand, and a sum of integers has the dtype of a sum.
    """
    if len(binding.operands) > 1:
        return ()
    operand, output = binding.operands[0], binding.output
    return {label for label in (*operand, *output) if label not in operand or output.count(label) != 1}


def _visible(term: Term, shape: Shape, kept: Collection[str]) -> tuple[str | None, ...]:
    """Return the labels of a tensor's axes, None where the size is 1: such an axis broadcasts and is dropped."""
    return tuple(label if size != 1 or label in kept else None for label, size in zip(term, shape, strict=True))


def _contractions(
    operands: Sequence[AxisMap], tree: OrderedTree, sizes: Mapping[str, int], same: Sequence[int]
) -> tuple[tuple[Contraction, ...], tuple[int, ...]]:
    """Return the contractions of the tree, and for each of its tensors the first that has the same value."""
    known: dict[object, int] = {}
    first_equal = [known.setdefault((same[number], own.reading), number) for number, own in enumerate(operands)]
    contractions: list[Contraction] = []
    for (left, right), result in zip(tree.path, tree.tensors[len(operands) :], strict=True):
        left_labels, right_labels = tree.tensors[left], tree.tensors[right]
        forward = choose_call(left_labels, right_labels, result, sizes)
        # For Z = XY these are Ẋ = Ż Yᵀ and Ẏ = Xᵀ Ż: no other order is faster whatever the strides.
        to_left = choose_call(result, right_labels, left_labels, sizes, swap=forward.swapped)
        to_right = choose_call(result, left_labels, right_labels, sizes, swap=not forward.swapped)
        contractions.append(Contraction(left, right, len(first_equal), forward, to_left, to_right))
        key = first_equal[left], first_equal[right], forward
        first_equal.append(known.setdefault(key, len(first_equal)))
    return tuple(contractions), tuple(first_equal)

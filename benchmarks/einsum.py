"""Forward and all gradients of an einsum, side by side with what a user would use instead.

    python benchmarks/einsum.py [--only TEXT] [--rounds N] [--least] [--threads N] [--no-compile] [--device cuda]
    python benchmarks/einsum.py --random N [--seed S]    of so many random equations, those below 0.9 × eager
    python benchmarks/einsum.py --without alignment      ours without an optimisation of its plan: compare two runs
    python benchmarks/einsum.py --planning               the planning of networks of many operands

Prints a Markdown table. Per equation and contender: the median time of the rounds, in milliseconds, with the
contenders taking turns, or with --least the least, for a machine that does other things meanwhile; then, for ours
and eager, the peak memory beyond the operands, and the bytes that are kept between the passes, copies of operands
among them. "× eager" is how many times as fast ours is.

eager: autograd of `torch.einsum`, with opt_einsum installed. compile: `torch.compile` of that. naive: one
`torch.einsum` per gradient equation, each in the order that torch chooses, the gradients it cannot write
lowered by hand as a user would.
"""

import argparse
import random
import statistics
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from math import prod
from typing import Any
from unittest.mock import patch

import torch
from opt_einsum import get_symbol
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from einsum_doc import einsum, gradient, parse
from einsum_doc.compute.contraction import axes, calls, plan
from einsum_doc.compute.contraction.binding import bind


def chain(length: int) -> str:
    """Return the product of so many matrices."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return ",".join(letters[n] + letters[n + 1] for n in range(length)) + f"->{letters[0]}{letters[length]}"


ROWS: list[tuple[str, list[tuple[int, ...]]]] = [
    ("ij,jk->ik", [(512, 512), (512, 512)]),
    ("bhid,bhjd->bhij", [(4, 8, 128, 64), (4, 8, 128, 64)]),
    ("bihd,bjhd->bhij", [(4, 128, 8, 64), (4, 128, 8, 64)]),
    ("bhij,bjhd->bihd", [(4, 8, 128, 128), (4, 128, 8, 64)]),
    ("ijk,ip->jkp", [(16, 32, 64), (16, 128)]),
    ("...ij,jk->...ik", [(8, 4, 64, 128), (128, 128)]),
    ("i,j->ij", [(4096,), (4096,)]),
    ("nc,nc->n", [(65536, 64), (65536, 64)]),
    ("nc,nc->n", [(64, 65536), (64, 65536)]),
    ("ij,ij->", [(2048, 2048), (2048, 2048)]),
    ("ij,ji->", [(1024, 1024), (1024, 1024)]),
    ("ij,ji->", [(4096, 512), (512, 4096)]),
    ("bij,bji->b", [(64, 128, 256), (64, 256, 128)]),
    ("bij,bj->bi", [(64, 256, 256), (64, 256)]),
    ("ij,j->i", [(4096, 1024), (1024,)]),
    ("mi,mi,mi->m", [(4096, 256)] * 3),
    ("ij,j->ij", [(2048, 2048), (2048,)]),
    ("j,ij->ij", [(2048,), (2048, 2048)]),
    ("ij,j->ij", [(512, 8192), (8192,)]),
    ("ij,i->ij", [(2048, 2048), (2048,)]),
    ("bij,j->bij", [(64, 128, 512), (512,)]),
    ("bij,bj->bij", [(16, 512, 512), (16, 512)]),
    ("ij,jk->j", [(2048, 1024), (1024, 2048)]),
    ("ij->i", [(2048, 2048)]),
    ("ii->i", [(2048, 2048)]),
    ("iij,jk->ik", [(256, 256, 128), (128, 256)]),
    ("bn,anm,bm->ba", [(256, 64), (32, 64, 64), (256, 64)]),
    ("abc,ia,jb,kc->ijk", [(64, 64, 64), (64, 64), (64, 64), (64, 64)]),
    ("bgk,bkd,bk->bgd", [(8, 64, 256), (8, 256, 256), (8, 256)]),
    ("ab,ac,ad->bcd", [(64, 64)] * 3),
    ("ha,hb,hc,hd->h", [(512, 512)] * 4),
    ("ij,jk,kl,jk->il", [(200, 200)] * 4),
    ("bijk,bilm->bjklm", [(1, 16, 24, 24), (8, 16, 24, 24)]),
    ("bijk,bilm->bjklm", [(8, 16, 24, 24), (8, 16, 24, 24)]),
    ("oc,bchw->bohw", [(128, 64), (16, 64, 32, 32)]),
    ("vw,bcvt->bcwt", [(64, 64), (16, 32, 64, 64)]),
    ("ij,bjk->bik", [(256, 512), (16, 512, 128)]),
    ("ab,cd->acbd", [(32, 32), (64, 64)]),
    ("bcdk,bd->ckb", [(64, 8, 16, 128), (64, 16)]),
    ("ab,cb->acb", [(256, 512), (16, 512)]),
    ("bi,bj->ijb", [(64, 128), (64, 128)]),
    (chain(4), [(256, 256)] * 4),
    (chain(8), [(64, 64)] * 8),
    (chain(16), [(64, 64)] * 16),
    (chain(32), [(64, 64)] * 32),
]

Contender = Callable[[Sequence[Tensor], Tensor], Sequence[Tensor | None]]


def by_autograd(function: Callable[..., Tensor]) -> Contender:
    """Compute the gradients of a function by its backward pass."""
    return lambda operands, dldz: torch.autograd.grad(function(*operands), operands, dldz)


def naive(equation: str, shapes: Sequence[tuple[int, ...]]) -> Contender:
    """Compute the output, and each gradient by an einsum of its own."""
    steps = [_lowered(equation, number, shape) for number, shape in enumerate(shapes)]

    def call(operands: Sequence[Tensor], dldz: Tensor) -> Sequence[Tensor]:
        operands = [operand.detach() for operand in operands]
        torch.einsum(equation, *operands)
        return [step(dldz, operands) for step in steps]

    return call


def _lowered(equation: str, number: int, shape: tuple[int, ...]) -> Callable[[Tensor, Sequence[Tensor]], Tensor]:
    whole = gradient(equation, number)
    held = {label for term in whole.operands for label in term}
    kept = "".join(dict.fromkeys(label for label in whole.output if label in held))
    core = str(whole).split("->")[0] + "->" + kept
    target = whole.output
    doubled = next((label for label in target if target.count(label) > 1), None)
    single = "".join(dict.fromkeys(target))

    def call(dldz: Tensor, operands: Sequence[Tensor]) -> Tensor:
        value = torch.einsum(core, dldz, *operands[:number], *operands[number + 1 :])
        for axis, label in enumerate(single):
            if label not in kept:
                value = value.unsqueeze(axis)
        if doubled is not None:
            first, second = (axis for axis, label in enumerate(target) if label == doubled)
            return torch.diag_embed(value.movedim(single.index(doubled), -1), 0, first, second)
        if value.shape != shape:
            ones = [axis for axis, size in enumerate(shape) if size == 1 != value.shape[axis]]
            value = (value.sum(ones, keepdim=True) if ones else value).expand(shape)
        return value

    return call


class Memory(TorchDispatchMode):
    """The most bytes of new tensors that were alive at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.alive: dict[int, int] = {}
        self.now = 0
        self.peak = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, (list, tuple)) else [result]:
            if isinstance(tensor, Tensor):
                self._see(tensor)
        return result

    def know(self, tensors: Sequence[Tensor]) -> None:
        """Do not count these."""
        for tensor in tensors:
            self.alive[tensor.untyped_storage()._cdata] = 0

    def _see(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key not in self.alive:
            self.alive[key] = size
            self.now += size
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self._forget, key)

    def _forget(self, key: int) -> None:
        self.now -= self.alive.pop(key, 0)


def memory(contender: Contender, operands: Sequence[Tensor], dldz: Tensor) -> tuple[int, int]:
    """Measure the peak beyond the operands, and the bytes kept between the passes, operands excepted."""
    kept: dict[int, int] = {}
    own = {tensor.untyped_storage()._cdata for tensor in operands}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            kept[storage._cdata] = storage.nbytes()
        return tensor

    with Memory() as watch:
        watch.know([*operands, dldz])
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            contender(operands, dldz)
    return watch.peak, sum(kept.values())


def measure(
    contenders: dict[str, Contender], operands: Sequence[Tensor], dldz: Tensor, rounds: int, *, least: bool
) -> dict[str, float]:
    """Measure the median or least time of each contender in milliseconds; they take turns in changing order."""
    cuda = dldz.is_cuda
    times: dict[str, list[float]] = {name: [] for name in contenders}
    names = list(contenders)
    for turn in range(rounds + 2):
        # In turn and from another start each time: what one leaves behind in the allocator and the caches
        # decides about page faults of the next.
        names = names[1:] + names[:1] if turn % 2 else names[::-1]
        for name in names:
            contender = contenders[name]
            if cuda:
                torch.cuda.synchronize()
            start = time.perf_counter()
            contender(operands, dldz)
            if cuda:
                torch.cuda.synchronize()
            if turn >= 2:
                times[name].append(1e3 * (time.perf_counter() - start))
    return {name: min(own) if least else statistics.median(own) for name, own in times.items()}


def leave_out(optimisation: str) -> None:
    """Plan without an optimisation, to measure what it spares."""
    order_tree, axis_map = plan.order_tree, plan.AxisMap
    match optimisation:
        case "alignment":
            patch.object(calls, "_alignment", lambda *_: None).start()
        case "expansion":
            patch.object(axes, "_expansion", lambda *_: (0, ())).start()
        case "upstream-copies":
            patch.object(plan, "order_tree", lambda *own: replace(order_tree(*own), copies_upstream=False)).start()
        case "operand-copies":
            # The map of an operand, unlike that of the output, is made with what it is expanded by.
            patch.object(
                plan,
                "AxisMap",
                lambda *own, contiguous, expanded=None: axis_map(
                    *own, contiguous=contiguous and expanded is None, expanded=expanded or ()
                ),
            ).start()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="rows whose equation contains this text")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--least", action="store_true", help="the least time of the rounds, not the median")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument(
        "--random", type=int, default=0, help="so many random equations; those that are slow are printed"
    )
    parser.add_argument("--seed", type=int, default=0)
    optimisations = ("alignment", "expansion", "operand-copies", "upstream-copies")
    parser.add_argument("--without", choices=optimisations, default="", help="leave an optimisation out of our plans")
    parser.add_argument("--planning", action="store_true", help="time the planning of networks of many operands")
    options = parser.parse_args()
    if options.planning:
        print("| network | operands | planning ms |\n|---|--:|--:|")
        for count in (5, 9, 24, 100, 1000):
            plannings(count)
        return
    leave_out(options.without)
    torch.set_num_threads(options.threads)
    threads = "1 thread" if options.threads == 1 else f"{options.threads} threads"
    of = f"{'least' if options.least else 'median'} of {options.rounds}"
    print(f"torch {torch.__version__}, {options.device}, {threads}, float32, ms, {of}\n")
    print("| equation | shapes | ours | eager | compile | naive | × eager | peak MB | kept MB |")
    print("|---|---|--:|--:|--:|--:|--:|--:|--:|")
    if options.random:
        options.no_compile, slower = True, 0
        for equation, shapes in drawn(options.random, random.Random(options.seed)):
            taken, printed = row(equation, shapes, options)
            if max(taken["ours"], taken["eager"]) > 1 and taken["eager"] < 0.9 * taken["ours"]:
                slower += 1
                print(printed, flush=True)
        print(f"\n{options.random} equations, {slower} of them above 1 ms and below 0.9 × eager")
        return
    for equation, shapes in ROWS:
        if options.only in equation:
            print(row(equation, shapes, options)[1], flush=True)


def networks(count: int) -> Iterator[tuple[str, list[str], str]]:
    """Yield networks of so many operands: the name of each, its terms and its output."""
    letters = [symbol for symbol in map(get_symbol, range(3 * count)) if symbol.isalpha()]
    chain = list(map("".join, pairwise(letters[: count + 1])))
    star = ["".join((letters[0], letter)) for letter in letters[1 : count + 1]]
    generator, edges = random.Random(0), [""] * count
    for number, letter in enumerate(letters[: 5 * count // 4]):
        first = (number + 1) % count
        second = max(0, first - generator.randint(1, 5)) if first else 1
        edges[first] += letter
        edges[second] += letter
    yield "chain", chain, letters[0] + letters[count]
    yield "ring", [*chain[:-1], letters[count - 1] + letters[0]], ""
    yield "star", star, letters[0]
    yield "random", edges, ""
    yield "vectors", [letters[0]] * count, letters[0]


def plannings(count: int) -> None:
    """Print the milliseconds of processor time from the text to the plan for networks of so many operands."""
    for name, terms, output in networks(count):
        equation, shapes = ",".join(terms) + "->" + output, [[2] * len(term) for term in terms]
        start = time.process_time()
        plan.make_plan(bind(parse(equation), shapes))
        print(f"| {name} | {count} | {1e3 * (time.process_time() - start):.1f} |", flush=True)


def drawn(count: int, generator: random.Random) -> Iterator[tuple[str, list[tuple[int, ...]]]]:
    """Yield random equations of one to three operands, of sizes for which they take about a millisecond."""
    while count:
        labels = "abcdef"[: generator.randint(2, 5)]
        terms: list[list[str]] = [[] for _ in range(generator.choices([1, 2, 3], [1, 7, 2])[0])]
        output = [label for label in labels if generator.random() < 0.6]
        for label in labels:
            holds = [term for term in terms if generator.random() < 0.6] or [generator.choice(terms)]
            for term in holds:
                term.append(label)
        for term in (*terms, output):
            generator.shuffle(term)
        sizes = {label: 2 ** generator.randint(2, 10) for label in labels}
        largest = max(prod(sizes[label] for label in term) for term in (*terms, output))
        products = prod(sizes.values())
        if all(terms) and largest <= 4_000_000 and products <= 150_000_000 and (largest > 200_000 or products > 3e6):
            count -= 1
            equation = ",".join(map("".join, terms)) + "->" + "".join(output)
            yield equation, [tuple(sizes[label] for label in term) for term in terms]


def row(equation: str, shapes: Sequence[tuple[int, ...]], options: argparse.Namespace) -> tuple[dict[str, float], str]:
    """Return the time of each contender, and the row of the table; the gradients of all are compared first."""
    generator = torch.Generator().manual_seed(0)
    operands = [torch.randn(shape, generator=generator).to(options.device).requires_grad_() for shape in shapes]
    dldz = torch.randn(torch.einsum(equation, *operands).shape, generator=generator).to(options.device)
    eager: Callable[..., Tensor] = lambda *x: torch.einsum(equation, *x)  # noqa: E731
    contenders = {
        "ours": by_autograd(lambda *x: einsum(equation, *x)),
        "eager": by_autograd(eager),
        "naive": naive(equation, shapes),
    }
    if not options.no_compile:
        torch._dynamo.reset()
        contenders["compile"] = by_autograd(torch.compile(eager, fullgraph=True))
    expected = contenders["eager"](operands, dldz)
    for name, contender in contenders.items():
        for own, other in zip(contender(operands, dldz), expected, strict=True):
            error = (own - other).abs().max() / other.abs().max()
            assert error < 1e-3, f"{name} is wrong on {equation}: {error}"
    taken = measure(contenders, operands, dldz, options.rounds, least=options.least)
    (peak, kept), (eager_peak, eager_kept) = (memory(contenders[n], operands, dldz) for n in ("ours", "eager"))
    count = len(parse(equation).operands)
    title = equation if len(equation) < 24 else f"{equation[:11]}…  ({count} operands)"
    times = [f"{taken[name]:.2f}" if name in taken else "" for name in ("ours", "eager", "compile", "naive")]
    shape = " ".join("×".join(map(str, shape)) for shape in (shapes if len(set(shapes)) > 1 else shapes[:1]))
    ratio = taken["eager"] / taken["ours"]
    mb = [f"{ours / 1e6:.1f} / {theirs / 1e6:.1f}" for ours, theirs in ((peak, eager_peak), (kept, eager_kept))]
    return taken, f"| `{title}` | {shape} | " + " | ".join([*times, f"{ratio:.2f}", *mb]) + " |"


if __name__ == "__main__":
    main()

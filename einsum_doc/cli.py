"""einsum-doc gradient | derive | check: the library and the builder from a terminal."""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from einsum_doc.derivatives import gradient
from einsum_doc.equation import Equation, Role, parse
from einsum_doc.errors import EinsumError, OperandError

if TYPE_CHECKING:
    from einsum_doc.compute.contraction.cost import Cost
    from einsum_doc.notation.deriving.derivation import Derivation


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status: 0, 2 for an error in the arguments, or 1 if `check` finds failures."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    # `->ij` is an equation and no option: argparse takes no word with a blank for an option.
    options = _parser(given).parse_args([f" {word}" if word.startswith("->") else word for word in given])
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except EinsumError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # `| head` has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python still writes when it exits
        return 141  # the shell's 128 + SIGPIPE
    return status


class _Version(argparse.Action):
    """Prints the version, which is looked up only for this."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from einsum_doc.pages.verdict.export import builder_version

        print(builder_version())
        parser.exit()


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="einsum-doc", description="The gradient of any einsum, and pages that run.")
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(dest="command", required=True)
    gradients = commands.add_parser("gradient", help="label roles, gradient equations, cost")
    derivations = commands.add_parser("derive", help="the gradient line by line, each with its reason")
    for command in (gradients, derivations):
        command.add_argument("equation", type=str.strip, help="such as ijk,ip->jkp")
        command.add_argument("--wrt", type=int, help="the number of one operand; all of them without it")
    gradients.add_argument("--sizes", help="for the cost: i=4,j=3 and ...=2x5 for the axes of an ellipsis")
    forms = gradients.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="everything as JSON")
    for library in ("torch", "numpy", "jax"):
        forms.add_argument(f"--{library}", action="store_const", const=library, dest="library", help="as source text")
    derivations.add_argument("--names", help="of the operands, such as x,y; one that stands twice is one tensor")
    derivations.add_argument("--output", help="the name of the output")
    derivations.add_argument("--loss", help="the name of the loss")
    derivations.add_argument("--complex", action="store_true", help="the operands are complex")
    modes = "the gradient, the tangent of the output, or the second derivative by operands --wrt and --wrt2"
    derivations.add_argument("--mode", choices=("gradient", "tangent", "second"), default="gradient", help=modes)
    derivations.add_argument("--wrt2", type=int, help="for the second derivative; all pairs of operands without it")
    forms = derivations.add_mutually_exclusive_group()
    for form, what in _FORMS.items():
        forms.add_argument(f"--{form}", action="store_const", const=form, dest="form", help=what)
    checks = commands.add_parser("check", help="run the blocks of a site's pages, without building it")
    if "check" in arguments[:1]:
        # It needs mkdocs, which is slow to import, and is not installed with the library alone.
        try:
            from einsum_doc.pages.fronts import check
        except ModuleNotFoundError as missing:
            parser.error(f"check needs {missing.name}: pip install 'einsum-doc[docs]'")
        check.arguments(checks)
        checks.set_defaults(run=check.check)
    gradients.set_defaults(run=_gradient)
    derivations.set_defaults(run=_derive)
    return parser


def _gradient(options: argparse.Namespace) -> int:
    equation = parse(options.equation)
    numbers = range(len(equation.operands)) if options.wrt is None else [options.wrt]
    gradients = {number: gradient(equation, number) for number in numbers}
    if options.library:
        from einsum_doc.notation.writing.emit import emit

        print("\n\n\n".join(emit(equation, number, options.library) for number in numbers))
        return 0
    cost = None
    if options.sizes is not None:
        from einsum_doc.compute.contraction.binding import read_sizes
        from einsum_doc.compute.contraction.cost import cost as find_cost

        cost = find_cost(equation, read_sizes(options.sizes))
    if options.json:
        print(json.dumps(_facts(equation, gradients, cost), ensure_ascii=False, indent=2))
    else:
        print(_table(equation, gradients, cost))
    return 0


_FORMS = {
    "latex": "the lines of a derivation fence",
    "markdown": "a part of a page",
    "json": "everything as JSON",
    "svg": "the tensor network; of the equation itself without --wrt",
}


def _derive(options: argparse.Namespace) -> int:
    from einsum_doc.notation.deriving.derive import derive

    equation = parse(options.equation)
    names = options.names.replace(",", " ").split() if options.names else None
    mode = options.mode
    if options.wrt2 is not None and mode != "second":
        raise OperandError(f"--wrt2 is for --mode second, not for the {mode}", text=equation.text)
    given = {"names": names, "output": options.output, "loss": options.loss, "complex": options.complex, "mode": mode}
    found = [derive(equation, wrt, wrt2=wrt2, **given) for wrt, wrt2 in _operand_pairs(equation, names, options)]
    match options.form:
        case "svg":
            print(_picture(found[0], options.wrt))
        case "latex":
            print("\n\n".join(derivation.latex() for derivation in found))
        case "markdown":
            print("\n\n".join(derivation.markdown() for derivation in found))
        case "json":
            print(json.dumps([derivation.facts() for derivation in found], ensure_ascii=False, indent=2))
        case _:
            width = min(120, shutil.get_terminal_size((120, 24)).columns)
            print("\n\n\n".join(derivation.text(width) for derivation in found))
    return 0


def _operand_pairs(
    equation: Equation, names: Sequence[str] | None, options: argparse.Namespace
) -> list[tuple[int | None, int | None]]:
    """Return the operands to differentiate by in each derivation. A tensor in several slots is one operand."""
    count = len(equation.operands)
    called = names if names and len(names) == count else [str(number) for number in range(count)]
    tensors = [number for number in range(count) if called.index(called[number]) == number]
    wrt, wrt2 = options.wrt, options.wrt2
    if options.mode == "tangent":
        return [(wrt, None)]
    first = tensors if wrt is None else [wrt]
    if options.mode == "gradient":
        return [(number, None) for number in first]
    if wrt2 is not None:
        return [(number, wrt2) for number in first]
    pairs = [(one, other) for one in first for other in tensors if wrt is not None or one <= other]
    # An einsum is linear in a tensor with one slot: a zero is shown only if it is asked for, or there is nothing else.
    nonzero = [(one, other) for one, other in pairs if one != other or called.count(called[one]) > 1]
    return [*nonzero] or [*pairs]


def _picture(derivation: "Derivation", wrt: int | None) -> str:
    """Draw the network of the equation, or of the gradient of operand `wrt`, with the names of the derivation."""
    from einsum_doc.notation.deriving.letters import accented
    from einsum_doc.notation.drawing.diagram import diagram

    if derivation.mode != "gradient":
        raise OperandError(f"--svg draws an equation or a gradient, not the {derivation.mode} derivative")
    names = derivation.names
    if derivation.complex and wrt is not None:
        names = tuple(name if number == wrt else accented("bar", name) for number, name in enumerate(names))
    return diagram(derivation.differentiated, wrt=wrt, names=names, output=derivation.output, loss=derivation.loss)


def _facts(equation: Equation, gradients: dict[int, Equation], cost: "Cost | None") -> dict[str, Any]:
    facts: dict[str, Any] = {
        "equation": str(equation),
        "roles": {label: sorted(roles) for label, roles in equation.roles.items()},
        "gradients": {str(number): str(found) for number, found in gradients.items()},
    }
    if cost is not None:
        works = {"forward": cost.forward, "sweep": cost.sweep, "naive": cost.naive}
        facts["cost"] = {"sizes": dict(cost.sizes)} | {name: asdict(work) for name, work in works.items()}
    return facts


def _table(equation: Equation, gradients: dict[int, Equation], cost: "Cost | None") -> str:
    lines = [str(equation), "", f"  {equation.in_words()}", f"  {equation.as_sum()}", ""]
    for label in equation.labels:
        roles = sorted(equation.roles[label], key=list(Role).index)
        where = ["output" if n is None else f"operand {n}" for n, _ in equation.occurrences(label)]
        lines.append(f"  {label:<5}{', '.join(roles):<24}{', '.join(dict.fromkeys(where))}".rstrip())
    lines.append("")
    lines += [f"  gradient {number}  {found}" for number, found in gradients.items()]
    if cost is not None:
        lines += ["", str(cost)]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

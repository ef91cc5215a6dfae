"""Commands, names and functions that reading knows."""

from __future__ import annotations

import re

from einsum_doc.notation.expression import ACCENTS, GREEK, Delta, Expression, Pi, subscript

_FUNCTION_COMMANDS = (
    *("exp", "log", "ln", "sin", "cos", "tan", "cot", "sec", "csc"),
    *("sinh", "cosh", "tanh", "arcsin", "arccos", "arctan"),
)
_OTHER_FUNCTIONS = (
    *("arsinh", "arcosh", "artanh", "sigmoid", "sign", "relu", "erf", "abs"),
    *("sech", "csch", "coth", "softplus", "logsigmoid", "silu", "gelu", "mish", "softsign", "normalpdf", "normalcdf"),
)
FUNCTIONS = {
    **{name: rf"\{name}" for name in _FUNCTION_COMMANDS},
    **{name: rf"\operatorname{{{name}}}" for name in _OTHER_FUNCTIONS},
}
"""The functions that have a meaning of their own, in LaTeX; any other `\\operatorname` is arbitrary, and smooth."""

NOT_ELEMENTWISE = frozenset(
    [
        *("softmin", "layernorm", "batchnorm", "rmsnorm"),
        *("argmax", "argmin", "sort", "median", "sum", "cumsum", "cumprod"),
        *("mean", "var", "Var", "std", "cov", "E", "Re", "Im"),
        *("rank", "norm"),
    ]
)
"""Functions that do not apply to each component by itself."""

OF_MATRICES = {"trace": "tr", "Tr": "tr"} | {name: name for name in ("tr", "det", "diag", "vec", "inv")}
"""The functions of a matrix as a whole, each with its name."""

ALONG_AXES = {"softmax": "softmax", "logsoftmax": "logsoftmax", "logsumexp": "logsumexp", "lse": "logsumexp"}
"""The functions of a vector, or of the components along one index, each with its name."""

_LONG = [name for name in (*NOT_ELEMENTWISE, *FUNCTIONS, *OF_MATRICES, *ALONG_AXES) if len(name) > 2]
SPELLED = {name.lower(): name for name in _LONG}
"""The names of functions that mean the same in capitals, such as ReLU."""

_APPLIED = "|".join(sorted([*FUNCTIONS, *OF_MATRICES, *ALONG_AXES], key=len, reverse=True))
UPRIGHT_FUNCTION = re.compile(
    rf"\s*\{{\s*({_APPLIED})\s*\}}(?=\s*(?:_\s*(?:[A-Za-z]|\{{[^{{}}]*\}})\s*)?(?:\\left|[(\[]))"
)
"""The name of a function in upright letters, as far as a bracket or an index says that it is applied."""

_WORDS = "|".join(sorted(_LONG, key=len, reverse=True))
FUNCTION_NAME = re.compile(rf"({_WORDS})|\\(?:mathrm|mathsf|mathit)\s*\{{({_WORDS})\}}(?!\s*_)")
"""The name of a function, in letters or as a name without indices."""

_SIZES = [rf"\{size}{side}" for size in ("big", "Big", "bigg", "Bigg") for side in ("", "l", "r")]
_STYLES = (
    *("mathbf", "mathrm", "mathsf", "mathit", "mathcal", "mathbb", "mathfrak", "mathscr"),
    *("boldsymbol", "bm", "overline"),
)
_LETTER_SIZES = ("tiny", "scriptsize", "small", "normalsize", "large", "Large", "LARGE", "huge", "Huge")
STYLES = tuple(rf"\{name}" for name in (*_STYLES, *ACCENTS))
"""Commands that set the letter, or the braces, after them in another style, or put an accent on it."""

_KINDS = {
    "letter": [rf"\{name}" for name in GREEK],
    "style": [*STYLES],
    "function": [r"\operatorname", r"\det", *(rf"\{name}" for name in _FUNCTION_COMMANDS)],
    "fraction": [r"\frac", r"\tfrac", r"\dfrac"],
    "root": [r"\sqrt"],
    "sum": [r"\sum"],
    "reduction": [r"\prod", r"\max", r"\min"],
    "partial": [r"\partial"],
    "nabla": [r"\nabla"],
    "times": [r"\cdot", r"\times"],
    "hadamard": [r"\odot", r"\circ"],
    "kronecker": [r"\otimes"],
    "norm": [r"\|", r"\Vert", r"\lVert", r"\rVert"],
    "magnitude": ["|", r"\vert", r"\lvert", r"\rvert"],
    "inner": [r"\langle"],
    "dots": [r"\dots", r"\ldots", r"\cdots", r"\dotsc", r"\dotsb", r"\dotsm"],
    "prime": [r"\prime"],
    "transpose": [r"\top", r"\intercal"],
    "unequal": [r"\neq", r"\ne"],
    "break": [r"\\"],
    "text": [r"\text", r"\textrm", r"\textit"],
    "tag": [r"\tag"],
    "size": [r"\left", r"\right", *_SIZES],
    "spacing": [
        *(r"\,", r"\;", r"\:", r"\!", r"\ ", r"\>", r"\quad", r"\qquad", r"\enspace", r"\thinspace", "~"),
        *(r"\textstyle", r"\limits", r"\nolimits", r"\mathstrut", *(rf"\{size}" for size in _LETTER_SIZES)),
    ],
    "length": [r"\hspace", r"\hskip", r"\mspace", r"\phantom", r"\vphantom", r"\hphantom", r"\color"],
    "box": [r"\boxed", r"\underbrace", r"\overbrace"],
    "group": [r"\cancel", r"\bcancel", r"\xcancel", r"\textcolor", r"\mathcolor"],
    "environment": [r"\begin", r"\end"],
    "label": [r"\label"],
    "silent": [r"\notag", r"\nonumber", r"\displaystyle"],
    "directive": ["%"],
}
_KINDS["so"] = [r"\implies", r"\Rightarrow", r"\Longrightarrow", r"\therefore", r"\iff", r"\Leftrightarrow"]
KINDS = {sign: kind for kind, signs in _KINDS.items() for sign in signs}
"""The kind of each command; a command without a kind has no meaning."""

WIDE = frozenset([r"\quad", r"\qquad", r"\hspace", r"\hskip"])
"""Spaces that may part two equations in a row."""

BRACKETS = {
    **{"(": ("open", "("), "[": ("open", "["), r"\{": ("open", "{")},
    **{r"\lbrack": ("open", "["), r"\lbrace": ("open", "{")},
    **{")": ("close", ")"), "]": ("close", "]"), r"\}": ("close", "}")},
    **{r"\rbrack": ("close", "]"), r"\rbrace": ("close", "}")},
}
"""The brackets that are seen on the page: whether each opens or closes, and its shape."""

BARS = ("|", r"\vert", r"\rvert")
"""The bars after a derivative, before the tensors that it holds fixed; they have a size, as `\\right|` and `\\Big|`."""

FACTORS = frozenset(
    [
        *("letter", "number", "open", "style", "function", "fraction", "root", "sum", "reduction"),
        *("partial", "nabla", "dots", "inner", "blank", "cases"),
    ]
)
"""The kinds of what a factor can begin with."""

BETWEEN = ("hadamard", "kronecker")
"""The kinds of products that bind less than factors side by side."""

USUAL_FUNCTIONS = frozenset(["f", "g", "F", "G", r"\phi", r"\varphi", r"\psi", r"\Phi", r"\Psi", r"\sigma"])
"""Names that are functions to a reader where they stand before a bracket, even if they are scalars elsewhere."""

LOSSES = frozenset(["L", "l", r"\mathcal{L}", r"\ell"])
"""Usual names of a loss."""

COMPARISONS = {"=": "=", "<": "<", ">": ">", r"\lt": "<", r"\gt": ">", r"\le": "≤", r"\leq": "≤"}
COMPARISONS |= {r"\ge": "≥", r"\geq": "≥", r"\leqslant": "≤", r"\geqslant": "≥"}
"""Signs between two indices, in a condition."""

BOLD_STYLES = (r"\mathbf", r"\boldsymbol", r"\bm", r"\vec")
"""Styles of vectors and matrices."""

UPRIGHT = (r"\mathrm", r"\mathsf")
"""Styles of the d of a derivative."""

_CONSTANT_STYLES = ("mathbf", "mathbb", "boldsymbol", "mathrm", "mathsf", "vec")
CONSTANTS = {rf"\{style}{{{sign}}}": sign for style in _CONSTANT_STYLES for sign in "01"} | {
    rf"\{style}{{I}}": "I" for style in ("mathbf", "mathbb", "boldsymbol")
}
"""Names without indices that are a tensor of zeros, a tensor of ones, or the identity."""
DEFINES = (r"\equiv", r"\coloneqq", r"\triangleq")
"""Signs that are read as `=`, as `:=` is."""
ASSIGNS = (":", r"\coloneqq")
"""The first signs of those that may give a name another value."""
TRANSPOSES = frozenset(["T", r"\top", r"\intercal", r"\mathsfT", r"\mathrmT"])
"""Exponents that make a transpose, without their braces."""
CONNECTIVES = frozenset(["so", "hence", "thus", "then", "therefore", "and", "where", "with", "here", "now"])
"""Words before a row that say nothing about whether it is true."""

CONDITION_WORDS = frozenset(["if", "for", "when", "where", "and"])
"""Words before a condition, or between two that both hold."""
OTHERWISE = frozenset(["otherwise", "else"])
"""Words for the condition that no other one holds."""

_HINTS = {
    r"\odot for a product of components, or x_i y_i": [r"\ast", "*"],
    r"brackets around the sum, \left( \sum_i … \right)": [r"\sum"],
    "a prime on a name, x'_{i}, or on an index, x_{i'}": [r"\prime"],
    r"the rows alone, as they stand inside of \begin{aligned}": [r"\begin", r"\end"],
    r"the rows alone, without dollars": ["$"],
    r"LaTeX, as in \frac{\partial l}{\partial x_{i}}": ["∂"],
    r"LaTeX, as in x_{ij}": [*"ᵢⱼₖₗₘₙₚ₀₁₂₃"],
    "no sign between factors, x_{ij} y_{jk}": [*"·⋅×@"],
    r"LaTeX, \sum_{i}": [*"∑Σ"],
    r"a transpose in LaTeX, x^\top": [*"ᵀ⊤"],
    r"= or \neq": [*(r"\approx", r"\sim", r"\propto", r"\le", r"\leq", r"\ge", r"\geq", "<", ">", ":")],
}
HINTS = {sign: hint for hint, signs in _HINTS.items() for sign in signs}
"""Replacements for signs that authors know from elsewhere."""


def reserved(expression: Expression) -> str:
    """Return the meaning of a letter that is no tensor, and the name to write for one; "" for any other."""
    match expression:
        case Delta(indices):
            return rf"δ is the Kronecker delta here; \boldsymbol{{\delta}}{subscript(indices)} is a name of your own"
        case Pi():
            return r"π is the number here; \hat{\pi} is a name of your own"
        case _:
            return ""

"""`raises`, `writes` and `shows`: the expected error and output of a block, in a page that has been downloaded.

In a build, the worker compares them.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

from einsum_doc.pages.record.block import Expected, Location
from einsum_doc.pages.record.options import Options
from einsum_doc.pages.verdict.expected import differs
from einsum_doc.pages.worker.failures import is_expected
from einsum_doc.pages.worker.values import Values


@contextmanager
def raises(expected: str) -> Iterator[None]:
    """Expect the code below to raise the error that the option `raises` of its block names, and show it.

    >>> with raises("ZeroDivisionError: division"):
    ...     1 / 0
    ZeroDivisionError: division by zero

    Raises: AssertionError, if nothing is raised; what is raised, if it is something else.
    """
    try:
        yield
    except BaseException as error:
        if not is_expected(error, expected):
            raise
        print(f"{type(error).__qualname__}: {error}")
    else:
        raise AssertionError(f"the code should raise {expected}, and raised nothing")


@contextmanager
def writes(expected: str, tolerance: float = Expected.tolerance) -> Iterator[None]:
    """Expect the code below to write the output in the `expected` fence after its block.

    >>> with writes("loss 0.3333333"):
    ...     print("loss", 1 / 3)
    loss 0.3333333333333333

    Raises: AssertionError, with the difference; numbers may differ by the tolerance, as in a build.
    """
    output = io.StringIO()
    try:
        with redirect_stdout(output):
            yield
    finally:
        # After an error too: it may be one that the block is to raise.
        sys.stdout.write(output.getvalue())
        failure = differs(output.getvalue(), Expected(Location("", 0), expected, tolerance))
        if failure is not None:
            raise AssertionError("\n".join([failure.message, *failure.details]))


def shows(value: Any) -> None:
    """Write the value of a last expression as a console would, so that `writes` compares it.

    >>> shows([1, 2])
    [1, 2]
    """
    values = Values(Options(values=True))
    values.show(value)
    if values.text:
        print(values.text)

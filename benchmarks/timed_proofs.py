"""The equalities of some pages, each with the time that its proof takes; it runs in Pyodide as well."""

import gc
import json
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from einsum_doc.notation.statements.proofs import proved
from einsum_doc.notation.statements.statements import read_statements
from einsum_doc.notation.symbols.table import SymbolTable


class TimedRow(NamedTuple):
    """An equality: its page, its text, whether it is proved, and the milliseconds of a CPU that this took."""

    page: str
    line: str
    proved: bool
    time: float


def timed_proofs(pages: Mapping[str, list[str]], clock: Callable[[], float] = time.process_time) -> list[TimedRow]:
    """Prove every equality of the texts of each page."""
    gc.freeze()  # What is loaded is not searched for garbage within a proof.
    found = []
    for name, texts in pages.items():
        table = SymbolTable()
        for text in texts:
            statements = read_statements(text, (), table)
            table = statements.table
            for line in statements.lines:
                if line.statement is not None and not line.defines and line.relation.sign == "=":
                    start = clock()
                    proof = proved(line.statement, line.number)
                    took = (clock() - start) * 1e3
                    left, right = line.statement.sides[line.number : line.number + 2]
                    found.append(TimedRow(name, f"{left} = {right}", proof is not None, took))
    return found


def in_json(pages: str, clock: Callable[[], float]) -> str:
    """Return the rows of pages that are in JSON, as JSON."""
    return json.dumps(timed_proofs(json.loads(pages), clock))

"""Write the golden files anew: `python tests/notation/golden`. Read what changed, line by line, before a commit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from einsum_doc.notation.deriving.derivation import Derivation
from einsum_doc.notation.deriving.derive import derive

FOLDER = Path(__file__).parent

CASES: dict[str, dict[str, Any]] = {
    "worked-example-x": {"equation": "ijk,ip->jkp", "wrt": 0},
    "worked-example-y": {"equation": "ijk,ip->jkp", "wrt": 1},
    "batch": {"equation": "bij,bjk->bik", "wrt": 0},
    "summed-alone": {"equation": "ij->i", "wrt": 0},
    "summed-alone-elsewhere": {"equation": "ij,k->k", "wrt": 1},
    "trace": {"equation": "ii->", "wrt": 0},
    "diagonal-read": {"equation": "ii->i", "wrt": 0},
    "repeated-and-contracted": {"equation": "iij,jk->ik", "wrt": 0},
    "outer-product": {"equation": "i,j->ij", "wrt": 1},
    "three-operands": {"equation": "bi,ijo,bj->bo", "wrt": 1},
    "scalar": {"equation": ",i->i", "wrt": 0},
    "broadcast": {"equation": "i->ij", "wrt": 0},
    "diagonal-written": {"equation": "i->ii", "wrt": 0},
    "ellipsis": {"equation": "...ij,...jk->...ik", "wrt": 0},
    "ellipsis-summed": {"equation": "...i->i", "wrt": 0},
    "same-tensor-twice": {"equation": "ij,kj->ik", "wrt": 0, "names": ("x", "x")},
    "complex": {"equation": "ij,jk->ik", "wrt": 0, "complex": True},
    "letters-in-use": {"equation": "kl,lz->kz", "wrt": 1},
    "names-of-ones-own": {
        "equation": "bhid,bhjd->bhij",
        "wrt": 1,
        "names": (r"\mathbf{q}", r"\mathbf{k}"),
        "output": "s",
    },
    "tangent": {"equation": "ij,jk->ik", "mode": "tangent"},
    "second-derivative": {"equation": "ij,jk->ik", "wrt": 0, "wrt2": 1, "mode": "second"},
    "second-derivative-of-a-square": {"equation": "i,i->", "wrt": 0, "wrt2": 0, "mode": "second", "names": ("x", "x")},
}


def derived(name: str) -> Derivation:
    """The derivation of a case."""
    return derive(**CASES[name])


def files(name: str) -> dict[Path, str]:
    """What belongs into the files of a case."""
    derivation = derived(name)
    return {FOLDER / f"{name}.tex": derivation.latex() + "\n", FOLDER / f"{name}.txt": str(derivation) + "\n"}


if __name__ == "__main__":
    for stale in {*FOLDER.glob("*.tex"), *FOLDER.glob("*.txt")}:
        stale.unlink()
    for case in CASES:
        for path, text in files(case).items():
            path.write_text(text, "utf-8")

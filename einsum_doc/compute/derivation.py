"""`Derivations`, under the name by which downloaded pages import it."""

from einsum_doc.compute.checking.derivation import Derivations as Derivations

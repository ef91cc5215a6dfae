"""`raises`, `writes` and `shows`, under the name by which downloaded pages import them."""

from einsum_doc.pages.fronts.standalone import raises as raises
from einsum_doc.pages.fronts.standalone import shows as shows
from einsum_doc.pages.fronts.standalone import writes as writes

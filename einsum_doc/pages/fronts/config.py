"""What mkdocs.yml may say under `plugins: - einsum-doc:`."""

from __future__ import annotations

from mkdocs.config import base
from mkdocs.config import config_options as c


class _Amount(c.Type[int | float]):
    """A number that is not negative, and with `positive` not zero."""

    def __init__(self, *, positive: bool = False, whole: bool = False, default: float) -> None:
        super().__init__(int if whole else (int, float), default=default)
        self.positive = positive

    def run_validation(self, value: object) -> int | float:
        number = super().run_validation(value)
        if isinstance(number, bool) or number < 0 or (self.positive and not number):
            raise base.ValidationError(f"expected a number {'above' if self.positive else 'from'} 0, not {number!r}")
        return number


class EinsumDocConfig(base.Config):
    """The options of the plugin."""

    @classmethod
    def names(cls) -> set[str]:
        """The names of the options."""
        return {name for name, value in vars(cls).items() if isinstance(value, base.BaseConfigOption)}

    device = c.Choice(("auto", "cpu", "cuda"), default="auto")
    """Where blocks run: `auto` is the GPU when there is one. `cuda` fails where there is none.

    On a GPU, it is torch's default device, so that a block need not name it."""

    timeout = _Amount(positive=True, default=60)
    """How long one block may take, in seconds of wall-clock time, before its page fails."""

    memory = _Amount(default=0)
    """How much memory a page's process may take, in GiB; 0 for three quarters of the machine's."""

    allow_empty = c.Type(bool, default=False)
    """Whether a build may succeed that executed nothing: for a site that has no blocks yet."""

    preload = c.ListOfItems(c.Type(str), default=["torch"])
    """Modules that are imported once a build, if a page mentions them, instead of once a page.

    Not for the library that the pages are about: an edit to it would not be seen."""

    jobs = _Amount(whole=True, default=0)
    """How many pages may run at a time; 0 for one on each core or, where blocks run on GPUs, on each of those."""

    executor = c.Type(str, default="")
    """Where pages run instead of on this machine: the address of a Dask cluster, such as `dask://127.0.0.1:8786`."""

    cache = c.Type(str, default=".cache/einsum-doc")
    """The folder in which results are kept, relative to that of mkdocs.yml; `""` to keep none."""

    cache_size = _Amount(default=256)
    """How large that folder may become, in MiB; what was used longest ago goes first."""

    processes = c.DictOfItems(c.ListOfItems(c.Type(str)), default={})
    """What the processes that a page starts may read of the project: `page: [files and folders]`, all of them patterns.

    Pages are named by their paths in docs_dir, files relative to the folder of mkdocs.yml. A page that is not named
    runs again when any file of the project has changed."""

    require_gpu = c.Type(bool, default=False)
    """Whether a build fails if a block needs a GPU that is not there."""

    downloads = c.ListOfItems(c.Type(str), default=[])
    """Pages that can be downloaded as a program and as a notebook: patterns such as `posts/*.md`, in docs_dir."""

    assets = c.Type(dict, default={})
    """Files of installed packages to copy into the site: `path in the site: file or folder`.

    The right-hand sides are relative to the folder of mkdocs.yml."""

    report = c.Type(str, default="report.md")
    """The page, among those in `docs`, on which the build tells what it has found; `""` for none.

    If there is a page of that name, the report stands at its end."""

    junit = c.Type(str, default="")
    """A file for the results as JUnit XML, relative to the folder of mkdocs.yml; written by a failing build too."""

    json = c.Type(str, default="")
    """The same as JSON."""

    library = c.ListOfItems(c.Type(str), default=[])
    """The packages that the pages are about: the report says which public names of them each page uses."""

"""The environment as a dependency: one site, built again from other terminals, runs of CI, and folders."""

from __future__ import annotations

import re

import pytest

from einsum_doc.pages.record.options import OptionError, Options

from ..conftest import PLAIN, NewProject, block
from .test_cache import reasons

PAGES = {
    "whole": block("import os\nassert {**os.environ}"),
    "both": block("import os\nassert {**os.environ}\nprint(os.getenv('SSH_TTY'))"),
    "whole_of_folder": block("import os\nassert {**os.environ}['MKDOCS_CONFIG_DIR'] == os.getcwd()"),
    "folder": block("import os\nassert os.environ['MKDOCS_CONFIG_DIR'] == os.getcwd()"),
    "shell": block("ls docs\necho $PWD", 'sh exec="on"'),
    "shell_reads": block('echo "${SSH_TTY}"', 'sh exec="on"'),
}
TERMINAL = {"OLDPWD": "/", "SHLVL": "7", "TERM": "dumb", "COLUMNS": "99", "SSH_TTY": "9", "GITHUB_RUN_ID": "9"}


def test_other_terminals_and_folders(new_project: NewProject) -> None:
    config = PLAIN.replace("einsum-doc]", "einsum-doc: {device: cpu, environment: {ignore: [OWN_*]}}]")
    project = new_project({name: f"# T\n\n{text}" for name, text in PAGES.items()}, config)

    def ran(*options: str, **variables: str) -> dict[str, str]:
        built = project.build(*options, EINSUM_DOC_EXPLAIN="1", **variables)
        assert built.status == 0, built.console
        assert reasons(built).keys() == PAGES.keys()
        return {name: why for name, why in reasons(built).items() if why != "from the cache"}

    assert project.build().status == 0
    by_name = dict.fromkeys(["both", "shell_reads"], "the variable SSH_TTY has changed")
    assert ran("-f", "./mkdocs.yml", **TERMINAL, OWN_NUMBER="9") == by_name
    assert ran("-f", str(project.folder / "mkdocs.yml"), **TERMINAL) == {}
    processes = dict.fromkeys(["shell", "shell_reads"], "it starts processes, and their environment has changed")
    whole = dict.fromkeys(["whole", "both", "whole_of_folder"], "the environment has changed")
    assert ran("-f", "mkdocs.yml", **TERMINAL, MEANS_SOMETHING="1") == processes | whole


def test_an_unknown_key() -> None:
    with pytest.raises(OptionError, match=re.escape("environment: unknown key 'ignored'; the only one is 'ignore'")):
        Options(environment={"ignored": []})

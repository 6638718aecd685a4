"""Make plain `pytest --nbval chapters/` work: rules, kernel and time limit come from here.

nbval has no settings of its own in pyproject.toml, only options; an option given by hand wins.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent
CELL_TIMEOUT_SECONDS = 180.0
NBVAL_DEFAULT_TIMEOUT_SECONDS = 2000.0


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Fill in nbval's options and let widgets emit what was recorded: their static twin."""
    option = config.option
    if not (getattr(option, "nbval", False) or getattr(option, "nbval_lax", False)):
        return
    os.environ["KUBEHOP_STATIC"] = "1"
    option.nbval_sanitize_with = option.nbval_sanitize_with or str(ROOT / "tests" / "nbval.cfg")
    option.nbval_current_env = option.nbval_current_env or not option.nbval_kernel_name
    if option.nbval_cell_timeout == NBVAL_DEFAULT_TIMEOUT_SECONDS:
        option.nbval_cell_timeout = CELL_TIMEOUT_SECONDS


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Fail rather than pass when notebooks were asked for and none has a cell to run."""
    if getattr(config.option, "nbval", False) and not items:
        pytest.exit("--nbval found no notebook cell: name chapters/ or a notebook.", returncode=4)

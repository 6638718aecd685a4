"""The look of everything a lab shows, as the text of `lab.css`."""

from __future__ import annotations

import os
from importlib.resources import files

CSS_FILE = files("kubehop.labs") / "lab.css"
CSS = CSS_FILE.read_text(encoding="utf-8")


def static() -> bool:
    """Whether outputs are recorded or compared, so that they hold what is fixed and nothing else."""
    return os.environ.get("KUBEHOP_STATIC") == "1"


def style() -> str:
    """Return the style element of an output; recorded outputs have none, the site brings `lab.css`."""
    return "" if static() else f"<style>{CSS}</style>"

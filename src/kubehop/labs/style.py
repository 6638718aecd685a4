"""The look of everything a lab shows, as the text of `lab.css`."""

from __future__ import annotations

from importlib.resources import files

CSS = (files("kubehop.labs") / "lab.css").read_text(encoding="utf-8")
STYLE = f"<style>{CSS}</style>"

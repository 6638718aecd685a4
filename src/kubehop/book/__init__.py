"""Notebook machinery: magics, first and last cell, questions, the recorder, checks of what it recorded."""

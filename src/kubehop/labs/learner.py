"""Learners' names, as far as a cluster can hold them: one learner, one namespace for each lab."""

from __future__ import annotations

import hashlib
import re

_NAME_LENGTH, _LEARNER_LENGTH, _DIGEST_LENGTH = 63, 40, 6


def namespace_for(slug: str, *, learner: str) -> str:
    """Return the namespace of one learner's lab: `lab-broken-selector-ada`."""
    name = f"lab-{slug}-{label(learner)}"
    return _told_apart(name, of=name, length=_NAME_LENGTH)


def label(learner: str) -> str:
    """Return a learner's name as a DNS label may hold it; capital letters make no other learner.

    A name that had to be changed ends in six digits of its hash, so that two such names stay two. What is
    returned stays as it is when it is given again.
    """
    name = learner.lower()
    plain = re.sub(r"[^a-z0-9]+", "-", name).strip("-") or "learner"
    return _told_apart(plain, of=name, length=_LEARNER_LENGTH)


def _told_apart(text: str, *, of: str, length: int) -> str:
    """Return `text`, cut and with the hash of what it stands for where it is another or too long."""
    if text == of and len(text) <= length:
        return text
    digest = hashlib.sha256(of.encode(errors="surrogateescape")).hexdigest()[:_DIGEST_LENGTH]
    return f"{text[: length - _DIGEST_LENGTH - 1].rstrip('-')}-{digest}"

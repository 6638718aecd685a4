"""What the self-test found, as a file that the status page reads: the same for the same labs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kubehop.labs.answer import wrong_answers
from kubehop.labs.folder import LabFolder
from kubehop.labs.mutation import seed_for
from kubehop.labs.selftest import Case, Kind

SCHEMA = "kubehop-lab-results/1"


def record(lab: LabFolder, cases: Sequence[Case], *, rounds: int) -> dict[str, Any]:
    """Return one lab's results, without times and generated names.

    Args:
        lab: The lab.
        cases: What the self-test tried.
        rounds: How often everything was tried from fresh.
    """
    wrong, mutated = _of(cases, "wrong"), _of(cases, "mutation")
    seeded = {case.name for case in (*wrong, *mutated)}
    survivors = sorted({case.name for case in (*wrong, *mutated) if not case.rejected})
    return {
        "lab": lab.slug,
        "title": lab.title,
        "rounds": rounds,
        "start": "fail" if all(case.rejected for case in _of(cases, "start")) else "pass",
        "solution": "fail" if any(case.rejected for case in _of(cases, "solution")) else "pass",
        "seed": seed_for(lab.slug),
        "wrong_answers": _score(wrong),
        "mutations": _score(mutated),
        "score_percent": round(100 * (len(seeded) - len(survivors)) / len(seeded), 1),
        "survivors": survivors,
        "problems": sorted({f"{case.kind} {case.name}: {case.problem}" for case in cases if case.problem}),
        "answers": [
            {"name": a.name, "mistake": a.mistake, "check": a.check, "names": [a.item, a.field, a.value]}
            for a in wrong_answers(lab.path)
        ],
        "seeded": sorted({case.name for case in mutated}),
    }


def write(records: Sequence[Mapping[str, Any]], *, path: Path) -> None:
    """Write all labs' results to one file; an unchanged file stays untouched."""
    content = {"schema": SCHEMA, "labs": sorted(records, key=lambda item: str(item["lab"]))}
    text = json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _of(cases: Sequence[Case], kind: Kind) -> list[Case]:
    return [case for case in cases if case.kind == kind]


def _score(cases: Sequence[Case]) -> dict[str, int]:
    names = {case.name for case in cases}
    rejected = names - {case.name for case in cases if not case.rejected}
    return {"seeded": len(names), "rejected": len(rejected)}

"""`python -m kubehop.labs`: lint the labs, generate their notebooks, let them check themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kubehop.labs import folder, lint, notebook, result, selftest
from kubehop.labs.selftest import Case

app = typer.Typer(add_completion=False, no_args_is_help=True)
Slugs = Annotated[list[str] | None, typer.Argument(help="Names of labs; all of them without.")]


@app.command("lint")
def lint_labs(slugs: Slugs = None) -> None:
    """Check the labs' folders, without a cluster."""
    found = [text for slug in slugs or folder.slugs() for text in lint.problems(folder.root() / slug)]
    for text in found:
        typer.echo(text)
    typer.echo(f"{len(slugs or folder.slugs())} labs, {len(found)} problems.")
    raise typer.Exit(code=bool(found))


@app.command()
def generate(slugs: Slugs = None) -> None:
    """Write each lab.ipynb and first-sight.ipynb from its solution.ipynb."""
    for slug in slugs or folder.slugs():
        for path in notebook.generate(folder.root() / slug):
            typer.echo(path)


@app.command("selftest")
def test_labs(
    slugs: Slugs = None,
    rounds: Annotated[int, typer.Option(help="How often, each time from fresh.")] = 2,
    results: Annotated[Path | None, typer.Option(help="Write the scores to this file.")] = None,
) -> None:
    """Try every right, wrong and mutated answer on the running cluster."""
    records = []
    failed = False
    for slug in slugs or folder.slugs():
        lab = folder.load(slug)
        cases = selftest.run(lab, rounds=rounds, done=_tell)
        records.append(result.record(lab, cases, rounds=rounds))
        failed = failed or any(case.problem for case in cases)
        _summarize(cases, records[-1])
    if results:
        result.write(records, path=results)
    raise typer.Exit(code=failed)


def _tell(case: Case) -> None:
    mark = "PROBLEM" if case.problem else "ok"
    took = f"(check {case.check_seconds:.1f} s, reset {case.reset_seconds:.1f} s)"
    typer.echo(f"{mark:8}{case.kind:9} {case.name}  {took}")
    typer.echo(f"        {case.problem or case.message}")


def _summarize(cases: list[Case], found: dict[str, Any]) -> None:
    resets = sorted(case.reset_seconds for case in cases)
    score = [found["wrong_answers"], found["mutations"]]
    rejected, seeded = (sum(part[key] for part in score) for key in ("rejected", "seeded"))
    typer.echo(
        f"{found['lab']}: {rejected} of {seeded} wrong answers rejected ({found['score_percent']:g} %); "
        f"reset median {resets[len(resets) // 2]:.1f} s, worst {resets[-1]:.1f} s."
    )


if __name__ == "__main__":
    app()

"""The schema accepts the example and refuses each change that it should."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from kubehop.errors import TraceError
from kubehop.trace import schema

Data = dict[str, Any]
KINDS = sorted(schema.load()["$defs"])


def test_schema_is_a_schema() -> None:
    """schema.json is valid JSON Schema 2020-12."""
    Draft202012Validator.check_schema(schema.load())


def test_columns_are_those_of_the_schema() -> None:
    """The columns that kubehop writes are the ones schema.json describes, in its order."""
    assert list(schema.COLUMNS) == schema.load()["properties"]["req"]["properties"]["cols"]["items"]["enum"]


def change(data: Data, path: tuple[str | int, ...], value: Any) -> Data:
    """Return a copy with one value changed, or removed when the value is None."""
    copied = copy.deepcopy(data)
    place: Any = copied
    for step in path[:-1]:
        place = place[step]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return copied


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (("schema",), "kubehop-trace/2", "schema"),
        (("meta", "summary"), "Too short.", "meta.summary"),
        (("meta", "origin"), "typed", "meta.origin"),
        (("meta", "scenario"), None, "meta"),
        (("meta", "recorded_at"), "yesterday", "meta.recorded_at"),
        (("meta", "surprise"), 1, "meta"),
        (("entities", 0, "kind"), "Teapot", "entities[0].kind"),
        (("events", 0, "e"), "teapot", "events[0].e"),
        (("events", 0, "t"), 0.5, "events[0].t"),
        (("events", 0, "s", "phase"), "Fine", "events[0].s.phase"),
        (("events", 1, "ready"), None, "events[1]"),
        (("events", 1, "headers"), {"a": "b"}, "events[1]"),
        (("req", "rows", 0, 3), "route", "req.rows[0]"),
        (("req", "rows", 0, 3), True, "req.rows[0]"),
        (("req", "cols", 0), "tea", "req.cols"),
        (("req",), None, None),
    ],
)
def test_schema_names_the_place(
    data: Data, path: tuple[str | int, ...], value: Any, place: str | None
) -> None:
    """A change is refused with its place; leaving out the requests is allowed."""
    changed = change(data, path, value)
    if place is None:
        schema.validate(changed)
        return
    with pytest.raises(TraceError, match="one-request") as caught:
        schema.validate(changed)
    assert f"at {place}" in str(caught.value)
    assert not Draft202012Validator(
        schema.load(), format_checker=Draft202012Validator.FORMAT_CHECKER
    ).is_valid(changed), "schema.json alone accepts what validate() refuses"


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_needs_its_fields(data: Data, kind: str) -> None:
    """An event with nothing but a time and a kind is refused."""
    changed = change(data, ("events",), [{"t": 0, "e": kind}])
    with pytest.raises(TraceError, match="is a required property"):
        schema.validate(changed)

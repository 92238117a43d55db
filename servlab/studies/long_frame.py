"""The results of published studies as tables of one schema, and those as one frame."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from servlab.studies import records
from servlab.studies.results import KEYS, long_schema

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

AxisKind = Literal["whole", "day", "text"]
OWN = ("plan", "study", "language", "state", "finished", "servlab", "key")
PLACE = ("result", "part", "row", "text")
_WHOLE = re.compile(r"0|-?[1-9]\d{0,17}")


@dataclass(frozen=True, slots=True)
class Found:
    """A study with a published report: where its results lie, and what is known of it."""

    plan: str
    name: str
    language: str
    state: str
    axes: Mapping[str, str]
    runs: Path
    published: records.Published

    @property
    def id(self) -> str:
        """Return what names it in its folder of reports."""
        return f"{self.name}.{self.language}"

    @property
    def out(self) -> Path:
        """Return the folder of reports."""
        return self.runs.parent.parent

    @property
    def version(self) -> str:
        """Return the version of servlab that made it."""
        return str(self.published.parts.get("versions", {}).get("servlab", "unknown"))


@dataclass(frozen=True, slots=True)
class StudyTable:
    """A study's results: the rows asked for, all names recorded, columns nobody here knows."""

    table: "pa.Table"
    recorded: frozenset[str]
    unknown: frozenset[str]


def axis_kinds(axes: Iterable[Mapping[str, str]]) -> dict[str, AxisKind]:
    """Return the kind of each axis, in order: of whole numbers, of days, or of texts.

    Examples
    --------
    >>> axis_kinds([{"shop": "007", "year": "2025"}, {"shop": "8", "year": "2026"}])
    {'shop': 'text', 'year': 'whole'}
    """
    values: dict[str, list[str]] = {}
    for place in axes:
        for axis, value in place.items():
            values.setdefault(axis, []).append(value)
    return {axis: _kind_of(known) for axis, known in values.items()}


def _kind_of(values: Sequence[str]) -> AxisKind:
    if all(_WHOLE.fullmatch(value) for value in values):
        return "whole"
    return "day" if all(_day(value) for value in values) else "text"


def _day(value: str) -> datetime | None:
    """Return the day that a text such as 2026-03-01 is; None for other texts."""
    try:
        return datetime.strptime(value, "%Y-%m-%d") if len(value) == 10 else None
    except ValueError:
        return None


def table_of(
    study: Found, kinds: Mapping[str, AxisKind], wanted: Sequence[str] | None
) -> StudyTable | None:
    """Return a study's results with all that names them; None where they cannot be read."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    path = study.runs / study.published.folder / "results.parquet"
    schema = long_schema()
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            read = file.read()
        finished = datetime.fromisoformat(study.published.finished)
        recorded = frozenset(read["result"].to_pylist())
        unknown = frozenset(read.column_names) - set(schema.names)
        if wanted is not None:
            read = read.filter(pc.is_in(read["result"], pa.array(list(wanted), pa.string())))
        there = dict(zip(read.column_names, read.columns, strict=True))
        known = [_column(there, len(read), part.name, part.type) for part in schema]
    except (OSError, ValueError, LookupError, pa.ArrowException):
        return None
    facts = {
        "plan": study.plan,
        "study": study.name,
        "language": study.language,
        "state": study.state,
        "finished": finished,
        "servlab": study.version,
        "key": study.published.key,
    }
    facts |= {axis_name(axis): _place(study.axes.get(axis), kinds[axis]) for axis in kinds}
    columns = dict(zip(_renamed(schema.names, kinds), known, strict=True))
    types = _types(kinds)
    for name, value in facts.items():
        columns[name] = pa.array([value] * len(read), types[name])
    return StudyTable(pa.table(columns).select(list(types)), recorded, unknown)


def _column(there: Mapping[str, Any], rows: int, name: str, kind: Any) -> Any:
    """Return a column in the schema's type; an empty one for what an older version lacked."""
    import pyarrow as pa

    if name not in there and name not in KEYS:
        return pa.nulls(rows, kind)
    return there[name] if there[name].type == kind else there[name].cast(kind)


def _place(value: str | None, kind: AxisKind) -> Any:
    """Return a value of an axis in the type of its column."""
    if value is None or kind == "text":
        return value
    return int(value) if kind == "whole" else _day(value)


def _types(kinds: Mapping[str, AxisKind]) -> dict[str, Any]:
    """Return all columns in their order, with their types."""
    import pyarrow as pa

    of_axis = {"whole": pa.int64(), "day": pa.timestamp("us"), "text": pa.string()}
    moment = pa.timestamp("us", tz="UTC")
    own = {name: moment if name == "finished" else pa.string() for name in OWN}
    axes = {axis_name(axis): of_axis[kind] for axis, kind in kinds.items()}
    schema = long_schema()
    long = dict(zip(_renamed(schema.names, kinds), schema.types, strict=True))
    place = {name: long[name] for name in PLACE}
    return {**own, **axes, **place, **{k: v for k, v in long.items() if k not in own}}


def axis_name(axis: str) -> str:
    """Return the column of an axis: its own name, unless that is one of the frame's."""
    return f"axis_{axis}" if axis in (*OWN, *PLACE) else axis


def _renamed(names: Iterable[str], axes: Iterable[str]) -> list[str]:
    """Return the columns of results, those with the name of an axis told apart."""
    taken = {axis_name(axis) for axis in axes}
    return [f"{name}_of_term" if name in taken else name for name in names]


def frame_of(tables: "Sequence[pa.Table]", kinds: Mapping[str, AxisKind]) -> "pd.DataFrame":
    """Return tables of studies as one frame, whose types never depend on what they hold."""
    import pandas as pd
    import pyarrow as pa

    empty = pa.schema(list(_types(kinds).items())).empty_table()
    whole = {pa.int64(): pd.Int64Dtype()}
    frame: pd.DataFrame = pa.concat_tables([empty, *tables]).to_pandas(types_mapper=whole.get)
    return frame

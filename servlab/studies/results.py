"""What a study found, as data: recorded in the notebook, kept as JSON and Parquet beside it.

A notebook calls ``sl.record(name, value)``; the runner collects what was recorded. The Parquet
file is one long tidy frame whose columns are always the same: which study, language, result and
part (``scalar``, ``tidy``, ``glance``), the row within it, and every tidy column of
``core/columns.py``.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from servlab.core.errors import ModelError, StudyError

if TYPE_CHECKING:
    import pandas as pd

MIME = "application/vnd.servlab.result+json"
MAX_ROWS = 10_000
TEXT_COLUMNS = (
    "term",
    "battery",
    "dimension",
    "item",
    "factor",
    "group",
    "lhs",
    "op",
    "rhs",
    "label",
    "level",
    "quadrant",
    "decision",
    "quantity",
    "kind",
    "estimator",
    "against",
    "wave",
    "method",
    "comparable",
    "step",
    "highest",
    "rule",
    "freed",
    "rank_method",
    "verdict",
    "flag",
    "usable",
    "place",
    "reasons",
    "test",
    "recommended",
    "licence",
    "invariance",
    "freed_items",
    "component",
    "added",
    "chosen",
    "standing",
    "varies",
    "contrast",
)
KEYS = ("study", "language", "result", "part", "row", "text")
Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Rows:
    """A small table as plain values; None is missing."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Scalar, ...], ...]

    def frame(self) -> "pd.DataFrame":
        """Return the table as a frame; missing numbers are NaN."""
        import pandas as pd

        frame = pd.DataFrame(list(self.rows), columns=list(self.columns))
        numbers = [column for column in frame if column not in TEXT_COLUMNS]
        return frame.astype(dict.fromkeys(numbers, float))


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recorded result.

    Attributes
    ----------
    name : str
        Name the notebook gave it.
    cell : int
        Number of the cell that recorded it.
    value : str, int, float, bool or None
        The value of a scalar.
    tidy_rows, glance_rows : Rows or None
        Of a frame or a result object.
    """

    name: str
    cell: int
    value: Scalar = None
    tidy_rows: Rows | None = None
    glance_rows: Rows | None = None

    def tidy(self) -> "pd.DataFrame":
        """Return a row a term; an empty frame for a scalar."""
        return (self.tidy_rows or Rows((), ())).frame()

    def glance(self) -> "pd.DataFrame":
        """Return a row a fit; an empty frame where there is none."""
        return (self.glance_rows or Rows((), ())).frame()


def record(name: str, value: object) -> None:
    """Hand a result of the study to whoever runs it; nothing is shown.

    Parameters
    ----------
    name : str
        A Python name such as ``"overall_gap"``, used once in a study.
    value : number, text, bool, None, date, Series, DataFrame or result object
        A frame has tidy columns only (``core/columns.py``); a result object gives its ``tidy()``
        and ``glance()``; a Series gives a row an entry (``term``, ``estimate``).

    Raises
    ------
    ModelError
        When the name is no Python name, a column has no registered meaning, a number column
        holds text, or there are so many rows that they must be respondents.

    Notes
    -----
    ``run_study`` writes what was recorded to ``results.json`` and ``results.parquet`` in the run
    folder. Outside a notebook the call checks its value and does nothing else.

    Examples
    --------
    >>> record("overall_gap", -1.1)
    """
    from servlab.studies.inside import emit

    if not name.isidentifier():
        raise ModelError(f"a result's name must be a Python name like 'overall_gap'; got {name!r}.")
    emit(MIME, {"name": name, **_payload(name, value)})


def _payload(name: str, value: Any) -> dict[str, Any]:
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        value = value.item()
    if value is None or isinstance(value, str | int | float | date):
        return {"value": _scalar(value)}
    if callable(getattr(value, "tidy", None)):
        glance = value.glance() if callable(getattr(value, "glance", None)) else None
        return {
            "tidy": _table(name, value.tidy()),
            "glance": None if glance is None else _table(name, glance),
        }
    return {"tidy": _table(name, value)}


def _scalar(value: Any) -> Scalar:
    """Return a value that JSON can hold: missing as None, the infinite as text."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value  # type: ignore[no-any-return]


def _table(name: str, value: Any) -> dict[str, Any]:
    """Return a tidy frame as columns and rows, checked."""
    import pandas as pd

    from servlab.core.columns import check_tidy

    if isinstance(value, pd.Series):
        term = str(value.index.name or "term")
        value = value.rename("estimate").rename_axis(term).reset_index()
    if not isinstance(value, pd.DataFrame):
        raise ModelError(
            f"result {name!r} must be a number, a text, a Series, a tidy frame or a result "
            f"object with tidy(); got {type(value).__name__}."
        )
    frame = value if isinstance(value.index, pd.RangeIndex) else _with_index(value)
    check_tidy(frame.columns)
    if len(frame) > MAX_ROWS:
        raise ModelError(
            f"result {name!r} has {len(frame)} rows; results are a row a term (at most "
            f"{MAX_ROWS}), respondents stay in the survey."
        )
    parts = [_column(name, frame[column]) for column in frame]
    rows = [list(row) for row in zip(*parts, strict=True)]
    return {"columns": [str(column) for column in frame], "rows": rows}


def _with_index(frame: "pd.DataFrame") -> "pd.DataFrame":
    names = [name or "term" for name in frame.index.names]
    return frame.rename_axis(names).reset_index()


def _column(name: str, column: "pd.Series[Any]") -> list[Scalar]:
    import pandas as pd

    if column.name in TEXT_COLUMNS:
        return [None if pd.isna(part) else str(part) for part in column]
    try:
        numbers = column.astype(float)
    except (TypeError, ValueError):
        raise ModelError(
            f"result {name!r}, column {column.name!r} must hold numbers; columns of text are "
            f"{', '.join(TEXT_COLUMNS)}."
        ) from None
    return [_scalar(number) for number in numbers.tolist()]


def collect(payloads: Iterable[tuple[int, Mapping[str, Any]]]) -> dict[str, Recorded]:
    """Return what the cells recorded, by name, or raise ``StudyError`` for a name used twice.

    Parameters
    ----------
    payloads : iterable of (int, mapping)
        Number of the cell, and what it recorded.
    """
    found: dict[str, Recorded] = {}
    for cell, payload in payloads:
        name = payload["name"]
        if name in found:
            raise StudyError(
                f"result {name!r} is recorded in cell {found[name].cell} and again in cell "
                f"{cell}; give each result its own name."
            )
        tidy, glance = (_rows(payload.get(part)) for part in ("tidy", "glance"))
        found[name] = Recorded(name, cell, payload.get("value"), tidy, glance)
    return found


def _rows(table: Mapping[str, Any] | None) -> Rows | None:
    if table is None:
        return None
    return Rows(tuple(table["columns"]), tuple(tuple(row) for row in table["rows"]))


def as_json(study: str, language: str, results: Mapping[str, Recorded]) -> str:
    """Return the results as JSON text, full precision, NaN as null."""
    parts = {result.name: _json_of(result) for result in results.values()}
    document = {"study": study, "language": language, "results": parts}
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _json_of(result: Recorded) -> Any:
    if result.tidy_rows is None:
        return {"value": result.value}
    tables = {"tidy": result.tidy_rows, "glance": result.glance_rows}
    return {
        part: [dict(zip(table.columns, row, strict=True)) for row in table.rows]
        for part, table in tables.items()
        if table is not None
    }


def write_parquet(path: Path, study: str, language: str, results: Mapping[str, Recorded]) -> None:
    """Write the results as one long tidy frame with the same columns for every study."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [
        {"study": study, "language": language, **row}
        for result in results.values()
        for row in _long_rows(result)
    ]
    table = pa.Table.from_pylist(rows, schema=long_schema())
    pq.write_table(table, path, write_page_checksum=True)  # a reader notices a damaged number


def _long_name(column: str) -> str:
    """Return a result's column in the long frame, apart from the frame's own columns."""
    return f"{column}_of_term" if column in KEYS else column


def long_schema() -> Any:
    """Return the schema of every ``results.parquet``: the same whatever was recorded."""
    import pyarrow as pa

    from servlab.core.columns import TIDY

    own = [_long_name(name) for name in TEXT_COLUMNS]
    texts = [(name, pa.string()) for name in (*KEYS, *own) if name != "row"]
    numbers = [(name, pa.float64()) for name in TIDY if name not in TEXT_COLUMNS]
    return pa.schema([*texts[:4], ("row", pa.int32()), *texts[4:], *numbers])


def _long_rows(result: Recorded) -> Iterable[dict[str, Any]]:
    """Give the rows of one result in the long frame's columns."""
    if result.tidy_rows is None:
        text = result.value if isinstance(result.value, str) else None
        number = float(result.value) if isinstance(result.value, int | float) else None
        yield {"result": result.name, "part": "scalar", "row": 0, "text": text, "estimate": number}
    for part, table in (("tidy", result.tidy_rows), ("glance", result.glance_rows)):
        for index, row in enumerate(table.rows if table else ()):
            values = {
                _long_name(column): (
                    value if column in TEXT_COLUMNS or value is None else float(value)
                )
                for column, value in zip(table.columns if table else (), row, strict=True)
            }
            yield {"result": result.name, "part": part, "row": index, **values}

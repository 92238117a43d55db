"""Reading a survey: a data file and its codebook become one frozen ``Survey``."""

import hashlib
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from servlab.core.errors import CodebookError, DataError, KeyingWarning
from servlab.data.codebook import Codebook, Exclusion, Outcome, load_codebook
from servlab.data.encode import Encoder, is_missing
from servlab.data.formats import RawTable, read_raw
from servlab.data.keying import NegativeItem, negative_items
from servlab.data.schema import Label
from servlab.data.survey import Exclusions, Provenance, Survey, VariableInfo

MOST_SHOWN = 8


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """What a raw table gives under a codebook, before a decision whether it may be used.

    Attributes
    ----------
    survey : Survey or None
        None when problems leave nothing to build.
    problems : tuple of str
        Each names file, column, row and remedy; none when the file is as the codebook says.
    negative : tuple of NegativeItem
        Items with a negative item-rest correlation that the codebook does not answer for.
    unused_columns : tuple of str
        Columns of the file that the codebook does not name.
    """

    survey: Survey | None
    problems: tuple[str, ...]
    negative: tuple[NegativeItem, ...]
    unused_columns: tuple[str, ...]


def read_survey(path: str | Path, codebook: str | Path | Codebook) -> Survey:
    r"""Read a survey file as its codebook says.

    Parameters
    ----------
    path : str or Path
        CSV, TSV, XLSX or SPSS .sav file.
    codebook : str, Path or Codebook
        The codebook, or its TOML file. ``draft_codebook(path)`` drafts one.

    Returns
    -------
    Survey

    Raises
    ------
    DataError
        When the file cannot be read or is not as the codebook says: a column it lacks, a value
        outside the scale, text where a number is needed, a duplicated id, an ambiguous
        encoding. The message names file, column, row and remedy.
    CodebookError
        When the codebook is malformed, or an item correlates negatively with the others beyond
        chance and the codebook does not say why.

    Warns
    -----
    KeyingWarning
        When an item correlates negatively with the others, within chance.

    Notes
    -----
    Empty cells and the codebook's missing codes are missing; nothing else is, and nothing is
    imputed. Outcomes of several columns are their mean, missing when one is missing.

    Examples
    --------
    >>> import tempfile, pathlib, servlab as sl
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "a.csv").write_text("P1,P2\n1,2\n3,3\n5,4\n", encoding="utf-8")
    >>> _ = (folder / "a.toml").write_text('''
    ... [instrument]
    ... name = "two"
    ... title = "Two questions"
    ... scale = { low = 1, high = 5 }
    ... items = [{ code = "1", label = "Speed" }, { code = "2", label = "Care" }]
    ... [instrument.batteries.perception]
    ... [batteries.perception]
    ... columns = "P{item}"
    ... ''', encoding="utf-8")
    >>> sl.read_survey(folder / "a.csv", folder / "a.toml").n
    3
    """
    book = codebook if isinstance(codebook, Codebook) else load_codebook(codebook)
    return _accept(encode_survey(read_raw(path, book.spec.file), book), book)


def survey_from_frame(frame: pd.DataFrame, codebook: str | Path | Codebook) -> Survey:
    """Build a survey from a frame in memory, under the same checks as a file.

    Parameters
    ----------
    frame : DataFrame
        A row a respondent; columns as the codebook names them.
    codebook : str, Path or Codebook
        The codebook, or its TOML file.

    Returns
    -------
    Survey

    Raises
    ------
    DataError, CodebookError
        As ``read_survey``; rows are counted from 1.
    """
    book = codebook if isinstance(codebook, Codebook) else load_codebook(codebook)
    cells = frame.reset_index(drop=True).astype(object)
    cells.columns = pd.Index([str(c) for c in cells.columns], dtype=object)
    digest = hashlib.sha256(cells.to_csv(index=False).encode()).hexdigest()
    return _accept(encode_survey(RawTable(cells, "the frame", digest, first_row=1), book), book)


def _accept(encoded: Encoded, book: Codebook) -> Survey:
    """Return the survey, or raise for the problems that were found."""
    if encoded.problems:
        more = len(encoded.problems) - MOST_SHOWN
        shown = list(encoded.problems[:MOST_SHOWN])
        raise DataError("\n".join(shown + ([f"... and {more} more problems."] if more > 0 else [])))
    if encoded.survey is None:
        raise DataError("nothing is left of the file after the codebook's exclusions.")
    sure = [item for item in encoded.negative if item.beyond_chance]
    if sure:
        raise CodebookError("\n".join(keying_question(item, book) for item in sure))
    for item in encoded.negative:
        warnings.warn(
            f"item {item.item!r} of {item.battery} correlates {item.correlation:.2f} with the rest "
            f"of its {item.rest}, within chance for this many answers; check its wording.",
            KeyingWarning,
            stacklevel=3,
        )
    return encoded.survey


def keying_question(item: NegativeItem, book: Codebook) -> str:
    """Return the question that an item with a negative item-rest correlation raises."""
    column = book.spec.batteries[item.battery].column_of(book.instrument)[item.item]  # type: ignore[index]
    turned = item.item in book.reversed_in(item.battery)
    now = "is turned round as the codebook says" if turned else "is taken as positively worded"
    remedy = f"take '{item.item}' out of reversed" if turned else f"put '{item.item}' into reversed"
    return (
        f"{book.source}: is item '{item.item}' (column {column!r}, {item.battery}) negatively "
        f"worded? It {now}, but correlates {item.correlation:.2f} with the rest of its "
        f"{item.rest}. If that is wrong, {remedy}; if it is right, put '{item.item}' into "
        "keyed_as_declared."
    )


def encode_survey(table: RawTable, book: Codebook) -> Encoded:
    """Return the survey a raw table holds under a codebook, with every problem found."""
    coder = Encoder(table, book.spec.file.decimal)
    answers: dict[str, pd.DataFrame] = {
        name: _battery(coder, book, name) for name in book.spec.batteries
    }
    covariates = _covariates(coder, book)
    outcomes = _outcomes(coder, book)
    weights = _weights(coder, book)
    points = _points(coder, book)
    duration = _duration(coder, book)
    index = _index(coder, book)
    keep, exclusions = _exclusions(coder, book, answers)
    unused = tuple(str(c) for c in table.frame.columns if c not in set(coder.used))
    if coder.problems or not keep.any():
        if not coder.problems:
            coder.problems.append(
                f"{table.source}: the codebook's exclusions leave no respondent; correct them."
            )
        return Encoded(None, tuple(coder.problems), (), unused)
    frames = {name: _rows(frame, keep, index) for name, frame in answers.items()}
    survey = Survey(
        instrument=book.instrument,
        answers=MappingProxyType(frames),
        reversed_items=MappingProxyType({b: book.reversed_in(b) for b in frames}),
        scales=MappingProxyType({b: book.scale_of(b) for b in frames}),
        grades=MappingProxyType({b: book.grade_of(b) for b in frames}),
        covariates=_rows(covariates, keep, index),
        outcomes=_rows(outcomes, keep, index),
        variables=MappingProxyType(_variables(book, table)),
        weights=None if weights is None else weights[keep].set_axis(index[keep]),
        importance_points=None if points is None else _rows(points, keep, index),
        min_answered=book.spec.min_answered,
        duration=None if duration is None else duration[keep].set_axis(index[keep]),
        shown_order=book.spec.respondents.shown_order,
        provenance=Provenance(
            source=table.source,
            sha256=table.sha256,
            n_rows=len(table.frame),
            exclusions=exclusions,
            encoding=table.encoding,
            title=book.spec.title,
            origin=book.spec.source,
            simulated=book.spec.simulated,
        ),
    )
    return Encoded(survey, (), _negative(survey, book), unused)


def _rows(frame: pd.DataFrame, keep: np.ndarray, index: pd.Index) -> pd.DataFrame:
    """Return the rows kept, under the respondents' index."""
    return frame[keep].set_axis(index[keep], axis=0)


def _battery(coder: Encoder, book: Codebook, name: str) -> pd.DataFrame:
    """Return a battery's answers, a column an item code."""
    spec = book.spec.batteries[name]  # type: ignore[index]
    missing = (*book.spec.missing, *spec.missing)
    return pd.DataFrame(
        {
            code: coder.numbers(
                column,
                wanted_by=f"item {code!r} of {name}",
                missing=missing,
                values=spec.values,
                scale=book.scale_of(name),
            )
            for code, column in spec.column_of(book.instrument).items()
        }
    )


def _covariates(coder: Encoder, book: Codebook) -> pd.DataFrame:
    n = len(coder.table.frame)
    columns = {
        name: coder.texts(spec.column, wanted_by=f"covariate {name!r}", missing=spec.missing)
        for name, spec in book.spec.covariates.items()
    }
    return pd.DataFrame(columns, index=range(n))


def _outcomes(coder: Encoder, book: Codebook) -> pd.DataFrame:
    n = len(coder.table.frame)
    columns = {name: _outcome(coder, book, name, spec) for name, spec in book.spec.outcomes.items()}
    return pd.DataFrame(columns, index=range(n), dtype=float)


def _outcome(coder: Encoder, book: Codebook, name: str, spec: Outcome) -> pd.Series:
    parts = [
        coder.numbers(
            column,
            wanted_by=f"outcome {name!r}",
            missing=(*book.spec.missing, *spec.missing),
            values=spec.values,
            scale=spec.scale,
        )
        for column in spec.columns
    ]
    score = pd.concat(parts, axis=1).mean(axis=1, skipna=False)
    return spec.scale.low + spec.scale.high - score if spec.reversed else score


def _weights(coder: Encoder, book: Codebook) -> pd.Series | None:
    """Return the weights; a missing or negative one is a problem."""
    if book.spec.weights is None:
        return None
    column = book.spec.weights.column
    if not coder.has(column, "weights"):
        return None
    weights = coder.numbers(column, wanted_by="weights")
    for where, fault in ((weights.isna(), "a weight is missing"), (weights < 0, "is negative")):
        if where.any():
            coder.problems.append(
                f"{coder.table.source}, column {column!r}, {coder.rows(where)}: {fault}; "
                "give every row a weight of 0 or more."
            )
    return weights


def _points(coder: Encoder, book: Codebook) -> pd.DataFrame | None:
    """Return points by dimension; rows that do not add up to the total are a problem."""
    spec = book.spec.importance_points
    if spec is None:
        return None
    points = pd.DataFrame(
        {
            code: coder.numbers(spec.columns[code], wanted_by=f"importance of {code!r}")
            for code in book.instrument.dimension_codes
        }
    )
    total = points.sum(axis=1, skipna=False)
    off = (total - spec.total).abs() > spec.tolerance
    if off.any():
        coder.problems.append(
            f"{coder.table.source}, importance points, {coder.rows(off)}: add up to "
            f"{total[off].iloc[0]:g}, not {spec.total:g}; correct them, empty them, "
            "or widen tolerance."
        )
    if (points < 0).any(axis=None):
        coder.problems.append(f"{coder.table.source}: importance points must not be negative.")
    return points


def _duration(coder: Encoder, book: Codebook) -> pd.Series | None:
    column = book.spec.respondents.duration
    return None if column is None else coder.numbers(column, wanted_by="duration")


def _index(coder: Encoder, book: Codebook) -> pd.Index:
    """Return ids as text, or the rows of the file; a missing or repeated id is a problem."""
    column = book.spec.respondents.id
    table = coder.table
    rows: pd.Index = pd.RangeIndex(table.first_row, table.first_row + len(table.frame), name="row")
    if column is None or not coder.has(column, "the respondents' id"):
        return rows
    ids = coder.texts(column, wanted_by="the respondents' id")
    if ids.isna().any():
        coder.problems.append(
            f"{table.source}, column {column!r}, {coder.rows(ids.isna())}: an id is missing; "
            "fill it in, or leave id out of the codebook."
        )
    repeated = ids.duplicated(keep=False) & ids.notna()
    if repeated.any():
        first = ids[repeated].iloc[0]
        coder.problems.append(
            f"{table.source}, column {column!r}, {coder.rows(ids == first)}: the id {first!r} "
            "occurs more than once; remove the double, or leave id out of the codebook."
        )
    named: pd.Index = pd.Index(ids, name="id")
    return named


def _exclusions(
    coder: Encoder, book: Codebook, answers: dict[str, pd.DataFrame]
) -> tuple[np.ndarray, tuple[Exclusions, ...]]:
    """Return who stays, and how many each rule removed, in order."""
    keep = np.ones(len(coder.table.frame), dtype=bool)
    steps = []
    for rule in book.spec.exclusions:
        out = _excluded(coder, rule, answers) & keep
        steps.append(Exclusions(rule.reason, int(out.sum())))
        keep &= ~out
    return keep, tuple(steps)


def _excluded(coder: Encoder, rule: Exclusion, answers: dict[str, pd.DataFrame]) -> np.ndarray:
    if rule.rule == "blank":
        blank: np.ndarray = np.all([a.isna().all(axis=1) for a in answers.values()], axis=0)
        return blank
    column = str(rule.column)
    if not coder.has(column, f"the exclusion {rule.reason.en!r}"):
        return np.zeros(len(coder.table.frame), dtype=bool)
    if rule.equals:
        cells = coder.table.frame[column]
        return np.array(
            [not is_missing(c, ()) and is_missing(c, rule.equals) for c in cells], dtype=bool
        )
    numbers = coder.numbers(column, wanted_by=f"the exclusion {rule.reason.en!r}")
    outside = numbers < rule.below if rule.below is not None else numbers > rule.above
    return outside.to_numpy(dtype=bool)


def _variables(book: Codebook, table: RawTable) -> dict[str, VariableInfo]:
    """Return the labels of covariates and outcomes: the codebook's, else the file's."""
    found: dict[str, VariableInfo] = {}
    for name, spec in book.spec.covariates.items():
        label = spec.label or _plain(table.labels.get(spec.column, name))
        found[name] = VariableInfo(label, spec.role, MappingProxyType(dict(spec.values)))
    for name, outcome in book.spec.outcomes.items():
        label = outcome.label or _plain(table.labels.get(outcome.columns[0], name))
        found[name] = VariableInfo(label, scale=outcome.scale)
    return found


def _plain(text: str) -> Label:
    return Label(en=text, zh=text)


def _negative(survey: Survey, book: Codebook) -> tuple[NegativeItem, ...]:
    """Return the negative items that the codebook does not answer for."""
    exempt = set(book.spec.keyed_as_declared)
    found = [
        item
        for battery in survey.batteries
        if battery != "importance"
        for item in negative_items(battery, survey.items(battery), survey.instrument)
    ]
    return tuple(item for item in found if item.item not in exempt)

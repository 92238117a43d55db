"""From a raw table and a codebook to a survey, or to every problem that stands in the way."""

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd

from servlab.core.brief import brief
from servlab.core.groups import code_text
from servlab.data.codebook import Codebook, Exclusion, Outcome
from servlab.data.encode import Encoder, is_missing, shown
from servlab.data.formats import RawTable
from servlab.data.formats.cells import blank_cells, cells_of
from servlab.data.instrument import Instrument
from servlab.data.keying import NegativeItem, negative_items
from servlab.data.label_checks import label_notes, label_problems
from servlab.data.schema import Label
from servlab.data.survey import Coding, Exclusions, Provenance, Survey, VariableInfo

FOOTERS = frozenset({  # words under the answers that begin no respondent's row
    "total", "totals", "sum", "mean", "average", "median", "minimum", "maximum", "min", "max",
    "合计", "总计", "小计", "汇总", "平均", "平均值", "平均分", "均值", "中位数",
    "最大值", "最小值",
})  # fmt: skip


@brief
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


def encode_survey(table: RawTable, book: Codebook) -> Encoded:
    """Return the survey a raw table holds under a codebook, with every problem found."""
    coder = Encoder(table, book.spec.file.decimal)
    answers: dict[str, pd.DataFrame] = {
        name: _battery(coder, book, name) for name in book.spec.batteries
    }
    _check_columns(coder, book)
    coder.problems += label_problems(coder, book, answers)
    covariates = _covariates(coder, book)
    outcomes = _outcomes(coder, book)
    weights = _weights(coder, book)
    points = _points(coder, book)
    duration = _duration(coder, book)
    index = _index(coder, book)
    keep, exclusions = _exclusions(coder, book, answers)
    _check_footer(coder, keep)
    used = set(coder.used)
    unused = tuple(str(c) for c in table.frame.columns if c not in used)
    if coder.problems or not keep.any():
        if not coder.problems:
            coder.problems.append(
                f"{table.source}: the codebook's exclusions leave no respondent; correct them."
            )
        return Encoded(None, tuple(coder.problems), (), unused)
    frames = {name: _rows(frame, keep, index) for name, frame in answers.items()}
    survey = Survey(
        instrument=_as_asked(book),
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
        shown_order=_shown_order(book),
        provenance=Provenance(
            source=table.source,
            sha256=table.sha256,
            n_rows=len(table.frame) + sum(step.n for step in table.dropped),
            exclusions=(*table.dropped, *exclusions),
            encoding=table.encoding,
            title=book.spec.title,
            origin=book.spec.source,
            simulated=book.spec.simulated,
            notes=(*table.notes, *label_notes(table, book)),
            codings={name: _codings(book, name) for name in book.spec.batteries}
            | {"outcome": _outcome_codings(book)},
        ),
    )
    return Encoded(survey, (), _negative(survey, book), unused)


def _check_footer(coder: Encoder, keep: np.ndarray) -> None:
    """Note a last row that begins with a word for a total, or holds a single filled cell."""
    frame = coder.table.frame
    if frame.shape[1] < 3 or not keep[-1]:
        return
    filled = (name for name, column in frame.items() if not blank_cells(column.iloc[-1:])[0])
    first, more = next(filled, None), next(filled, None)
    if first is None:
        return
    codes, cells = cells_of(frame[first])
    cell = cells[codes[-1]]
    once = np.count_nonzero(codes == codes[-1]) == 1
    footer = once and str(cell).strip(" :：").casefold() in FOOTERS
    if more is not None and not footer:
        return
    only = "begins with" if footer else "holds nothing but"
    remedy = "delete it" if footer else (
        "delete it if it is a footer, or leave blank respondents out by an exclusion with "
        'rule = "blank" in the codebook'
    )  # fmt: skip
    coder.problems.append(
        f"{coder.table.source}, row {coder.table.row_numbers[-1]}: the last row {only} "
        f"{shown(cell)} in column {str(first)!r}; {remedy}."
    )


def _codings(book: Codebook, name: str) -> dict[str, Coding]:
    """Return how each item that a battery asked stands in the file."""
    spec = book.spec.batteries[name]  # type: ignore[index]
    missing = tuple(str(code) for code in (*book.spec.missing, *spec.missing))
    columns = spec.column_of(book.instrument)
    return {code: Coding(column, missing, spec.values) for code, column in columns.items()}


def _outcome_codings(book: Codebook) -> dict[str, Coding]:
    """Return how each outcome stands in the file."""
    return {
        name: Coding(
            ", ".join(spec.columns),
            tuple(str(code) for code in (*book.spec.missing, *spec.missing)),
            spec.values,
        )
        for name, spec in book.spec.outcomes.items()
    }


def _check_columns(coder: Encoder, book: Codebook) -> None:
    """Note columns that stand for two items, and shown columns that the file lacks."""
    named: dict[str, str] = {}
    for name, spec in book.spec.batteries.items():
        for code, column in spec.column_of(book.instrument).items():
            place = f"item {code!r} of {name}"
            if column in named:
                coder.problems.append(
                    f"{book.source}: column {column!r} stands for {named[column]} and for {place}; "
                    "give each item its own column."
                )
            named[column] = place
    for column in book.spec.respondents.shown_order:
        coder.has(column, "shown_order")


def _shown_order(book: Codebook) -> tuple[str, ...]:
    """Return the items in shown order, as ``battery_code``."""
    places = {
        column: f"{name}_{code}"
        for name, spec in book.spec.batteries.items()
        for code, column in spec.column_of(book.instrument).items()
    }
    return tuple(places[c] for c in book.spec.respondents.shown_order if c in places)


def _rows(frame: pd.DataFrame, keep: np.ndarray, index: pd.Index) -> pd.DataFrame:
    """Return the rows kept, under the respondents' index; where all are kept, nothing is copied."""
    return (frame if keep.all() else frame[keep]).set_axis(index[keep], axis=0)


def _battery(coder: Encoder, book: Codebook, name: str) -> pd.DataFrame:
    """Return a battery's answers, a column an item code."""
    spec = book.spec.batteries[name]  # type: ignore[index]
    missing = (*book.spec.missing, *spec.missing)
    columns = spec.column_of(book.instrument)
    codes = book.instrument.item_codes
    answers = np.full((len(coder.table.frame), len(codes)), np.nan, order="F")
    for place, code in enumerate(codes):
        if code in columns:
            answers[:, place] = coder.numbers(
                columns[code],
                wanted_by=f"item {code!r} of {name}",
                missing=missing,
                values=spec.values,
                scale=book.scale_of(name),
            )
    return pd.DataFrame(answers, columns=list(codes), copy=False)


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
    return None if column is None else coder.seconds(column, wanted_by="duration")


def _index(coder: Encoder, book: Codebook) -> pd.Index:
    """Return ids as text, or the rows of the file; a missing or repeated id is a problem."""
    column = book.spec.respondents.id
    table = coder.table
    rows: pd.Index = pd.Index(table.row_numbers, name="row")
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
    if rule.rule == "empty":
        return np.array([is_missing(c, ()) for c in coder.table.frame[column]], dtype=bool)
    if rule.equals:
        codes, distinct = cells_of(coder.table.frame[column])
        equal = [not is_missing(c, ()) and is_missing(c, rule.equals) for c in distinct]
        return np.array([*equal, False], dtype=bool)[codes]
    numbers = coder.numbers(column, wanted_by=f"the exclusion {rule.reason.en!r}")
    outside = numbers < rule.below if rule.below is not None else numbers > rule.above
    return outside.to_numpy(dtype=bool)


def _variables(book: Codebook, table: RawTable) -> dict[str, VariableInfo]:
    """Return the labels of covariates and outcomes: the codebook's, else the file's."""
    found: dict[str, VariableInfo] = {}
    for name, spec in book.spec.covariates.items():
        label = spec.label or _plain(table.labels.get(spec.column, name))
        values = _value_labels(table, spec.column) | dict(spec.values)
        found[name] = VariableInfo(label, spec.role, MappingProxyType(values))
    for name, outcome in book.spec.outcomes.items():
        label = outcome.label or _plain(table.labels.get(outcome.columns[0], name))
        found[name] = VariableInfo(label, scale=outcome.scale)
    return found


def _value_labels(table: RawTable, column: str) -> dict[str, Label]:
    """Return the labels that the file itself gives a column's codes, by their text."""
    labels = table.value_labels.get(column, {})
    return {code_text(code): _plain(text) for code, text in labels.items()}


def _plain(text: str) -> Label:
    return Label(en=text, zh=text)


def _negative(survey: Survey, book: Codebook) -> tuple[NegativeItem, ...]:
    """Return the negative items that the codebook does not answer for."""
    exempt = set(book.spec.keyed_as_declared)
    found = [
        item
        for battery in survey.batteries
        if battery != "importance"
        for item in negative_items(
            battery,
            survey.answers[battery],
            survey.instrument,
            turned=survey.reversed_items[battery],
            turns_at=survey.scales[battery].low + survey.scales[battery].high,
        )
    ]
    return tuple(item for item in found if item.item not in exempt)


def _as_asked(book: Codebook) -> Instrument:
    """Return the instrument with the scales that this questionnaire used.

    Results carry the instrument; charts and captions must name the scale that was answered.
    """
    batteries = {
        name: battery.model_copy(update={"scale": book.scale_of(name)})
        for name, battery in book.instrument.batteries.items()
        if name in book.spec.batteries
    }
    rated = [battery.scale for name, battery in batteries.items() if name != "importance"]
    scale = rated[-1] if rated else book.instrument.scale
    return book.instrument.model_copy(
        update={"batteries": {**book.instrument.batteries, **batteries}, "scale": scale}
    )

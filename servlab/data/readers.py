"""Reading a survey: a data file and its codebook become one frozen ``Survey``."""

import hashlib
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from servlab.core.errors import CodebookError, DataError, KeyingWarning
from servlab.data.assemble import Encoded, encode_survey
from servlab.data.codebook import Codebook, load_codebook
from servlab.data.formats import RawTable
from servlab.data.formats.table import checked
from servlab.data.keying import NegativeItem
from servlab.data.layout import open_table, shaped
from servlab.data.schema import BATTERY_ZH, Label
from servlab.data.survey import Survey
from servlab.data.waves_file import one_survey, wave_paths, waves_listed

MOST_SHOWN = 8


def read_survey(path: str | Path, codebook: str | Path | Codebook) -> Survey:
    r"""Read a survey file as its codebook says.

    Parameters
    ----------
    path : str or Path
        Text (CSV, TSV), Excel (.xlsx, .xls), SPSS, Stata, SAS, Parquet or Feather file;
        exports of Qualtrics, SurveyMonkey, LimeSurvey, Google Forms and Wenjuanxing (问卷星)
        are recognized, or named by the codebook's ``[file] platform``. The folder of the
        files where the codebook lists ``[[waves]]``: they become one survey.
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
    if not isinstance(codebook, Codebook) and (listed := waves_listed(codebook)):
        paths = wave_paths(listed, path, codebook)
        return one_survey(listed, {name: read_survey(*pair) for name, pair in paths.items()})
    book = codebook if isinstance(codebook, Codebook) else load_codebook(codebook)
    return _accept(encode_survey(open_table(path, book.spec), book), book)


def survey_from_frame(
    frame: pd.DataFrame, codebook: str | Path | Codebook, *, source: str = "the frame"
) -> Survey:
    """Build a survey from a frame in memory, under the same checks as a file.

    Parameters
    ----------
    frame : DataFrame
        A row a respondent; columns as the codebook names them.
    codebook : str, Path or Codebook
        The codebook, or its TOML file.
    source : str
        What messages and provenance call the frame.

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
    cells = cells.map(lambda cell: str(cell).upper() if isinstance(cell, bool | np.bool_) else cell)
    cells = cells.where(cells.notna(), None)
    digest = hashlib.sha256(cells.to_csv(index=False).encode()).hexdigest()
    table = checked(RawTable(cells, source, digest, first_row=1))
    return _accept(encode_survey(shaped(table, book.spec), book), book)


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
            KeyingWarning(
                f"item {item.item!r} of {item.battery} correlates {item.correlation:.2f} with "
                f"{item.others.en}, within chance for this many answers; check its wording.",
                key="negative_within_chance",
                values={"items": str(item.item), "value": f"{item.correlation:.2f}"},
            ),
            stacklevel=3,
        )
    notes = (*encoded.survey.provenance.notes, *_keying_notes(encoded, book))
    provenance = replace(encoded.survey.provenance, notes=notes)
    return replace(encoded.survey, provenance=provenance)


def _keying_notes(encoded: Encoded, book: Codebook) -> tuple[Label, ...]:
    """Return what a reader of results must know of items that run against the others."""
    notes = [
        Label(
            en=(
                f"Item {item.item} of {item.battery} correlates {item.correlation:.2f} with "
                f"{item.others.en}, within chance."
            ),
            zh=(
                f"{BATTERY_ZH[item.battery]}部分第 {item.item} 题与{item.others.zh}的相关为 "
                f"{item.correlation:.2f}，在随机波动范围内。"
            ),
        )
        for item in encoded.negative
    ]
    exempt = ", ".join(book.spec.keyed_as_declared)
    if exempt:
        notes.append(
            Label(
                en=f"Keyed as the codebook declares, whatever their correlations: items {exempt}.",
                zh=f"按编码本声明计分、不作相关检验的题目：{exempt}。",
            )
        )
    return tuple(notes)


def keying_question(item: NegativeItem, book: Codebook) -> str:
    """Return the question that an item with a negative item-rest correlation raises."""
    column = book.spec.batteries[item.battery].column_of(book.instrument)[item.item]  # type: ignore[index]
    turned = item.item in book.reversed_in(item.battery)
    now = "is turned round as the codebook says" if turned else "is taken as positively worded"
    remedy = f"take '{item.item}' out of reversed" if turned else f"put '{item.item}' into reversed"
    return (
        f"{book.source}: is item '{item.item}' (column {column!r}, {item.battery}) negatively "
        f"worded? It {now}, but correlates {item.correlation:.2f} with "
        f"{item.others.en}. If that is wrong, {remedy}; if it is right, put '{item.item}' into "
        "keyed_as_declared."
    )

"""What would be read of a file, what lost, and why: the answer before a study runs."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from servlab.core.brief import brief
from servlab.core.errors import DataError
from servlab.data.assemble import encode_survey
from servlab.data.codebook import Codebook, load_codebook
from servlab.data.layout import open_table
from servlab.data.readers import keying_question, read_survey
from servlab.data.survey import Exclusions
from servlab.data.waves import combine_waves, wave_steps
from servlab.data.waves_file import WavesFile, side_by_side, wave_paths, waves_listed


@brief
@dataclass(frozen=True, slots=True, eq=False)
class CheckReport:
    """What a codebook makes of a file.

    Attributes
    ----------
    source : str
        File name.
    n_rows, n_used : int
        Rows in the file, and respondents after exclusions (0 when there are problems).
    used_columns, unused_columns : tuple of str
        Columns the codebook names, and those it does not.
    missing_by_item : DataFrame
        (items, batteries) missing answers among the respondents used; empty with problems.
    complete : dict of str to int
        Per battery, respondents who answered every item.
    exclusions : tuple of Exclusions
        What each rule removed.
    problems : tuple of str
        What stops ``read_survey``; none when the file can be read.
    notes : tuple of str
        What does not stop it but should be looked at.
    """

    source: str
    n_rows: int
    n_used: int
    used_columns: tuple[str, ...]
    unused_columns: tuple[str, ...]
    missing_by_item: pd.DataFrame
    complete: dict[str, int]
    exclusions: tuple[Exclusions, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def check_survey(path: str | Path, codebook: str | Path | Codebook) -> CheckReport:
    """Say what would be read of a file, what lost, and why; every problem at once.

    Parameters
    ----------
    path : str or Path
        The data file; the folder of the files where the codebook lists ``[[waves]]``.
    codebook : str, Path or Codebook
        The codebook, or its TOML file.

    Returns
    -------
    CheckReport

    Raises
    ------
    DataError, CodebookError
        When the file cannot be opened or the codebook is malformed.
    """
    if not isinstance(codebook, Codebook) and (listed := waves_listed(codebook)):
        return _check_waves(listed, wave_paths(listed, path, codebook), Path(path).resolve().name)
    book = codebook if isinstance(codebook, Codebook) else load_codebook(codebook)
    table = open_table(path, book.spec)
    encoded = encode_survey(table, book)
    survey = encoded.survey
    columns = [str(column) for column in table.frame.columns]
    questions = [keying_question(item, book) for item in encoded.negative if item.beyond_chance]
    notes = [note.en for note in (survey.provenance.notes if survey else table.notes)]
    notes += [
        f"item '{item.item}' of {item.battery} correlates {item.correlation:.2f} with "
        f"{item.others.en}, within chance; check its wording."
        for item in encoded.negative
        if not item.beyond_chance
    ]
    answers = {} if survey is None else {b: survey.raw(b) for b in survey.batteries}
    return CheckReport(
        source=table.source,
        n_rows=len(table.frame) + sum(step.n for step in table.dropped),
        n_used=0 if survey is None else survey.n,
        used_columns=tuple(c for c in columns if c not in encoded.unused_columns),
        unused_columns=encoded.unused_columns,
        missing_by_item=pd.DataFrame({b: a.isna().sum() for b, a in answers.items()}),
        complete={b: int(a.notna().all(axis=1).sum()) for b, a in answers.items()},
        exclusions=table.dropped if survey is None else survey.provenance.exclusions,
        problems=(*encoded.problems, *questions),
        notes=tuple(notes),
    )


def _check_waves(
    listed: WavesFile, paths: dict[str, tuple[Path, Path]], folder: str
) -> CheckReport:
    """Return what is found in all waves, each thing under the name of its wave."""
    parts = {name: check_survey(*pair) for name, pair in paths.items()}
    problems = [f"{name}: {text}" for name, part in parts.items() for text in part.problems]
    notes = [f"{name}: {text}" for name, part in parts.items() for text in part.notes]
    if not problems:
        try:
            surveys = {name: read_survey(*pair) for name, pair in paths.items()}
            together = combine_waves(surveys, wave=listed.wave)
        except DataError as err:  # what read_survey would say of the waves together
            problems.append(str(err))
        else:
            notes += [note.en for note in together.provenance.notes if note.en not in notes]
    return CheckReport(
        source=f"{folder}, waves {', '.join(parts)}",
        n_rows=sum(part.n_rows for part in parts.values()),
        n_used=0 if problems else sum(part.n_used for part in parts.values()),
        used_columns=_in_order(part.used_columns for part in parts.values()),
        unused_columns=_in_order(part.unused_columns for part in parts.values()),
        missing_by_item=side_by_side({n: part.missing_by_item for n, part in parts.items()}),
        complete={
            battery: sum(part.complete.get(battery, 0) for part in parts.values())
            for battery in _in_order(part.complete for part in parts.values())
        },
        exclusions=tuple(
            step for name, part in parts.items() for step in wave_steps(name, part.exclusions)
        ),
        problems=tuple(problems),
        notes=tuple(notes),
    )


def _in_order(parts: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """Return every name once, in the order in which it first occurs."""
    return tuple(dict.fromkeys(name for part in parts for name in part))

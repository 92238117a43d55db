"""What every table of a result does: headings from the catalogue, intervals as pairs."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from servlab.core.checks import check_choice
from servlab.data.instrument import Instrument
from servlab.data.schema import Language
from servlab.estimation.comparison.gap_tests import GapTests
from servlab.presentation.labels import shorten, term_label
from servlab.presentation.messages import message
from servlab.presentation.tables import Mark
from servlab.scales.gaps import GapScores
from servlab.scales.scoring import DimensionScores
from servlab.scales.tolerance import ZoneOfTolerance

LEVELS = ("dimension", "item")


def heading(name: str, language: Language, **values: str) -> str:
    """Return the heading of a column or of the row headers."""
    return message(f"terms.col_{name}", language, **values)


def headings(columns: Mapping[str, str], language: Language) -> dict[str, str]:
    """Return column -> heading from column -> name of the heading in the catalogue."""
    return {column: heading(name, language) for column, name in columns.items()}


def with_interval(
    frame: pd.DataFrame, low: str = "conf_low", high: str = "conf_high", name: str = "interval"
) -> pd.DataFrame:
    """Return the frame with a column of (low, high) pairs."""
    pairs = list(zip(frame[low].tolist(), frame[high].tolist(), strict=True))
    return frame.assign(**{name: pd.Series(pairs, index=frame.index, dtype=object)})


def labelled(
    frame: pd.DataFrame,
    instrument: Instrument | None,
    language: Language,
    *,
    width: int | None = None,
) -> pd.DataFrame:
    """Return the frame with labels for its codes as row headers, cut at ``width`` if given."""
    labels = [term_label(code, instrument, language) for code in frame.index]
    return frame.set_axis(labels if width is None else [shorten(text, width) for text in labels])


def signs(low: Iterable[float], high: Iterable[float]) -> list[Mark]:
    """Return the mark of each interval: bad below zero, good above, none where it holds zero."""
    return [
        "bad" if upper < 0 else "good" if lower > 0 else ""
        for lower, upper in zip(low, high, strict=True)
    ]


def at_level(
    level: str, result: DimensionScores | GapScores | GapTests | ZoneOfTolerance
) -> tuple[pd.DataFrame, tuple[int, ...], str]:
    """Return the rows of a level and the overall ones, the overall ones' places, and the level.

    The level is that of items where the instrument has no dimensions, as in the charts.
    """
    check_choice("level", level, LEVELS)
    level = "item" if result.by_dimension.empty else level
    rows = result.by_dimension if level == "dimension" else result.by_item
    table = pd.concat([rows, result.by_overall])
    return table, tuple(range(len(rows), len(table))), level


def sentences(parts: Sequence[str]) -> tuple[str, ...]:
    """Return the notes that are not empty."""
    return tuple(part for part in parts if part)

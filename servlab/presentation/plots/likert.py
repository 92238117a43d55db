"""How answers spread over the scale: bars that part at its middle, low answers to the left."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from servlab.core.checks import check_count, check_result
from servlab.core.errors import ModelError
from servlab.core.groups import suppressed_groups
from servlab.data.schema import Language, Scale
from servlab.data.survey import Survey
from servlab.presentation.chart import SOFT, Chart, diverging, text_on, text_width
from servlab.presentation.formats import format_number, format_share
from servlab.presentation.labels import plain, term_label
from servlab.presentation.messages import message
from servlab.presentation.plots.gaps import separated
from servlab.presentation.plots.rows import (
    EM,
    Plan,
    Row,
    draw_rows,
    mark_y,
    nice_ticks,
    row_axes,
    upright,
)
from servlab.scales.descriptives import ItemDescriptives, item_descriptives

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_POINTS = 11  # colours that can be told apart on one scale
MOST_GROUPS = 20
BAR = 18  # px high


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of one Likert chart."""

    caption: str
    axis: str
    language: Language


def plot_likert(result: ItemDescriptives, *, language: Language = "en") -> Chart:
    """Draw the answers of each item as a bar that parts at the middle of the scale.

    Parameters
    ----------
    result : ItemDescriptives
        From ``item_descriptives``: reversed items are turned round there.
    language : {"en", "zh"}
        Language of the chart's own words.

    Returns
    -------
    Chart
        Low answers to the left, high ones to the right, an odd scale's middle astride the line;
        shares of the answers given. Items in the order of the questionnaire.

    Raises
    ------
    ModelError
        When the scale has more than 11 points or no item was answered.

    Examples
    --------
    >>> import servlab as sl
    >>> chart = plot_likert(sl.item_descriptives(sl.load_example("servqual"), "perception"))
    >>> chart.caption.startswith("Perception: answers by item, as shares of the answers given.")
    True
    """
    check_result("result", result, ItemDescriptives, "item_descriptives()")
    battery = message(f"terms.battery_{result.battery}", language)
    names = [plain(term_label(code, result.instrument, language)) for code in result.shares.index]
    caption = message("items.likert_caption", language, battery=battery)
    words = _Words(caption, message("items.likert_axis", language), language)
    return _draw(result.shares.set_axis(names), result.scale, words)


def plot_likert_by(
    survey: Survey,
    battery: str,
    *,
    by: str,
    min_cell: int = 5,
    language: Language = "en",
) -> Chart:
    """Draw the answers of each group of respondents, all items of a battery together.

    Parameters
    ----------
    survey : Survey
        Its weights are used.
    battery : str
        The battery to draw.
    by : str
        A covariate of the survey.
    min_cell : int
        Groups with fewer respondents are left out, and one more where it would reveal them.
    language : {"en", "zh"}
        Language of the chart's own words.

    Returns
    -------
    Chart

    Raises
    ------
    ModelError
        When the covariate is unknown, or no group or more than 20 groups can be shown.

    Examples
    --------
    >>> import servlab as sl
    >>> chart = plot_likert_by(sl.load_example("servqual"), "perception", by="branch")
    >>> "by group" in chart.caption
    True
    """
    check_count("min_cell", min_cell)
    groups = _groups(survey, by)
    answered = survey.items(battery).notna().any(axis=1)
    hidden = suppressed_groups(groups[answered].value_counts(), min_cell)
    shown = [g for g in _ordered(groups[answered].dropna().unique()) if g not in hidden]
    if not 0 < len(shown) <= MOST_GROUPS:
        raise ModelError(
            f"{len(shown)} groups of {by!r} have at least {min_cell} respondents; the chart shows "
            f"1 to {MOST_GROUPS}, merge groups."
        )
    rows = {
        plain(survey.value_label(by, group, language)): _all_items(survey, battery, groups == group)
        for group in shown
    }
    caption = message(
        "items.likert_caption_by",
        language,
        battery=message(f"terms.battery_{battery}", language),
        by=plain(survey.label(by, language)),
    )
    if hidden:
        note = message("items.likert_hidden", language, min_cell=str(min_cell))
        caption = f"{caption} {note}" if language == "en" else f"{caption}{note}"
    words = _Words(caption, message("items.likert_axis", language), language)
    return _draw(pd.DataFrame.from_dict(rows, orient="index"), survey.scales[battery], words)


def _groups(survey: Survey, by: str) -> pd.Series:
    """Return each respondent's group as text, or raise naming the covariates there are."""
    if by not in survey.covariates:
        known = ", ".join(map(str, survey.covariates.columns)) or "none"
        raise ModelError(f"the survey has no covariate {by!r}; it has {known}.")
    groups = survey.covariates[by]
    return groups.where(groups.isna(), groups.astype(str))


def _ordered(groups: Iterable[object]) -> list[str]:
    """Return group codes with numbers in the order of numbers."""

    def key(code: str) -> tuple[int, float, str]:
        try:
            return 0, float(code), code
        except ValueError:
            return 1, 0.0, code

    return sorted((str(group) for group in groups), key=key)


def _all_items(survey: Survey, battery: str, members: pd.Series) -> pd.Series:
    """Return the shares of a group's answers at each point, all items together."""
    part = survey.subset(members.fillna(False).astype(bool), reason="group")
    described = item_descriptives(part, battery)
    answers = part.items(battery)
    weights = pd.Series(1.0, index=part.index) if part.weights is None else part.weights
    counts = answers.notna().mul(weights, axis=0).sum()
    total = described.shares.mul(counts, axis=0).sum()
    return total / counts.sum()


def sides(shares: pd.Series, scale: Scale) -> tuple[float, float]:
    """Return the shares of answers below and above the middle of the scale."""
    below = [p for p in shares.index if p < scale.midpoint]
    above = [p for p in shares.index if p > scale.midpoint]
    return float(shares[below].sum()), float(shares[above].sum())


def starts(shares: pd.Series, scale: Scale) -> pd.Series:
    """Return where each point's segment starts, so that the middle of the scale lies at zero.

    Segments follow each other from the lowest point to the highest; half of an odd scale's
    middle lies on each side.
    """
    below, _ = sides(shares, scale)
    middle = float(shares[[p for p in shares.index if p == scale.midpoint]].sum())
    before = shares.cumsum() - shares
    return before - below - middle / 2


def _draw(shares: pd.DataFrame, scale: Scale, words: _Words) -> Chart:
    """Return the chart of (rows, points) shares."""
    if scale.n_points > MOST_POINTS:
        raise ModelError(
            f"a Likert chart shows scales of at most {MOST_POINTS} points; this one has "
            f"{scale.n_points}. Use plot_gaps or the table of means."
        )
    shares = shares.dropna()
    if shares.empty:
        raise ModelError("nobody answered an item of this battery; there is nothing to draw.")
    language = words.language
    rows = [Row(str(name), format_share(sides(row, scale)[1])) for name, row in shares.iterrows()]

    def paint(figure: "Figure", plan: Plan) -> None:
        _paint(figure, plan, rows, shares, scale, words)

    ends = {"low": str(scale.low), "high": str(scale.high)}
    return draw_rows(
        rows,
        paint,
        caption=words.caption,
        alt=message("items.likert_alt", language, rows=_alt(shares, scale, language), **ends),
        language=language,
        axis=words.axis,
        keyed=True,
        step=32,
    )


def _paint(
    figure: "Figure",
    plan: Plan,
    rows: Sequence[Row],
    shares: pd.DataFrame,
    scale: Scale,
    words: _Words,
) -> None:
    """Draw the bars, with the share written into segments that are wide enough."""
    first = shares.apply(starts, axis=1, scale=scale)
    low, high = float(first.min().min()), float((first + shares).max().max())
    low, high = min(low, -0.02), max(high, 0.02)
    ticks = nice_ticks(low, high, 4 if plan.narrow else 8)
    labels = [format_share(abs(t)) for t in ticks]
    ax = row_axes(
        figure, plan, rows, limits=(low, high), ticks=ticks, tick_labels=labels, axis=words.axis
    )
    points = [int(point) for point in shares.columns]
    colours = dict(zip(points, diverging(scale.n_points), strict=True))
    per_px = (high - low) / (plan.width - plan.left - plan.right)
    places = np.array([mark_y(plan, i) for i in range(len(rows))])
    for point, colour in colours.items():
        ax.barh(places, shares[point], BAR, left=first[point], color=colour, label=str(point))
        for y, share, start in zip(places, shares[point], first[point], strict=True):
            text = format_number(100 * share, 0)
            if share / per_px > len(text) * EM + 8:
                ax.text(start + share / 2, y, text, ha="center", va="center_baseline",
                        size=11, color=text_on(colour))  # fmt: skip
    upright(ax, plan, 0, color=SOFT, zorder=1)
    _write_scale(figure, plan, points, words.language, colours)


def _write_scale(
    figure: "Figure",
    plan: Plan,
    points: Sequence[int],
    language: Language,
    colours: dict[int, str],
) -> None:
    """Write the scale's points as coloured squares, its ends in words.

    Where eleven points do not fit beside each other, those between the ends go without a number.
    """
    from matplotlib.lines import Line2D

    x, y = plan.left, (plan.height - 15) / plan.height
    gap = 6 if plan.narrow else 14
    ends = [
        message(f"items.likert_{end}", language, point=str(points[place]))
        for end, place in (("low", 0), ("high", -1))
    ]
    inner = [str(point) for point in points[1:-1]]
    texts = [ends[0], *inner, ends[1]]
    if sum(16 + text_width(text) * EM + gap for text in texts) > plan.width - plan.left:
        texts = [ends[0], *("" for _ in inner), ends[1]]
    for point, words in zip(points, texts, strict=True):
        square = Line2D(
            [(x + 6) / plan.width],
            [y],
            marker="s",
            markersize=11,
            color=colours[point],
            linestyle="none",
        )
        figure.add_artist(square)
        if words:
            figure.text((x + 16) / plan.width, y, words, va="center_baseline", color=SOFT, size=12)
        x += 16 + text_width(words) * EM + (gap if words else 0)


def _alt(shares: pd.DataFrame, scale: Scale, language: Language) -> str:
    texts = []
    for name, row in shares.iterrows():
        below, above = sides(row, scale)
        values = {"below": format_share(below), "above": format_share(above)}
        texts.append(message("items.likert_alt_row", language, name=str(name), **values))
    return separated(texts, language)

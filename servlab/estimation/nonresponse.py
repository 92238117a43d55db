"""Do late respondents answer otherwise than early ones?

Who answers only late, or only after a reminder, resembles those who never do; so a difference
between early and late hints at nonresponse bias [armstrong1977]_. None is no proof of its absence.
"""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from servlab.core.brief import brief
from servlab.core.checks import check_conf_level
from servlab.core.errors import ModelError
from servlab.data.instrument import Instrument
from servlab.data.survey import Survey
from servlab.estimation.comparison.groups import Score, chosen_score, group_scores
from servlab.estimation.p_values import holm
from servlab.scales.means import mean_row

FEWEST = 5  # respondents in each of the two groups
_TIME = re.compile(
    r"\s*(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[T\s]+(\d{1,2})[:时](\d{1,2})(?:[:分](\d{1,2}))?.*)?\s*"
)


@brief
@dataclass(frozen=True, slots=True, eq=False)
class EarlyLate:
    """Scores of early and of late respondents.

    Attributes
    ----------
    score : str
        ``gap``, ``perception`` or ``expectation``.
    order : str
        The covariate that orders respondents; ``file`` for the rows as they stand.
    share : float or None
        Share of the respondents in each group; None when the lowest and the highest value of
        the order are compared.
    by_term : DataFrame
        A row a dimension and overall: ``early`` and ``late`` (means), ``difference``
        (late - early) with ``std_error``, ``statistic`` (Welch's t), ``df``, ``p_value``,
        ``p_adjusted`` (Holm), ``conf_low``, ``conf_high``, ``effect_size`` (Hedges' g),
        ``n_early``, ``n_late``.
    n, n_dropped : int
        Respondents in the two groups, and those without an order.
    """

    score: str
    instrument: Instrument
    order: str
    share: float | None
    by_term: pd.DataFrame
    n: int
    n_dropped: int
    conf_level: float

    def tidy(self) -> pd.DataFrame:
        """Return a row a dimension and overall."""
        return self.by_term.reset_index(names="term")

    def glance(self) -> pd.DataFrame:
        """Return one row: respondents compared."""
        return pd.DataFrame([{"n": self.n, "n_dropped": self.n_dropped}])


def early_late(
    survey: Survey,
    *,
    order: str | None = None,
    share: float | None = 0.25,
    score: Score | None = None,
    conf_level: float = 0.95,
) -> EarlyLate:
    """Compare the respondents who answered first with those who answered last.

    Parameters
    ----------
    survey : Survey
        Its weights are used, where it has them.
    order : str, optional
        A covariate of numbers (day, wave of mailing) or of dates and times with the year first;
        None takes the rows of the file as the order of arrival.
    share : float, optional
        Share of the respondents that is early, and that is late, in (0, 0.5]. None compares the
        lowest value of the order with the highest: the first mailing with the last reminder.
    score : {"gap", "perception", "expectation"}, optional
        What to compare; None takes the gap where the survey has both batteries.
    conf_level : float
        Level of the intervals, in (0, 1).

    Returns
    -------
    EarlyLate

    Raises
    ------
    ModelError
        When the order is unknown, can be read as neither number nor date, does not vary, or
        leaves fewer than five respondents in a group.

    Notes
    -----
    Welch's t test of the two means [welch1951]_; under weights their linearized errors with the
    same degrees of freedom. Hedges' g is the difference over the pooled standard deviation times
    1 - 3 / (4 (n1 + n2 - 2) - 1) [hedges1981]_. Equal times keep the order of the file.

    References
    ----------
    .. [armstrong1977] Armstrong and Overton (1977), Journal of Marketing Research 14, 396-402.
    .. [hedges1981] Hedges (1981), Journal of Educational Statistics 6, 107-128.

    Examples
    --------
    >>> import servlab as sl
    >>> result = sl.early_late(sl.load_example("servqual"), score="perception")
    >>> result.order, result.n
    ('file', 198)
    """
    check_conf_level(conf_level)
    if share is not None and not 0 < share <= 0.5:
        raise ModelError(f"share must lie between 0 and 0.5, or be None; got {share!r}.")
    chosen = chosen_score(survey, score)
    times = _times(survey, order)
    early, late = _ends(times, share, order or "the order of the file")
    values = group_scores(survey, chosen)
    rows = {str(term): _compared(values[term], early, late, survey, conf_level) for term in values}
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.insert(7, "p_adjusted", holm(table["p_value"]))
    return EarlyLate(
        score=chosen,
        instrument=survey.instrument,
        order=order or "file",
        share=share,
        by_term=table.astype({"n_early": int, "n_late": int}),
        n=int(early.sum() + late.sum()),
        n_dropped=int(times.isna().sum()),
        conf_level=conf_level,
    )


def _times(survey: Survey, order: str | None) -> pd.Series:
    """Return (n,) the order of respondents as numbers; NaN where it is not known."""
    if order is None:
        return pd.Series(np.arange(survey.n, dtype=float), index=survey.index)
    if order not in survey.covariates:
        known = ", ".join(map(str, survey.covariates.columns)) or "none"
        raise ModelError(f"the survey has no covariate {order!r}; it has {known}.")
    given = survey.covariates[order]
    numbers = pd.to_numeric(given, errors="coerce").astype(float)
    if numbers.isna().equals(given.isna()):
        return numbers
    moments = given.map(_moment, na_action="ignore").astype(float)
    unread = given[given.notna() & moments.isna()]
    if len(unread):
        raise ModelError(
            f"{order!r} must hold numbers, or dates and times with the year first as in "
            f"2026-03-01 14:05; got {unread.iloc[0]!r}."
        )
    return moments


def _moment(text: object) -> float:
    """Return a date and time as seconds; NaN when it is none."""
    match = _TIME.fullmatch(str(text))
    if match is None:
        return float("nan")
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
    try:
        return pd.Timestamp(year, month, day, hour, minute, second).timestamp()
    except ValueError:
        return float("nan")


def _ends(times: pd.Series, share: float | None, name: str) -> tuple[pd.Series, pd.Series]:
    """Return who is early and who is late, as (n,) masks."""
    known = times.dropna().sort_values(kind="stable")
    if not len(known) or known.iloc[0] == known.iloc[-1]:
        raise ModelError(f"{name} does not vary, so nobody is early or late; name another order.")
    if share is None:
        early, late = times == known.iloc[0], times == known.iloc[-1]
    else:
        m = int(len(known) * share)
        early = pd.Series(times.index.isin(known.index[:m]), index=times.index)
        late = pd.Series(times.index.isin(known.index[len(known) - m :]), index=times.index)
    fewest = int(min(early.sum(), late.sum()))
    if fewest < FEWEST:
        raise ModelError(
            f"only {fewest} respondents are early or late; at least {FEWEST} are needed in each "
            "group: raise share, or choose another order."
        )
    return early, late


def _compared(
    values: pd.Series, early: pd.Series, late: pd.Series, survey: Survey, level: float
) -> dict[str, float]:
    """Return the row of one score: both means, Welch's test and Hedges' g."""
    weights = survey.weights
    first, last = (
        mean_row(values[who], None if weights is None else weights[who], level)
        for who in (early, late)
    )
    difference = last["estimate"] - first["estimate"]
    squares = np.array([first["std_error"], last["std_error"]]) ** 2
    counts = np.array([first["n"], last["n"]], dtype=float)
    error = float(np.sqrt(squares.sum()))
    nan = float("nan")
    if not error > 0:
        df = t = p = half = g = nan
    else:
        df = float(squares.sum() ** 2 / (squares**2 / (counts - 1)).sum())
        t, half = difference / error, float(stats.t.isf((1 - level) / 2, df)) * error
        p = 2 * float(stats.t.sf(abs(t), df))
        variances = np.array([first["std_dev"], last["std_dev"]]) ** 2
        pooled = np.sqrt(((counts - 1) * variances).sum() / (counts.sum() - 2))
        g = float(difference / pooled * (1 - 3 / (4 * (counts.sum() - 2) - 1)))
    return {
        "early": first["estimate"],
        "late": last["estimate"],
        "difference": difference,
        "std_error": error,
        "statistic": t,
        "df": df,
        "p_value": p,
        "conf_low": difference - half,
        "conf_high": difference + half,
        "effect_size": g,
        "n_early": first["n"],
        "n_late": last["n"],
    }

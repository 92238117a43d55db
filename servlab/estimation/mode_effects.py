"""Does it matter how people were asked? The mode of data collection as a covariate.

Telephone, mail and online respondents differ both because the mode changes answers and because it
reaches other people; adjusting for what is known of them takes out part of the second.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from servlab.core.brief import brief
from servlab.core.checks import check_conf_level, check_count
from servlab.core.errors import ModelError
from servlab.core.groups import group_codes, natural_order, suppressed_groups
from servlab.data.instrument import Instrument
from servlab.data.survey import Survey
from servlab.estimation.comparison.groups import Score, chosen_score, group_scores
from servlab.estimation.p_values import holm
from servlab.estimation.regression.formulas import formula
from servlab.estimation.regression.linear import RegressionResult, regress
from servlab.scales.sample import is_measure
from servlab.scales.scoring import OVERALL_ITEMS

ADJUSTABLE = ("branch", "segment", "wave")
_SCORE, _MODE, _WEIGHT = "servlab score", "servlab mode", "servlab weight"  # no covariate's names


@brief
@dataclass(frozen=True, slots=True, eq=False)
class ModeEffect:
    """Differences between modes of data collection.

    Attributes
    ----------
    mode : str
        The covariate that holds the mode.
    reference : str
        The mode that others are compared with: the most frequent.
    adjusted_for : tuple of str
        Covariates held constant.
    confounded : tuple of str
        Covariates left out of the default adjustment because they tell the modes apart exactly
        (every branch used one mode): their effect cannot be told from the mode's.
    score : str
        ``gap``, ``perception`` or ``expectation``.
    by_term : DataFrame
        A row a dimension (and overall) and mode: ``term``, ``group``, ``unadjusted`` (difference
        of means from the reference) and ``estimate`` (the adjusted one) with ``std_error``,
        ``statistic`` (t), ``df``, ``p_value``, ``p_adjusted`` (Holm, over all rows), ``conf_low``,
        ``conf_high``, ``effect_size`` (estimate over the standard deviation of the residuals),
        ``n``, ``n_dropped``.
    suppressed : tuple of str
        Modes left out because they, or the one that would reveal them, are small.
    n, n_dropped : int
        Respondents behind the overall score, and the others.
    """

    mode: str
    reference: str
    adjusted_for: tuple[str, ...]
    confounded: tuple[str, ...]
    score: str
    instrument: Instrument
    by_term: pd.DataFrame
    suppressed: tuple[str, ...]
    min_cell: int
    n: int
    n_dropped: int
    conf_level: float

    def tidy(self) -> pd.DataFrame:
        """Return a row a dimension and mode."""
        return self.by_term

    def glance(self) -> pd.DataFrame:
        """Return one row: respondents compared."""
        return pd.DataFrame([{"n": self.n, "n_dropped": self.n_dropped}])


def mode_effect(
    survey: Survey,
    *,
    mode: str | None = None,
    adjust: Sequence[str] | None = None,
    score: Score | None = None,
    min_cell: int = 5,
    conf_level: float = 0.95,
) -> ModeEffect:
    """Estimate what the mode of data collection does to every dimension and overall.

    Parameters
    ----------
    survey : Survey
        Its weights are used.
    mode : str, optional
        The covariate of the mode; None takes the first whose role is ``mode``.
    adjust : sequence of str, optional
        Covariates to hold constant; None takes those whose role is branch, segment or wave, as
        far as they do not tell the modes apart exactly.
    score : {"gap", "perception", "expectation"}, optional
        What to compare; None takes the gap where the survey has both batteries.
    min_cell : int
        Modes with fewer respondents are left out.
    conf_level : float
        Level of the intervals, in (0, 1).

    Returns
    -------
    ModeEffect

    Raises
    ------
    ModelError
        When the survey has no such covariate, fewer than two modes are large enough, or a
        covariate named in ``adjust`` tells the modes apart exactly.

    Notes
    -----
    Linear regression of each score on the mode and the covariates, with HC3 errors. A covariate
    of more than 12 different numbers, without labels and role, enters as a number, others as
    categories. Who has no value of a covariate is left out and counted. What remains after
    adjustment is still association: respondents chose their mode.

    Examples
    --------
    >>> import servlab as sl
    >>> survey = sl.load_example("servqual")
    >>> effect = sl.mode_effect(survey, mode="branch", adjust=())
    >>> effect.by_term["group"].nunique()
    4
    """
    check_conf_level(conf_level)
    check_count("min_cell", min_cell)
    name = _mode(survey, mode)
    candidates = _adjusted(survey, name, adjust)
    chosen = chosen_score(survey, score)
    values = group_scores(survey, chosen)
    full, hidden = _design(survey, name, candidates, min_cell)
    others = candidates
    if adjust is None:
        others = _separable(full[values[OVERALL_ITEMS].notna()], candidates)
    design = full.drop(columns=[c for c in candidates if c not in others])
    reference = str(design[_MODE].cat.categories[0])
    parts = []
    for term in values:
        data = design.assign(**{_SCORE: values[term]})
        parts.append(_of_term(data, others, survey, conf_level).assign(term=str(term)))
    table = pd.concat(parts, ignore_index=True)
    table.insert(6, "p_adjusted", holm(table["p_value"]))
    first = ["term", "group"]
    return ModeEffect(
        mode=name,
        reference=reference,
        adjusted_for=others,
        confounded=tuple(c for c in candidates if c not in others),
        score=chosen,
        instrument=survey.instrument,
        by_term=table[[*first, *[c for c in table if c not in first]]],
        suppressed=hidden,
        min_cell=min_cell,
        n=int(table["n"].iloc[-1]),
        n_dropped=survey.n - int(table["n"].iloc[-1]),
        conf_level=conf_level,
    )


def _mode(survey: Survey, mode: str | None) -> str:
    """Return the covariate of the mode."""
    known = [str(name) for name in survey.covariates.columns]
    if mode is not None:
        if mode not in known:
            raise ModelError(f"the survey has no covariate {mode!r}; it has {', '.join(known)}.")
        return mode
    found = [c for c in known if c in survey.variables and survey.variables[c].role == "mode"]
    if not found:
        raise ModelError(
            "no covariate of the survey has the role 'mode'; give it in the codebook, or name "
            "the covariate as mode=."
        )
    return found[0]


def _adjusted(survey: Survey, mode: str, adjust: Sequence[str] | None) -> tuple[str, ...]:
    known = [str(name) for name in survey.covariates.columns]
    if adjust is None:
        return tuple(
            c
            for c in known
            if c != mode
            and c in survey.variables
            and survey.variables[c].role in ADJUSTABLE
            and len(survey.covariates[c].dropna().unique()) > 1
        )
    wrong = [c for c in adjust if c not in known or c == mode]
    if wrong:
        raise ModelError(
            f"adjust must name covariates other than the mode ({', '.join(known)}); got "
            f"{', '.join(wrong)}."
        )
    return tuple(adjust)


def _design(
    survey: Survey, name: str, others: tuple[str, ...], min_cell: int
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return mode, covariates and weights of respondents, and the modes left out."""
    modes = group_codes(survey.covariates[name])
    counts = modes.value_counts()
    hidden = suppressed_groups(counts, min_cell)
    ordered = counts.sort_index().sort_values(ascending=False, kind="stable")
    shown = [str(m) for m in ordered.index if m not in hidden]
    if len(shown) < 2:
        raise ModelError(
            f"{name!r} has fewer than two modes of at least min_cell = {min_cell} respondents; "
            "there is nothing to compare."
        )
    order = [shown[0], *sorted(shown[1:], key=natural_order)]
    modes = modes.where(modes.isin(order))
    design = pd.DataFrame({_MODE: pd.Categorical(modes, categories=order)}, index=survey.index)
    for other in others:
        column = survey.covariates[other]
        measured = is_measure(survey, other)
        design[other] = (
            pd.to_numeric(column) if measured else column.where(column.isna(), column.astype(str))
        )
    if survey.weights is not None:
        design[_WEIGHT] = survey.weights
    return design, hidden


def _separable(design: pd.DataFrame, candidates: tuple[str, ...]) -> tuple[str, ...]:
    """Return the covariates whose effects can be told from the mode's and each other's."""
    kept: tuple[str, ...] = ()
    for name in candidates:
        rows = design[[_MODE, *kept, name]].dropna()
        columns = pd.get_dummies(rows, drop_first=True, dtype=float).assign(constant=1.0)
        X = columns.loc[:, columns.any()].to_numpy()
        if np.linalg.matrix_rank(X.T @ X) == X.shape[1]:
            kept = (*kept, name)
    return kept


def _of_term(
    data: pd.DataFrame, others: tuple[str, ...], survey: Survey, level: float
) -> pd.DataFrame:
    """Return the rows of one score: each mode against the reference."""
    weights = None if survey.weights is None else _WEIGHT
    used = data.dropna()
    fit = regress(formula(_SCORE, [_MODE, *others]), used, weights=weights, conf_level=level)
    plain = regress(formula(_SCORE, [_MODE]), used, weights=weights) if others else fit
    spread = _residual_spread(fit, used, weights)
    modes = [str(m) for m in data[_MODE].cat.categories[1:]]
    labels = [f"{_MODE}[{m}]" for m in modes]
    rows = fit.coefficients.loc[labels]
    return pd.DataFrame(
        {
            "group": modes,
            "unadjusted": plain.coefficients.loc[labels, "estimate"].to_numpy(),
            **{
                column: rows[column].to_numpy()
                for column in (
                    "estimate", "std_error", "statistic", "df", "p_value", "conf_low", "conf_high",
                )
            },
            "effect_size": rows["estimate"].to_numpy() / spread,
            "n": fit.n,
            "n_dropped": survey.n - fit.n,
        }
    )  # fmt: skip


def _residual_spread(fit: RegressionResult, used: pd.DataFrame, weights: str | None) -> float:
    """Return the standard deviation of the residuals, weighted under weights."""
    residuals = fit.residuals.to_numpy(dtype=float)
    w = np.ones(len(residuals)) if weights is None else used[weights].to_numpy(dtype=float)
    degrees = len(residuals) - len(fit.coefficients)
    return float(np.sqrt(len(residuals) / degrees * (w @ residuals**2) / w.sum()))

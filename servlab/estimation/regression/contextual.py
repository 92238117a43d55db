"""Is it the respondent's own view, or the branch's? Group-mean centring and contextual effects.

A predictor of respondents carries two slopes: between respondents of one branch, and between
branches. Their difference is the contextual effect: what the branch's climate adds for respondents
of equal own views.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from servlab.core.brief import brief
from servlab.core.errors import ModelError
from servlab.estimation.regression.design_checks import column_of
from servlab.estimation.regression.multilevel import MultilevelResult

WITHIN = " (within)"
BETWEEN = " (between)"


@brief
@dataclass(frozen=True, slots=True, eq=False)
class ContextualEffects:
    """What groups add to the effects of predictors.

    Attributes
    ----------
    table : DataFrame
        A row a predictor: ``slope_within`` and ``slope_between``, ``estimate`` (their difference),
        ``std_error``, ``statistic`` (t), ``df`` (Satterthwaite), ``p_value``, ``conf_low``,
        ``conf_high``.
    outcome, groups : str
        Columns of outcome and groups.
    n, n_dropped, n_groups : int
        As in the model.
    conf_level : float
        Level of the intervals.
    """

    table: pd.DataFrame
    outcome: str
    groups: str
    n: int
    n_dropped: int
    n_groups: int
    conf_level: float

    def tidy(self) -> pd.DataFrame:
        """Return a row a predictor."""
        return self.table.reset_index(names="term")

    def glance(self) -> pd.DataFrame:
        """Return one row."""
        return pd.DataFrame([{"n": self.n, "n_dropped": self.n_dropped, "n_groups": self.n_groups}])


def centre_within(data: pd.DataFrame, columns: Sequence[str], groups: str) -> pd.DataFrame:
    """Split predictors into their group's mean and the deviation from it.

    Parameters
    ----------
    data : DataFrame
        A row a respondent.
    columns : sequence of str
        Numeric columns to split.
    groups : str
        Column of the groups.

    Returns
    -------
    DataFrame
        ``data`` with two more columns for each: ``"staff (within)"``, the deviation from the mean
        of the respondent's group, and ``"staff (between)"``, that mean [enders2007]_.

    Raises
    ------
    ModelError
        For an unknown column, one without numbers or constant within every group, a single name
        in place of a sequence, or a name that the data hold already.

    Notes
    -----
    Means are over the rows with a value, before a model drops rows for missing values elsewhere;
    a row without a value or group gets none.

    Examples
    --------
    >>> import pandas as pd, servlab as sl
    >>> data = pd.DataFrame({"branch": ["a", "a", "b", "b"], "staff": [1.0, 3, 4, 4]})
    >>> split = sl.centre_within(data, ["staff"], "branch")
    >>> split["staff (within)"].tolist(), split["staff (between)"].tolist()
    ([-1.0, 1.0, 0.0, 0.0], [2.0, 2.0, 4.0, 4.0])
    >>> sl.formula("overall", ["staff (within)", "staff (between)"])
    'overall ~ `staff (within)` + `staff (between)`'
    """
    if isinstance(columns, str):
        raise ModelError(f"columns must be a sequence of names, as [{columns!r}]; got a text.")
    by = column_of(data, "groups", groups)
    result = data.copy()
    for name in columns:
        values = column_of(data, "columns", name)
        if not pd.api.types.is_numeric_dtype(values):
            raise ModelError(f"column {name!r} must hold numbers to be centred; it holds text.")
        taken = [new for new in (name + WITHIN, name + BETWEEN) if new in data.columns]
        if taken:
            raise ModelError(f"the data hold a column {taken[0]!r} already; rename it.")
        values = values.astype(float).where(by.notna())
        mean = values.groupby(by, observed=True).transform("mean").where(values.notna())
        within = values - mean
        if not (within.abs() > 1e-12 * values.abs().max()).any():
            raise ModelError(
                f"column {name!r} is constant within every group; it is a predictor of groups "
                "already and needs no centring."
            )
        result[name + WITHIN] = within
        result[name + BETWEEN] = mean
    return result


def contextual_effects(result: MultilevelResult) -> ContextualEffects:
    """Test whether slopes between groups differ from those within.

    Parameters
    ----------
    result : MultilevelResult
        Of a formula with both columns of ``centre_within`` for at least one predictor.

    Returns
    -------
    ContextualEffects

    Raises
    ------
    ModelError
        When no predictor stands in the model with both its columns.

    Notes
    -----
    The effect is b_between - b_within [enders2007]_, tested by t with Satterthwaite's degrees of
    freedom of that difference.

    Examples
    --------
    >>> import numpy as np, pandas as pd, servlab as sl
    >>> rng = np.random.default_rng(3)
    >>> branch = np.repeat(np.arange(30), 8)
    >>> data = pd.DataFrame({"branch": branch, "staff": rng.normal(size=30)[branch]})
    >>> data["staff"] += rng.normal(size=240)
    >>> data["overall"] = data["staff"] + rng.normal(size=30)[branch] + rng.normal(size=240)
    >>> split = sl.centre_within(data, ["staff"], "branch")
    >>> model = sl.formula("overall", ["staff (within)", "staff (between)"])
    >>> effects = sl.contextual_effects(sl.multilevel(model, split, groups="branch"))
    >>> bool(effects.table.loc["staff", "p_value"] > 0.05)
    True
    """
    labels = list(result.coefficients.index)
    stems = [label.removesuffix(WITHIN) for label in labels if label.endswith(WITHIN)]
    both = [stem for stem in stems if stem + BETWEEN in labels]
    if not both:
        raise ModelError(
            "contextual effects need a model with both columns of centre_within, as "
            f"'staff (within)' and 'staff (between)'; it has {', '.join(labels)}."
        )
    rows = {stem: _difference(result, labels, stem) for stem in both}
    return ContextualEffects(
        table=pd.DataFrame.from_dict(rows, orient="index"),
        outcome=result.outcome,
        groups=result.groups,
        n=result.n,
        n_dropped=result.n_dropped,
        n_groups=result.n_groups,
        conf_level=result.conf_level,
    )


def _difference(result: MultilevelResult, labels: list[str], stem: str) -> dict[str, float]:
    """Return slope between less slope within, with its test."""
    contrast = np.zeros(len(labels))
    contrast[labels.index(stem + BETWEEN)] = 1.0
    contrast[labels.index(stem + WITHIN)] = -1.0
    estimate = float(contrast @ result.fit.beta)
    error = float(np.sqrt(contrast @ result.fit.cov_beta @ contrast))
    df = result.fit.satterthwaite(contrast)
    half = float(stats.t.ppf((1 + result.conf_level) / 2, df)) * error
    return {
        "slope_within": float(result.fit.beta[labels.index(stem + WITHIN)]),
        "slope_between": float(result.fit.beta[labels.index(stem + BETWEEN)]),
        "estimate": estimate,
        "std_error": error,
        "statistic": estimate / error,
        "df": df,
        "p_value": float(2 * stats.t.sf(abs(estimate / error), df)),
        "conf_low": estimate - half,
        "conf_high": estimate + half,
    }

"""Do the respondents of a branch agree enough for its mean to speak for it?

Agreement within branches, rwg and rwg(j) (James, Demaree and Wolf, 1984); the share of variance
that lies between branches, ICC(1), and the reliability of a branch's mean, ICC(2), from a one-way
analysis of variance (Bliese, 2000).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from servlab.core.brief import brief
from servlab.core.checks import check_choice, check_conf_level, check_count
from servlab.core.errors import ModelError
from servlab.core.standards import standard
from servlab.data.instrument import Instrument
from servlab.data.schema import Scale
from servlab.data.survey import Survey
from servlab.estimation.comparison.branches import Branches, find_branches
from servlab.scales.scoring import OVERALL_ITEMS, dimension_scores

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
Null = Literal["uniform", "slight_skew"]

# expected variance of a slightly skewed answer (LeBreton & Senter, 2008, table 2), by options
SLIGHT_SKEW = {5: 1.34, 7: 2.90}
SIGNIFICANT = 0.05


@brief
@dataclass(frozen=True, slots=True, eq=False)
class BranchAgreement:
    """Agreement within branches and differences between them.

    Attributes
    ----------
    by, battery : str
        The covariate that forms the branches, and the answers looked at.
    by_term : DataFrame
        A row an item, dimension and overall (``level``): over branches ``rwg_median``, ``rwg_low``,
        ``rwg_high`` and ``share_agree``, the share of branches of at least .70; ``n_clipped``
        branches whose value was under 0 and is set to 0; ``icc1`` with its interval, ``icc2``,
        F (``statistic``), ``df``, ``df_residual``, ``p_value``; ``usable`` (``yes``, ``care``,
        ``no``) and ``reasons``.
    by_group : DataFrame
        A row a term and branch: ``rwg``, ``clipped`` (set to 0) and ``n``; NaN and -1 where
        fewer than ``min_cell`` answered the term.
    null, null_variance : str and float
        The answers expected without agreement, and their variance.
    suppressed : tuple of str
        Branches that do not enter: small ones, and one more where a single one could be inferred.
    n_single : int
        Branches of one respondent, where agreement means nothing.
    unweighted : bool
        Whether the survey has weights; these statistics have no weighted form and ignore them.
    n, n_dropped : int
        Respondents with the overall score in a branch that enters, and the others.
    """

    by: str
    battery: str
    instrument: Instrument
    by_term: pd.DataFrame
    by_group: pd.DataFrame
    null: str
    null_variance: float
    group_size: str
    suppressed: tuple[str, ...]
    n_single: int
    n_groups: int
    min_cell: int
    unweighted: bool
    n: int
    n_dropped: int
    conf_level: float

    def tidy(self) -> pd.DataFrame:
        """Return a row an item, dimension and overall."""
        return self.by_term

    def glance(self) -> pd.DataFrame:
        """Return one row: the overall score."""
        return self.by_term[self.by_term["term"] == OVERALL_ITEMS].reset_index(drop=True)


def agreement(
    survey: Survey,
    *,
    by: str,
    battery: str = "perception",
    null: Null | float = "uniform",
    group_size: Literal["mean", "anova"] = "mean",
    min_cell: int = 5,
    conf_level: float = 0.95,
) -> BranchAgreement:
    """Say whether branch means may be used: agreement within, and differences between branches.

    Parameters
    ----------
    survey : Survey
        Its weights are not used: none of these statistics has a weighted form (the result says so).
    by : str
        A covariate of the survey.
    battery : str
        The answers to look at.
    null : {"uniform", "slight_skew"} or float
        What answers look like without agreement: each option as likely (variance
        (A^2 - 1) / 12 for A options), slightly skewed (5 or 7 options), or the variance itself,
        in squared scale points.
    group_size : {"mean", "anova"}
        The size that stands for uneven branches in ICC(1): their mean, as R's multilevel has it,
        or (N - sum n^2 / N) / (G - 1), with which the variances are unbiased.
    min_cell : int
        Branches with fewer respondents, and of one respondent in any case, do not enter.
    conf_level : float
        Level of the interval of ICC(1), in (0, 1).

    Returns
    -------
    BranchAgreement

    Raises
    ------
    ModelError
        When the covariate is unknown or has fewer than two branches large enough, or the null
        does not fit the scale.

    Notes
    -----
    rwg = 1 - s^2 / s_null^2 for an item, for J items with mean variance s^2
    rwg(j) = J (1 - s^2 / s_null^2) / (J (1 - s^2 / s_null^2) + s^2 / s_null^2) [james1984]_; a
    value under 0 (more spread than without agreement) is set to 0 and counted. Variances have
    n - 1; respondents with the term's score enter. ICC(1) = (MSB - MSW) / (MSB + (k - 1) MSW),
    ICC(2) = (MSB - MSW) / MSB [bliese2000]_; both may be negative and stay so. The interval of
    ICC(1) turns F's (McGraw and Wong, 1996) [mcgraw1996]_, exact for even branches. Standards
    are those of [lebreton2008]_.

    Examples
    --------
    >>> import servlab as sl
    >>> found = sl.agreement(sl.load_example("servqual"), by="branch")
    >>> found.by_term.set_index("term").loc["overall_items", "usable"] in ("yes", "care", "no")
    True
    """
    check_conf_level(conf_level)
    check_count("min_cell", min_cell)
    check_choice("group_size", group_size, ("mean", "anova"))
    items = survey.items(battery)
    variance = null_variance(null, survey.scales[battery])
    scored = dimension_scores(survey, battery)
    scores = items.join(scored.scores).join(scored.overall[[OVERALL_ITEMS]])
    overall = scores[OVERALL_ITEMS].notna()
    branches = find_branches(survey, by, overall, min_cell)
    rows, groups = [], []
    for term, level, members in _terms(survey.instrument):
        parts = items[list(members)].where(scores[term].notna(), np.nan)
        found, negative, sizes = _rwg_of(parts, branches, variance)
        small = sizes < max(min_cell, 2)  # answers of this term alone
        found, sizes = np.where(small, np.nan, found), np.where(small, -1, sizes)
        rows.append(
            {"term": term, "level": level, "n_items": len(members)}
            | _summary(found, negative & ~small)
            | _variances(scores[term], branches, group_size, conf_level)
        )
        groups.append(
            pd.DataFrame(
                {"term": term, "group": branches.names, "rwg": found}
                | {"clipped": negative & ~small, "n": sizes}
            )
        )
    table = pd.DataFrame(rows)
    verdicts = [_verdict(row) for _, row in table.iterrows()]
    return BranchAgreement(
        by=by,
        battery=battery,
        instrument=survey.instrument,
        by_term=table.assign(
            usable=[v for v, _ in verdicts], reasons=[", ".join(r) for _, r in verdicts]
        ),
        by_group=pd.concat(groups, ignore_index=True),
        null=null if isinstance(null, str) else "given",
        null_variance=variance,
        group_size=group_size,
        suppressed=branches.suppressed,
        n_single=branches.n_single,
        n_groups=len(branches.names),
        min_cell=min_cell,
        unweighted=survey.weights is not None,
        n=int((branches.codes >= 0).sum()),
        n_dropped=int((branches.codes < 0).sum()),
        conf_level=conf_level,
    )


def null_variance(null: Null | float, scale: Scale) -> float:
    """Return the variance of answers without agreement, in squared scale points."""
    options = int(scale.high - scale.low + 1)
    if null == "uniform":
        return (options**2 - 1) / 12
    if null == "slight_skew":
        if options not in SLIGHT_SKEW:
            raise ModelError(
                f"the slightly skewed null is tabled for scales of 5 and 7 options; this one has "
                f"{options}; give its variance as null=, or take null='uniform'."
            )
        return SLIGHT_SKEW[options]
    if isinstance(null, bool | str) or not isinstance(null, int | float) or not null > 0:
        raise ModelError(
            "null must be 'uniform', 'slight_skew' or the variance of answers without agreement, "
            f"a number above 0; got {null!r}."
        )
    return float(null)


def rwg(variances: Array, null: float) -> tuple[Array, NDArray[np.bool_]]:
    """Return rwg(j) of (G, J) item variances, rwg where J is 1, and where it was set to 0."""
    J = variances.shape[1]
    ratio = variances.mean(axis=1) / null
    negative = ratio > 1
    ratio = np.minimum(ratio, 1.0)
    return np.asarray(J * (1 - ratio) / (J * (1 - ratio) + ratio)), negative


def one_way(values: Array, codes: IntArray) -> tuple[float, float, IntArray]:
    """Return the mean squares between and within groups, and the group sizes."""
    sizes = np.bincount(codes)
    sizes, places = sizes[sizes > 0], (np.cumsum(sizes > 0) - 1)[codes]
    means = np.bincount(places, values) / sizes
    within = float(((values - means[places]) ** 2).sum())
    between = float(sizes @ (means - values.mean()) ** 2)
    return between / (len(sizes) - 1), within / (len(values) - len(sizes)), sizes


def icc_interval(F: float, df: int, df_residual: int, k: float, level: float) -> tuple[float, ...]:
    """Return the limits of ICC(1) for group size ``k`` [mcgraw1996]_."""
    tail = (1 - level) / 2
    low, high = F / stats.f.isf(tail, df, df_residual), F / stats.f.ppf(tail, df, df_residual)
    return (low - 1) / (low + k - 1), (high - 1) / (high + k - 1)


def _terms(instrument: Instrument) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return term, level and items of each row."""
    codes = instrument.item_codes
    rows: list[tuple[str, str, tuple[str, ...]]] = [(c, "item", (c,)) for c in codes]
    rows += [(d, "dimension", tuple(instrument.items_of(d))) for d in instrument.dimension_codes]
    return [*rows, (OVERALL_ITEMS, "items", tuple(codes))]


def _rwg_of(
    answers: pd.DataFrame, branches: Branches, null: float
) -> tuple[Array, NDArray[np.bool_], IntArray]:
    """Return rwg, whether it was set to 0, and n of each branch; NaN under two respondents."""
    grouped = answers[branches.codes >= 0].groupby(branches.codes[branches.codes >= 0])
    variances = grouped.var(ddof=1).reindex(range(len(branches.names))).to_numpy()
    there = answers.notna().any(axis=1).groupby(branches.codes).sum()
    sizes = there.reindex(range(len(branches.names)), fill_value=0).to_numpy()
    found, negative = rwg(variances, null)
    return found, np.asarray(negative & np.isfinite(found)), np.asarray(sizes, dtype=np.int64)


def _summary(found: Array, negative: NDArray[np.bool_]) -> dict[str, float]:
    """Return how agreement is spread over branches."""
    there = found[np.isfinite(found)]
    if not len(there):
        names = ("rwg_mean", "rwg_median", "rwg_low", "rwg_high", "share_agree")
        return dict.fromkeys(names, float("nan")) | {"n_clipped": 0}
    return {
        "rwg_mean": float(there.mean()),
        "rwg_median": float(np.median(there)),
        "rwg_low": float(there.min()),
        "rwg_high": float(there.max()),
        "share_agree": float((there >= standard("rwg").value).mean()),
        "n_clipped": int(negative.sum()),
    }


def _variances(
    score: pd.Series, branches: Branches, group_size: str, level: float
) -> dict[str, float]:
    """Return ICC(1) with its interval, ICC(2) and the F test of one score."""
    used = score.notna() & (branches.codes >= 0)
    counts = branches.codes[used].value_counts()
    used &= branches.codes.isin(counts.index[counts > 1])
    codes, n = branches.codes[used].to_numpy(), int(used.sum())
    rest = {"n": n, "n_dropped": len(score) - n, "n_groups": len(np.unique(codes))}
    names = ("icc1", "conf_low", "conf_high", "icc2", "statistic", "df", "df_residual", "p_value")
    if rest["n_groups"] < 2:
        return dict.fromkeys(names, float("nan")) | rest
    between, within, sizes = one_way(score[used].to_numpy(dtype=float), codes)
    if within <= 1e-12 * max(between, 1e-300):
        return dict.fromkeys(names, float("nan")) | rest
    k = float(sizes.mean())
    if group_size == "anova":
        k = float((n - (sizes**2).sum() / n) / (len(sizes) - 1))
    F, df, df_residual = between / within, len(sizes) - 1, n - len(sizes)
    low, high = icc_interval(F, df, df_residual, k, level)
    return {
        "icc1": (between - within) / (between + (k - 1) * within),
        "conf_low": low,
        "conf_high": high,
        "icc2": (between - within) / between if between > 0 else float("nan"),
        "statistic": F,
        "df": df,
        "df_residual": df_residual,
        "p_value": float(stats.f.sf(F, df, df_residual)),
    } | rest


def _verdict(row: pd.Series) -> tuple[str, list[str]]:
    """Return whether branch means may be used, and why not or only with care."""
    against, care = [], []
    if not standard("rwg").met_by(row["rwg_median"]):
        against.append("low_agreement")
    if np.isnan(row["icc1"]):
        against.append("no_spread")
    elif row["p_value"] >= SIGNIFICANT:
        against.append("negative_icc1" if row["icc1"] < 0 else "no_difference")
    else:
        care += ["small_icc1"] if not standard("icc1").met_by(row["icc1"]) else []
        care += ["low_icc2"] if not standard("icc2").met_by(row["icc2"]) else []
    return ("no" if against else "care" if care else "yes"), against + care

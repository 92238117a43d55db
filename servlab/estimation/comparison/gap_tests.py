"""Which gaps are real, how large are they, and which are too small to matter?

Every gap is tested against zero in three ways (means, ranks, signs), adjusted for the number of
gaps looked at, given in standard deviations, and held against a margin under which it would not
matter: "not shown to differ" and "shown to be alike" are two findings, and only the second
answers a manager who asks whether a gap may be ignored [schuirmann1987]_.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
from scipy import stats

from servlab.core.brief import brief
from servlab.core.checks import check_choice, check_conf_level
from servlab.core.errors import ModelError, SparseDataWarning
from servlab.data.instrument import Grade, Instrument
from servlab.data.survey import Survey
from servlab.estimation.comparison.effect_sizes import exact_effect, linearized_effect
from servlab.estimation.comparison.paired import (
    Array,
    SignedRank,
    equivalence,
    median_interval,
    sign_test,
    signed_rank,
)
from servlab.estimation.p_values import ADJUSTMENTS, Adjust, adjusted
from servlab.scales.gaps import gap_scores, paired_levels
from servlab.scales.scoring import OVERALL_ITEMS, stack_levels

SIGNED_RANK = ("auto", "exact", "normal", "corrected")
GAP = ("estimate", "std_dev", "std_error", "df", "conf_low", "conf_high")


@brief
@dataclass(frozen=True, slots=True, eq=False)
class GapTests:
    """Gaps tested against zero and against a margin.

    Attributes
    ----------
    instrument : Instrument
    grade : str or None
        The grade of expectation that was asked for.
    by_item, by_dimension, by_overall : DataFrame
        A row an item, dimension or overall form. ``estimate`` (the mean gap, scale points),
        ``std_dev``, ``std_error``, ``df``, ``conf_low``, ``conf_high`` are those of
        ``gap_scores``. ``statistic``, ``p_value``: t (design-based under weights).
        ``signed_rank``, ``p_signed_rank``, ``rank_method``: Wilcoxon's V, its p and how p was
        found. ``n_positive``, ``n_negative``, ``p_sign``: the sign test. ``median``,
        ``median_low``, ``median_high``. ``effect_size``, ``effect_low``, ``effect_high``:
        Hedges' g over the mean variance of the two batteries (g_av); ``effect_z``,
        ``effect_z_low``, ``effect_z_high``: over the deviation of the differences (g_z).
        ``p_equivalence``: the larger p of the two one-sided tests; ``equivalence_low``,
        ``equivalence_high``: the interval of level 1 - 2 alpha that lies within the margin when
        they both reject. ``p_adjusted``,
        ``p_signed_rank_adjusted``, ``p_sign_adjusted``, ``p_equivalence_adjusted``: within the
        items or the dimensions. ``verdict``: ``different``, ``equivalent``, ``trivial``
        (different, but within the margin), ``undecided`` or ``untested``. ``flag``: ``constant``
        (all differences are the same), ``too_few`` (under two), or empty. ``n``, ``n_dropped``.
    adjust : {"holm", "bh", "none"}
    margin : float or None
        Largest gap that would not matter, in scale points; None tests no equivalence.
    signed_rank : str
        How p of the signed ranks was asked for.
    n, n_dropped : int
        Respondents with and without an overall item gap.
    conf_level : float
        Level of the intervals; 1 - level is that of the tests.
    weighted : bool
        Whether probability weights were used; then what has no weighted form is NaN.
    flags : tuple of str
        ``no_weighted_ranks`` under weights: signed ranks, signs and medians are NaN.
    """

    instrument: Instrument
    grade: Grade | None
    by_item: pd.DataFrame
    by_dimension: pd.DataFrame
    by_overall: pd.DataFrame
    adjust: Adjust
    margin: float | None
    signed_rank: SignedRank
    n: int
    n_dropped: int
    conf_level: float
    weighted: bool
    flags: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """Return a row an item, dimension and overall form."""
        return stack_levels(self.by_item, self.by_dimension, self.by_overall)

    def glance(self) -> pd.DataFrame:
        """Return one row: the overall gap as the mean of the items."""
        return self.by_overall.loc[[OVERALL_ITEMS]].reset_index(drop=True)


def gap_tests(
    survey: Survey,
    *,
    adjust: Adjust = "holm",
    margin: float | None = None,
    signed_rank: SignedRank = "auto",
    conf_level: float = 0.95,
) -> GapTests:
    """Test every gap P - E by item, dimension and overall, with effect sizes and equivalence.

    Parameters
    ----------
    survey : Survey
        With an ``expectation`` and a ``perception`` battery; its weights are used.
    adjust : {"holm", "bh", "none"}
        How p values are adjusted, within the items and within the dimensions. The overall forms
        say one thing twice and are not adjusted.
    margin : float, optional
        Largest gap that would not matter, in scale points. There is no default: what matters is
        the researcher's to say. None gives no equivalence test.
    signed_rank : {"auto", "exact", "normal", "corrected"}
        p of the signed ranks: exact for fewer than 50 differences without ties and zeros and
        normal with correction for continuity otherwise (``auto``, as R's ``wilcox.test``);
        exact over all signs of the tied ranks (at most 500 differences); normal without or with
        the correction.
    conf_level : float
        Level of the intervals, in (0, 1).

    Returns
    -------
    GapTests

    Raises
    ------
    ModelError
        When the survey lacks a battery, or an option is none.

    Warns
    -----
    SparseDataWarning
        Naming the gaps without a t test: fewer than two respondents, or no spread.

    Notes
    -----
    The t test is that of the mean paired difference; under weights the design-based one, with
    n - 1 degrees of freedom, as everywhere here (R's ``svyglm(d ~ 1)``; ``svyttest(d ~ 0)`` has
    the same t and takes one degree of freedom less). Wilcoxon's test [wilcoxon1945]_ leaves
    zeros out and gives ties their mean rank; its differences, like those of the sign test, are
    told apart to nine decimals, so that means of items which tie on paper tie here. The interval
    of the median holds it with at least the level (order statistics).

    Hedges' g [hedges1981]_ is the mean difference over a standardizer s times the correction
    with n - 1 degrees of freedom: g_av has s^2 = (var P + var E) / 2, which compares with studies
    of two samples; g_z has s^2 = var(P - E), which says how sure the test could be
    [lakens2013]_. Both intervals come from the noncentral t distribution, that of g_av by
    Algina and Keselman's approximation [algina2003]_: noncentrality times the standard error
    over s. Under weights they are linearized instead.

    Equivalence is two one-sided t tests at level 1 - ``conf_level`` [schuirmann1987]_; the
    verdict uses both adjusted p values.

    References
    ----------
    .. [wilcoxon1945] Wilcoxon (1945), Biometrics Bulletin 1, 80-83.
    .. [hedges1981] Hedges (1981), Journal of Educational Statistics 6, 107-128.
    .. [lakens2013] Lakens (2013), Frontiers in Psychology 4, 863.
    .. [algina2003] Algina and Keselman (2003), Educational and Psychological Measurement 63,
       537-553.
    .. [schuirmann1987] Schuirmann (1987), Journal of Pharmacokinetics and Biopharmaceutics 15,
       657-680.

    Examples
    --------
    >>> import servlab as sl
    >>> tests = sl.gap_tests(sl.load_example("servqual"), margin=0.3)
    >>> tests.by_dimension["verdict"].loc["reliability"]
    'different'
    """
    check_choice("adjust", adjust, ADJUSTMENTS)
    check_choice("signed_rank", signed_rank, SIGNED_RANK)
    check_conf_level(conf_level)
    gaps = gap_scores(survey, conf_level=conf_level)
    margin = _margin(margin, survey)
    if margin is not None and conf_level <= 0.5:
        raise ModelError(f"equivalence tests need a conf_level over 0.5; got {conf_level!r}.")
    expected, perceived = paired_levels(survey)
    tables = []
    for place, table in enumerate((gaps.by_item, gaps.by_dimension, gaps.by_overall)):
        rows = {
            term: _row(
                table.loc[term], expected[place][term], perceived[place][term],
                survey.weights, margin, signed_rank, conf_level,
            )
            for term in table.index
        }  # fmt: skip
        family: Adjust = "none" if place == 2 else adjust
        tables.append(_judged(rows, family, 1 - conf_level))
    _warn(tables)
    return GapTests(
        instrument=survey.instrument,
        grade=gaps.grade,
        by_item=tables[0],
        by_dimension=tables[1],
        by_overall=tables[2],
        adjust=adjust,
        margin=margin,
        signed_rank=signed_rank,
        n=gaps.n,
        n_dropped=gaps.n_dropped,
        conf_level=conf_level,
        weighted=gaps.weighted,
        flags=("no_weighted_ranks",) if gaps.weighted else (),
    )


def _warn(tables: list[pd.DataFrame]) -> None:
    """Warn of the gaps that cannot be tested."""
    named = [str(term) for table in tables for term in table.index[table["flag"] != ""]]
    if named:
        warnings.warn(
            SparseDataWarning(
                f"gaps {named} have no t test: fewer than two respondents, or all their "
                "differences are the same; see the column flag.",
                key="gap_untested",
                values={"names": ", ".join(named)},
            ),
            stacklevel=3,
        )


def _margin(margin: object, survey: Survey) -> float | None:
    """Return the margin of equivalence, or raise ``ModelError`` when it is none."""
    if margin is None:
        return None
    scale = survey.scales["perception"]
    widest = scale.high - scale.low
    if (
        not isinstance(margin, int | float | np.integer | np.floating)
        or isinstance(margin, bool)
        or not 0 < float(margin) < widest
    ):
        raise ModelError(
            f"margin must be a number of scale points between 0 and {widest}, the width of the "
            f"scale; got {margin!r}. Give the largest gap that would not matter."
        )
    return float(margin)


def _row(
    gap: pd.Series,
    expected: pd.Series,
    perceived: pd.Series,
    weights: pd.Series | None,
    margin: float | None,
    method: SignedRank,
    level: float,
) -> dict[str, object]:
    """Return everything about one gap but what depends on the other rows."""
    used = expected.notna() & perceived.notna()
    if weights is not None:
        used &= weights > 0
    pair = np.column_stack([expected[used], perceived[used]]).astype(float)
    d = pair[:, 1] - pair[:, 0]
    row: dict[str, object] = {name: float(gap[name]) for name in GAP}
    mean, error, df = (float(gap[name]) for name in ("estimate", "std_error", "df"))
    flag = _flag(d)
    if flag:
        error = float("nan")
    t = mean / error if error > 0 else float("nan")
    row |= {"statistic": t, "p_value": 2 * float(stats.t.sf(abs(t), df))}
    row |= _unweighted(d, method, level) if weights is None else dict(NO_RANKS)
    w = None if weights is None else weights[used].to_numpy(dtype=float)
    row |= _effects(d, pair, w, t, error, level)
    row["p_equivalence"] = np.nan if margin is None else equivalence(mean, error, df, margin)
    half = np.nan if margin is None else float(stats.t.isf(1 - level, df)) * error
    row |= {"equivalence_low": mean - half, "equivalence_high": mean + half}
    return row | {"flag": flag, "n": int(gap["n"]), "n_dropped": int(gap["n_dropped"])}


def _flag(d: Array) -> str:
    if len(d) < 2:
        return "too_few"
    return "constant" if np.ptp(d) < 1e-9 else ""


NO_RANKS: Mapping[str, object] = MappingProxyType(
    dict.fromkeys(("signed_rank", "p_signed_rank"), np.nan)
    | {"rank_method": ""}
    | dict.fromkeys(
        ("n_positive", "n_negative", "p_sign", "median", "median_low", "median_high"), np.nan
    )
)


def _unweighted(d: Array, method: SignedRank, level: float) -> dict[str, object]:
    """Return the tests that know no weights: signed ranks, signs, the median."""
    v, p, found = signed_rank(d, method)
    positive, n, p_sign = sign_test(d)
    middle = median_interval(d, level)
    found_values = (v, p, found, positive, n - positive, p_sign, *middle)
    return dict(zip(NO_RANKS, found_values, strict=True))


def _effects(
    d: Array, pair: Array, w: Array | None, t: float, error: float, level: float
) -> dict[str, object]:
    """Return g_av and g_z with their limits."""
    names = [f"effect_{part}" for part in ("size", "low", "high", "z", "z_low", "z_high")]
    if not np.isfinite(t):
        return dict.fromkeys(names, np.nan)
    if w is None:
        own = float(np.sqrt(pair.var(axis=0, ddof=1).mean()))
        average = exact_effect(t, len(d) - 1, error / own if own > 0 else np.nan, level)
        change = exact_effect(t, len(d) - 1, error / float(d.std(ddof=1)), level)
    else:
        average = linearized_effect(d, pair, w, level)
        change = linearized_effect(d, d[:, None], w, level)
    return dict(zip(names, (*average, *change), strict=True))


def _judged(rows: dict[str, dict[str, object]], adjust: Adjust, alpha: float) -> pd.DataFrame:
    """Return one family as a table, its p values adjusted and every row judged."""
    if not rows:  # an instrument without dimensions: no row, the same columns
        nan = float("nan")
        empty = dict.fromkeys((*GAP, "n", "n_dropped"), nan)
        nothing = pd.Series(dtype=float)
        rows = {"": _row(pd.Series(empty | {"n": 0, "n_dropped": 0}), nothing, nothing, None,
                         None, "auto", 0.95)}  # fmt: skip
        judged: pd.DataFrame = _judged(rows, adjust, alpha)
        return judged.iloc[:0]
    table = pd.DataFrame.from_dict(rows, orient="index")
    for name in ("p_value", "p_signed_rank", "p_sign", "p_equivalence"):
        new = "p_adjusted" if name == "p_value" else f"{name}_adjusted"
        table.insert(list(table).index(name) + 1, new, adjusted(table[name], adjust))
    pairs = zip(table["p_adjusted"], table["p_equivalence_adjusted"], strict=True)
    verdicts = [_verdict(differs < alpha, alike < alpha, differs) for differs, alike in pairs]
    table.insert(list(table).index("flag"), "verdict", verdicts)
    return table


def _verdict(differs: bool, alike: bool, p: float) -> str:
    if np.isnan(p):
        return "untested"
    if differs:
        return "trivial" if alike else "different"
    return "equivalent" if alike else "undecided"

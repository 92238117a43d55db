"""How reliable is each dimension's sum, by every coefficient that has a name of its own?"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import pandas as pd

from servlab.core.brief import brief
from servlab.core.checks import check_count
from servlab.core.errors import (
    InadmissibleWarning,
    ModelError,
    NotConvergedError,
    SparseDataWarning,
)
from servlab.core.standards import standard
from servlab.data.instrument import Instrument
from servlab.data.survey import Survey
from servlab.estimation.extraction import extract
from servlab.estimation.moments import moments
from servlab.estimation.omega import congeneric_omega
from servlab.estimation.ordinal_reliability import categorical_omega, polychoric_alpha
from servlab.estimation.reliability import cronbach_alpha
from servlab.estimation.split_half import MOST_ITEMS, guttman_lambdas, split_half
from servlab.scales.scoring import OVERALL_ITEMS

Result = TypeVar("Result")

COEFFICIENTS = (
    "alpha", "alpha_standardized", "congeneric_omega", "categorical_omega", "polychoric_alpha",
    "split_half_mean", "split_half_lowest", "odd_even", "lambda2", "lambda4", "lambda6",
)  # fmt: skip
PREFERRED = ("categorical_omega", "congeneric_omega", "alpha")  # the first that there is


@brief
@dataclass(frozen=True, slots=True, eq=False)
class ReliabilityCoefficients:
    """Reliability coefficients of each dimension of a battery, each under its own name.

    Attributes
    ----------
    instrument : Instrument
    battery : str
    by_term : DataFrame
        A row a dimension of at least two items and ``overall_items``: the coefficients of
        ``COEFFICIENTS`` (NaN where there is none), ``conf_low``, ``conf_high`` (Feldt's, of
        alpha), ``n_items``, ``n``, ``n_dropped``.
    recommended : Series
        The coefficient to report, by dimension: categorical omega, else the omega of one factor,
        else alpha; alpha too where one factor does not fit.
    heywood : dict of str to tuple of str
        Dimensions whose one-factor model has a Heywood case, with the items: a flag.
    inadmissible : tuple of str
        Dimensions whose categorical omega exceeds 1, or whose polychoric correlations cannot all
        hold at once: a flag.
    misfit : tuple of str
        Dimensions among whose items one factor leaves a root mean square residual over .08: a
        flag, since their omegas of one factor would be too high.
    sparse : tuple of str
        Dimensions with combinations of answers that nobody gave: a flag.
    left_out : dict of str to str
        Dimensions without any coefficient, and why.
    conf_level : float
    n, n_dropped : int
        Respondents who answered every item of the battery, and the others.
    """

    instrument: Instrument
    battery: str
    by_term: pd.DataFrame
    recommended: pd.Series
    heywood: dict[str, tuple[str, ...]]
    inadmissible: tuple[str, ...]
    misfit: tuple[str, ...]
    sparse: tuple[str, ...]
    left_out: dict[str, str]
    conf_level: float
    n: int
    n_dropped: int

    def tidy(self) -> pd.DataFrame:
        """Return a row a dimension and coefficient; limits stand with alpha."""
        rows = [
            {"dimension": code, "term": name, "estimate": row[name], "battery": self.battery}
            | {limit: row[limit] for limit in ("conf_low", "conf_high") if name == "alpha"}
            | {"n_items": row["n_items"], "n": row["n"], "n_dropped": row["n_dropped"]}
            for code, row in self.by_term.iterrows()
            for name in COEFFICIENTS
            if row[name] == row[name]
        ]
        return pd.DataFrame(rows)

    def glance(self) -> pd.DataFrame:
        """Return a row a dimension: the coefficient to report."""
        rows = [
            {"dimension": code, "term": name, "estimate": self.by_term[name][code]}
            for code, name in self.recommended.items()
        ]
        return pd.DataFrame(rows).assign(n=self.n, n_dropped=self.n_dropped)


def reliability_coefficients(
    survey: Survey, battery: str, *, n_factors: int = 1, conf_level: float = 0.95
) -> ReliabilityCoefficients:
    """Compute every reliability coefficient of each dimension of a battery.

    Parameters
    ----------
    survey : Survey
        Its weights are not used: most coefficients have no weighted form.
    battery : str
        The battery.
    n_factors : int
        Factors behind all items, in an instrument without dimensions; the omegas of one factor
        are given for all items only when it is 1.
    conf_level : float
        Level of Feldt's interval of alpha, in (0, 1).

    Returns
    -------
    ReliabilityCoefficients

    Raises
    ------
    ModelError
        When no coefficient can be had for any dimension.

    Warns
    -----
    SparseDataWarning
        Once, when polychoric correlations of some dimension lean on the normal curve.
    HeywoodWarning
        When one factor does not fit the items of a dimension.

    Notes
    -----
    Every coefficient speaks of the plain sum of a dimension's answers, except polychoric alpha,
    which speaks of latent responses that nobody sees. The omegas need three items and one
    factor, so they are given for dimensions, and for all items together only in an instrument
    without dimensions whose items have one factor. Where one factor does not fit (a Heywood
    case, an omega over 1, a root mean square residual over .08) alpha is
    to be reported. Items are at most 18 for the split halves (lambda 4 among them).

    References
    ----------
    cronbach1951; mcdonald1999; green2009; guttman1945; feldt1987.

    Examples
    --------
    >>> import warnings
    >>> import servlab as sl
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")  # 7-point answers always leave some pairs out
    ...     found = sl.reliability_coefficients(sl.load_example("servqual"), "perception")
    >>> found.recommended["tangibles"]
    'categorical_omega'
    """
    items = survey.items(battery)
    scales = {c: list(survey.instrument.items_of(c)) for c in survey.instrument.dimension_codes}
    whole_is_one = not scales and check_count("n_factors", n_factors) == 1
    scales[OVERALL_ITEMS] = list(items.columns)
    rows, heywood, left_out = {}, {}, {}
    sparse: list[str] = []
    impossible: list[str] = []
    for code, columns in scales.items():
        one_factor = code != OVERALL_ITEMS or whole_is_one
        try:
            with _warnings_noted(code, sparse, impossible):
                rows[code], items_at_bound = _row(items[columns], conf_level, one_factor=one_factor)
        except ModelError as err:
            left_out[code] = str(err)
            continue
        if items_at_bound:
            heywood[code] = items_at_bound
    if not rows:
        reason = next(iter(left_out.values()))
        raise ModelError(f"no reliability of {battery!r} can be given: {reason}")
    _warn_sparse(sparse)
    table = pd.DataFrame.from_dict(rows, orient="index")
    residual = table.pop("rms_one_factor")
    misfit = tuple(residual.index[residual > standard("rms_residual").value])
    over = table["categorical_omega"] > 1
    inadmissible = tuple(str(code) for code in table.index if over[code] or code in impossible)
    complete = int(items.notna().all(axis=1).sum())
    return ReliabilityCoefficients(
        instrument=survey.instrument,
        battery=battery,
        by_term=table.astype({"n_items": int, "n": int, "n_dropped": int}),
        recommended=_recommended(table, {*heywood, *inadmissible, *misfit}),
        heywood=heywood,
        inadmissible=inadmissible,
        misfit=misfit,
        sparse=tuple(sparse),
        left_out=left_out,
        conf_level=conf_level,
        n=complete,
        n_dropped=survey.n - complete,
    )


def _row(
    items: pd.DataFrame, conf_level: float, *, one_factor: bool
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return the coefficients of one scale, and the items at a bound of its one factor."""
    alpha = cronbach_alpha(items, conf_level=conf_level)
    row = dict.fromkeys(COEFFICIENTS, float("nan"))
    row |= {"alpha": alpha.estimate, "alpha_standardized": alpha.standardized}
    row |= {"conf_low": alpha.conf_low, "conf_high": alpha.conf_high}
    bounds = _attempt(lambda: guttman_lambdas(items).by_term.to_dict()) or {}
    row |= {name: float(bounds[name]) for name in ("lambda2", "lambda4", "lambda6") if bounds}
    if items.shape[1] <= MOST_ITEMS:
        halves = split_half(items)
        row |= {"split_half_mean": halves.mean, "split_half_lowest": halves.lowest}
        row["odd_even"] = halves.odd_even
    heywood: dict[str, None] = {}
    row["rms_one_factor"] = float("nan")
    if one_factor and items.shape[1] >= 3:
        for coefficient in (congeneric_omega, categorical_omega, polychoric_alpha):
            found = _attempt(partial(coefficient, items))
            if found is not None:
                row[found.coefficient] = found.estimate
                heywood |= dict.fromkeys(found.heywood)
        row["rms_one_factor"] = one_factor_residual(items)
    row |= {"n_items": items.shape[1], "n": alpha.n, "n_dropped": alpha.n_dropped}
    return row, tuple(heywood)


def _attempt(coefficient: Callable[[], Result]) -> Result | None:
    """Return a coefficient, or None where the items do not carry it."""
    try:
        return coefficient()
    except (ModelError, NotConvergedError):
        return None


def one_factor_residual(items: pd.DataFrame) -> float:
    """Return the root mean square residual correlation that one minres factor leaves."""
    given = moments(items)
    found = extract(given.cor, 1, "minres").loadings
    residual = (given.cor - found @ found.T)[np.triu_indices(len(given.names), 1)]
    return float(np.sqrt((residual**2).mean()))


def _recommended(table: pd.DataFrame, doubtful: set[str]) -> pd.Series:
    """Return the coefficient to report of each scale: no omega where one factor does not fit."""
    chosen = {}
    for code, row in table.iterrows():
        options = PREFERRED if str(code) not in doubtful else PREFERRED[-1:]
        chosen[code] = next(name for name in options if row[name] == row[name])
    return pd.Series(chosen, name="term", dtype=object)


@contextmanager
def _warnings_noted(code: str, sparse: list[str], impossible: list[str]) -> Iterator[None]:
    """Note which scale a warning is about; empty cells are told once for all scales."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for entry in caught:
        if issubclass(entry.category, SparseDataWarning):
            sparse += [code] if code not in sparse else []
            continue
        if issubclass(entry.category, InadmissibleWarning):
            impossible.append(code)
        warnings.warn(entry.message, entry.category, stacklevel=3)


def _warn_sparse(sparse: list[str]) -> None:
    if sparse:
        warnings.warn(
            SparseDataWarning(
                f"Polychoric correlations of {', '.join(sparse)} lean on the normal curve where "
                "nobody gave a combination of answers; categorical omega and polychoric alpha rest "
                "on them.",
                key="sparse_scales",
                values={"count": str(len(sparse))},
            ),
            stacklevel=3,
        )

"""Would the mean have changed with the same mix of respondents? Two answers, side by side.

Regression standardization [lane1982]_: in each wave the score is regressed on the covariates, and
the prediction is averaged over one reference population. Raking [deville1992]_: each wave is
weighted to the margins of that population. Both hold the mix at the reference; neither can hold
what was not asked.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servlab.core.errors import ModelError, NotConvergedError
from servlab.data.survey import Survey
from servlab.estimation.raking import rake
from servlab.scales.sample import is_measure

Array = NDArray[np.float64]
NAN = float("nan")
FEWEST_OF_VALUE = 2  # respondents with a value that each wave needs: one alone has no spread
BANDS = 4  # into which raking cuts a covariate that measures


@dataclass(frozen=True, slots=True)
class Adjusted:
    """A mean at the reference's mix: estimate, standard error, degrees of freedom.

    Without one, ``flag`` says why: ``few`` (no more respondents than values), ``value_absent``
    (nobody of the wave has a value of the reference, or values go together), ``alone`` (one
    respondent has a value), ``not_raked`` (the margins cannot be met).
    """

    estimate: float
    std_error: float
    df: float
    flag: str = ""


def without(flag: str) -> Adjusted:
    """Return no mean, and why."""
    return Adjusted(NAN, NAN, NAN, flag)


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """The respondents that adjustment compares, and the population it holds fixed.

    ``data`` (n, c) covariates of the respondents used: numbers or texts; ``bands`` the same with
    numbers cut at the reference's quartiles; ``means`` the reference's mean of each column of
    ``design``; ``margins`` its shares; ``left_out`` (covariate, value) -> respondents, of values
    that a wave lacks.
    """

    data: pd.DataFrame
    bands: pd.DataFrame
    design: pd.DataFrame
    means: Array
    margins: dict[str, dict[str, float]]
    left_out: dict[tuple[str, str], int]


def population(
    survey: Survey, names: tuple[str, ...], wave: pd.Series, waves: list[str], reference: str
) -> Population:
    """Return the respondents with every covariate, whose values occur in all waves."""
    measures = [name for name in names if is_measure(survey, name)]
    data = pd.DataFrame(index=survey.index)
    for name in names:
        column = survey.covariates[name]
        as_text = column.where(column.isna(), column.astype(str))
        data[name] = pd.to_numeric(column) if name in measures else as_text
    data = data[wave.isin(waves)]
    _check_asked(data, wave, waves)
    data = data.dropna()
    data, left_out = _shared(data, wave, waves, [n for n in names if n not in measures])
    fixed = data.index if reference == "pooled" else data.index[wave[data.index] == reference]
    if survey.weights is None:
        weights = pd.Series(1.0, index=data.index)
    else:
        weights = survey.weights[data.index].astype(float)
    if not weights[fixed].sum() > 0:
        raise ModelError(
            f"no respondent of {reference!r} has every covariate of {', '.join(names)} with a "
            "value that each wave has; adjust for fewer covariates."
        )
    design = _design(data)
    shares = (weights[fixed] / weights[fixed].sum()).to_numpy(dtype=float)
    bands = data.copy()
    for name in measures:
        bands[name] = _banded(data[name], data.loc[fixed, name])
    margins = {
        name: {str(v): float(s) for v, s in _shares(bands.loc[fixed, name], shares).items()}
        for name in names
    }
    means = shares @ design.loc[fixed].to_numpy()
    return Population(data, bands, design, means, margins, left_out)


def _check_asked(data: pd.DataFrame, wave: pd.Series, waves: list[str]) -> None:
    """Raise when a covariate has no value at all in a wave."""
    for name in data:
        counts = data[name].groupby(wave[data.index]).count().reindex(waves, fill_value=0)
        lacking = [str(w) for w in counts.index[counts == 0]]
        if lacking:
            raise ModelError(
                f"adjust names {name!r}, which has no value in {', '.join(lacking)}; the mixes "
                "of these waves cannot be made alike by it: leave it out."
            )


def _shared(
    data: pd.DataFrame, wave: pd.Series, waves: list[str], names: list[str]
) -> tuple[pd.DataFrame, dict[tuple[str, str], int]]:
    """Return the rows whose values occur in every wave, and the values left out."""
    left_out: dict[tuple[str, str], int] = {}
    given = data
    while True:
        before = len(left_out)
        for name in names:
            counts = pd.crosstab(data[name], wave[data.index]).reindex(columns=waves, fill_value=0)
            for value in counts.index[(counts < FEWEST_OF_VALUE).any(axis=1)]:
                left_out[name, str(value)] = int((data[name] == value).sum())
                data = data[data[name] != value]
        if len(left_out) == before:
            break
    if data.empty:
        raise ModelError(
            f"no respondents are left to adjust by {', '.join(names)}: "
            f"{_lacking(given, wave, names)} If codes changed, give every wave's codebook the "
            "same ones; or adjust for fewer "
            "covariates."
        )
    return data, left_out


def _lacking(data: pd.DataFrame, wave: pd.Series, names: list[str]) -> str:
    """Return what values each covariate has in each wave."""
    parts = []
    for name in names:
        held = data[name].groupby(wave[data.index]).unique()
        texts = [f"{w}: {', '.join(sorted(map(str, v))[:6])}" for w, v in held.items()]
        parts.append(f"{name!r} has in {'; in '.join(texts)}.")
    return " ".join(parts)


def _design(data: pd.DataFrame) -> pd.DataFrame:
    """Return (n, p) a constant, numbers, and an indicator for each value but the first."""
    parts = [pd.DataFrame({"constant": 1.0}, index=data.index)]
    for name in data:
        if pd.api.types.is_numeric_dtype(data[name]):
            parts.append(data[[name]].astype(float))
        else:
            values = sorted(data[name].unique())[1:]
            parts += [(data[name] == v).astype(float).rename(f"{name}[{v}]").to_frame()
                      for v in values]  # fmt: skip
    return pd.concat(parts, axis=1)


def _banded(column: pd.Series, reference: pd.Series) -> pd.Series:
    """Return which of the reference's quarters each number lies in, as text."""
    cuts = np.unique(np.quantile(reference, np.arange(1, BANDS) / BANDS))
    return pd.Series(np.searchsorted(cuts, column, side="left"), column.index).astype(str)


def _shares(values: pd.Series, shares: NDArray[np.floating[Any]]) -> pd.Series:
    return pd.Series(shares, index=values.index).groupby(values).sum()


def standardized_mean(y: Array, X: Array, at: Array, w: Array | None) -> Adjusted:
    """Return the mean prediction at the reference's means of (n, p) columns.

    at' b with variance at' V at: V is HC3 without weights [long2000]_; under weights the linearized
    A^-1 n / (n - 1) sum (w e x)(w e x)' A^-1, A = X'WX [lumley2004]_. Degrees of freedom n - p.
    NaN where the wave cannot tell the covariates apart, or a respondent is alone with a value.
    """
    n, p = X.shape
    if n <= p:
        return without("few")
    if np.linalg.matrix_rank(X) < p:
        return without("value_absent")
    weights = np.ones(n) if w is None else w / w.mean()
    inverse = np.linalg.inv(X.T @ (weights[:, None] * X))
    b = inverse @ (X.T @ (weights * y))
    residual = y - X @ b
    if w is None:
        leverage = np.einsum("ij,jk,ik->i", X, inverse, X)
        if (leverage > 1 - 1e-9).any():
            return without("alone")
        scores = X * (residual / (1 - leverage))[:, None]
    else:
        scores = X * (weights * residual)[:, None] * np.sqrt(n / (n - 1))
    influence = scores @ (inverse @ at)
    return Adjusted(float(at @ b), float(np.sqrt(influence @ influence)), float(n - p))


def raked_mean(
    y: Array, bands: pd.DataFrame, margins: dict[str, dict[str, float]], base: Array
) -> Adjusted:
    """Return the mean under weights raked to the margins, its error that of calibration.

    The residuals e of y on the margins' indicators (under the base weights) carry the variance:
    n / (n - 1) sum (w e - mean)^2 / (sum w)^2, w the raked weights [deville1992]_; the margins
    count as known. NaN where a value of a margin is not there or raking does not converge.
    """
    try:
        start = pd.Series(base, index=bands.index)
        w = rake(bands, margins, base_weights=start, min_cell=1).weights.to_numpy(dtype=float)
    except (ModelError, NotConvergedError):
        absent = any(set(shares) - set(bands[name]) for name, shares in margins.items())
        return without("value_absent" if absent else "not_raked")
    n = len(y)
    mean = float(w @ y / w.sum())
    X = _design(bands).to_numpy()
    root = np.sqrt(base)
    fit, _, rank, _ = np.linalg.lstsq(X * root[:, None], (y - mean) * root, rcond=None)
    if n <= rank:
        return without("few")
    z = w * (y - mean - X @ fit) / w.sum()
    error = np.sqrt(n / (n - 1) * ((z - z.mean()) ** 2).sum())
    return Adjusted(mean, float(error), float(n - rank))

"""Does the result hang on a few respondents? Influence and the assumptions of a regression.

Leverage, studentized residuals, Cook's distance, DFFITS and DFBETAS [belsley1980]_, what the
coefficients become without the respondents beyond Cook's limit, and tests of the residuals.
Reports show counts and coefficients only, never respondents.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from scipy.linalg import solve_triangular

from servlab.core.brief import brief
from servlab.core.checks import check_result
from servlab.core.errors import ModelError, ServlabWarning
from servlab.core.standards import standard
from servlab.estimation.regression.linear import RegressionResult, regress
from servlab.estimation.regression.residual_tests import residual_tests

Array = NDArray[np.float64]
MEASURES = ("leverage", "studentized", "cooks", "dffits", "dfbetas")


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Influence:
    """How much single respondents move a regression, and what its residuals look like.

    Attributes
    ----------
    fit : RegressionResult
        The regression.
    cases : DataFrame
        A row a respondent: ``leverage``, ``studentized`` (externally studentized residual),
        ``cooks``, ``dffits``. For the analyst; no report shows it.
    dfbetas : DataFrame
        (n, p) change of each coefficient without the respondent, in standard errors.
    counts : DataFrame
        A row a measure: ``limit``, ``n_beyond``, ``share``.
    flagged : tuple
        Index of the respondents beyond Cook's limit.
    without : RegressionResult or None
        The regression without them; None where nobody is flagged or none can be fitted.
    tests : DataFrame
        A row a test of the residuals: ``statistic``, ``df``, ``df_residual``, ``p_value``; empty
        under weights, for which these tests have no form.
    skewness, kurtosis : float
        Of the studentized residuals (excess kurtosis).
    n, n_dropped : int
    """

    fit: RegressionResult
    cases: pd.DataFrame
    dfbetas: pd.DataFrame
    counts: pd.DataFrame
    flagged: tuple[object, ...]
    without: RegressionResult | None
    tests: pd.DataFrame
    skewness: float
    kurtosis: float
    n: int
    n_dropped: int

    @property
    def changes(self) -> pd.DataFrame:
        """Return a row a term: the coefficient with all, without the flagged, and the difference.

        ``shift`` is the difference in standard errors of the fit with all.
        """
        table = self.fit.coefficients
        columns = {"with_all": table["estimate"], "low_all": table["conf_low"],
                   "high_all": table["conf_high"]}  # fmt: skip
        found = pd.DataFrame(columns)
        other = table * np.nan if self.without is None else self.without.coefficients
        for name, column in (("without", "estimate"), ("low_without", "conf_low"),
                             ("high_without", "conf_high")):  # fmt: skip
            found[name] = other[column].reindex(found.index)
        found["difference"] = found["without"] - found["with_all"]
        found["shift"] = found["difference"] / table["std_error"]
        return found

    def tidy(self) -> pd.DataFrame:
        """Return a row a measure."""
        return self.counts.reset_index(names="term").assign(n=self.n, n_dropped=self.n_dropped)

    def glance(self) -> pd.DataFrame:
        """Return one row: how many are flagged, and the shape of the residuals."""
        row = {"n_beyond": len(self.flagged), "skewness": self.skewness, "kurtosis": self.kurtosis}
        return pd.DataFrame([row | {"n": self.n, "n_dropped": self.n_dropped}])


def influence(fit: RegressionResult) -> Influence:
    """Measure how much single respondents move a regression, and test its residuals.

    Parameters
    ----------
    fit : RegressionResult
        From ``regress``.

    Returns
    -------
    Influence

    Raises
    ------
    ModelError
        When there are too few rows to leave one out.

    Notes
    -----
    Measures are those of R's ``influence.measures``: with weights, rows and residuals are times
    the root of the weight. Limits, with p coefficients and n rows: leverage 2 p / n, studentized
    residual 3, Cook's distance 4 / n [bollen1985]_, DFFITS 2 sqrt(p / n), DFBETAS 2 / sqrt(n). A
    respondent of leverage 1 (alone in a category) has no studentized residual and is counted
    under leverage only.

    Limits are conventions: in 4 / n of Cook's distance every tenth to twentieth respondent of an
    ordinary survey falls. Nobody is left out of an analysis for being beyond one; the regression
    without them says whether it matters.

    Examples
    --------
    >>> import pandas as pd, servlab as sl
    >>> data = pd.DataFrame({"x": [1.0, 2, 3, 4, 5, 6, 12], "y": [1.0, 2, 2, 4, 5, 6, 1]})
    >>> found = sl.influence(sl.regress("y ~ x", data))
    >>> found.flagged
    (6,)
    """
    check_result("fit", fit, RegressionResult, "regress")
    n, p = fit.design.X.shape
    if n - p < 2:
        raise ModelError(f"{n} rows and {p} coefficients: no row can be left out; use fewer terms.")
    cases, betas = _measures(fit)
    counts = _counts(cases, betas, p)
    beyond = (cases["cooks"] > standard("cooks").value / n).to_numpy()
    known = cases["studentized"].dropna().to_numpy(dtype=float)
    return Influence(
        fit=fit,
        cases=cases,
        dfbetas=betas,
        counts=counts,
        flagged=tuple(cases.index[beyond]),
        without=_without(fit, beyond),
        tests=residual_tests(fit),
        skewness=float(stats.skew(known, bias=False)),
        kurtosis=float(stats.kurtosis(known, bias=False)),
        n=fit.n,
        n_dropped=fit.n_dropped,
    )


def _measures(fit: RegressionResult) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the measures of each row, and its DFBETAS."""
    design = fit.design
    w = design.weights
    root = np.ones(fit.n) if w is None else np.sqrt(w)
    X, e = design.X.to_numpy() * root[:, None], fit.residuals.to_numpy() * root
    n, p = X.shape
    Q, R = np.linalg.qr(X)
    Ri = solve_triangular(R, np.eye(p))
    h = (Q**2).sum(axis=1)
    lone = h > 1 - 1e-10
    room = np.where(lone, np.nan, 1 - h)
    total = float(e @ e)
    left_out = np.sqrt((total - e**2 / room) / (n - p - 1))
    t = e / (left_out * np.sqrt(room))
    cooks = e**2 * h / (p * total / (n - p) * room**2)
    change = (Q @ Ri.T) * (e / room)[:, None]  # b - b without the row
    betas = change / (left_out[:, None] * np.linalg.norm(Ri, axis=1))
    columns = {"leverage": h, "studentized": t, "cooks": cooks, "dffits": t * np.sqrt(h / room)}
    index = design.y.index
    return pd.DataFrame(columns, index=index), pd.DataFrame(
        betas, index=index, columns=design.labels
    )


def limits(n: int, p: int) -> dict[str, float]:
    """Return the limit of each measure for n rows and p coefficients."""
    scale = {"leverage": p / n, "studentized": 1.0, "cooks": 1 / n, "dffits": np.sqrt(p / n),
             "dfbetas": 1 / np.sqrt(n)}  # fmt: skip
    return {name: standard(name).value * float(factor) for name, factor in scale.items()}


def _counts(cases: pd.DataFrame, betas: pd.DataFrame, p: int) -> pd.DataFrame:
    """Return how many respondents lie beyond each limit."""
    n = len(cases)
    size = cases.abs().assign(dfbetas=betas.abs().max(axis=1))
    rows = {
        name: {"limit": limit, "n_beyond": int((size[name] > limit).sum())}
        for name, limit in limits(n, p).items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index").astype({"n_beyond": int})
    return table.assign(share=table["n_beyond"] / n)


def _without(fit: RegressionResult, beyond: NDArray[np.bool_]) -> RegressionResult | None:
    """Return the regression without some rows; None where there are none or it has no answer."""
    if not beyond.any():
        return None
    data = fit.design.rows.rename(columns=dict(fit.design.aliased.names))
    options: dict[str, str] = {}
    if fit.design.weights is not None:
        options["weights"] = _free_name(data, "weights")
        data[options["weights"]] = fit.design.weights
    if fit.design.cluster is not None:
        options["cluster"] = _free_name(data, "cluster")
        data[options["cluster"]] = fit.design.cluster
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ServlabWarning)  # the fit with all has said it
        try:
            return regress(
                fit.formula,
                data[~beyond],
                cov_type=fit.cov_type,
                conf_level=fit.conf_level,
                **options,
            )
        except ModelError:
            return None


def _free_name(data: pd.DataFrame, name: str) -> str:
    """Return a column name that the data do not have."""
    while name in data.columns:
        name += "_"
    return name

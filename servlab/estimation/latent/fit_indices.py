"""How well does a latent variable model fit? Indices from chi-squares and log-likelihoods.

Every function takes numbers and names its equation; none refits anything. Conventions are
lavaan's (0.6-14), which differ from other programs' in the points that Notes state. Those
from residual moments (SRMR, GFI and kin) are in ``residual_indices``.
"""

import math
from dataclasses import dataclass

from scipy import special

from servlab.estimation.efa_fit import noncentrality, tucker_lewis

NAN = float("nan")
CLOSE, NOT_CLOSE = 0.05, 0.08  # RMSEA of close fit (browne1992) and of not close fit
LEVEL = 0.9  # of RMSEA's interval


@dataclass(frozen=True, slots=True)
class FitTest:
    """A chi-square test of a model against the unrestricted one.

    Attributes
    ----------
    chi2, df : float, int
        The normal-theory statistic and its degrees of freedom.
    scaling : float
        What the statistic is divided by for its scaled form (Satorra and Bentler; Yuan and
        Bentler); NaN without one.
    """

    chi2: float
    df: int
    scaling: float = NAN

    @property
    def scaled(self) -> float:
        """Return the scaled statistic; NaN without a scaling factor."""
        return self.chi2 / self.scaling if self.df else 0.0 * self.scaling

    @property
    def p_value(self) -> float:
        """Return the probability of a larger statistic; NaN without degrees of freedom."""
        return tail(self.chi2, self.df)


def tail(chi2: float, df: float) -> float:
    """Return the probability of a larger chi-square; NaN without degrees of freedom."""
    return float(special.chdtrc(df, chi2)) if df > 0 and not math.isnan(chi2) else NAN


def cfi(chi2: float, df: float, chi2_null: float, df_null: float) -> float:
    """Return the comparative fit index in [0, 1], ``1 - misfit / misfit_null`` (bentler1990).

    Misfit is ``max(chi2 - df, 0)``, that of the null model at least the model's.
    """
    misfit = max(chi2 - df, 0.0)
    misfit_null = max(chi2_null - df_null, misfit)
    return 1.0 if misfit_null == 0 else 1 - misfit / misfit_null


def tli(chi2: float, df: float, chi2_null: float, df_null: float) -> float:
    """Return the Tucker-Lewis index, not bounded (tucker1973; NNFI of bentler1980).

    1 without degrees of freedom.
    """
    return 1.0 if df == 0 else tucker_lewis(chi2, df, chi2_null, df_null)


def nfi(chi2: float, chi2_null: float) -> float:
    """Return the normed fit index, ``(chi2_null - chi2) / chi2_null`` (bentler1980)."""
    return 1 - chi2 / chi2_null


def pnfi(chi2: float, df: float, chi2_null: float, df_null: float) -> float:
    """Return the parsimonious normed fit index, ``df / df_null`` times NFI (mulaik1989)."""
    return df / df_null * nfi(chi2, chi2_null)


def rfi(chi2: float, df: float, chi2_null: float, df_null: float) -> float:
    """Return the relative fit index, ``1 - (chi2 / df) / (chi2_null / df_null)`` (bollen1986)."""
    if df == 0:
        return 1.0
    return 1 - (chi2 / df) / (chi2_null / df_null)


def ifi(chi2: float, df: float, chi2_null: float) -> float:
    """Return the incremental fit index, ``(chi2_null - chi2) / (chi2_null - df)`` (bollen1989a)."""
    return (chi2_null - chi2) / (chi2_null - df)


def rni(chi2: float, df: float, chi2_null: float, df_null: float) -> float:
    """Return the relative noncentrality index, CFI without its bounds (mcdonald1990)."""
    return 1 - (chi2 - df) / (chi2_null - df_null)


def rmsea(chi2: float, df: float, n: float, *, n_groups: int = 1, scaling: float = 1.0) -> float:
    """Return the root mean square error of approximation (steiger1990; steiger1998 for groups).

    ``sqrt(G max(chi2 / (n df) - c / n, 0))`` for G groups; with the unscaled ``chi2`` and its
    scaling factor ``c`` the robust form (li2006, savalei2018). 0 without degrees of freedom.
    """
    if df == 0:
        return 0.0
    return math.sqrt(n_groups * max(chi2 / (n * df) - scaling / n, 0.0))


def rmsea_limits(
    chi2: float, df: float, n: float, *, n_groups: int = 1, scaling: float = 1.0, level: float = 0.9
) -> tuple[float, float]:
    """Return RMSEA's interval from the noncentral chi-square of ``chi2`` (browne1992).

    ``chi2`` is here the statistic that is compared with the distribution; the limits
    ``sqrt(c G ncp / (n df))`` carry ``scaling`` to the robust form's metric (savalei2018).
    """
    if df == 0:
        return 0.0, 0.0
    outside = (1 - level) / 2
    low, high = (
        math.sqrt(scaling * n_groups * noncentrality(chi2, df, p) / (n * df))
        for p in (1 - outside, outside)
    )
    return low, high


def rmsea_p_close(
    chi2: float,
    df: float,
    n: float,
    *,
    n_groups: int = 1,
    scaling: float = 1.0,
    close: float = CLOSE,
) -> float:
    """Return the p value of the hypothesis that RMSEA is at most ``close`` (browne1992)."""
    if df == 0:
        return NAN
    ncp = n * df * close**2 / (n_groups * scaling)
    return _upper_tail(chi2, df, ncp)


def _upper_tail(chi2: float, df: float, ncp: float) -> float:
    """Return the noncentral chi-square's upper tail; scipy.stats is loaded for far ones only."""
    below = float(special.chndtr(chi2, df, ncp))
    if below < 0.999:
        return 1 - below
    from scipy import stats

    return float(stats.ncx2.sf(chi2, df, ncp))


def rmsea_p_notclose(
    chi2: float,
    df: float,
    n: float,
    *,
    n_groups: int = 1,
    scaling: float = 1.0,
    notclose: float = NOT_CLOSE,
) -> float:
    """Return the p value of the hypothesis that RMSEA is at least ``notclose`` (maccallum1996)."""
    if df == 0:
        return NAN
    ncp = n * df * notclose**2 / (n_groups * scaling)
    return float(special.chndtr(chi2, df, ncp))


def mfi(chi2: float, df: float, n: float) -> float:
    """Return McDonald's fit index, ``exp(-(chi2 - df) / (2 n))`` (mcdonald1989)."""
    return math.exp(-0.5 * (chi2 - df) / n)


def ecvi(chi2: float, n: float, n_parameters: int) -> float:
    """Return the expected cross-validation index, ``(chi2 + 2 q) / n`` (browne1989)."""
    return (chi2 + 2 * n_parameters) / n


def critical_n(chi2: float, df: float, n: float, alpha: float) -> float:
    """Return Hoelter's critical n, ``quantile / (chi2 / n) + 1`` (hoelter1983).

    The sample size at which the same misfit would be significant at ``alpha``.
    """
    if df == 0 or chi2 == 0:
        return NAN
    return float(special.chdtri(df, alpha)) / (chi2 / n) + 1


def aic(loglik: float, n_parameters: int) -> float:
    """Return Akaike's information criterion, ``2 q - 2 log L`` (akaike1974)."""
    return 2 * n_parameters - 2 * loglik


def bic(loglik: float, n_parameters: int, n: float) -> float:
    """Return the Bayesian information criterion, ``q log n - 2 log L`` (schwarz1978)."""
    return n_parameters * math.log(n) - 2 * loglik


def sabic(loglik: float, n_parameters: int, n: float) -> float:
    """Return BIC with ``(n + 2) / 24`` in place of n (sclove1987)."""
    return bic(loglik, n_parameters, (n + 2) / 24)


def robust_cfi(model: FitTest, null: FitTest) -> float:
    """Return CFI in the population's metric under nonnormality (brosseau2014, eq. 13).

    Misfit is ``chi2 - c df`` with the normal-theory statistic and its scaling factor ``c``.
    """
    return cfi(model.chi2, model.scaling * model.df, null.chi2, null.scaling * null.df)


def robust_tli(model: FitTest, null: FitTest) -> float:
    """Return TLI in the population's metric under nonnormality (brosseau2014, eq. 14)."""
    if model.df == 0:
        return 1.0
    misfit = (model.chi2 - model.scaling * model.df) / model.df
    return 1 - misfit / ((null.chi2 - null.scaling * null.df) / null.df)


def robust_rni(model: FitTest, null: FitTest) -> float:
    """Return robust CFI without its bounds."""
    return rni(model.chi2, model.scaling * model.df, null.chi2, null.scaling * null.df)


def chi_square_measures(
    model: FitTest,
    null: FitTest,
    *,
    n: float,
    n_groups: int = 1,
    robust: FitTest | None = None,
    robust_null: FitTest | None = None,
) -> dict[str, float]:
    """Return every measure that follows from the tests of a model and of its null model.

    Parameters
    ----------
    model, null : FitTest
        The model and the one without covariances; each with its scaling factor or without.
    n : float
        Rows, less one a group where the estimator is not normal-theory ML on n (GLS, ULS, WLS
        and the Wishart likelihood).
    n_groups : int
        Number of groups.
    robust, robust_null : FitTest or None
        Tests that the robust forms rest on where it is not ``model`` and ``null``: under FIML
        those of ``complete_data_test``.

    Returns
    -------
    dict
        Under lavaan's names; ``.scaled`` and ``.robust`` forms where there are scaling factors.

    Notes
    -----
    The interval and the p values of the scaled RMSEA compare the normal-theory statistic with a
    chi-square of ``c df`` degrees of freedom, as lavaan does; the other scaled forms put the
    scaled statistic into the plain equation.
    """
    found = _comparative(model.chi2, model.df, null.chi2, null.df)
    found |= _tests(model, null)
    found |= _rmsea_family(model.chi2, model.df, n, n_groups)
    found |= {"rmsea.ci.level": LEVEL, "rmsea.close.h0": CLOSE, "rmsea.notclose.h0": NOT_CLOSE}
    found |= {"mfi": mfi(model.chi2, model.df, n)}
    found |= {"cn_05": critical_n(model.chi2, model.df, n, 0.05)}
    found |= {"cn_01": critical_n(model.chi2, model.df, n, 0.01)}
    if not math.isnan(model.scaling):
        scaled = _comparative(model.scaled, model.df, null.scaled, null.df)
        scaled |= _rmsea_family(model.chi2, model.scaling * model.df, n, n_groups)
        found |= {f"{name}.scaled": value for name, value in scaled.items()}
    at, at_null = robust or model, robust_null or null
    if not math.isnan(at.scaling):
        found |= _robust_forms(at, at_null, n, n_groups)
    return found


def _tests(model: FitTest, null: FitTest) -> dict[str, float]:
    """Return the statistics themselves, with p values, plain and scaled."""
    found = {
        "chisq": model.chi2,
        "df": float(model.df),
        "pvalue": model.p_value,
        "baseline.chisq": null.chi2,
        "baseline.df": float(null.df),
        "baseline.pvalue": null.p_value,
    }
    if math.isnan(model.scaling):
        return found
    return found | {
        "chisq.scaled": model.scaled,
        "df.scaled": float(model.df),
        "pvalue.scaled": tail(model.scaled, model.df),
        "chisq.scaling.factor": model.scaling,
        "baseline.chisq.scaled": null.scaled,
        "baseline.df.scaled": float(null.df),
        "baseline.pvalue.scaled": tail(null.scaled, null.df),
        "baseline.chisq.scaling.factor": null.scaling,
    }


def _comparative(chi2: float, df: float, chi2_null: float, df_null: float) -> dict[str, float]:
    """Return the indices that compare a model with its null model."""
    return {
        "cfi": cfi(chi2, df, chi2_null, df_null),
        "tli": tli(chi2, df, chi2_null, df_null),
        "nnfi": tli(chi2, df, chi2_null, df_null),
        "rfi": rfi(chi2, df, chi2_null, df_null),
        "nfi": nfi(chi2, chi2_null),
        "pnfi": pnfi(chi2, df, chi2_null, df_null),
        "ifi": ifi(chi2, df, chi2_null),
        "rni": rni(chi2, df, chi2_null, df_null),
    }


def _rmsea_family(chi2: float, df: float, n: float, n_groups: int) -> dict[str, float]:
    """Return RMSEA with its interval and its two p values."""
    low, high = rmsea_limits(chi2, df, n, n_groups=n_groups, level=LEVEL)
    return {
        "rmsea": rmsea(chi2, df, n, n_groups=n_groups),
        "rmsea.ci.lower": low,
        "rmsea.ci.upper": high,
        "rmsea.pvalue": rmsea_p_close(chi2, df, n, n_groups=n_groups),
        "rmsea.notclose.pvalue": rmsea_p_notclose(chi2, df, n, n_groups=n_groups),
    }


def _robust_forms(model: FitTest, null: FitTest, n: float, n_groups: int) -> dict[str, float]:
    """Return CFI, TLI, RNI and RMSEA in their robust forms."""
    c = model.scaling
    low, high = rmsea_limits(model.scaled, model.df, n, n_groups=n_groups, scaling=c, level=LEVEL)
    close = rmsea_p_close(model.scaled, model.df, n, n_groups=n_groups, scaling=c)
    notclose = rmsea_p_notclose(model.scaled, model.df, n, n_groups=n_groups, scaling=c)
    tli_robust = robust_tli(model, null)
    return {
        "cfi.robust": robust_cfi(model, null),
        "tli.robust": tli_robust,
        "nnfi.robust": tli_robust,
        "rni.robust": robust_rni(model, null),
        "rmsea.robust": rmsea(model.chi2, model.df, n, n_groups=n_groups, scaling=c),
        "rmsea.ci.lower.robust": low,
        "rmsea.ci.upper.robust": high,
        "rmsea.pvalue.robust": close,
        "rmsea.notclose.pvalue.robust": notclose,
    }


def likelihood_measures(
    loglik: float, loglik_saturated: float, n_parameters: int, n: float
) -> dict[str, float]:
    """Return log-likelihoods with AIC, BIC and SABIC, under lavaan's names."""
    return {
        "logl": loglik,
        "unrestricted.logl": loglik_saturated,
        "aic": aic(loglik, n_parameters),
        "bic": bic(loglik, n_parameters, n),
        "ntotal": n,
        "bic2": sabic(loglik, n_parameters, n),
    }

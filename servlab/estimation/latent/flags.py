"""What must a reader of a fit be told? Its flags, with a warning for the worst of them."""

import warnings

import numpy as np

from servlab.core.errors import (
    HeywoodWarning,
    InadmissibleWarning,
    ServlabWarning,
    SmallSampleWarning,
    SparseDataWarning,
)
from servlab.core.linalg import Array
from servlab.estimation.latent.engine import Setup, never_together
from servlab.estimation.latent.measures import Tested
from servlab.estimation.latent.optimize import Place
from servlab.estimation.latent.options import Options
from servlab.estimation.latent.partable import ParameterTable
from servlab.estimation.latent.result import row_values


def told_flags(
    table: ParameterTable,
    setup: Setup,
    place: Place,
    K: Array,
    tested: Tested,
    options: Options,
) -> tuple[str, ...]:
    """Return what a reader must be told, warning of the worst of it."""
    flags = []
    values = row_values(table, place)
    bad = [
        r
        for r in range(len(table.lhs))
        if table.op[r] == "~~" and table.lhs[r] == table.rhs[r] and table.free[r] and values[r] <= 0
    ]
    if bad:
        flags.append("heywood")
        named = ", ".join(f"{table.lhs[r]} ({values[r]:.3g})" for r in bad[:3])
        _warn(
            HeywoodWarning(
                f"Heywood case: the variance of {named} is not positive; the model may be wrong, "
                "or the sample too small for it.",
                key="latent_heywood",
                values={"items": named},
            )
        )
    if _inadmissible(table, place):
        flags.append("inadmissible")
        _warn(
            InadmissibleWarning(
                "The covariances of the factors could not occur in any population (their matrix is "
                "not positive definite); factors may be the same thing, or the model wrong.",
                key="latent_inadmissible",
            )
        )
    if setup.n < K.shape[1]:
        flags.append("small_sample")
        _warn(
            SmallSampleWarning(
                f"{setup.n:.0f} rows for {K.shape[1]} free parameters: errors and tests must not "
                "be trusted; simplify the model or collect more.",
                key="latent_small_sample",
                values={"n": f"{setup.n:.0f}", "free": str(K.shape[1])},
            )
        )
    if options.estimator == "ULS":
        flags.append("naive_errors")
        _warn(
            InadmissibleWarning(
                "The standard errors of ULS presume statistics of equal variance and without "
                "covariances; estimator='MLR' has errors to be trusted.",
                key="latent_naive_errors",
            )
        )
    if tested.indefinite:
        flags.append("indefinite")
        _warn(
            InadmissibleWarning(
                "The observed information is not positive definite at the estimates; standard "
                "errors must not be trusted.",
                key="latent_indefinite",
            )
        )
    apart = never_together(setup)
    if apart:
        flags.append("coverage")
        pair = " and ".join(table.observed[i] for i in apart[0])
        _warn(
            SparseDataWarning(
                f"{len(apart)} pair(s) of items were never answered together, {pair} for one: the "
                "degrees of freedom count covariances that the data do not hold.",
                key="latent_coverage",
                values={"n": str(len(apart)), "pair": pair},
            )
        )
    if setup.samples[0].weights is not None:
        flags.append("weighted")
    if setup.samples[0].clusters is not None:
        flags.append("clustered")
    return tuple(flags)


def _warn(warning: ServlabWarning) -> None:
    """Warn as from the caller of ``cfa``."""
    warnings.warn(warning, stacklevel=7)


def _inadmissible(table: ParameterTable, place: Place) -> bool:
    """Return whether some group's latent covariance matrix is not positive semidefinite."""
    m = len(table.latent)
    if not m:
        return False
    for at in place.implied:
        V = at.V[-m:, -m:]
        scale = np.sqrt(np.maximum(np.abs(np.diag(V)), 1e-12))
        if np.linalg.eigvalsh(V / np.outer(scale, scale))[0] < -1e-8:
            return True
    return False

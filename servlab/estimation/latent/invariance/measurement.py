"""Do groups, or the batteries of one sample, measure the same thing on the same scale?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial as with_options
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from servlab.core.brief import brief
from servlab.core.checks import check_choice
from servlab.core.errors import ModelError
from servlab.core.standards import standard
from servlab.data.survey import Survey
from servlab.estimation.latent.fit import cfa
from servlab.estimation.latent.invariance.batteries import battery_model
from servlab.estimation.latent.invariance.design import BatteryDesign, Design, group_design
from servlab.estimation.latent.invariance.ladder import Climb, Form, Step, climb, index
from servlab.estimation.latent.invariance.rules import ALPHA, RULES, Cutoffs, Level, Rule, cutoffs
from servlab.estimation.latent.options import Estimator, Missing
from servlab.estimation.latent.prepare import Data
from servlab.estimation.latent.result import LatentFit
from servlab.estimation.latent.specification import Model, as_syntax


@brief
@dataclass(frozen=True, slots=True, eq=False)
class InvarianceResult:
    """How far groups, or batteries, measure the same thing on the same scale.

    Attributes
    ----------
    over : {"groups", "batteries"}
    labels : tuple of str
        The groups or batteries; the first is the reference.
    rule : {"chen2007", "cheung2002", "chi2"}
        What a level was judged by.
    form : {"plain", "robust"}
        Form of CFI and RMSEA that changes are taken of.
    estimator : str
    climb : Climb
        Every model with its comparison.
    highest : str
        The highest level that stands by the rule: ``configural``, ``metric``, ``partial scalar``,
        ... It permits nothing where the configural model misfits.
    exploratory : bool
        Whether terms were set free after looking at the data; what rests on that is a
        proposal, to be confirmed on other data.
    violations : DataFrame
        Score tests of the equalities of every level that failed, largest first:
        ``step, term, lhs, op, rhs, statistic, df, p_value``.
    means : DataFrame or None
        Latent means against the reference, only where (partial) scalar invariance stands by the
        rule, to be compared only where ``comparable_means``: ``factor, group, estimate,
        std_error, statistic, p_value, conf_low, conf_high`` in standard deviations of the
        reference, and ``effect_size`` in pooled ones.
    flags : tuple of str
        ``configural_misfit`` (CFI under .90 or RMSEA over .10: the levels then compare a model
        that does not fit), and those of the fits.
    n, n_dropped : int
        Rows used and lost.
    """

    over: Literal["groups", "batteries"]
    labels: tuple[str, ...]
    rule: Rule
    form: Form
    estimator: str
    climb: Climb
    highest: str
    exploratory: bool
    violations: pd.DataFrame
    means: pd.DataFrame | None
    flags: tuple[str, ...]
    n: int
    n_dropped: int

    @property
    def configural_misfit(self) -> bool:
        """Return whether the model without equalities does not describe the answers."""
        return "configural_misfit" in self.flags

    @property
    def comparable_relations(self) -> bool:
        """Return whether correlations and slopes may be compared.

        (Partial) metric invariance holds, of a model that describes the answers.
        """
        return self._licensed("metric")

    @property
    def comparable_means(self) -> bool:
        """Return whether latent means, and gaps of them, may be compared.

        (Partial) scalar invariance holds, of a model that describes the answers: equalities that
        cost a misfitting model nothing do not show one scale.
        """
        return self._licensed("scalar")

    def _licensed(self, level: Level) -> bool:
        stands = any(step.level == level for step in self.climb.accepted)
        return stands and not self.configural_misfit

    @property
    def freed(self) -> tuple[str, ...]:
        """Return the terms set free in the highest model that stands."""
        return self.climb.accepted[-1].freed

    @property
    def freed_items(self) -> tuple[str, ...]:
        """Return the items whose loading or intercept was set free in the scalar model."""
        scalar = [step for step in self.climb.accepted if step.level == "scalar"]
        items = []
        for term in scalar[0].freed if scalar else ():
            if "=~" in term:
                items.append(term.partition("=~")[2])
            elif term.endswith("~1"):
                items.append(term.removesuffix("~1"))
        return tuple(dict.fromkeys(items))

    def fit(self, level: Level) -> LatentFit:
        """Return the model of a level with all its parameters equal."""
        return next(step.fit for step in self.climb.full if step.level == level)

    def limits(self, level: Level) -> Cutoffs | None:
        """Return the cut-offs a level was judged by; None for the chi-square rule."""
        return cutoffs(self.rule, level, self.n)

    def disputed(self, step: Step) -> bool:
        """Tell whether a level stands although CFI alone, or the difference test, speaks against.

        Chen's rule wants CFI and one of RMSEA and SRMR to worsen together.
        """
        if not step.holds or step.difference is None:
            return False
        limit = self.limits(step.level)
        fall = limit is not None and step.changes["cfi"] <= -limit.cfi
        return bool(fall or step.difference.p_value < ALPHA)

    def tidy(self) -> pd.DataFrame:
        """Return a row a model: the full ladder, then models with terms set free.

        ``holds`` is the rule's verdict on the comparison in the row; ``disputed`` that CFI alone
        or the difference test speaks against it; ``accepted`` whether the model stands once
        the levels under it are taken into account.
        """
        steps = [*self.climb.full, *self.climb.partial]
        stands = {id(step) for step in self.climb.accepted}
        rows = [self._row(step) | {"accepted": id(step) in stands} for step in steps]
        return pd.DataFrame(rows)

    def _row(self, step: Step) -> dict[str, object]:
        test, fit = step.difference, step.fit
        scaled = "chisq.scaled" in fit.fit_measures.index
        return {
            "term": step.name,
            "against": step.against,
            "chi2": float(fit.fit_measures["chisq.scaled"]) if scaled else fit.chi2,
            "df": fit.df,
            "p_value": float(fit.fit_measures["pvalue.scaled"]) if scaled else fit.p_value,
            "cfi": index(fit, "cfi", self.form),
            "rmsea": index(fit, "rmsea", self.form),
            "srmr": index(fit, "srmr", self.form),
            "aic": float(fit.fit_measures["aic"]),
            "bic": float(fit.fit_measures["bic"]),
            "chi2_diff": test.chi2 if test else np.nan,
            "df_diff": test.df if test else np.nan,
            "p_diff": test.p_value if test else np.nan,
            "cfi_change": step.changes.get("cfi", np.nan),
            "rmsea_change": step.changes.get("rmsea", np.nan),
            "srmr_change": step.changes.get("srmr", np.nan),
            "holds": step.holds,
            "disputed": self.disputed(step),
            "freed": ", ".join(step.freed),
            "n": self.n,
            "n_dropped": self.n_dropped,
        }

    def glance(self) -> pd.DataFrame:
        """Return one row: the highest level that stands by the rule and what it permits."""
        return pd.DataFrame(
            {
                "highest": [self.highest],
                "rule": [self.rule],
                "comparable_relations": [self.comparable_relations],
                "comparable_means": [self.comparable_means],
                "configural_misfit": [self.configural_misfit],
                "exploratory": [self.exploratory],
                "n": [self.n],
                "n_dropped": [self.n_dropped],
            }
        )


def measurement_invariance(
    model: Model,
    data: Data,
    *,
    group: str | None = None,
    batteries: Sequence[str] | None = None,
    rule: Rule = "chen2007",
    partial: bool = True,
    estimator: Estimator = "ML",
    missing: Missing = "listwise",
    cluster: str | None = None,
    weights: pd.Series | str | None = None,
) -> InvarianceResult:
    """Test whether groups, or batteries of one sample, measure the same on the same scale.

    Parameters
    ----------
    model : str or Instrument
        The measurement model, in lavaan's notation or an instrument's (one factor a dimension).
        With ``batteries`` it is the model of one battery, by item code.
    data : DataFrame, Survey or mapping of str to Moments
        Rows, or published moments a group. With ``batteries`` a column is named
        ``battery_item``, as in ``survey.frame()``.
    group : str, optional
        Column that parts the groups; not needed for moments, whose mapping names them.
    batteries : sequence of str, optional
        Batteries that every respondent answered, as ``("expectation", "perception")``; the
        first is the reference.
    rule : {"chen2007", "cheung2002", "chi2"}
        When a level is lost: CFI falls by .010 and RMSEA or SRMR rises (Chen; stricter with at
        most 300 rows); CFI falls by more than .01 (Cheung and Rensvold); the difference test
        has p under .05.
    partial : bool
        Where a level fails, set the term with the largest score test free, again and again
        until the rule holds, keeping two equal terms a factor.
    estimator, missing, cluster, weights
        As in ``cfa``. With MLM and MLR the difference tests are scaled (satorra2001) and CFI
        and RMSEA in their robust form.

    Returns
    -------
    InvarianceResult

    Raises
    ------
    ModelError
        Unless exactly one of ``group`` and ``batteries`` is given, and as in ``cfa``.

    Notes
    -----
    Levels: configural (same factors and items), metric (equal loadings), scalar (and equal
    intercepts), strict (and equal residual variances). The reference's factors have variance 1
    and mean 0, so that every loading is tested, no marker taken on trust. Batteries are one
    model of repeated measures in which the residuals of an item's answers covary. A gap
    score P - E, and a comparison of groups' means, presume scalar invariance. An item whose
    loading was set free has its intercept set free too. The full ladder is always fitted; the
    verdict stops at the first level that does not stand, at least partially.

    References
    ----------
    chen2007; cheung2002; satorra2001; byrne1989.

    Examples
    --------
    >>> import servlab as sl
    >>> survey = sl.load_example("servqual")
    >>> model = "reliability =~ `5` + `6` + `7` + `8` + `9`"
    >>> found = sl.measurement_invariance(
    ...     model, survey, batteries=("expectation", "perception")
    ... )
    >>> found.labels
    ('expectation', 'perception')
    """
    check_choice("rule", rule, RULES)
    published = isinstance(data, Mapping) and batteries is None
    if (group is None) == (batteries is None) and not (published and group is None):
        raise ModelError(
            "give group, a column that parts respondents, or batteries, which every respondent "
            "answered: one of the two."
        )
    if estimator == "ULS":
        raise ModelError(
            "the chi-square of ULS has no known distribution to compare levels by; use 'ML' or "
            "'MLR'."
        )
    options: dict[str, object] = {
        "estimator": estimator,
        "missing": missing,
        "cluster": cluster,
        "weights": weights,
    }
    if batteries is not None and isinstance(data, Survey) and not data.has(*batteries):
        raise ModelError(
            f"batteries={tuple(batteries)!r} must be batteries of the survey; it has "
            f"{', '.join(data.batteries)}."
        )
    fitter = with_options(_fit, data=data, options=options)
    design: Design
    if batteries is None:
        design = group_design(model, group)
    else:
        design = BatteryDesign(battery_model(as_syntax(model), batteries))
    form: Form = "robust" if estimator in ("MLM", "MLR") else "plain"
    found = climb(design, fitter, rule=rule, form=form, partial=partial)
    return _result(design, found, rule, form, estimator)


def _fit(text: str, *, data: Data, options: dict[str, object], **more: object) -> LatentFit:
    """Return the fit of one model of the ladder."""
    return cfa(text, data, **options, **more)  # type: ignore[arg-type]


def _result(
    design: Design, found: Climb, rule: Rule, form: Form, estimator: str
) -> InvarianceResult:
    """Return what climbing the ladder found as a result."""
    first, last = found.full[0].fit, found.accepted[-1]
    over: Literal["groups", "batteries"] = "groups"
    labels = first.table.group_labels
    if isinstance(design, BatteryDesign):
        over, labels = "batteries", design.batteries
    flags = dict.fromkeys(flag for step in found.accepted for flag in step.fit.flags)
    poor = not all(
        standard(f"configural_{name}").met_by(index(first, name, form)) for name in ("cfi", "rmsea")
    )
    scalar = [step for step in found.accepted if step.level == "scalar"]
    return InvarianceResult(
        over=over,
        labels=labels,
        rule=rule,
        form=form,
        estimator=estimator,
        climb=found,
        highest=last.name,
        exploratory=bool(last.freed),
        violations=found.tests,
        means=_means(design, scalar[0].fit) if scalar else None,
        flags=(*(("configural_misfit",) if poor else ()), *flags),
        n=first.n,
        n_dropped=first.n_dropped,
    )


def _means(design: Design, fit: LatentFit) -> pd.DataFrame:
    """Return the latent means of a (partially) scalar model against the reference."""
    rows = []
    reach = float(stats.norm.isf(0.025))
    sizes = fit.group_sizes
    for at in design.means(fit):
        estimate, error = float(fit.estimates[at.row]), float(fit.errors[at.row])
        own, reference = fit.estimates[at.variance], fit.estimates[at.reference_variance]
        share = 0.5
        if fit.n_groups > 1:
            share = float(sizes[at.group] / (sizes[at.group] + sizes.iloc[0]))
        pooled = np.sqrt(share * own + (1 - share) * reference)
        z = estimate / error if error > 0 else np.nan
        rows.append(
            {
                "factor": at.factor,
                "group": at.group,
                "estimate": estimate,
                "std_error": error,
                "statistic": z,
                "p_value": float(2 * stats.norm.sf(abs(z))),
                "conf_low": estimate - reach * error,
                "conf_high": estimate + reach * error,
                "effect_size": estimate / pooled,
            }
        )
    return pd.DataFrame(rows)

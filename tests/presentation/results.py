"""One result of each kind, small, for the tests of sentences and tables."""

import warnings
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd

from servlab.core.errors import ServlabWarning
from servlab.data.screening import screen_responses
from servlab.data.screening_rules import ScreeningCutoffs
from servlab.data.survey import Survey
from servlab.estimation.adequacy import bartlett_sphericity, kmo
from servlab.estimation.comparison.gap_tests import gap_tests
from servlab.estimation.comparison.groups import compare_groups
from servlab.estimation.cosmin import cosmin_summary
from servlab.estimation.difference_scores import (
    compare_score_forms,
    difference_score_reliability,
)
from servlab.estimation.drivers import importance_performance
from servlab.estimation.efa import efa
from servlab.estimation.factor_count import factor_count
from servlab.estimation.factor_dimensions import factor_dimensions
from servlab.estimation.item_analysis import item_analysis
from servlab.estimation.item_decisions import item_decisions
from servlab.estimation.mcar import mcar_test
from servlab.estimation.mode_effects import mode_effect
from servlab.estimation.nonresponse import early_late
from servlab.estimation.normality import mardia
from servlab.estimation.omega import mcdonald_omega
from servlab.estimation.ordinal_reliability import categorical_omega, polychoric_alpha
from servlab.estimation.raking import rake
from servlab.estimation.regression.brant import brant_test
from servlab.estimation.regression.hierarchical import hierarchical_regress
from servlab.estimation.regression.influence import influence
from servlab.estimation.regression.johnson_neyman import johnson_neyman
from servlab.estimation.regression.linear import regress
from servlab.estimation.regression.logistic import logistic_regress
from servlab.estimation.regression.marginal_effects import marginal_effects
from servlab.estimation.regression.mediation import mediation
from servlab.estimation.regression.ordinal import ordinal_regress
from servlab.estimation.regression.quantile import quantile_regress
from servlab.estimation.regression.simple_slopes import simple_slopes
from servlab.estimation.reliability import cronbach_alpha
from servlab.estimation.reliability_coefficients import reliability_coefficients
from servlab.estimation.replication import hold_out
from servlab.estimation.response_rates import response_rates
from servlab.estimation.retention import map_test, parallel_analysis
from servlab.estimation.scale_item_analysis import scale_item_analysis
from servlab.estimation.scale_reliability import scale_reliability
from servlab.estimation.screening_effect import screening_effect
from servlab.estimation.split_half import guttman_lambdas, split_half
from servlab.estimation.survey_sample_size import sample_size_difference, sample_size_share
from servlab.scales.descriptives import item_descriptives
from servlab.scales.gaps import gap_scores
from servlab.scales.missing import missing_patterns
from servlab.scales.sample import sample_table
from servlab.scales.scoring import dimension_scores
from servlab.scales.tolerance import zone_of_tolerance
from servlab.scales.weighting import servqual_score
from tests.surveys import tiny_survey


@cache
def survey() -> Survey:
    """Three dimensions of three items, with some answers missing."""
    return tiny_survey(n=90, per_dimension=(3, 3, 3), missing=0.02, points=True)


@cache
def zones() -> Survey:
    return tiny_survey(
        n=50, per_dimension=(2, 2), batteries=("adequate", "desired", "perception"), seed=3
    )


@cache
def results() -> dict[str, object]:
    """Return results by name."""
    s = survey()
    items = s.items("perception")
    scores = dimension_scores(s, "perception")
    data = scores.scores.join(s.outcomes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ServlabWarning)
        return {
            "gaps": gap_scores(s),
            "scores": scores,
            "equal": servqual_score(s),
            "respondent": servqual_score(s, weights="respondent"),
            "reference": servqual_score(s, weights="reference", score="perception"),
            "items": item_descriptives(s, "expectation"),
            "forms": compare_score_forms(s, "satisfaction"),
            "difference": difference_score_reliability(s),
            "reliability": scale_reliability(s, "perception"),
            "alpha": cronbach_alpha(items),
            "kmo": kmo(items),
            "bartlett": bartlett_sphericity(items),
            "parallel": parallel_analysis(items, seed=1, n_draws=20),
            "efa": efa(items, 2),
            "efa_one": efa(items, 1),
            "regression": regress("satisfaction ~ a + b + c", data),
            "collinear": regress("satisfaction ~ a + b + d", data.assign(d=_near(data["a"]))),
            "gap_tests": gap_tests(s),
            "gap_tests_margin": gap_tests(s, margin=0.5, adjust="bh"),
            **_regressions(data.join(s.covariates)),
            "groups": compare_groups(s, by="branch"),
            "groups_weighted": compare_groups(
                replace(s, weights=pd.Series(np.linspace(0.5, 2, s.n), index=s.index)), by="branch"
            ),
            "hidden": compare_groups(s, by="branch", min_cell=_smallest(s) + 1),
            "derived": importance_performance(s, "satisfaction", level="item"),
            "stated": importance_performance(s),
            "zone": zone_of_tolerance(zones()),
            "screening": screen_responses(s),
            "rates": response_rates({"I": 90, "P": 4, "R": 30, "NC": 20, "UO": 40, "NE": 16}),
            "early": early_late(s),
            "mode": mode_effect(s, mode="branch", adjust=()),
            "raking": rake(s, {"branch": dict.fromkeys(["north", "south", "west"], 1 / 3)}),
            "size": sample_size_difference(std_dev=1.1, detect=0.4, response_rate=0.5),
            "size_share": sample_size_share(margin=0.05, population=900, design_effect=1.5),
            "mcar": mcar_test(items),
            "sample": sample_table(s),
            "missing": missing_patterns(s),
            "effect": screening_effect(s, ["long_string", "outlying"], cutoffs=_strict()),
            **_dossier(s, items),
            **_choices(s),
        }


def _regressions(data: pd.DataFrame) -> dict[str, object]:
    """Return the results around a regression."""
    moderated = regress("satisfaction ~ a * b + a * branch", data)
    return {
        "clustered": regress("satisfaction ~ a", data, cluster="branch"),
        "steps": hierarchical_regress(
            ["satisfaction ~ branch", "satisfaction ~ branch + a * b"], data
        ),
        "influence": influence(moderated),
        "slopes": simple_slopes(moderated, "a", "b"),
        "slopes_outside": simple_slopes(moderated, "a", "b", at=[3, 99]),
        "slopes_by_branch": simple_slopes(moderated, "a", "branch"),
        "region": johnson_neyman(moderated, "a", "b"),
        "region_fdr": johnson_neyman(moderated, "a", "b", adjust="fdr"),
        "quantiles": quantile_regress("satisfaction ~ a + branch", data, quantiles=(0.3, 0.7)),
    }


def _choices(s: Survey) -> dict[str, object]:
    """Return the results of ordered and yes-or-no outcomes and of mediation."""
    scores = dimension_scores(s, "perception").scores
    data = s.frame()[["satisfaction", "branch"]].join(scores)
    data["satisfaction"] = data["satisfaction"].clip(2, 6)
    data["top"] = (data["satisfaction"] > 4) * 1.0
    ordinal = ordinal_regress("satisfaction ~ a + branch", data)
    logistic = logistic_regress("top ~ a + b", data)
    return {
        "ordinal": ordinal,
        "ordinal_probit": ordinal_regress("satisfaction ~ a + b", data, link="probit"),
        "logistic": logistic,
        "brant": brant_test(ordinal_regress("satisfaction ~ a", data)),
        "marginal_ordinal": marginal_effects(ordinal),
        "marginal_logistic": marginal_effects(logistic),
        "mediation": mediation(
            data, predictor="a", mediators=["b", "c"], outcome="satisfaction", seed=1, n_draws=200
        ),
    }


def _dossier(s: Survey, items: pd.DataFrame) -> dict[str, object]:
    """Return the results of a scale validation."""
    fit = efa(items, 2)
    analysis = scale_item_analysis(s, "perception")
    coefficients = reliability_coefficients(s, "perception")
    replication = hold_out(items, 2, seed=1)
    return {
        "item_analysis": item_analysis(items),
        "scale_items": analysis,
        "coefficients": coefficients,
        "omega": mcdonald_omega(items, n_factors=3),
        "omega_one": mcdonald_omega(items, n_factors=1),
        "categorical": categorical_omega(items),
        "latent": polychoric_alpha(items),
        "halves": split_half(items),
        "lambdas": guttman_lambdas(items),
        "count": factor_count(items, seed=1, n_draws=20),
        "map": map_test(items),
        "mardia": mardia(items),
        "dimensions": factor_dimensions(fit, s.instrument),
        "decisions": item_decisions(analysis, fit, adequacy=kmo(items)),
        "replication": replication,
        "cosmin": cosmin_summary(
            s, "perception", fit=fit, reliability=coefficients, replication=replication
        ),
    }


def _strict() -> ScreeningCutoffs:
    """Return cut-offs at which somebody is proposed."""
    return ScreeningCutoffs(outlier_p=0.1, long_string=4)


def _near(values: pd.Series) -> pd.Series:
    """Return a column that nearly is another one."""
    noise = np.random.default_rng(5).normal(scale=0.1, size=len(values))
    return values + noise


def _smallest(s: Survey) -> int:
    """Return the size of the smallest branch with scores, so that it is hidden with the next."""
    complete = gap_scores(s).overall["overall_items"].notna()
    return int(s.covariates["branch"][complete].value_counts().min())

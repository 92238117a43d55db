"""Items, adequacy and the number of factors against psych."""

from dataclasses import replace

import numpy as np
import pandas as pd

import servlab as sl
from servlab.data.schema import Scale
from servlab.estimation.null_draws import wishart_cor
from tests.agreement import GOLDEN
from tests.golden_checks import checks, data_of
from tests.surveys import tiny_instrument, tiny_survey
from tests.tolerances import CLOSED_FORM, ITERATIVE


@checks("kmo_*")
def check_kmo(stored, agree):
    ours = sl.kmo(data_of(stored))
    agree(stored["name"], "KMO, overall", ours.overall, stored["result"]["MSA"], CLOSED_FORM)
    theirs = list(stored["result"]["MSAi"].values())
    agree(stored["name"], "KMO by item", ours.by_item, theirs, CLOSED_FORM)


@checks("bartlett_*")
def check_bartlett(stored, agree):
    name, theirs = stored["name"], stored["result"]
    ours = sl.bartlett_sphericity(data_of(stored))
    agree(
        name, "Bartlett's chi-square", ours.statistic, theirs["chisq"], CLOSED_FORM, relative=True
    )
    agree(name, "Bartlett's degrees of freedom", ours.df, theirs["df"], 0)
    agree(name, "Bartlett's p value", ours.p_value, theirs["p.value"], CLOSED_FORM)
    agree(name, "determinant (log)", ours.log_det, np.log(theirs["det"]), CLOSED_FORM)


@checks("mardia_*")
def check_mardia(stored, agree):
    ours, theirs = sl.mardia(data_of(stored)), stored["result"]
    pairs = {
        "Mardia's skewness": (ours.skewness, "b1p"),
        "Mardia's kurtosis": (ours.kurtosis, "b2p"),
        "Mardia's skewness statistic": (ours.skewness_statistic, "skew"),
        "Mardia's skewness statistic, small sample": (ours.skewness_small, "small_skew"),
        "Mardia's kurtosis statistic": (ours.kurtosis_statistic, "kurtosis"),
    }
    convention = "covariances with denominator n - 1, as psych; Mardia's own have n."
    for statistic, (value, key) in pairs.items():
        agree(
            stored["name"],
            statistic,
            value,
            theirs[key],
            CLOSED_FORM,
            relative=True,
            convention=convention,
        )
    agree(
        stored["name"],
        "Mardia's p values",
        [ours.skewness_p, ours.kurtosis_p],
        [theirs["p_skew"], theirs["p_kurt"]],
        CLOSED_FORM,
    )


@checks("describe_bfi_type2")
def check_descriptives_without_bias(stored, agree):
    data = pd.read_csv(GOLDEN / "data" / "bfi25_full.csv").iloc[:300]
    ours, theirs, name = _described(data), stored["result"], stored["name"]
    agree(name, "item n", ours["n"], theirs["n"], 0)
    for column, key in {"mean": "mean", "std_dev": "sd", "skewness": "skew"}.items():
        agree(name, f"item {WORDS[column]}", ours[column], theirs[key], CLOSED_FORM)
    agree(name, "item kurtosis", ours["kurtosis"], theirs["kurtosis"], CLOSED_FORM)


WORDS = {"mean": "mean", "std_dev": "standard deviation", "skewness": "skewness"}


@checks("describe_bfi")
def check_descriptives(stored, agree):
    data, name = data_of(stored), stored["name"]
    ours = _described(data)
    theirs = {
        key: np.array([row[key] for row in stored["result"]], dtype=float)
        for key in ("n", "mean", "sd", "skew", "kurtosis")
    }
    n = theirs["n"]
    agree(name, "item n", ours["n"], n, 0)
    agree(name, "item mean", ours["mean"], theirs["mean"], CLOSED_FORM)
    agree(name, "item standard deviation", ours["std_dev"], theirs["sd"], CLOSED_FORM)
    # psych: m3 / s^3 and m4 / s^4 - 3 with s over n - 1; ours are SPSS's, without bias
    plain = theirs["skew"] * (n / (n - 1)) ** 1.5
    agree(
        name,
        "item skewness",
        ours["skewness"],
        plain * np.sqrt(n * (n - 1)) / (n - 2),
        CLOSED_FORM,
        convention="ours without bias (SPSS, SAS); psych's type 3 converted.",
    )
    plain = (theirs["kurtosis"] + 3) * (n / (n - 1)) ** 2 - 3
    unbiased = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * plain + 6)
    agree(
        name,
        "item kurtosis",
        ours["kurtosis"],
        unbiased,
        CLOSED_FORM,
        convention="excess, ours without bias (SPSS, SAS); psych's type 3 converted.",
    )


def _described(data):
    """Return item descriptives of a frame through a survey made for it."""
    survey = tiny_survey(n=len(data), per_dimension=(5,) * 5, batteries=("perception",))
    codes = [item.code for item in tiny_instrument((5,) * 5, ("perception",)).items]
    answers = data.set_axis(codes, axis=1).set_axis(survey.index, axis=0).astype(float)
    survey = replace(
        survey,
        answers={"perception": answers},
        scales={"perception": Scale(low=1, high=6)},
    )
    return sl.item_descriptives(survey, "perception").by_item


@checks("vss_map_*")
def check_map(stored, agree):
    theirs = np.array(stored["result"]["map"], dtype=float)
    ours = sl.map_test(data_of(stored)).average.to_numpy()[: len(theirs)]
    agree(
        stored["name"], "MAP (1976), each number of factors", ours, theirs[: len(ours)], CLOSED_FORM
    )


NULL_TYPES = [
    ("components", "normal", "mean", "pc_sim_mean"),
    ("components", "normal", "percentile", "pc_sim_q95"),
    ("components", "permutation", "mean", "pc_resampled_mean"),
    ("components", "permutation", "percentile", "pc_resampled_q95"),
    ("common", "normal", "mean", "fa_sim_mean"),
    ("common", "normal", "percentile", "fa_sim_q95"),
    ("common", "permutation", "mean", "fa_resampled_mean"),
    ("common", "permutation", "percentile", "fa_resampled_q95"),
]
WISHART = "normal draws come from the Wishart distribution, without rows."
THEIR_DRAWS = 20  # psych's runs here
BLOCKS = 12  # of ours, as many draws each: their scatter is the Monte Carlo error


@checks("parallel_*")
def check_parallel(stored, agree):
    name, theirs, data = stored["name"], stored["result"], data_of(stored)
    for factors, draws, statistic, key in NULL_TYPES:
        runs = [
            sl.parallel_analysis(
                data,
                seed=seed,
                n_draws=THEIR_DRAWS,
                factors=factors,
                draws=draws,
                statistic=statistic,
            )
            for seed in range(BLOCKS)
        ]
        observed = theirs["pc_values" if factors == "components" else "fa_values"]
        exact = CLOSED_FORM if factors == "components" else ITERATIVE  # psych's minres
        agree(name, f"eigenvalues, {factors}", runs[0].eigenvalues, observed, exact)
        null = np.array([run.null for run in runs])
        error = null.std(axis=0, ddof=1) * np.sqrt(1 + 1 / BLOCKS)
        agree(
            name,
            f"null eigenvalues, {factors}, {draws}, {statistic}",
            null.mean(axis=0) / error,
            np.array(theirs[key]) / error,
            5,
            unit="Monte Carlo errors of 20 draws",
            convention="normal draws come from the Wishart distribution, without rows.",
        )
        if statistic == "percentile":
            count = theirs["ncomp" if factors == "components" else "nfact"]
            most = np.median([run.n_factors for run in runs])
            agree(name, f"number of factors by parallel analysis, {factors}", most, count, 0)


@checks("horn_random_normal")
def check_horn(stored, agree):
    draws = 1000
    for case in stored["result"]:
        n, p = case["n"], case["p"]
        drawn = np.linalg.eigvalsh(wishart_cor(np.random.default_rng(1), n, p, draws))[:, ::-1]
        error = np.array(case["sd"]) * np.sqrt(1 / case["iter"] + 1 / draws)
        agree(
            stored["name"],
            "null eigenvalues from the Wishart distribution, mean",
            drawn.mean(axis=0) / error,
            case["mean"] / error,
            5,
            unit="Monte Carlo errors",
        )
        # a 95th percentile is known to about twice the error of a mean
        agree(
            stored["name"],
            "null eigenvalues from the Wishart distribution, 95th percentile",
            np.percentile(drawn, 95, axis=0) / (2.2 * error),
            case["q95"] / (2.2 * error),
            5,
            unit="Monte Carlo errors",
        )

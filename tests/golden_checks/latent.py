"""CFA and SEM against lavaan, file by file.

lavaan stops where its log-likelihood hardly changes, which leaves up to 6e-5 in some estimates
and standard errors (relative). Those of ``EARLY`` are held at 1e-5 against
``latent_converged``: the same calls run on until nothing moved, where servlab always ends; and
the stored ones at ``STOPPED``.
"""

import re
import warnings

import numpy as np
import pandas as pd

import servlab as sl
from servlab.core.errors import ServlabWarning
from servlab.estimation.latent.fiml import saturated_moments
from servlab.estimation.latent.row_patterns import find_patterns
from tests.agreement import GOLDEN
from tests.agreement import stored as stored_file
from tests.golden_checks import checks, matrix

EST = SE = STD = 1e-5  # what issue 5 asks for
ROBUST_SE = CHI2 = 1e-4
MI = 1e-4
INDEX, FIML_INDEX = 1e-6, 1e-5
STOPPED = 1e-4
EARLY = {
    "cfa_bfi_fiml", "cfa_bfi_ml", "cfa_bfi_mlr", "cfa_hs_bifactor_ml", "cfa_hs_higherorder_ml",
    "mg_bfi_gender_ml_configural", "mg_bfi_gender_ml_metric", "mg_bfi_gender_ml_scalar",
    "mg_bfi_gender_ml_strict", "mg_hs_school_fiml_configural", "mg_hs_school_fiml_metric",
    "mg_hs_school_fiml_scalar", "mg_hs_school_fiml_strict", "mg_hs_school_ml_configural",
    "mg_hs_school_mlr_configural", "mg_hs_school_mlr_metric", "mg_hs_school_mlr_scalar",
}  # fmt: skip
# lavaan's EM stops at 1e-5, which moves the saturated moments behind the robust forms
EM = {"cfi.robust", "tli.robust", "nnfi.robust", "rni.robust", "rmsea.robust"}
EM |= {"rmsea.ci.lower.robust", "rmsea.ci.upper.robust", "rmsea.pvalue.robust"}
EM |= {"rmsea.notclose.pvalue.robust"}
EM_INDEX = 1e-4


def options_of(call: str) -> dict:
    """Return our options for a call of lavaan."""
    options: dict = {}
    for ours, pattern in (
        ("estimator", r'estimator="(\w+)"'),
        ("missing", r'missing="(\w+)"'),
        ("likelihood", r'likelihood="(\w+)"'),
        ("information", r'information="(\w+)"'),
        ("group", r'group="(\w+)"'),
    ):
        if found := re.search(pattern, call):
            options[ours] = found[1]
    for ours, theirs in (("std_lv", "std.lv"), ("orthogonal", "orthogonal")):
        if f"{theirs}=TRUE" in call:
            options[ours] = True
    if "meanstructure=TRUE" in call:
        options["meanstructure"] = True
    for ours, theirs in (("group_equal", "group.equal"), ("group_partial", "group.partial")):
        if found := re.search(rf"{theirs}=(c\([^)]*\)|\"[^\"]+\")", call):
            options[ours] = re.findall(r'"([^"]+)"', found[1])
    return options


def fitted(reference: dict):
    """Return our fit of a stored model."""
    data = pd.read_csv(GOLDEN / "data" / reference["data_file"].split("/")[-1])
    model = sl.sem if reference["name"].startswith("sem") else sl.cfa
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ServlabWarning)
        return model(reference["result"]["model"], data, **options_of(reference["call"]))


def in_our_order(fit, rows: list[dict]) -> np.ndarray:
    """Return for each of lavaan's rows the position of ours."""
    table = fit.table
    ours = {
        (lhs, op, rhs, int(group)): k
        for k, (lhs, op, rhs, group) in enumerate(
            zip(table.lhs, table.op, table.rhs, table.group, strict=True)
        )
    }
    at = len(ours)
    for k, definition in enumerate(table.definitions):
        ours[(definition.name, ":=", "", 0)] = at + k
    found = []
    for row in rows:
        defined = row["op"] == ":="
        key = (row["lhs"], row["op"], "" if defined else row["rhs"])
        found.append(ours[(*key, 0 if defined else int(row.get("group", 1)))])
    return np.array(found)


def numbers(values) -> np.ndarray:
    return np.array([np.nan if v is None else v for v in values], dtype=float)


def values_of(part) -> np.ndarray:
    """Return the numbers of a stored vector, named or not."""
    return numbers(part.values() if isinstance(part, dict) else part)


def gap(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Return ours as theirs plus a deviation relative to the larger of 1 and their size."""
    return theirs + (ours - theirs) / np.maximum(np.abs(theirs), 1)


@checks("cfa_*", "sem_*", "mg_*")
def check_model(stored, agree):
    name, result = stored["name"], stored["result"]
    fit = fitted(stored)
    assert fit.df == result["fit_measures"]["df"]
    check_parameters(name, fit, result, agree)
    check_measures(name, fit, result["fit_measures"], agree)
    check_moments(name, fit, result, agree)
    if "score_test" in result:
        check_score_tests(name, fit, result["score_test"], agree)
    if "modindices" in result.get("extra", {}):
        check_extra(name, fit, result["extra"], agree)


def check_score_tests(name, fit, stored, agree):
    ours = sl.score_tests(fit)
    assert ours.df == stored["test"][0]["df"]
    limit = STOPPED * (10 if name in EARLY or fit.n > 1000 else 1)  # the slopes are lavaan's
    agree(name, "score test of all equalities", [ours.chi2], [stored["test"][0]["X2"]], limit)
    single = [row["X2"] for row in stored["uni"]]
    agree(name, "score tests, one by one", ours.by_constraint["statistic"], single, limit)


def check_extra(name, fit, extra, agree):
    ours = sl.modification_indices(fit).table
    theirs = pd.DataFrame(extra["modindices"])
    assert list(ours["lhs"] + ours["op"] + ours["rhs"]) == list(
        theirs["lhs"] + theirs["op"] + theirs["rhs"]
    )
    agree(name, "modification indices", ours["mi"], theirs["mi"], MI)
    agree(name, "expected changes", ours["epc"], theirs["epc"], EST)
    for kind in ("lv", "all", "nox"):
        label = f"expected changes, standardized ({kind})"
        agree(name, label, ours[f"sepc_{kind}"], theirs[f"sepc.{kind}"], EST)
    agree(name, "residual correlations", sl.model_residuals(fit).cov[""],
          matrix(extra["residuals_cor"]), EST)  # fmt: skip
    z = sl.model_residuals(fit, kind="standardized").cov[""].to_numpy()
    off = ~np.eye(len(z), dtype=bool)  # on the diagonal rounding over rounding
    agree(name, "standardized residuals", z[off], matrix(extra["residuals_standardized"])[off], MI)
    assert np.abs(np.diag(z)).max() < 1e-5
    for method in ("regression", "bartlett"):
        scores = sl.factor_scores(fit, method=method).scores.head(10)
        agree(name, f"factor scores ({method})", scores,
              np.array(extra[f"factor_scores_{method}_head"]["values"]), EST)  # fmt: skip


def check_parameters(name, fit, result, agree):
    rows, tidy = result["parameters"], fit.tidy()
    at = in_our_order(fit, rows)
    standard = sl.standardized_solution(fit)
    converged = stored_file("latent_converged")["result"][name]
    robust = SE if fit.std_errors == "standard" else ROBUST_SE
    theirs = {
        "est": numbers(row["est"] for row in rows),
        "se": numbers(row["se"] for row in rows),
        "std": numbers(row["est.std"] for row in result["standardized"]),
        "std_se": numbers(row["se"] for row in result["standardized"]),
    }
    ours = {
        "est": tidy["estimate"].to_numpy()[at],
        "se": tidy["std_error"].to_numpy()[at],
        "std": tidy["std_all"].to_numpy()[at],
        "std_se": standard["std_error"].to_numpy()[at],
    }
    limits = {"est": EST, "se": robust, "std": STD, "std_se": robust}
    words = {"est": "estimates", "se": "standard errors", "std": "standardized estimates"}
    words["std_se"] = "standard errors of standardized estimates"
    for key, limit in limits.items():
        numbers_of = [("stored", theirs[key], STOPPED if name in EARLY else limit)]
        numbers_of.append(("run to convergence", numbers(converged[key]), 2e-6))
        for source, values, tolerance in numbers_of:
            errors = key.endswith("se")
            used = values > 1e-9 if errors else np.ones(len(values), dtype=bool)
            mine = ours[key][used] if errors else gap(ours[key][used], values[used])
            agree(
                name if source == "stored" else "latent_converged",
                f"{words[key]}{'' if source == 'stored' else ', lavaan run to convergence'}",
                mine,
                values[used],
                tolerance,
                relative=errors,
            )
            assert (np.abs(ours[key][~used]) < 1e-6).all()


def check_measures(name, fit, measures, agree):
    fiml = fit.missing == "fiml"
    kinds: dict[str, list[str]] = {"chi-squares and likelihoods": [], "fit indices": []}
    kinds["fit indices for incomplete rows"] = []
    for measure, value in measures.items():
        if value is None:
            assert np.isnan(fit.fit_measures[measure]), measure
        elif any(word in measure for word in ("chisq", "logl", "aic", "bic", "cn_")):
            kinds["chi-squares and likelihoods"].append(measure)
        elif measure in EM and fiml:
            kinds["fit indices for incomplete rows"].append(measure)
        else:
            kinds["fit indices"].append(measure)
    limits = (CHI2, FIML_INDEX if fiml else INDEX, EM_INDEX)
    for (kind, chosen), limit in zip(kinds.items(), limits, strict=True):
        if chosen:
            theirs = numbers(measures[measure] for measure in chosen)
            agree(name, kind, gap(fit.fit_measures[chosen].to_numpy(), theirs), theirs, limit)


def check_moments(name, fit, result, agree):
    labels = fit.table.group_labels
    parts = [result["implied"]] if labels == ("",) else [result["implied"][g] for g in labels]
    limit = STOPPED if name in EARLY else 2e-5
    for label, part in zip(labels, parts, strict=True):
        group = label or None
        agree(name, "implied covariances", fit.implied_cov(group), matrix(part["cov"]), limit)
        if "mean" in part:
            means = [part["mean"][item] for item in fit.observed]
            agree(name, "implied means", fit.implied_mean(group), means, limit)
        if fit.table.group_labels == ("",):
            shares = {k: v for k, v in result["r2"].items() if v is not None}
            mine = fit.r_squared()[list(shares)]
            agree(name, "explained variance", mine, list(shares.values()), limit)
    vcov = matrix(result["vcov"])
    scale = np.sqrt(np.outer(np.diag(vcov), np.diag(vcov)))
    agree(name, "covariances of estimates", fit.vcov / scale, vcov / scale, 2 * STOPPED)


@checks("mg_*_lrt")
def check_difference_tests(stored, agree):
    name = stored["name"]
    stem = name.removesuffix("_lrt")
    levels = ("configural", "metric", "scalar", "strict")
    fits = {level: fitted(stored_file(f"{stem}_{level}")) for level in levels}
    ours = sl.compare_models(fits).table
    theirs = pd.DataFrame(stored["result"]["table"])
    assert list(ours["model"]) == list(theirs["model"])
    assert list(ours["df_diff"][1:]) == list(theirs["Df.diff"][1:])
    # lavaan's scaling factors carry its early stop
    limit = 2e-3 if "bfi" in name else 2e-4
    agree(name, "difference tests", ours["chi2_diff"][1:], theirs["Chisq.diff"][1:], limit)
    agree(name, "p values of difference tests", ours["p_value"][1:], theirs["Pr..Chisq."][1:], EST)
    agree(name, "AIC", ours["aic"], theirs["AIC"], CHI2)
    agree(name, "BIC", ours["bic"], theirs["BIC"], CHI2)


@checks("fiml_saturated_*")
def check_saturated(stored, agree):
    name, result = stored["name"], stored["result"]
    items = [f"x{i}" for i in range(1, 10)]
    data = pd.read_csv(GOLDEN / "data" / "hs1939_missing.csv")[items].to_numpy(dtype=float)
    cov, mean, _ = saturated_moments(find_patterns(data), tuple(items))
    # lavaan's EM stops when the log-likelihood moves by less than 1e-5
    agree(name, "saturated covariances", cov, matrix(result["cov"]), EM_INDEX)
    agree(name, "saturated means", mean, [result["mean"][item] for item in items], EM_INDEX)


@checks("cfa_*_bootstrap*")
def check_bootstrap(stored, agree):
    """Another generator draws other rows: within Monte Carlo error."""
    name, result = stored["name"], stored["result"]
    reference = stored_file("cfa_hs_ml")
    boot = sl.bootstrap_fit(fitted(reference), seed=1, n_draws=500)
    spread = values_of(result["boot_sd"])
    draws = boot.draws.to_numpy()
    assert boot.n_failed == 0
    # 4 standard errors of a difference of 1000 draws there and 500 here
    away = (draws.mean(axis=0) - values_of(result["boot_mean"])) / spread
    agree(name, "bootstrap means", away, np.zeros_like(away), 4 * np.sqrt(3 / 1000),
          unit="standard deviations")  # fmt: skip
    agree(name, "bootstrap standard errors", draws.std(axis=0, ddof=1), spread,
          4 * np.sqrt(3 / 1000), relative=True)  # fmt: skip
    for key, p in (("q025", 0.025), ("q975", 0.975)):
        away = (np.quantile(draws, p, axis=0) - values_of(result[key])) / spread
        limit = 4 * 2.7 * np.sqrt(3 / 1000)
        agree(name, f"bootstrap quantile {p}", away, np.zeros_like(away), limit,
              unit="standard deviations")  # fmt: skip


MORE_OPTIONS = {"sampling.weights": "weights", "group.equal": "group_equal"}
# lavaan weighs groups by n_g / n where this needs (n_g - 1) / (n - G): 1e-4 of a standard error
UNEQUAL_GROUPS = {"gls_groups": 3e-4, "uls_groups": 3e-4, "wishart_groups": 3e-4}
# lavaan refuses tight control under nonlinear restrictions and stops early
MORE_LIMITS = {"nonlinear": 1e-4, "linear": 1e-5, "covariates_means": 2e-4} | UNEQUAL_GROUPS
MORE_LIMITS |= {"settled": 1e-4, "redundant": 1e-4}


def more_data(which: str) -> pd.DataFrame:
    """Return the rows with weights and clusters by the rule of 71_latent_more.R."""
    data = pd.read_csv(GOLDEN / "data" / "hs1939.csv")
    if which == "some":
        some = pd.read_csv(GOLDEN / "data" / "hs1939_missing.csv")
        data[[c for c in some.columns if c in data]] = some[[c for c in some.columns if c in data]]
    i = np.arange(1, len(data) + 1)
    data["w"], data["cl"] = 0.5 + (7 * i) % 11 / 5, (7 * i) % 37
    return data


@checks("latent_more")
def check_more(stored, agree):
    for case, reference in stored["result"].items():
        if "model" in reference:
            check_case("latent_more", case, reference, agree)
    wider = {"MLR": (), "MLM": ()}
    for estimator in wider:
        data = more_data("full")
        fits = [
            sl.cfa(stored["result"]["weights"]["model"], data, group="school",
                   estimator=estimator, group_equal=equal)
            for equal in ((), ("loadings",), ("loadings", "intercepts"))
        ]  # fmt: skip
        found = sl.compare_models(fits, method="satorra_bentler_2010").table["chi2_diff"][1:]
        theirs = stored["result"]["difference_2010"][estimator]
        agree("latent_more", f"difference tests of 2010 ({estimator})", found, theirs, 1e-3)
    theirs = pd.DataFrame(stored["result"]["modification_groups"])
    narrow = sl.cfa(stored["result"]["weights"]["model"], more_data("full"), group="school",
                    group_equal=("loadings", "intercepts"))  # fmt: skip
    ours = sl.modification_indices(narrow).table
    assert len(ours) == len(theirs)
    agree("latent_more", "modification indices in groups", np.sort(ours["mi"]),
          np.sort(theirs["mi"]), MI)  # fmt: skip
    agree("latent_more", "expected changes in groups", np.sort(ours["epc"]),
          np.sort(theirs["epc"]), EST)  # fmt: skip


def check_case(golden, case, reference, agree):
    """Compare one further model; return our fit."""
    options = {MORE_OPTIONS.get(k, k): v for k, v in dict(reference["options"] or {}).items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ServlabWarning)
        fit = sl.sem(reference["model"], more_data(reference["data"]), **options)
    rows = [row for row in reference["parameters"] if row["op"] not in ("==", "<", ">")]
    at, tidy = in_our_order(fit, rows), fit.tidy()
    limit = MORE_LIMITS.get(case, 2e-6)
    values = numbers(row["est"] for row in rows)
    mine = gap(tidy["estimate"].to_numpy()[at], values)
    agree(golden, f"estimates: {case}", mine, values, max(limit, 2e-5))
    errors = numbers(row["se"] for row in rows)
    used = errors > 1e-9
    agree(golden, f"standard errors: {case}", tidy["std_error"].to_numpy()[at][used],
          errors[used], limit, relative=True)  # fmt: skip
    for kind in ("nox", "lv"):
        standard = sl.standardized_solution(fit, kind=kind)
        parts = [row for row in reference["std"] if row["op"] not in ("==", "<", ">")]
        for column, key in (("estimate", kind), ("std_error", f"{kind}_se")):
            theirs = numbers(row[key] for row in parts)
            agree(golden, f"standardized ({kind}, {column}): {case}",
                  standard[column].to_numpy()[at], theirs, max(limit, 2e-5))  # fmt: skip
    kept = {}
    for measure, value in reference["fit_measures"].items():
        skip = case == "fiml_expected" and measure in EM  # another weight for the same correction
        skip |= case == "weights_fiml" and "gfi" in measure  # its sample moments are unweighted
        if value is None or skip:
            continue
        kept[measure] = value
    theirs = numbers(kept.values())
    mine = gap(fit.fit_measures[list(kept)].to_numpy(), theirs)
    agree(golden, f"fit measures: {case}", mine, theirs, max(limit, 1e-5))
    return fit


# with groups lavaan weighs them by n_g / n, see UNEQUAL_GROUPS
OUTSIDE_MI = {"wishart_groups": 1e-3, "gls_groups": 1e-3, "redundant": 1e-3, "settled": 1e-3}


@checks("latent_outside")
def check_outside(stored, agree):
    for case, reference in stored["result"].items():
        fit = check_case("latent_outside", case, reference, agree)
        found = sl.modification_indices(fit).table
        labels = list(fit.table.group_labels)
        ours = {
            (*ends, row.op, row.group): row
            for row in found.itertuples()
            for ends in ((row.lhs, row.rhs), (row.rhs, row.lhs))[: 2 if row.op == "~~" else 1]
        }
        rows = reference["modification"]
        keys = [(r["lhs"], r.get("rhs") or "", r["op"], labels[int(r["group"]) - 1]) for r in rows]
        theirs = {frozenset(key) for key in keys}
        extra = [
            r for r in found.itertuples() if frozenset((r.lhs, r.rhs, r.op, r.group)) not in theirs
        ]
        # lavaan offers no covariance of an indicator's residual and an outcome's
        assert all(r.op == "~~" and case.startswith("written") for r in extra), case
        limit = OUTSIDE_MI.get(case, MI)
        for column, name in (("mi", "modification indices"), ("epc", "expected changes")):
            theirs = numbers(r[column] for r in rows)
            mine = np.array([getattr(ours[key], column) for key in keys])
            agree("latent_outside", f"{name}: {case}", gap(mine, theirs), theirs, limit)

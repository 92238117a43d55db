"""What went wrong elsewhere: for each case, whether it raises or flags, and in which words."""

import numpy as np
import pandas as pd
import pytest

import servlab as sl
from servlab.core.errors import (
    HeywoodWarning,
    InadmissibleWarning,
    ModelError,
    NotConvergedError,
    NotIdentifiedError,
    SmallSampleWarning,
    SparseDataWarning,
)
from servlab.core.linalg import cov_to_cor
from servlab.estimation.moments import Moments

TEXT = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
ITEMS = [f"x{i}" for i in range(1, 10)]


@pytest.fixture
def rows(golden_data):
    return golden_data("hs1939.csv")


def published(cov, names=ITEMS, n=300):
    cov = np.asarray(cov, dtype=float)
    return Moments(names=tuple(names), n=n, n_dropped=0, mean=np.full(len(cov), np.nan), cov=cov,
                   cor=cov_to_cor(cov))  # fmt: skip


@pytest.mark.parametrize("share", [0.01, 0.05, 0.10])
def test_missing_answers_leave_the_fit_near_that_of_complete_rows(rows, share):
    complete = sl.cfa(TEXT, rows)
    gaps = np.random.default_rng(3).random((len(rows), 9)) < share
    fit = sl.cfa(TEXT, rows[ITEMS].mask(gaps), missing="fiml")
    assert fit.n == 301
    for measure in ("cfi", "cfi.robust"):
        assert abs(fit.fit_measures[measure] - complete.fit_measures["cfi"]) < 0.02
    assert abs(fit.fit_measures["srmr"] - complete.fit_measures["srmr"]) < 0.02


def test_no_missing_answer_gives_the_complete_data_fit(rows):
    complete = sl.cfa(TEXT, rows, meanstructure=True, information="observed")
    fiml = sl.cfa(TEXT, rows, missing="fiml")
    assert np.allclose(complete.theta, fiml.theta, atol=1e-8)
    assert np.allclose(complete.vcov, fiml.vcov, atol=1e-8)
    assert fiml.chi2 == pytest.approx(complete.chi2, abs=1e-7)


def test_rows_without_any_answer_are_dropped_and_counted(rows):
    data = rows[ITEMS].copy()
    data.iloc[:7] = np.nan
    fit = sl.cfa(TEXT, data, missing="fiml")
    assert (fit.n, fit.n_dropped) == (294, 7)
    assert sl.cfa(TEXT, data).n_dropped == 7


def test_fewer_rows_than_parameters_is_flagged():
    rng = np.random.default_rng(2)
    X = pd.DataFrame(rng.normal(size=(14, 1)) + 0.5 * rng.normal(size=(14, 8))).add_prefix("x")
    with pytest.warns(SmallSampleWarning, match="14 rows for 16 free parameters"):
        fit = sl.cfa("f =~ " + " + ".join(X.columns), X)
    assert "small_sample" in fit.flags


def test_fewer_rows_than_variables_raises(rows):
    with pytest.raises(ModelError, match="8 rows of 9 variables"):
        sl.cfa(TEXT, rows.head(8))


def test_heywood_cases_are_flagged_by_name(rows):
    text = "g =~ " + " + ".join(ITEMS) + "\n" + TEXT
    with pytest.warns(HeywoodWarning, match=r"variance of x1 \(-\d\.\d+\) is not positive"):
        fit = sl.cfa(text, rows, std_lv=True, orthogonal=True)
    assert "heywood" in fit.flags


def test_factors_that_correlate_beyond_one_are_flagged():
    loadings = np.full(6, 0.7)
    cov = np.outer(loadings, loadings)
    cov[:3, 3:] *= 1.1
    cov[3:, :3] *= 1.1
    np.fill_diagonal(cov, 1.0)
    with pytest.warns(InadmissibleWarning, match="could not occur"):
        fit = sl.cfa("f =~ x1 + x2 + x3\ng =~ x4 + x5 + x6", published(cov, ITEMS[:6]))
    assert "inadmissible" in fit.flags


def test_a_matrix_that_is_not_positive_definite_raises():
    cov = np.full((6, 6), 0.9)
    cov[:3, 3:] = cov[3:, :3] = -0.9
    cov[0, 1] = cov[1, 0] = -0.9
    np.fill_diagonal(cov, 1.0)
    with pytest.raises(ModelError, match="is not positive definite"):
        sl.cfa("f =~ x1 + x2 + x3 + x4 + x5 + x6", published(cov, ITEMS[:6]))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("f =~ x1 + x2", "more|only 3 means and covariances"),
        ("f =~ NA*x1 + x2 + x3 + x4", "not identified: .*(f=~x|f~~f)"),
        ("f =~ x1 + x2\ng =~ x3 + x4 + x5\nf ~~ 0*g", "not identified: .*f"),
    ],
)
def test_models_that_are_not_identified_raise_naming_parameters(rows, text, words):
    with pytest.raises(NotIdentifiedError, match=words):
        sl.cfa(text, rows)


def test_duplicate_and_constant_indicators_raise_by_name(rows):
    data = rows.assign(x10=rows["x1"], x11=3.0)
    with pytest.raises(ModelError, match=r"x1, x10 depend on each other"):
        sl.cfa("f =~ x1 + x10 + x2 + x3", data)
    with pytest.raises(ModelError, match=r"\['x11'\] are constant"):
        sl.cfa("f =~ x1 + x2 + x3 + x11", data)
    with pytest.raises(ModelError, match=r"\['x11'\] are constant"):
        sl.cfa("f =~ x1 + x2 + x3 + x11", data, missing="fiml")


def test_unknown_variables_raise_by_name(rows):
    with pytest.raises(ModelError, match="the model names y9, which the data do not have"):
        sl.cfa("f =~ x1 + x2 + y9", rows)
    with pytest.raises(ModelError, match="x4 is a factor of the model and a column"):
        sl.cfa("x4 =~ x1 + x2 + x3", rows)


@pytest.mark.parametrize("std_lv", [False, True])
@pytest.mark.parametrize("options", [{}, {"estimator": "MLR"}, {"missing": "fiml"}])
def test_signs_and_keying_never_change_chi_square(rows, std_lv, options):
    turned = rows.copy()
    for item in ("x1", "x5", "x9"):
        turned[item] = 8 - turned[item]
    plain = sl.cfa(TEXT, rows, std_lv=std_lv, **options)
    other = sl.cfa(TEXT, turned, std_lv=std_lv, **options)
    assert other.chi2 == pytest.approx(plain.chi2, abs=1e-6)
    assert other.fit_measures["cfi"] == pytest.approx(plain.fit_measures["cfi"], abs=1e-8)
    same = [fit.tidy().query("op != '~1'")["std_all"].abs() for fit in (plain, other)]
    assert np.allclose(*same, atol=1e-6)


def test_options_that_do_not_go_together_raise(rows):
    for options, words in (
        ({"estimator": "MLM", "missing": "fiml"}, "needs estimator 'ML' or 'MLR'"),
        ({"weights": "agemo"}, "needs estimator='MLR'"),
        ({"cluster": "school"}, "needs estimator='MLR'"),
        ({"estimator": "GMM"}, "estimator must be one of"),
        ({"group": "nothing"}, "group='nothing' is no column"),
    ):
        with pytest.raises(ModelError, match=words):
            sl.cfa(TEXT, rows, **options)
    with pytest.raises(ModelError, match="needs the rows"):
        sl.cfa(TEXT, published(rows[ITEMS].cov()), estimator="MLR")


def test_published_moments_give_the_fit_of_the_rows(rows):
    by_rows = sl.cfa(TEXT, rows)
    by_moments = sl.cfa(TEXT, published(rows[ITEMS].cov(), n=301))
    assert np.allclose(by_rows.theta, by_moments.theta, atol=1e-9)
    parts = {s: sl.moments(d[ITEMS]) for s, d in rows.groupby("school", sort=False)}
    grouped = sl.cfa(TEXT, parts, group_equal=("loadings",))
    assert grouped.chi2 == pytest.approx(
        sl.cfa(TEXT, rows, group="school", group_equal=("loadings",)).chi2, abs=1e-6
    )
    with pytest.raises(ModelError, match="needs the rows"):
        sl.bootstrap_fit(by_moments, seed=1, n_draws=5)


def test_wls_refuses_fewer_rows_than_statistics(rows):
    with pytest.raises(ModelError, match="WLS weighs 45 statistics"):
        sl.cfa(TEXT, rows.head(40), estimator="WLS")


def test_uls_errors_are_flagged_as_naive(rows):
    with pytest.warns(InadmissibleWarning, match="ULS presume"):
        assert "naive_errors" in sl.cfa(TEXT, rows, estimator="ULS").flags


def test_weights_of_one_change_nothing_and_scale_does_not_matter(rows):
    one = sl.cfa(TEXT, rows.assign(w=1.0), estimator="MLR", weights="w")
    plain = sl.cfa(TEXT, rows, estimator="MLR")
    assert np.allclose(one.vcov, plain.vcov, atol=1e-10)
    assert one.fit_measures["chisq.scaled"] == pytest.approx(plain.fit_measures["chisq.scaled"])
    w = np.random.default_rng(1).uniform(0.5, 2, len(rows))
    a = sl.cfa(TEXT, rows.assign(w=w), estimator="MLR", weights="w")
    b = sl.cfa(TEXT, rows.assign(w=3 * w), estimator="MLR", weights="w")
    assert np.allclose(a.vcov, b.vcov, atol=1e-10)
    assert "weighted" in a.flags


def test_a_bootstrap_is_the_same_over_processes_and_seeds_differ(rows):
    text = TEXT + "\nspeed ~ b*textual + c*visual\ntextual ~ a*visual\nind := a*b"
    fit = sl.sem(text, rows)
    one = sl.bootstrap_fit(fit, seed=4, n_draws=24)
    two = sl.bootstrap_fit(fit, seed=4, n_draws=24, processes=2)
    pd.testing.assert_frame_equal(one.draws, two.draws)
    assert not one.draws.equals(sl.bootstrap_fit(fit, seed=5, n_draws=24).draws)
    assert one.draws["ind"].to_numpy() == pytest.approx(one.draws["a"] * one.draws["b"])
    for interval in ("percentile", "bias_corrected"):
        table = one.tidy(interval=interval)
        assert (table["conf_low"] <= table["conf_high"]).all()


def test_incomplete_likelihood_is_that_of_each_row_by_itself(rows):
    from scipy import stats

    data = rows[ITEMS].mask(np.random.default_rng(8).random((301, 9)) < 0.2)
    fit = sl.cfa(TEXT, data, missing="fiml")
    sigma, mu = fit.implied_cov().to_numpy(), fit.implied_mean().to_numpy()
    total = 0.0
    for row in data.to_numpy():
        seen = ~np.isnan(row)
        if seen.any():
            normal = stats.multivariate_normal(mu[seen], sigma[np.ix_(seen, seen)])
            total += normal.logpdf(row[seen])
    assert fit.fit_measures["logl"] == pytest.approx(total, abs=1e-7)


def test_items_never_answered_together_are_flagged(rows):
    data = rows[ITEMS].copy()
    data.loc[:149, "x1"] = np.nan
    data.loc[150:, "x2"] = np.nan
    with pytest.warns(SparseDataWarning, match="x1 and x2 for one"):
        fit = sl.cfa(TEXT, data, missing="fiml")
    assert "coverage" in fit.flags
    assert "cfi.robust" not in fit.fit_measures.index


SETTLED = "visual =~ a*x1 + b*x2 + c*x3 + x4\n"


@pytest.mark.parametrize(
    ("text", "df"),
    [("a == 1", 2), ("a*a == 1\na > 0.5", 2), ("b == c\n2*b == 2*c\na < 2", 3),
     ("b == 1\n2*b == 2", 3), ("b == a\nc == b", 4)],
)  # fmt: skip
def test_restrictions_that_say_nothing_new_take_no_degree_of_freedom(rows, text, df):
    fit = sl.cfa(SETTLED + text, rows)
    assert fit.df == df
    assert fit.fit_measures["npar"] == 10 - df


@pytest.mark.parametrize(
    "text", ["a == 2", "a > 2", "a*a == 4", "b == a\nc == b\nc == 2", "b == a\nb < 0.5"]
)
def test_restrictions_that_fixed_values_break_raise_by_name(rows, text):
    last = text.splitlines()[-1].replace("*", r"\*")
    with pytest.raises(ModelError, match=f"restriction {last} contradicts the values"):
        sl.cfa(SETTLED + text, rows)


def test_restrictions_that_cannot_hold_together_raise_by_name(rows):
    with pytest.raises(NotConvergedError, match="b == 1; b == 2; check that they can hold"):
        sl.cfa(SETTLED + "b == 1\nb == 2", rows)


def test_clusters_and_weights_ask_for_robust_errors_by_name(rows):
    data = rows.assign(branch=np.arange(len(rows)) % 30)
    with pytest.raises(ModelError, match="cluster= needs estimator='MLR', whose estimates are"):
        sl.cfa(TEXT, data, cluster="branch")
    robust = sl.cfa(TEXT, data, cluster="branch", estimator="MLR")
    assert np.allclose(robust.theta, sl.cfa(TEXT, data, meanstructure=True).theta, atol=1e-7)


def test_an_item_that_two_factors_share_keeps_its_residual(rows):
    text = "visual =~ x1 + x2 + x3 + x4\nphantom =~ 0*x1\nphantom ~~ 0*phantom"
    with pytest.raises(NotIdentifiedError, match="nothing in the data depends on"):
        sl.cfa(text, rows)
    text += "\nphantom ~~ 0*visual"
    assert sl.cfa(text, rows).chi2 == pytest.approx(sl.cfa(SETTLED, rows).chi2, abs=1e-8)

"""What a fit gives back of the sample: its own moments, by group, with the stated denominator."""

import numpy as np
import pytest

import servlab as sl
from servlab.core.errors import ModelError
from tests.tolerances import EXACT

MODEL = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6"
ITEMS = [f"x{i}" for i in range(1, 7)]


@pytest.mark.parametrize(
    ("options", "ddof"),
    [({}, 0), ({"likelihood": "wishart"}, 1), ({"estimator": "GLS"}, 1)],
)
def test_a_fit_gives_the_moments_of_each_group(options, ddof, golden_data):
    data = golden_data("hs1939.csv")
    fit = sl.cfa(MODEL, data, group="school", **options)
    for school, rows in data.groupby("school", sort=False):
        cov = fit.sample_cov(school)
        assert list(cov) == ITEMS
        np.testing.assert_allclose(cov, rows[ITEMS].cov(ddof=ddof), atol=EXACT)
        np.testing.assert_allclose(fit.sample_mean(school), rows[ITEMS].mean(), atol=EXACT)


def test_a_group_that_is_not_there_is_refused(golden_data):
    fit = sl.cfa(MODEL, golden_data("hs1939.csv"), group="school")
    with pytest.raises(ModelError, match="Nowhere"):
        fit.sample_cov("Nowhere")


def test_score_tests_are_on_the_scale_of_the_chi_square(golden_data):
    data = golden_data("hs1939.csv")
    equal = MODEL.replace("x2", "a*x2").replace("x3", "a*x3")
    normal = sl.score_tests(sl.cfa(equal, data))
    wishart = sl.score_tests(sl.cfa(equal, data, likelihood="wishart"))
    n = len(data)
    assert wishart.chi2 / normal.chi2 == pytest.approx((n - 1) / n, abs=1e-6)  # two searches

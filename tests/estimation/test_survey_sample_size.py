"""Sample sizes are R's, grow with what is asked, and never exceed the population."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import servlab as sl
from servlab.core.errors import ModelError
from servlab.estimation.survey_sample_size import (
    sample_size_difference,
    sample_size_gap,
    sample_size_mean,
    sample_size_share,
)
from tests.tolerances import CLOSED_FORM

R_ROOT = 1e-4  # R solves for n with uniroot's tolerance of .Machine$double.eps^.25


def test_precision_is_the_closed_form(golden, agree):
    expected = golden("sample_sizes")["result"]
    mean, share = expected["mean"], expected["share"]
    size = sample_size_mean(std_dev=mean["sd"], margin=mean["margin"])
    agree("sample_sizes", "rows for a mean", size.n_simple, mean["n"], CLOSED_FORM)
    finite = sample_size_mean(std_dev=mean["sd"], margin=mean["margin"], population=mean["N"])
    assert (size.n, finite.n) == (650, int(np.ceil(mean["n_finite"])))
    size = sample_size_share(share=share["p"], margin=share["margin"])
    agree("sample_sizes", "rows for a share", size.n_simple, share["n"], CLOSED_FORM)
    finite = sample_size_share(margin=share["margin"], population=share["N"])
    assert finite.n == int(np.ceil(share["n_finite"]))


@pytest.mark.parametrize(
    ("name", "options"), [("gap", {}), ("gap90", {"power": 0.9, "conf_level": 0.99})]
)
def test_power_of_a_gap_is_rs_paired_t_test(golden, agree, name, options):
    case = golden("sample_sizes")["result"][name]
    size = sample_size_gap(std_dev=case["sd"], detect=case["detect"], **options)
    agree("sample_sizes", "rows for a gap", size.n_simple, case["n"], R_ROOT, relative=True)
    assert size.n == int(np.ceil(case["n"]))


@pytest.mark.parametrize(("name", "power"), [("difference", 0.8), ("difference90", 0.9)])
def test_power_of_a_difference_is_rs_two_sample_t_test(golden, agree, name, power):
    case = golden("sample_sizes")["result"][name]
    size = sample_size_difference(std_dev=case["sd"], detect=case["detect"], power=power)
    agree(
        "sample_sizes",
        "rows for a difference of groups",
        size.n_simple,
        case["n"],
        R_ROOT,
        relative=True,
    )
    assert size.per_group == (int(np.ceil(case["n"])),) * 2


def test_uneven_groups_are_pwrs(golden):
    case = golden("sample_sizes")["result"]["uneven"]
    ratio = case["n2"] / case["n1"]
    size = sample_size_difference(std_dev=case["sd"], detect=case["detect"], ratio=ratio)
    assert size.n_simple == pytest.approx(case["n1"], rel=R_ROOT)


@given(
    sd=st.floats(0.3, 3), margin=st.floats(0.02, 0.5), deff=st.floats(1, 4), N=st.integers(10, 9999)
)
@settings(max_examples=60)
def test_the_size_grows_with_the_design_effect_and_stays_within_the_population(sd, margin, deff, N):
    simple = sample_size_mean(std_dev=sd, margin=margin)
    clustered = sample_size_mean(std_dev=sd, margin=margin, design_effect=deff)
    finite = sample_size_mean(std_dev=sd, margin=margin, population=N)
    assert clustered.n >= simple.n
    assert finite.n <= min(simple.n, N)
    half = sample_size_mean(std_dev=sd, margin=margin / 2).n_simple
    assert half == pytest.approx(4 * simple.n_simple, rel=1e-12)


def test_precision_of_a_difference_and_the_invited():
    size = sample_size_difference(std_dev=1.2, margin=0.3, response_rate=0.4)
    assert size.n_simple == pytest.approx(2 * (1.959963984540054 * 1.2 / 0.3) ** 2, abs=CLOSED_FORM)
    assert size.n == sum(size.per_group) == 246
    assert size.n_invited == 615


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        (sample_size_mean, {"std_dev": 0, "margin": 0.1}, "std_dev must be a number over 0"),
        (sample_size_mean, {"std_dev": 1, "margin": -1}, "margin must be a number over 0"),
        (sample_size_share, {"margin": 0.05, "share": 1.0}, "between 0 and 1; got share = 1.0"),
        (sample_size_gap, {"std_dev": 1}, "margin .* or detect .*, one of them"),
        (sample_size_gap, {"std_dev": 1, "margin": 0.1, "detect": 0.2}, "one of them"),
        (sample_size_gap, {"std_dev": 1, "detect": 0.2, "power": 1}, "power lies between"),
        (sample_size_difference, {"std_dev": 1, "detect": 0.2, "ratio": 0}, "ratio must be"),
        (sample_size_difference, {"std_dev": 1, "detect": 1e-6}, "over ten billion"),
        (sample_size_mean, {"std_dev": 1, "margin": 1, "response_rate": 0}, "response_rate lies"),
        (sample_size_mean, {"std_dev": 1, "margin": 1, "population": 0}, "population must be"),
        (sample_size_mean, {"std_dev": 1, "margin": 1, "conf_level": 95}, "conf_level"),
    ],
)
def test_numbers_out_of_range_are_refused(function, options, message):
    with pytest.raises(ModelError, match=message):
        function(**options)


def test_what_is_said_holds_the_numbers():
    text = " ".join(sl.narrate(sample_size_share(margin=0.05, population=1000)).paragraphs)
    assert "278 completed questionnaires" in text
    assert "1,000" in text
    text = " ".join(sl.narrate(sample_size_difference(std_dev=1.1, detect=0.4)).paragraphs)
    assert "120 and 120" in text
    assert "80 %" in text

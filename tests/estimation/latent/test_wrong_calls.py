"""A call with the wrong thing says what was needed and what came."""

import pytest

import servlab as sl
from servlab.core.errors import ModelError
from tests.surveys import tiny_survey


@pytest.fixture(scope="module")
def survey():
    return tiny_survey(n=120)


@pytest.fixture(scope="module")
def explored(survey):
    return sl.efa(survey.items("perception"), 1)


@pytest.mark.parametrize(
    "function",
    [
        sl.factor_scores,
        sl.factor_reliability,
        sl.model_residuals,
        sl.modification_indices,
        sl.plot_path_diagram,
        lambda fit: sl.bootstrap_fit(fit, seed=1, n_draws=2),
    ],
)
def test_what_needs_a_latent_model_refuses_another_result(function, explored):
    with pytest.raises(ModelError, match=r"must be the LatentFit that cfa\(\) or sem\(\) returns"):
        function(explored)


def test_advice_on_loadings_needs_an_exploration(survey):
    fit = sl.cfa("a =~ b1 + b2 + b3", survey)
    with pytest.raises(ModelError, match=r"the EfaResult that efa\(\) returns; got LatentFit"):
        sl.loading_advice(fit)
    with pytest.raises(ModelError, match=r"at least two fits.*got one LatentFit"):
        sl.compare_models(fit)


def test_invariance_names_the_batteries_that_there_are(survey):
    with pytest.raises(ModelError, match=r"must be batteries of the survey; it has expectation, "):
        sl.measurement_invariance("a =~ b1 + b2", survey, batteries=("expectation", "desired"))

"""A questionnaire on another scale than the published one: results and charts must name its own."""

import pandas as pd

import servlab as sl
from servlab.data.codebook import Codebook, CodebookSpec


def test_the_surveys_instrument_has_the_scale_that_was_answered():
    instrument = sl.load_instrument("servqual-1991")
    five = {"low": 1, "high": 5}
    spec = CodebookSpec.model_validate(
        {
            "instrument": "servqual-1991",
            "batteries": {
                "expectation": {"columns": "E{item}", "scale": five},
                "perception": {"columns": "P{item}", "scale": five},
            },
        }
    )
    simulated = sl.simulate_survey(instrument, n=60, seed=4)
    frame = pd.concat(
        [
            ((simulated.raw("expectation") - 1) * 4 / 6 + 1).round().add_prefix("E"),
            ((simulated.raw("perception") - 1) * 4 / 6 + 1).round().add_prefix("P"),
        ],
        axis=1,
    )
    survey = sl.survey_from_frame(frame, Codebook(spec=spec, instrument=instrument))
    assert (survey.instrument.scale.low, survey.instrument.scale.high) == (1, 5)
    assert sl.gap_scores(survey).instrument.scale_of("perception").high == 5
    assert "1 to 5" in sl.plot_expectation_perception(sl.gap_scores(survey)).caption

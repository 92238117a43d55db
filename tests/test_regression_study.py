"""The study of a regression end to end, in both languages, with what its sections need."""

from pathlib import Path

import pytest

import servlab as sl
from servlab.core.errors import ModelError, SeparationError, SmallSampleWarning
from tests.test_quality_study import CHINESE, visible_text

ROOT = Path(__file__).resolve().parent.parent
pytestmark = [pytest.mark.study, pytest.mark.usefixtures("forked_kernels")]


def run(out, language, **parameters):
    result = sl.run_study(
        ROOT / "notebooks" / "regression.ipynb",
        {"language": language, **parameters},
        out=out,
        name="regression",
        language=language,
    )
    assert result.status == "complete", [f.error for f in result.failures]
    return visible_text(result.report.read_text(encoding="utf-8"))


def test_the_plain_study_has_the_regression_its_checks_and_the_branches(tmp_path):
    text = run(tmp_path, "en")
    for words in ("What goes with the outcome", "Does it hang on a few", "Respondents in groups"):
        assert words in text
    assert "What each step adds" not in text
    assert not CHINESE.search(text.replace("中文", ""))
    assert "nan" not in text.lower().split()


def test_controls_moderator_and_mediator_bring_their_sections(tmp_path):
    more = {"controls": ["country"], "moderator": "equipment", "focal": ["technical"],
            "mediator": "sales", "top_box": 2, "n_draws": 100}  # fmt: skip
    text = run(tmp_path, "zh", example="abc", **more)
    for words in ("分层回归：各步的贡献", "调节作用", "影响点与残差", "结果变量作为有序变量",
                  "谁给出最高评价", "中介作用"):  # fmt: skip
        assert words in text
    assert "分组嵌套" not in text


def test_separation_leaves_a_panel_with_its_reason_and_the_rest_stands(tmp_path):
    more = {"controls": ["country"], "top_box": 1, "quantiles": [0.25, 0.75], "n_draws": 100}
    text = run(tmp_path, "en", example="abc", **more)
    assert "Not computed: the logistic regression of the highest answers" in text
    assert "are foretold without error" in text
    for words in ("proportional odds", "Average marginal effects", "Coefficients by quantile"):
        assert words in text
    survey = sl.load_example("abc")
    chosen = sl.regression_choices(survey, controls=["country"])
    top = sl.top_box(chosen.data[chosen.outcome], n_boxes=1, scale=(1, 5))
    with (
        pytest.warns(SmallSampleWarning, match="the rarer of the two answers"),
        pytest.raises(SeparationError, match=r"separation: 'country\["),
    ):
        sl.logistic_regress(chosen.base, chosen.data.assign(**{chosen.outcome: top}))


def test_choices_refuse_unknown_names_and_keep_groups_out_of_the_formula():
    survey = sl.load_example("abc")
    with pytest.raises(ModelError, match=r"controls names \['age'\]"):
        sl.regression_choices(survey, controls=["age"])
    with pytest.raises(ModelError, match=r"focal names \['country'\]"):
        sl.regression_choices(survey, moderator="equipment", focal=["country"])
    chosen = sl.regression_choices(survey, controls=["country"], groups="country")
    assert chosen.groups == ""
    assert chosen.cluster is None

"""Alpha, KMO and Bartlett against psych; scale reliability by dimension."""

import numpy as np
import pytest

import servlab as sl
from servlab.core.errors import KeyingWarning, ModelError
from tests.surveys import tiny_survey
from tests.tolerances import CLOSED_FORM

KEYS = {"A": (-1, 1, 1, 1, 1), "C": (1, 1, 1, -1, -1), "E": (-1, -1, 1, 1, 1),
        "N": (1, 1, 1, 1, 1), "O": (1, -1, 1, 1, -1)}  # fmt: skip


@pytest.mark.parametrize("scale", KEYS)
def test_alpha_equals_psych(scale, golden, golden_data):
    reference = golden("alpha_bfi")["result"][scale]
    items = golden_data("bfi25_cc.csv")[[f"{scale}{i}" for i in range(1, 6)]]
    turned = items.copy()
    for column, key in zip(items, KEYS[scale], strict=True):
        if key < 0:
            turned[column] = 7 - items[column]
    alpha = sl.cronbach_alpha(turned)
    total = reference["total"]
    total = {k: (v[0] if isinstance(v, list) else v) for k, v in total.items()}
    assert alpha.estimate == pytest.approx(total["raw_alpha"], abs=CLOSED_FORM)
    assert alpha.standardized == pytest.approx(total["std.alpha"], abs=CLOSED_FORM)


@pytest.mark.parametrize(("name", "file"), [("bfi", "bfi25_cc.csv"), ("hs1939", "hs1939.csv")])
def test_kmo_and_bartlett_equal_psych(name, file, golden, golden_data):
    data = golden_data(file)
    data = data if name == "bfi" else data.filter(regex=r"^x\d")
    reference = golden(f"kmo_{name}")["result"]
    adequacy = sl.kmo(data)
    assert adequacy.overall == pytest.approx(reference["MSA"], abs=CLOSED_FORM)
    np.testing.assert_allclose(
        adequacy.by_item, [reference["MSAi"][c] for c in data.columns], atol=CLOSED_FORM
    )
    test = sl.bartlett_sphericity(data)
    expected = golden(f"bartlett_{name}")["result"]
    assert test.statistic == pytest.approx(
        expected["chisq"], abs=CLOSED_FORM * 1e4
    )  # 15 digits of 18146
    assert test.df == expected["df"]


def test_an_unreversed_item_is_flagged(golden_data):
    items = golden_data("bfi25_cc.csv")[["A1", "A2", "A3", "A4", "A5"]]
    with pytest.warns(KeyingWarning, match="A1"):
        alpha = sl.cronbach_alpha(items)
    assert alpha.negative_items == ("A1",)


def test_scale_reliability_has_a_row_a_dimension_and_names_what_it_lacks():
    survey = tiny_survey(per_dimension=(1, 3, 4))
    result = sl.scale_reliability(survey, "perception")
    assert result.by_term.index.tolist() == ["b", "c", "overall_items"]
    assert "at least 2 items" in result.left_out["a"]
    alpha = sl.cronbach_alpha(survey.items("perception")[["b1", "b2", "b3"]])
    assert result.by_term.loc["b", "estimate"] == alpha.estimate


def test_alpha_of_unusable_items_is_refused(golden_data):
    items = golden_data("bfi25_cc.csv")[["A1", "A2"]]
    with pytest.raises(ModelError, match="are constant"):
        sl.cronbach_alpha(items.assign(A3=1))
    with pytest.raises(ModelError, match="at least 2 items"):
        sl.cronbach_alpha(items[["A1"]])

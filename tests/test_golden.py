"""Every stored number of another program, of the kinds that belong to scale validation."""

import pytest

from tests.agreement import PAGE, left_out, names, stored
from tests.golden_checks import check_of, correlations, factors, reliability, screening

MODULES = (screening, correlations, factors, reliability)
# the kinds of issue 4, by the first word of a file's name
KINDS = {
    "describe", "kmo", "bartlett", "mardia", "vss", "parallel", "horn", "polychoric",
    "tetrachoric", "polyserial", "acov", "efa", "pca", "factanal", "converged", "scores", "alpha",
    "omega", "splithalf", "semtools", "icc",
}  # fmt: skip
OURS = [name for name in names() if name.split("_")[0] in KINDS]
RUN = [name for name in OURS if name not in left_out()]


@pytest.mark.parametrize("name", RUN)
def test_statistics_equal_the_reference_program(name, agree):
    check = check_of(name)
    assert check is not None, f"{name} has no check; write one or state a reason in left_out.toml."
    check(stored(name), agree)


def test_every_reference_file_is_run_or_left_out_with_a_reason():
    assert len(RUN) == 84  # one more file: count it here
    assert {name for name in left_out() if name.split("_")[0] in KINDS} == set(OURS) - set(RUN)
    for name, reason in left_out().items():
        assert name in names(), f"left_out.toml names {name}, which is no reference file."
        assert len(reason.split()) > 5, f"the reason for {name} says nothing."
        assert check_of(name) is None or name.startswith(("efa", "omega")), name


def test_the_validation_page_lists_every_reference_file():
    """Made anew by ``make validation``; a file is on it compared, or left out with its reason."""
    text = PAGE.read_text(encoding="utf-8")
    missing = [name for name in names() if f"`{name}`" not in text]
    assert not missing, f"docs/validation.md lacks {missing}; run: make validation"

"""Every stored CFA, SEM and multi-group model of lavaan."""

import pytest

from tests.agreement import names, stored
from tests.golden_checks import check_of, latent

assert latent  # registers its checks
MODELS = [n for n in names() if n.split("_")[0] in ("cfa", "sem", "mg", "fiml")]
MODELS += ["latent_more", "latent_outside"]
RUN = [name for name in MODELS if check_of(name) is not None]


@pytest.mark.parametrize("name", RUN)
def test_model_equals_lavaan(name, agree):
    check = check_of(name)
    assert check is not None
    check(stored(name), agree)


def test_every_stored_model_is_compared():
    assert len(RUN) == len(MODELS) == 47  # one more file: count it here

"""A Jupyter research workbench for service-quality studies.

Every public name is here, flat: ``import servlab as sl`` and then ``sl.read_survey(...)``,
``sl.gap_scores(...)``, ``sl.efa(...)``. Names are loaded when they are first used, so the
import itself costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Public name -> the module that holds it. docs/api.md is made from this table.
_HOMES = {
    # data
    "load_instrument": "servlab.data.instrument",
    "shipped_instruments": "servlab.data.instrument",
    "Instrument": "servlab.data.instrument",
    "load_codebook": "servlab.data.codebook",
    "Codebook": "servlab.data.codebook",
    "Survey": "servlab.data.survey",
    "Label": "servlab.data.schema",
}

__all__ = sorted(["__version__", *_HOMES])  # noqa: PLE0604 the table is the one list of names


def __getattr__(name: str) -> Any:
    """Load a public name from its module when it is first used."""
    if name not in _HOMES:
        raise AttributeError(
            f"servlab has no public name {name!r}; dir(servlab) lists them, docs/api.md explains."
        )
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


if TYPE_CHECKING:  # what type checkers and editors see
    pass

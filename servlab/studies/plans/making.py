"""What the studies of a plan are made of, each notebook read once and each file hashed once.

A file is believed by its bytes only: its size and time say nothing (a file may be replaced
within one tick, or under a clock set back). What was read lives as long as one command.
"""

import json
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from servlab.core.errors import ModelError, ParameterError
from servlab.studies.manifest import (
    Input,
    Making,
    code_sha256,
    hash_inputs,
    hash_path,
    key_parts,
    making_of,
    run_key,
)
from servlab.studies.notebook import Notebook, read_notebook
from servlab.studies.parameters import ParameterSchema, ParameterValues, schema_of
from servlab.studies.plans.plan import PlannedStudy
from servlab.studies.preflight import call_values, exact_values, files_of_survey, input_paths
from servlab.studies.run_exports import check_forms

if TYPE_CHECKING:
    from servlab.data.survey import Survey


KEPT = 2000  # lists of values that are remembered between commands


@dataclass(slots=True)
class Makings:
    """Reads what studies are made of, and remembers it for the rest of the command.

    Attributes
    ----------
    memory : Path or None
        A file that keeps covariates' values between commands, by the hash of all they come from.
    """

    memory: Path | None = None
    _notebooks: dict[Path, tuple[Notebook, ParameterSchema]] = field(default_factory=dict)
    _makings: dict[Path, Making] = field(default_factory=dict)
    _hashes: dict[Path, str] = field(default_factory=dict)
    _survey_files: dict[tuple[Path | None, Path], dict[str, Path]] = field(default_factory=dict)
    _surveys: dict[tuple[Any, ...], "Survey"] = field(default_factory=dict)
    _values: dict[str, list[str]] | None = None

    def notebook(self, path: Path) -> tuple[Notebook, ParameterSchema]:
        """Return a notebook and its schema."""
        path = path.resolve()
        if path not in self._notebooks:
            source = read_notebook(path)
            self._notebooks[path] = source, schema_of(source)
        return self._notebooks[path]

    def values(self, study: PlannedStudy) -> ParameterValues:
        """Return every parameter's value of a study."""
        source, schema = self.notebook(study.notebook)
        return call_values(source, schema, study.parameters, None)

    def inputs(self, values: ParameterValues) -> tuple[Input, ...]:
        """Return the files a study reads, with hashes."""
        paths = input_paths(values, survey_files=self.survey_files)
        return hash_inputs(paths, hash_=self.hash_of)

    def parts(self, study: PlannedStudy) -> dict[str, Any]:
        """Return everything that decides a study's report, as its run will record it.

        Raises
        ------
        ServlabError
            When a file cannot be read or a parameter no longer fits.
        """
        path = study.notebook
        if path not in self._makings:
            self._makings[path] = making_of(self.notebook(path)[0])
        values = self.values(study)
        forms = check_forms(study.export) if study.export else ()
        exact = exact_values(values, forms)
        return key_parts(self._makings[path], exact, self.inputs(values), study.language)

    def hash_of(self, path: Path) -> str:
        """Return the hash of a file's bytes, read once."""
        if path not in self._hashes:
            self._hashes[path] = hash_path(path)
        return self._hashes[path]

    def survey_files(self, data: Path | None, codebook: Path) -> dict[str, Path]:
        """Return the files behind a codebook, found once."""
        if (data, codebook) not in self._survey_files:
            self._survey_files[data, codebook] = files_of_survey(data, codebook)
        return self._survey_files[data, codebook]

    def survey(self, values: ParameterValues) -> "Survey | None":
        """Return the survey that a notebook's parameters name, read once; None without one.

        Raises
        ------
        ServlabError
            What reading it says.
        """
        wanted = tuple(values.values.get(name) for name in ("data", "codebook", "example"))
        data, codebook, example = wanted
        if wanted not in self._surveys:
            if data is not None and codebook is not None:
                from servlab.data.readers import read_survey

                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # the notebook reads it again and shows them
                    self._surveys[wanted] = read_survey(data, codebook)
            elif data is None and codebook is None and isinstance(example, str):
                from servlab.data.examples import load_example

                self._surveys[wanted] = load_example(example)
            else:
                return None
        return self._surveys[wanted]

    def covariate_values(
        self, values: ParameterValues, covariate: str, where: Sequence[str] = ()
    ) -> tuple[str, ...]:
        """Return the values that respondents have in a covariate, in natural order.

        Only those of whom ``where`` keeps; of everybody where it keeps nobody.

        Raises
        ------
        ServlabError
            When the data cannot be read, have no such covariate, or nobody has a value in it.
        """
        key = self._key_of_values(values, covariate, where)
        known = self._remembered()
        if key not in known:
            known[key] = _values_in(self.survey(values), covariate, where)
        known[key] = known.pop(key)  # what was asked for last is kept longest
        return tuple(known[key])

    def _key_of_values(self, values: ParameterValues, covariate: str, where: Sequence[str]) -> str:
        named = [[part.name, part.sha256] for part in self.inputs(values)]
        example = "" if named else str(values.values.get("example"))
        of = [covariate, example, code_sha256(), *where]
        return run_key({"of": of, "files": named})

    def _remembered(self) -> dict[str, list[str]]:
        """Return the values kept between commands; nothing where the file is broken or gone."""
        if self._values is None:
            self._values = {}
            if self.memory is not None:
                try:
                    kept = json.loads(self.memory.read_text(encoding="utf-8"))
                    self._values = kept["values"] if kept["sha256"] == _seal(kept["values"]) else {}
                except (OSError, ValueError, LookupError, TypeError):
                    self._values = {}
        return self._values

    def kept(self) -> str | None:
        """Return what ``memory`` is to hold from now on; None when nothing is known."""
        if not self._values:
            return None
        latest = dict(list(self._values.items())[-KEPT:])
        return json.dumps({"sha256": _seal(latest), "values": latest}, ensure_ascii=False) + "\n"


def values_path(out: Path, plan: str) -> Path:
    """Return where the values that a plan's matrix takes from data are remembered."""
    return out / "runs" / f".plan-{plan}.values.json"


def _seal(values: Mapping[str, Any]) -> str:
    return sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _values_in(survey: "Survey | None", covariate: str, where: Sequence[str]) -> list[str]:
    from servlab.core.groups import natural_order
    from servlab.data.keep import covariate_values, keep_respondents

    if survey is None:
        raise ParameterError(
            f'the values of {covariate!r} cannot come from the data: "data" and "codebook" are '
            "needed among the parameters."
        )
    if covariate not in survey.covariates:
        held = ", ".join(map(str, survey.covariates.columns)) or "none"
        raise ModelError(
            f"the data have no covariate {covariate!r} to take values from; they have {held}."
        )
    with suppress(ModelError):  # the check of each study says what its where asks in vain
        survey = keep_respondents(survey, where)
    found = covariate_values(survey, covariate)
    if not found:
        whom = f"nobody of {', '.join(where)}" if where else "nobody"
        raise ModelError(
            f"{whom} has a value in the covariate {covariate!r} to take from the data."
        )
    return sorted(found, key=natural_order)

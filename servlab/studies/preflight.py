"""Everything that is checked before a kernel starts: the call, the files, the survey.

A mistake here is the caller's to correct and costs a second, not a run.
"""

import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from servlab.core.errors import ParameterError
from servlab.data.schema import LANGUAGES, Language
from servlab.studies.manifest import Input, hash_inputs, key_parts, making_of, run_key
from servlab.studies.notebook import Notebook, read_notebook
from servlab.studies.parameters import (
    ParameterSchema,
    ParameterValues,
    as_code,
    as_text,
    check_values,
    schema_of,
)
from servlab.studies.run_exports import check_forms

if TYPE_CHECKING:
    from servlab.presentation.export import Form

LONGEST = 30 * 86_400
_NAME = re.compile(r"""[^\s./\\:*?"<>|\x00-\x1f][^/\\:*?"<>|\x00-\x1f]{0,99}""")


@dataclass(frozen=True, slots=True, eq=False)
class StudyCall:
    """A run that may start: everything about it is known and checked.

    Attributes
    ----------
    notebook : Notebook
    schema : ParameterSchema
    values : ParameterValues
    name : str
    language : {"en", "zh"}
        The report is published as ``name.language.html``.
    out : Path
        Folder of reports.
    timeout : float
        Seconds for the whole study.
    inputs : tuple of Input
        The files it reads, with hashes.
    parts : mapping
        Everything that decides the report and its exports (``manifest.key_parts``).
    export : tuple of {"docx", "xlsx", "tex"}
        The files its tables are written to as well.
    """

    notebook: Notebook
    schema: ParameterSchema
    values: ParameterValues
    name: str
    language: Language
    out: Path
    timeout: float
    inputs: tuple[Input, ...]
    parts: Mapping[str, Any]
    export: "tuple[Form, ...]" = ()

    @property
    def key(self) -> str:
        """Return the hash of everything that decides the report and its exports."""
        return run_key(self.parts)

    def shown_parameters(self) -> dict[str, str]:
        """Return the parameters as a report shows them: paths without their folders."""
        return {name: as_text(value) for name, value in self.values.values.items()}


def prepare(
    notebook: str | Path,
    parameters: Mapping[str, Any],
    *,
    out: str | Path,
    name: str | None,
    language: str | None,
    timeout: float,
    export: object = (),
) -> StudyCall:
    """Return a checked call, or raise a ``ServlabError`` that says what to correct."""
    source = read_notebook(notebook)
    schema = schema_of(source)
    values = call_values(source, schema, parameters, language)
    own_name = check_name(source.path.stem if name is None else name)
    check_timeout(timeout)
    forms = check_forms(export)
    check_survey_files(values)
    folder = _writable(Path(out))
    inputs = hash_inputs(input_paths(values))
    spoken = language_of(values)
    parts = key_parts(making_of(source), exact_values(values, forms), inputs, spoken)
    return StudyCall(
        source, schema, values, own_name, spoken, folder, float(timeout), inputs, parts, forms
    )


def call_values(
    source: Notebook,
    schema: ParameterSchema,
    parameters: Mapping[str, Any],
    language: str | None,
    *,
    base: Path | None = None,
) -> ParameterValues:
    """Return the values of a call, checked against the notebook's schema.

    ``base`` is the folder in which the caller's relative paths start.
    """
    given = _with_language(parameters, language, schema)
    values = check_values(schema, given, folder=source.path.resolve().parent, base=base)
    language_of(values)
    return values


def exact_values(values: ParameterValues, forms: "tuple[Form, ...]") -> dict[str, str]:
    """Return parameters and exports as they count in a run's key."""
    exact = {parameter: as_code(value) for parameter, value in values.values.items()}
    # an empty --export leaves the key as it was before there were exports
    return exact | ({"--export": ",".join(forms)} if forms else {})


def check_timeout(timeout: float) -> None:
    """Raise unless it is a number of seconds that a study may take."""
    if not 0 < timeout <= LONGEST:
        raise ParameterError(
            f"timeout must be a number of seconds above 0 and at most {LONGEST:,} (30 days); "
            f"got {timeout!r}."
        )


def _with_language(
    parameters: Mapping[str, Any], language: str | None, schema: ParameterSchema
) -> dict[str, Any]:
    """Return the parameters with the language, which is the notebook's own parameter."""
    given = dict(parameters)
    if language is None:
        return given
    if language not in LANGUAGES:
        raise ParameterError(f"language must be one of {', '.join(LANGUAGES)}; got {language!r}.")
    if "language" not in schema:
        raise ParameterError(
            f"{schema.notebook} has no parameter 'language', so it cannot be asked for "
            f"{language!r}; leave the language out, or add the parameter."
        )
    if given.setdefault("language", language) != language:
        raise ParameterError(
            f"the language is given twice: {language!r} and the parameter "
            f"language={given['language']!r}; give one."
        )
    return given


def language_of(values: ParameterValues) -> Language:
    """Return the language of a call, which is the notebook's own parameter."""
    asked = values.values.get("language", "en")
    for language in LANGUAGES:
        if asked == language:
            return language
    raise ParameterError(
        f"parameter language must be one of {', '.join(LANGUAGES)}; got {asked!r}."
    )


def check_name(name: str) -> str:
    """Return a study's name, or raise unless a file can have it."""
    if not _NAME.fullmatch(name) or name.endswith((" ", ".")):
        raise ParameterError(
            f'name must be a plain file name without / \\ : * ? " < > | and without a dot at '
            f"its start or end; got {name!r}."
        )
    return name


def _writable(out: Path) -> Path:
    """Return the folder of reports, made and tried; a run must not find out at its end."""
    from servlab.core.errors import StudyError
    from servlab.studies.publish import remove_leftovers, write_whole

    try:
        out.mkdir(parents=True, exist_ok=True)
        remove_leftovers(out)
        probe = out / ".servlab-writable"
        write_whole(probe, "")
        probe.unlink(missing_ok=True)
    except (OSError, StudyError) as err:
        why = err.strerror if isinstance(err, OSError) else str(err)
        raise ParameterError(f"reports cannot be written to {out}: {why}") from None
    return out


def check_survey_files(values: ParameterValues) -> None:
    """Read the survey once where the notebook takes ``data`` and ``codebook``.

    Raises
    ------
    ServlabError
        What ``read_survey`` says of the file or the codebook; or that one of the two is missing.
    """
    if not {"data", "codebook"} <= values.values.keys():
        return
    check_pair(values)
    data, codebook = values.values["data"], values.values["codebook"]
    if data is None:
        return
    from servlab.data.readers import read_survey

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the notebook reads the file again and shows them
        read_survey(data, codebook)


def check_pair(values: ParameterValues) -> None:
    """Raise where one of ``data`` and ``codebook`` is given without the other."""
    data, codebook = values.values["data"], values.values["codebook"]
    if (data is None) != (codebook is None):
        lacking, given = ("codebook", "data") if codebook is None else ("data", "codebook")
        draft = " (servlab codebook FILE drafts one)" if lacking == "codebook" else ""
        raise ParameterError(f"parameter {given} needs {lacking} beside it{draft}.")


def input_paths(
    values: ParameterValues,
    *,
    survey_files: "Callable[[Path | None, Path], dict[str, Path]] | None" = None,
) -> dict[str, Path]:
    """Return the files a study reads, with all that its codebook is made of.

    ``survey_files`` stands in for the function of this module, such as one that remembers.
    """
    paths = values.paths()
    codebook, data = values.values.get("codebook"), values.values.get("data")
    if isinstance(codebook, Path) and codebook.suffix == ".toml":
        found = (survey_files or files_of_survey)(
            data if isinstance(data, Path) else None, codebook
        )
        if any(name.startswith("data ") for name in found):
            del paths["data"]  # their folder may hold the reports too, which every run changes
        paths |= found
    return paths


def files_of_survey(data: Path | None, codebook: Path) -> dict[str, Path]:
    """Return the files behind a codebook: what it is made of, its waves' files, a catalog."""
    from servlab.data.waves_file import codebook_files

    paths = {f"codebook {part.name}": part for part in codebook_files(codebook)[1:]}
    for name, (wave, book) in _waves(data, codebook).items():
        paths |= {f"data {name}": wave} | _catalog(wave, book)
    return paths | _catalog(data, codebook)


def _waves(data: Any, codebook: Path) -> dict[str, tuple[Path, Path]]:
    """Return wave -> (data file, codebook) where the codebook lists waves, else nothing."""
    from servlab.data.waves_file import wave_paths, waves_listed

    listed = waves_listed(codebook) if isinstance(data, Path) else None
    return {} if listed is None else wave_paths(listed, data, codebook)


def _catalog(data: Any, codebook: Path) -> dict[str, Path]:
    """Return the catalog that a SAS data set takes its labels from, if there is one."""
    if not isinstance(data, Path) or data.suffix.lower() != ".sas7bdat":
        return {}
    from servlab.data.codebook import load_codebook
    from servlab.data.formats.sas import catalog_of

    found = catalog_of(data, load_codebook(codebook).spec.file.catalog)
    return {} if found is None else {f"catalog {found.name}": found}

"""The project itself: lock, environment, lazy import, notebooks without outputs, public names."""

import ast
import importlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import servlab

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
REQUIREMENT = re.compile(r"^([A-Za-z0-9_.-]+)")
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared() -> dict[str, str]:
    """Every requirement of pyproject, with extras: canonical name -> requirement."""
    project = PROJECT["project"]
    parts = list(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        parts += extra
    return {canonical(REQUIREMENT.match(part)[1]): part for part in parts}


def locked() -> dict[str, set[str]]:
    """Every pin of the lock: canonical name -> versions (markers may give several)."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", LOCK, re.MULTILINE):
        found.setdefault(canonical(name), set()).add(version)
    return found


def test_lock_pins_every_declared_requirement_inside_its_range():
    from packaging.requirements import Requirement

    pins = locked()
    for name, text in declared().items():
        assert name in pins, f"{name} is declared but not locked: make lock"
        for version in pins[name]:
            assert Requirement(text).specifier.contains(version), (text, version)


def test_lock_has_hashes_and_no_address():
    entries = re.split(r"\n(?=[A-Za-z0-9])", LOCK.strip())
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in LOCK
    assert "index-url" not in LOCK


def test_environment_yml_opens_the_same_lock():
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    lines = [line.strip("- ").strip() for line in text.splitlines() if line.strip().startswith("-")]
    assert "-r requirements.lock" in text
    assert "--require-hashes" in text
    python = next(line for line in lines if line.startswith("python"))
    assert PROJECT["project"]["requires-python"] in python
    others = [line for line in lines if line not in (python, "conda-forge", "pip", "pip:")]
    assert others == ["require-hashes", "r requirements.lock"], "packages come from the lock only"


def test_every_dependency_has_its_reason():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = text[text.index("dependencies = [") : text.index("[project.scripts]")]
    for line in block.splitlines():
        if re.match(r'\s+"', line):
            assert re.search(r"#\s*\S", line), f"no reason: {line}"


def test_the_cards_packages_are_declared_and_used():
    uses = {
        "pandas": "import pandas",
        "statsmodels": "statsmodels",
        "factor-analyzer": "factor_analyzer",
        "seaborn": "seaborn",
        "papermill": "papermill",
    }
    source = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "servlab").rglob("*.py"))
    for package, words in uses.items():
        assert package in declared()
        assert re.search(rf"^\s*(import|from) .*{words.removeprefix('import ')}", source, re.M)
    assert "jupyterlab" in declared()
    assert "jupyter lab" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_every_import_of_the_package_is_declared():
    standard = set(sys.stdlib_module_names) | {"servlab"}
    modules = {
        "sklearn": "scikit-learn", "fontTools": "fonttools", "python_calamine": "python-calamine",
        "manimgx_fonts_cjk": "manimgx-fonts-cjk", "factor_analyzer": "factor-analyzer",
        "jupyter_client": "jupyter-client", "docx": "python-docx",
    }  # fmt: skip
    names = set()
    for path in (ROOT / "servlab").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names.add(node.module.split(".")[0])
    lacking = {canonical(modules.get(n, n)) for n in names - standard} - set(declared())
    assert not lacking, f"imported but not declared: {sorted(lacking)}"


def test_import_is_lazy_and_fast():
    code = (
        "import sys, time; start = time.perf_counter(); import servlab; "
        "print(time.perf_counter() - start); "
        "print(sorted({'numpy', 'pandas', 'scipy', 'matplotlib', 'pydantic'} & set(sys.modules)))"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(3)
    ]
    assert all(run.stdout.splitlines()[1] == "[]" for run in runs)
    assert min(float(run.stdout.splitlines()[0]) for run in runs) < 0.1


def test_every_public_name_exists_and_is_documented():
    for name, module in servlab._HOMES.items():
        value = getattr(importlib.import_module(module), name)
        assert value.__doc__, name
    with pytest.raises(AttributeError, match="no public name 'nothing'"):
        _ = servlab.nothing


def test_api_table_is_current():
    from tests.make_api import api_table

    assert (ROOT / "docs" / "api.md").read_text(encoding="utf-8") == api_table(), (
        "run: .venv/bin/python -m tests.make_api"
    )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_notebooks_keep_the_house_rules(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(code) <= 25
    for cell in code:
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
        tree = ast.parse("".join(cell["source"]))
        assert not any(isinstance(n, ast.FunctionDef | ast.ClassDef) for n in ast.walk(tree))
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    tagged = [c for c in code if "parameters" in c["metadata"].get("tags", [])]
    assert len(tagged) == 1


def test_references_cited_in_docstrings_are_in_the_bibliography():
    known = set(re.findall(r"@\w+\{(\w+),", (ROOT / "references.bib").read_text(encoding="utf-8")))
    cited = set()
    for path in (ROOT / "servlab").rglob("*.py"):
        cited |= set(re.findall(r"\[([a-z]+\d{4}[a-z]?)\]_", path.read_text(encoding="utf-8")))
    assert cited <= known, f"not in references.bib: {sorted(cited - known)}"


def test_no_machine_path_or_registry_in_the_tree():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split()
    host = "|".join(
        ("py" + "pi[.]org", "python" + "hosted", "registry[.]npm" + "js", "deb[.]" + "debian")
    )
    path = r"(?<![\w.])/(?:wo" + r"rk|fa" + r"rm|ro" + r"ot)/"
    for name in listed:
        if name.endswith((".csv", ".png", ".svg", ".sav", ".xlsx")):
            continue
        text = (ROOT / name).read_text(encoding="utf-8", errors="replace")
        assert not re.search(host, text), name
        assert not re.search(path, text), name

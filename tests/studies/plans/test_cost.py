"""What a plan costs is decided by how many studies are due."""

from servlab.studies.plans import run
from servlab.studies.plans.run import run_plan
from tests.studies.plans.inline import InlineExecutor

ONE = ("North-2025-01",)


def test_a_warm_process_is_started_for_several_studies_and_not_for_one(folder, inline, monkeypatch):
    warm = []

    def make(workers, forks=True):
        warm.append(forks)
        return InlineExecutor(workers)

    monkeypatch.setattr(run, "ProcessExecutor", make)
    languages = 'languages = ["en", "zh"]'
    path = folder / "plan.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(languages, 'languages = ["zh"]'))
    assert len(run_plan(path, only=ONE).outcomes) == 1
    assert len(run_plan(path, only=["*-2025-01"]).outcomes) == 4
    assert warm == [False, True]

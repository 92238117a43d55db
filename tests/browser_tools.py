"""Open a page in headless Chromium and say what a strict reader would find (``check_page``)."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent / "browser"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def missing_for_browser() -> str:
    """Name what a machine lacks for these checks, or nothing."""
    if CHROMIUM is None:
        return "chromium is not installed"
    if shutil.which("node") is None:
        return "node is not installed"
    if not (HERE / "node_modules").is_dir():
        return "run 'npm ci --prefix tests/browser' first"
    return ""


def check_page(page: Path, folder: Path | None = None) -> dict:
    """Return what the browser finds on a page; screenshots go to the folder.

    Skips the test, with the reason, on a machine that cannot look.
    """
    if missing_for_browser():
        pytest.skip(f"browser checks left out: {missing_for_browser()}")
    command = ["node", HERE / "check.mjs", page, *([folder] if folder else [])]
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"CHROMIUM": str(CHROMIUM)},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def faults(found: dict, language: str, *, scripts: int = 0) -> list[str]:
    """Return every reason why the page must not go out, in words; empty for a sound page."""
    said = [f"asks for {address}" for address in found["requests"]]
    said += [f"console: {problem}" for problem in found["problems"]]
    said += [f"{found['scripts']} scripts"] if found["scripts"] != scripts else []
    wanted = {"en": "en", "zh": "zh-CN"}[language]
    said += [f"lang is {found['lang']}"] if found["lang"] != wanted else []
    for name, view in found["views"].items():
        said += [f"{name}: {entry['id']} at {entry['where']}" for entry in view["axe"]]
        if view["scrollWidth"] > view["width"]:
            said.append(f"{name}: the page is {view['scrollWidth']} px wide")
        said += [f"{name}: {text!r} is cut" for text in view["cut"]]
        said += [f"{name}: {pair} overlap" for pair in view["overlapping"]]
        if (view["smallestChartText"] or SMALLEST_TEXT) < SMALLEST_TEXT:
            said.append(f"{name}: chart text of {view['smallestChartText']:.1f} px")
    for screen in ("fonts", "fontsNarrow"):
        said += [f"no carried font for {entry}" for entry in found[screen]["foreign"]]
    return said


SMALLEST_TEXT = 10  # px, in charts, on a phone of 360 px too

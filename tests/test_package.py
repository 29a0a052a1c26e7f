"""What a wheel must hold, and that a release has one number."""

import re
from pathlib import Path

import tomli

import snnlp_lava

PACKAGE = Path(snnlp_lava.__file__).parent
ROOT = Path(__file__).parents[1]
PYPROJECT = ROOT / "pyproject.toml"


def test_every_file_of_the_package_that_is_no_module_is_package_data():
    patterns = tomli.loads(PYPROJECT.read_text("utf-8"))["tool"]["setuptools"]["package-data"]["snnlp_lava"]
    data = {path for pattern in patterns for path in PACKAGE.glob(pattern)}
    files = {path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert {path for path in files if path.suffix != ".py"} == data


def test_the_release_has_one_number():
    release = snnlp_lava.__version__.split(".dev")[0]
    entries = re.findall(r"^## ([\d.]+), (.+)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    cited = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text("utf-8"), re.MULTILINE)
    assert cited is not None
    assert entries[0][0] == release
    released = [number for number, day in entries if day != "not released"]
    assert cited[1] == released[0]  # the newest that can be had
    assert (entries[0][1] == "not released") == (".dev" in snnlp_lava.__version__)


def test_one_list_of_pythons():
    project = tomli.loads(PYPROJECT.read_text("utf-8"))["project"]
    classified = [line.rpartition(" ")[2] for line in project["classifiers"] if re.search(r":: 3\.\d+$", line)]
    setup = (ROOT / "scripts" / "setup").read_text("utf-8")
    tried = re.search(r"for version in ([\d. ]+); do", (ROOT / "scripts" / "try-pythons").read_text("utf-8"))
    assert project["requires-python"] == f">={classified[0]}"
    assert " | ".join(classified) in setup
    assert tried is not None
    assert tried[1].split() == classified


def test_readme_lists_every_extra():
    extras = tomli.loads(PYPROJECT.read_text("utf-8"))["project"]["optional-dependencies"].keys() - {"dev", "docs"}
    listed = re.findall(r"^\| `(\w+)` \|", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert set(listed) >= extras


def test_the_pins_hold_hashes_and_no_address():
    pins = (ROOT / "requirements/all.txt").read_bytes()
    assert len(pins) < 1_000_000
    assert re.search(rb"(https?|file)://|--(extra-)?index-url|--find-links", pins) is None
    entries = re.split(rb"\n(?=[a-z])", pins)
    assert len(entries) > 100
    assert all(b"--hash=sha256:" in entry for entry in entries)

"""What a wheel must hold."""

from pathlib import Path

import tomli

import snnlp_lava

PACKAGE = Path(snnlp_lava.__file__).parent
PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"


def test_every_file_of_the_package_that_is_no_module_is_package_data():
    patterns = tomli.loads(PYPROJECT.read_text("utf-8"))["tool"]["setuptools"]["package-data"]["snnlp_lava"]
    data = {path for pattern in patterns for path in PACKAGE.glob(pattern)}
    files = {path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert {path for path in files if path.suffix != ".py"} == data

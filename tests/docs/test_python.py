"""The package from Python: what is promised is there, and the example of the docs runs."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import snnlp_lava

GIVEN = {"Chip", "TextData"}  # which CHIPS and load_texts give
DOCS = Path(__file__).parents[2] / "docs"


def test_the_examples_of_the_docs_run(tmp_path):
    short, steps = re.findall(r"```python\n(.*?)```", (DOCS / "python.md").read_text("utf-8"), re.DOTALL)
    done = subprocess.run([sys.executable, "-c", short], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answers, _probabilities, synops, again = done.stdout.splitlines()
    assert answers == "['praise' 'complaint']"
    assert int(synops) > 0
    assert again == "['praise']"
    done = subprocess.run([sys.executable, "-c", steps], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    scores, _shapes, answers = done.stdout.splitlines()
    assert scores.startswith("Scores(accuracy=")
    assert re.fullmatch(r"\['\w+', '\w+'\] [\d.]+", answers)
    assert (tmp_path / "two.html").stat().st_size > 10_000


def test_every_public_name_is_there_and_in_the_docs():
    text = (DOCS / "python.md").read_text("utf-8")
    for name in snnlp_lava.__all__:
        assert getattr(snnlp_lava, name) is not None
        assert name in text or name == "__version__"
    assert dir(snnlp_lava) == sorted(snnlp_lava.__all__)


def test_type_checkers_see_the_same_names():
    tree = ast.parse(Path(snnlp_lava.__file__).read_text("utf-8"))
    seen = {
        name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.If)
        for line in node.body
        if isinstance(line, ast.ImportFrom)
        for name in line.names
    }
    assert seen == set(snnlp_lava.__all__) - {"__version__"}


def test_what_public_functions_take_is_public():
    taken = set()
    for name in snnlp_lava.__all__:
        if inspect.isfunction(function := getattr(snnlp_lava, name)):
            hints = {key: hint for key, hint in function.__annotations__.items() if key != "return"}
            words = set(re.findall(r"\w+", " ".join(map(str, hints.values()))))
            taken |= {
                word
                for word in words
                if inspect.isclass(function.__globals__.get(word))
                and function.__globals__[word].__module__.startswith("snnlp_lava")
            }
    assert taken >= {"Network", "Card"}
    assert taken - set(snnlp_lava.__all__) - GIVEN == set()


def test_importing_the_package_imports_nothing_that_computes():
    program = "import snnlp_lava, sys; print(*sorted({'numpy', 'torch', 'lava', 'h5py', 'click'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""

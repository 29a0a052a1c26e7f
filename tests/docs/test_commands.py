"""Every command that README.md and docs/ show: its options exist, and typed as it stands it works."""

import os
import re
import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from snnlp_lava.cli.main import main

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SHOWN = re.compile(
    r"^    (?:\.venv/bin/)?(snnlp-lava|make|python|dask|helm|kubectl) (.*?)(?:  +[(#].*)?$", re.MULTILINE
)
# What the pages write for something of the reader's own, and what stands for it here.
STANDS_FOR = {
    "DATA": "texts.csv",
    "NAME": "one",
    "NETWORK": "netx_exports/one.net",
    "FILE": "texts.csv",
    "big.parquet": "texts.csv",
    "FILE.net": "netx_exports/one.net",
    "FILE.nir": "netx_exports/one.nir",
    "FILE.toml": "prices.toml",
    "my-board.toml": "prices.toml",
    "GRID.toml": "grid.toml",
    "runs/A": "runs/one",
    "runs/B": "runs/one",
    "netx_exports/A.net": "netx_exports/one.net",
    "DIR": ".",
    "FOLDER": ".",
    "tcp://HOST:PORT": "tcp://localhost:8786",
    "ADDRESS": "tcp://localhost:8786",
    "SECONDS": "0.001",
    "M": "snn-rate",
    "L": "sentence",
    "N": "2",
    "P": "p",
    "B": "b",
}
# What needs more than a folder: a scheduler, a board, another program's file or a model of SLAYER, is run by
# tests/sweep/test_running.py, tests/backends/test_loihi2.py, tests/cli/test_nir.py and tests/run/test_verify.py.
ELSEWHERE = ("--scheduler", "loihi2", "--time-step", "--model")
FOREIGN = ("dask", "helm", "kubectl")  # other people's programs


def shown():
    """Each command of the pages, with its page."""
    return [
        pytest.param(program, line, id=f"{page.stem}: {line}")
        for page in PAGES
        for program, line in SHOWN.findall(page.read_text("utf-8"))
    ]


def readings(line):
    """What "run FILE [--json] --backend a|b ..." may be read as: with all that is optional, without it, each choice."""
    line = re.sub(r"\s*\.\.\.", "", line)
    optional = re.findall(r"\[([^]]*)\]", line)
    plain = re.sub(r"\[[^]]*\]", "", line)
    full = plain + "".join(f" {words.split(' | ')[0]}" for words in optional)
    others = [f"{plain} {choice}" for words in optional for choice in words.split(" | ")[1:]]
    return [typed for reading in (full, plain, *others) for typed in each_choice(shlex.split(reading))]


def each_choice(words):
    """With every word of the form a|b as a, then as b: once each, not in all combinations."""
    yield [stand_in(word.split("|")[0]) for word in words]
    for place, word in enumerate(words):
        for choice in word.split("|")[1:]:
            yield [stand_in((choice if i == place else other).split("|")[0]) for i, other in enumerate(words)]


def stand_in(word):
    if word in STANDS_FOR:
        return STANDS_FOR[word]
    for name in ("NAME", "FILE"):
        word = re.sub(rf"\b{name}\b", STANDS_FOR.get(name, name), word)
    return word


@pytest.mark.parametrize(("program", "line"), shown())
def test_what_is_shown_exists(program, line):
    if program == "make":
        assert re.search(rf"^{line.split()[0]}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    elif program == "python":
        assert (ROOT / line.split()[0]).is_file()
    elif program == "snnlp-lava":
        for words in readings(line):
            context = click.Context(main, info_name="snnlp-lava")
            command = main.get_command(context, words[0])
            assert command is not None, words
            command.make_context(words[0], words[1:], parent=context)
    else:
        assert program in FOREIGN


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder like the one in which the pages' commands are typed: a model, a network, a run, texts, a grid."""
    folder = tmp_path_factory.mktemp("desk")
    classes = ("sad", "glad", "fond", "cross", "afraid", "startled")
    rows = [f"number {number} is {classes[number % 6]} today,{classes[number % 6]}" for number in range(120)]
    texts = "\n".join(["text,label", *rows]) + "\n"
    for name in ("texts.csv", "cafe.csv", "emotion.csv", "imdb.csv"):
        (folder / name).write_text(texts, "utf-8")
    codes = [f"{word} {number}" for number, word in enumerate(("number", "is", "today", *classes), 1)]
    (folder / "codes.txt").write_text("\n".join([f"{len(codes)} 64", *codes]) + "\n")
    (folder / "grid.toml").write_text('data = "texts.csv"\n[grid]\nmethod = ["spike-embedding"]\nseed = [1, 2]\n')
    (prices,) = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "energy.md").read_text("utf-8"), re.DOTALL)
    (folder / "prices.toml").write_text(prices, "utf-8")
    before = Path.cwd()
    os.chdir(folder)
    try:
        type_in(["train", "--data", "texts.csv", "--method", "spike-embedding", "-o", "models/one"])
        type_in(["export", "models/one"])
        type_in(["export", "models/one", "--format", "nir"])
        type_in(["run", "netx_exports/one.net", "--data", "texts.csv", "-o", "runs/one"])
        (folder / "netx_exports" / "demo.net").symlink_to(ROOT / "netx_exports" / "demo.net")
    finally:
        os.chdir(before)
    return folder


def type_in(words):
    result = CliRunner().invoke(main, words, catch_exceptions=False)
    assert result.exit_code == 0, f"{' '.join(words)}: {result.stderr}"


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_is_shown_works_in_the_order_in_which_it_stands(page, desk, monkeypatch):
    if page.stem == "tutorial":
        pytest.skip("tests/docs/test_tutorial.py types it")
    monkeypatch.chdir(desk)
    for program, line in SHOWN.findall(page.read_text("utf-8")):
        if program != "snnlp-lava" or line.startswith("reproduce"):  # tests/cli/test_reproduce.py
            continue
        here = [words for words in readings(line) if not set(ELSEWHERE) & set(words)]
        for words in here[:1]:
            type_in(typed_here(words))


def typed_here(words):
    """The same in seconds: small files in place of the hub's and of distilled words, one epoch, a folder of its own."""
    small = [f"{word}.csv" if word in ("emotion", "imdb") else word for word in words]
    if words[0] == "train":
        small = ["models/new" if word == "models/one" else word for word in small]
        small += [] if {"--epochs", "spike-embedding"} & set(words) else ["--epochs", "1"]
        small += ["--codes", "codes.txt"] if "snn-bin" in words else []
    return small

"""The grid file: every combination once, in a fixed order, under a name of its own; everything else is refused."""

import json
import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnlp_lava.errors import InputError
from snnlp_lava.sweep.grid import MAX_CELLS, Cell, read_grid
from snnlp_lava.train.methods.base import NeuronOptions
from snnlp_lava.train.methods.make import make_method

SMALL = 'data = "demo"\n[grid]\n'


@pytest.fixture
def cells(tmp_path):
    """Cells of a grid file with this text."""

    def read(text):
        path = tmp_path / "g.toml"
        path.write_text(text, "utf-8")
        return read_grid(path)

    return read


def toml(table):
    """A table as TOML; JSON's numbers, texts and lists are TOML's, too."""
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in table.items())


AXES = {
    "method": st.sampled_from(["ann", "snn-rate", "snn-rate-rand"]),
    "level": st.sampled_from(["sentence", "word"]),
    "reference": st.booleans(),
    "window": st.integers(1, 200),
    "seed": st.integers(0, 1 << 31),
    "epochs": st.integers(1, 99),
    "hidden": st.lists(st.integers(1, 512), max_size=3),
    "calibration": st.sampled_from(["onoff", "range", "paper"]),
    "threshold_scale": st.floats(1, 64),
    "learning_rate": st.floats(1e-5, 1),
    "dropout": st.floats(0, 0.9),
}
GRIDS = st.fixed_dictionaries(
    {}, optional={name: st.lists(values, min_size=1, max_size=2, unique_by=repr) for name, values in AXES.items()}
).map(lambda grid: {**grid, "method": sorted({*grid["method"], "snn-rate"})} if "method" in grid else grid)
"""Grids with a method that has all of these options."""


@given(grid=GRIDS)
def test_every_combination_is_one_cell(cells, grid):
    found = cells(SMALL + toml({**grid, "method": ["snn-rate"]}))
    lengths = [len(values) for name, values in grid.items() if name != "method"]
    assert len(found) == len(set(found)) == math.prod(lengths)
    for name, values in grid.items():
        if name != "method":
            wanted = {tuple(value) if isinstance(value, list) else value for value in values}
            assert {getattr(cell.train, name) for cell in found} == wanted


@given(grid=GRIDS)
def test_a_method_without_a_window_has_one_cell_for_all_windows(cells, grid):
    grid = {name: values for name, values in grid.items() if name != "method"}
    found = cells(SMALL + toml({**grid, "method": ["ann", "snn-rate"]}))
    found = [cell for cell in found if cell.train.name == "ann"]
    unused = ("method", "window", "calibration", "threshold_scale")
    assert len(found) == math.prod(len(values) for name, values in grid.items() if name not in unused)
    assert not {name for cell in found for name in cell.train.options()} & set(unused)


@given(grid=GRIDS, order=st.randoms(use_true_random=False))
def test_the_order_of_the_cells_is_not_that_of_the_files_keys(cells, grid, order):
    shuffled = list(grid.items())
    order.shuffle(shuffled)
    assert cells(SMALL + toml(grid)) == cells(SMALL + toml(dict(shuffled)))


@given(grid=GRIDS)
def test_names_are_unique_and_fit_for_files(cells, grid):
    found = cells('data = ["demo", "a b.csv", "ünï.parquet"]\n[grid]\n' + toml(grid))
    names = [cell.name for cell in found]
    assert len({name.casefold() for name in names}) == len(found)
    for name in names:
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}", name)


@given(grid=GRIDS)
def test_a_worker_unpacks_the_same_cell(cells, grid):
    for cell in cells(SMALL + toml(grid)):
        assert Cell.unpack(json.loads(json.dumps(cell.pack()))) == cell


def test_names_say_what_matters(cells):
    found = cells(
        'data = ["/somewhere/emotion.parquet", "demo"]\n[grid]\n'
        'method = ["ann", "snn-rate"]\nwindow = [10, 50]\nseed = 1\nneuron = { threshold = 2.0 }\n'
    )
    assert [cell.name for cell in found] == [
        "emotion-sentence-ann-s1",
        "emotion-sentence-snn-rate-t10-s1-threshold2.0",
        "emotion-sentence-snn-rate-t50-s1-threshold2.0",
        "demo-sentence-ann-s1",
        "demo-sentence-snn-rate-t10-s1-threshold2.0",
        "demo-sentence-snn-rate-t50-s1-threshold2.0",
    ]


def test_what_follows_from_reference_is_not_named_again(cells):
    found = cells(SMALL + 'method = ["ann", "snn-rate"]\nreference = [false, true]\nseed = 1\nepochs = [20, 50]')
    assert {cell.name for cell in found} == {
        "demo-sentence-ann-s1",
        "demo-sentence-ann-s1-epochs50",
        "demo-sentence-ann-s1-epochs20-reference",
        "demo-sentence-ann-s1-reference",
        "demo-sentence-snn-rate-t32-s1",
        "demo-sentence-snn-rate-t32-s1-epochs50",
        "demo-sentence-snn-rate-t32-s1-epochs20-reference",
        "demo-sentence-snn-rate-t32-s1-reference",
    }
    assert {cell.train.learning_rate for cell in found if cell.train.reference} == {1e-5}


def test_a_method_without_a_level_has_one_cell_for_all_levels(cells):
    found = cells(SMALL + 'method = ["ann", "snn-bin"]\nlevel = ["sentence", "word"]\nseed = 1')
    assert [cell.name for cell in found] == [*("demo-sentence-ann-s1", "demo-word-ann-s1", "demo-word-snn-bin-t33-s1")]


def test_the_defaults_are_the_methods_own(cells):
    ann, snn = cells(SMALL + 'method = ["ann", "snn-rate"]')
    assert (ann.train, snn.train) == (make_method("ann"), make_method("snn-rate"))


def test_equal_cells_are_merged(cells):
    assert len(cells('data = ["demo", "demo"]\n[grid]\nseed = [1, 1, 2]\nlearning_rate = [1, 1.0]\n')) == 2


def test_a_list_of_sizes_is_one_value_and_a_list_of_lists_several(cells):
    assert [cell.train.hidden for cell in cells(SMALL + "hidden = [64, 32]")] == [(64, 32)]
    assert [cell.train.hidden for cell in cells(SMALL + "hidden = [[64], [64, 32]]")] == [(64,), (64, 32)]


def test_a_list_of_neurons_is_several_values(cells):
    found = cells(SMALL + "neuron = [{}, { voltage_decay = 0.1, threshold = 1 }]")
    assert [cell.train.neuron for cell in found] == [NeuronOptions(), NeuronOptions(threshold=1.0, voltage_decay=0.1)]


def test_where_changes_the_cells_that_match_and_no_others(cells):
    found = cells(
        'data = ["demo", "own.csv"]\n[grid]\nmethod = ["ann", "snn-rate"]\nwindow = [10, 20, 40]\nepochs = 5\n'
        '[[where]]\nmethod = "ann"\nset = { epochs = 12 }\n'
        '[[where]]\nmethod = "snn-rate"\nwindow = [20, 40]\ndata = "own"\nset = { epochs = 7, dropout = 0 }\n'
        "[[where]]\nwindow = 40\nset = { epochs = 9 }\n"
    )
    epochs = {
        (cell.source.name, cell.train.name, cell.train.options().get("window")): cell.train.epochs for cell in found
    }
    assert epochs == {
        ("demo", "ann", None): 12,
        ("demo", "snn-rate", 10): 5,
        ("demo", "snn-rate", 20): 5,
        ("demo", "snn-rate", 40): 9,
        ("own", "ann", None): 12,
        ("own", "snn-rate", 10): 5,
        ("own", "snn-rate", 20): 7,
        ("own", "snn-rate", 40): 9,
    }
    assert sorted(cell.train.dropout for cell in found) == [0, 0, *[0.3] * 6]


def test_files_are_found_from_the_grid_files_folder(cells, tmp_path):
    both = cells('data = ["a.csv", "demo"]\nvectors = { a = "a.npy" }\nsplit_scheme = "paper"\nlimit = 9\n[grid]\n')
    assert [(cell.source.data, cell.source.vectors) for cell in both] == [
        (str(tmp_path / "a.csv"), str(tmp_path / "a.npy")),
        ("demo", None),
    ]
    assert {(cell.source.split_scheme, cell.source.limit) for cell in both} == {("paper", 9)}
    (one,) = cells('data = "a.csv"\ntext_column = "t"\nlabel_column = "l"\n[grid]\n')
    assert (one.source.text_column, one.source.label_column) == ("t", "l")


def test_a_cell_has_the_files_that_it_reads(cells, tmp_path):
    head = 'data = "a.csv"\nvectors = "/v.npy"\nwords = "w.txt"\ncodes = "c.txt"\n'
    words, codes = str(tmp_path / "w.txt"), str(tmp_path / "c.txt")
    for grid, files in (
        ('level = "sentence"', ("/v.npy", None, None)),
        ('level = "word"', (None, words, None)),
        ('method = "snn-bin"', (None, words, codes)),
        ('method = "spike-embedding"', (None, None, None)),
    ):
        (cell,) = cells(f"{head}[grid]\n{grid}\n")
        assert (cell.source.vectors, cell.source.words, cell.source.codes) == files


def test_a_record_tells_no_paths(cells):
    for cell in cells('data = "/home/me/a.csv"\nvectors = "/home/me/a.npy"\n[grid]\n'):
        assert "home" not in json.dumps(cell.to_dict())


REFUSED = {
    "no TOML": ("data = ", "is not TOML"),
    "no text": (b"\xff", "is not TOML"),
    "nested for ever": ("data = " + "[" * 100_000, "is not TOML"),
    "unknown key": ('data = "demo"\ndevice = "cpu"\n[grid]', "device is unknown (known: data, "),
    "no grid": ('data = "demo"', "grid is missing"),
    "grid is a list": ('data = "demo"\ngrid = []', "grid must be a table of names and values, got []"),
    "unknown field": (SMALL + "epoch = 3", "[grid] has an unknown key 'epoch' (known: method, "),
    "no data": ("[grid]", "data is missing"),
    "data a number": ("data = [3]\n[grid]", "data[0] must be text, got 3"),
    "empty data": ("data = []\n[grid]", "data must be a list of length >= 1, got []"),
    "same name": ('data = ["a/x.csv", "b/X.csv"]\n[grid]', "got x, X; rename a file"),
    "no values": (SMALL + "window = []", "window has no values"),
    "out of range": (SMALL + "window = [8, 0]", "window must be an integer >= 1, got 0"),
    "NaN": (SMALL + "dropout = nan", "dropout must be a number"),
    "far too large": (SMALL + "learning_rate = 1" + "0" * 400, "learning_rate"),
    "text for a number": (SMALL + 'seed = "one"', "seed must be an integer, got 'one'"),
    "float for a whole number": (SMALL + "epochs = 2.5", "epochs must be an integer, got 2.5"),
    "true for a number": (SMALL + "seed = true", "seed must be an integer, got True"),
    "true for a float": (SMALL + "dropout = true", "dropout must be a number, got True"),
    "number for a text": (SMALL + "calibration = 3", "calibration must be "),
    "unknown method": (SMALL + 'method = "lstm"', "method 'lstm' is unknown (known: snn-rate, snn-rate-rand, snn-bin,"),
    "method a number": (SMALL + "method = 3", "method must be text, got 3"),
    "date": (SMALL + "seed = 2020-01-01", "seed must be an integer"),
    "number for true": (SMALL + "reference = 1", "reference must be true or false, got 1"),
    "an option of no method in the grid": (
        SMALL + 'method = ["ann", "snn-rate"]\nlines = 8',
        "lines only applies to method spike-embedding, not ann, snn-rate",
    ),
    "words": ('data = "demo"\nwords = ["a", "b"]\n[grid]', "words must be text or null, got ['a', 'b']"),
    "codes": ('data = "demo"\ncodes = ""\n[grid]', "codes must be text of length >= 1, got ''"),
    "hidden": (SMALL + "hidden = [[64, 0]]", "hidden[1] must be an integer >= 1, got 0"),
    "neuron": (SMALL + "neuron = 3", "neuron must be a table of names and values, got 3"),
    "neuron's field": (SMALL + "neuron = { tau = 3 }", "neuron.tau is unknown (known: threshold, "),
    "neuron's value": (SMALL + 'neuron = { threshold = "1" }', "neuron.threshold must be a number, got '1'"),
    "split scheme": (
        'data = "demo"\nsplit_scheme = "mine"\n[grid]',
        "split_scheme must be one of official, paper, got 'mine'",
    ),
    "split scheme a list": (
        'data = "demo"\nsplit_scheme = ["paper"]\n[grid]',
        "split_scheme must be text, got ['paper']",
    ),
    "limit": ('data = "demo"\nlimit = 0\n[grid]', "limit must be an integer >= 1, got 0"),
    "limit true": ('data = "demo"\nlimit = true\n[grid]', "limit must be an integer or null, got True"),
    "column": ('data = "demo"\ntext_column = 3\n[grid]', "text_column must be text, got 3"),
    "vectors of two": (
        'data = ["a.csv", "b.csv"]\nvectors = "v.npy"\n[grid]',
        "vectors must be one file for each data set",
    ),
    "vectors of none": ('data = "a.csv"\nvectors = { b = "v.npy" }\n[grid]', "vectors has an unknown key 'b'"),
    "vectors a number": ('data = "a.csv"\nvectors = { a = 3 }\n[grid]', "vectors[...] must be text, got {"),
    "where no list": ('data = "demo"\nwhere = 3\n[grid]', "where must be a list, got 3"),
    "where without set": (SMALL + "[[where]]\nseed = 1", "[[where]] has no set = { ... }"),
    "where's field": (SMALL + "[[where]]\nrate = 1\nset = {}", "[[where]] has an unknown key 'rate'"),
    "where's value": (SMALL + '[[where]]\nseed = "x"\nset = {}', "[[where]] number 1 matches no cell"),
    "where's data": (SMALL + '[[where]]\ndata = "b"\nset = {}', "[[where]] data 'b' is unknown (known: demo)"),
    "set's field": (SMALL + "[[where]]\nset = { rate = 1 }", "set of [[where]] has an unknown key 'rate'"),
    "set's value": (SMALL + "[[where]]\nset = { epochs = [1, 2] }", "epochs must be an integer, got [1, 2]"),
    "set's range": (SMALL + "[[where]]\nset = { epochs = 0 }", "epochs must be an integer >= 1, got 0"),
    "where in vain": (SMALL + "seed = [1, 2]\n[[where]]\nseed = 3\nset = {}", "[[where]] number 1 matches no cell"),
    "too many": (
        SMALL + f"seed = {list(range(101))}\nwindow = {list(range(1, 101))}",
        "at most 10000 combinations, got 10100",
    ),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_a_bad_grid_is_refused_by_name(tmp_path, text, message):
    path = tmp_path / "g.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError) as refused:
        read_grid(path)
    assert str(refused.value).startswith(f"grid {path}: ")
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_no_grid_file(tmp_path):
    with pytest.raises(InputError, match=r"grid.*cannot read .*none\.toml: No such file"):
        read_grid(tmp_path / "none.toml")


def test_the_documented_grid_has_as_many_cells_as_it_says(cells):
    text = (Path(__file__).parents[2] / "docs" / "sweep.md").read_text("utf-8")
    found = cells(text.split("```toml\n")[1].split("```")[0])
    assert f"= {len(found)} cells" in text
    epochs = {
        (cell.source.name, cell.train.name, cell.train.options().get("window")): cell.train.epochs for cell in found
    }
    assert (epochs["emotion", "ann", None], epochs["imdb", "snn-rate", 50], epochs["imdb", "snn-rate", 25]) == (
        12,
        8,
        20,
    )


def test_the_largest_grid_is_read(cells):
    assert len(cells(SMALL + f"seed = {list(range(MAX_CELLS))}")) == MAX_CELLS

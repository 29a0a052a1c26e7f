"""What Python programs give to the package: files as str or Path; what is refused, by name, before anything is done."""

from pathlib import Path

import numpy as np
import pytest

import snnlp_lava
from snnlp_lava import CHIPS, InputError, Origin, Selection, TrainConfig
from snnlp_lava.text.dataset import TextData
from snnlp_lava.train.methods.base import NeuronConfig

TINY = TrainConfig.defaults_for("spike-embedding", epochs=1, lines=4)
WORDS = ("dull", "fine")
ORIGIN = Origin()
HALF = "caf\udce9"


def prepared(config=TINY, origin=ORIGIN, limit=None):
    rows = np.arange(40) % 2
    data = TextData("own", [f"this film is {WORDS[row]} no {i}" for i, row in enumerate(rows)], rows, WORDS)
    return snnlp_lava.prepare(data, config, "official", limit, origin)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("given") / "model"
    snnlp_lava.train_model(prepared(), TINY, folder)
    return folder


@pytest.mark.parametrize("kind", [str, Path])
def test_every_path_may_be_a_str(model, tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    Path("texts.csv").write_text("text,label\nfine,fine\ndull,dull\n", "utf-8")
    network, card = snnlp_lava.export_model(kind(model))
    snnlp_lava.write_network(kind("a.net"), network, card)
    snnlp_lava.write_nir(kind("a.nir"), network, card)
    assert snnlp_lava.read_nir(kind("a.nir")).card.to_dict() == snnlp_lava.read_network(kind("a.net")).card.to_dict()
    np.save("s.npy", np.zeros((2, card.window, network.inputs), np.uint8))
    assert len(snnlp_lava.load_texts(kind("texts.csv"))) == 2
    for name, selection in {
        "data": Selection(data=kind("texts.csv"), part="all"),
        "spikes": Selection(spikes=kind("s.npy")),
    }.items():
        snnlp_lava.run_network(kind("a.net"), selection, "emulator", kind(name))
        assert snnlp_lava.read_run(kind(name)).record["samples"] == 2
    snnlp_lava.write_report(kind("r.csv"), [snnlp_lava.read_run(kind("data"))])
    assert Path("r.csv").is_file()


def test_a_folder_whose_name_no_record_could_hold_is_no_model(tmp_path, monkeypatch):
    (tmp_path / HALF).mkdir()
    monkeypatch.chdir(tmp_path / HALF)
    with pytest.raises(InputError, match=r"^model 'caf\\udce9' is not UTF-8"):
        snnlp_lava.export_model(".")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "give either data, or spikes, or one or more texts"),
        ({"texts": ()}, "give either data, or spikes, or one or more texts"),
        ({"texts": ("a",), "data": "demo"}, "give either data, or spikes, or one or more texts"),
        ({"data": "demo", "spikes": "s.npy"}, "give either data, or spikes, or one or more texts"),
        ({"texts": ("a", 7)}, "text 2 is 7, no text"),
        ({"texts": 7}, "texts 7 are no texts; write a tuple of them"),
        ({"texts": ("fine", HALF)}, r"text 2 'caf\\udce9' is not UTF-8"),
        ({"data": HALF}, r"path 'caf\\udce9' is not UTF-8"),
        ({"spikes": 7}, "7 is not a path; give a str or a Path"),
        ({"data": "demo", "part": "tset"}, r"part 'tset' is unknown \(known: train, validation, test, all\)"),
        ({"data": "demo", "split_scheme": "mine"}, "split scheme 'mine' is unknown"),
        ({"data": "demo", "limit": 0}, "limit must be an integer >= 1, got 0"),
        ({"data": "demo", "limit": -5}, "limit must be an integer >= 1, got -5"),
        ({"data": "demo", "limit": "5"}, "limit must be an integer >= 1, got '5'"),
    ],
)
def test_a_selection_checks_itself(fields, message):
    with pytest.raises(InputError, match=f"^{message}"):
        Selection(**fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"epochs": "3"}, "epochs '3' is no whole number"),
        ({"epochs": 3.0}, "epochs 3.0 is no whole number"),
        ({"seed": True}, "seed True is no whole number"),
        ({"reference": 1}, "reference 1 is no True or False"),
        ({"dropout": "0.1"}, "dropout '0.1' is no number"),
        ({"dropout": float("nan")}, "dropout nan is outside"),
        ({"hidden": 64}, r"hidden 64 is no tuple of sizes, as \(256, 128\)"),
        ({"hidden": (64.0,)}, "hidden layer of 64.0 is no whole number"),
        ({"neuron": {"threshold": 1}}, r"neuron {'threshold': 1} is no NeuronConfig"),
    ],
)
def test_a_configuration_names_the_field_that_is_of_another_kind(fields, message):
    with pytest.raises(InputError, match=f"^{message}"):
        TrainConfig.defaults_for("ann", **fields)
    document = {**TrainConfig.defaults_for("ann").to_dict(), **fields}
    if "neuron" not in fields:
        with pytest.raises(InputError, match=message):
            TrainConfig.from_dict(document)


def test_numbers_of_a_neuron_and_whole_numbers_for_others_are_taken():
    assert TrainConfig(learning_rate=1, hidden=[3]).hidden == (3,)
    with pytest.raises(InputError, match=r"^neuron threshold '1' is no number"):
        NeuronConfig(threshold="1")


@pytest.mark.parametrize("limit", [0, -5, 2.5])
def test_a_limit_that_is_no_number_of_rows_is_refused(limit):
    with pytest.raises(InputError, match=f"^limit must be an integer >= 1, got {limit}$"):
        prepared(limit=limit)


def test_a_finished_model_and_other_files_are_not_written_over(model, tmp_path):
    before = {path: path.read_bytes() for path in model.iterdir()}
    with pytest.raises(InputError, match=r"holds a finished model; remove it or choose another folder"):
        snnlp_lava.train_model(prepared(), TINY, model)
    assert {path: path.read_bytes() for path in model.iterdir()} == before
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="holds other files"):
        snnlp_lava.train_model(prepared(), TINY, str(tmp_path))
    with pytest.raises(InputError, match=r"notes\.txt: is a file"):
        snnlp_lava.train_model(prepared(), TINY, tmp_path / "notes.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def vectors_of_words(tmp_path):
    (tmp_path / "w.txt").write_text("this 1 0 1\nfilm 0 1 1\ndull 1 1 0\nfine 0 0 1\n", "utf-8")
    return Origin(words=str(tmp_path / "w.txt"))


def test_a_corpus_trains_what_takes_its_features_and_nothing_else(tmp_path):
    of_texts = prepared()
    for other, text in (
        (TrainConfig.defaults_for("ann"), "ann at level sentence"),
        (TrainConfig.defaults_for("snn-bin"), "snn-bin at level word"),
        (TrainConfig.defaults_for("spike-embedding", lines=5), "spike-embedding at level word with 5 lines"),
    ):
        message = f"data own: was prepared for spike-embedding at level word with 4 lines, not for {text};"
        with pytest.raises(InputError, match=f"^{message}"):
            snnlp_lava.train_model(of_texts, other, tmp_path / "new")
    small = {"level": "word", "hidden": (4,), "epochs": 1, "window": 4}
    of_words = prepared(TrainConfig.defaults_for("snn-rate", **small), vectors_of_words(tmp_path))
    with pytest.raises(InputError, match=r"was prepared for snn-rate at level word, not for ann at level sentence"):
        snnlp_lava.train_model(of_words, TrainConfig.defaults_for("ann"), tmp_path / "new")
    assert not (tmp_path / "new").exists()
    snnlp_lava.train_model(of_words, TrainConfig.defaults_for("ann", **small), tmp_path / "new")


def test_devices_and_backends_that_do_not_exist_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"^device 'tpu' is unknown \(known: auto, cpu, cuda\)$"):
        snnlp_lava.train_model(prepared(), TINY, tmp_path / "new", "tpu")
    with pytest.raises(InputError, match=r"^backend 'gpu' is unknown"):
        snnlp_lava.run_network("a.net", Selection(texts=("a",)), "gpu", tmp_path / "new")
    for name in ("jobs", "keep_trains"):
        with pytest.raises(InputError, match=f"^{name} must be an integer >= ., got -1"):
            snnlp_lava.run_network("a.net", Selection(texts=("a",)), "emulator", tmp_path / "new", **{name: -1})
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("period", [0, -1, 1.5, "32"])
def test_a_period_is_a_number_of_steps(model, period):
    network, _card = snnlp_lava.export_model(model)
    with pytest.raises(InputError, match=f"^period must be an integer >= 1, got {period!r}$"):
        snnlp_lava.fit_network(network, CHIPS["loihi1"], period)
    with pytest.raises(InputError, match=f"^period must be an integer >= 1, got {period!r}$"):
        snnlp_lava.export_model(model, period)

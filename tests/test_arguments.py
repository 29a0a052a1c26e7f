"""What Python programs give to the package: files as str or Path; what is refused, by name, before anything is done."""

from pathlib import Path

import numpy as np
import pytest

import snnlp_lava
from snnlp_lava import CHIPS, InputError
from snnlp_lava.run.inputs import RunInput
from snnlp_lava.text.dataset import TextData
from snnlp_lava.train.methods.make import from_document, make_method, to_document

TINY = {"method": "spike-embedding", "tokens": "words"}
WORDS = ("dull", "fine")
HALF = "caf\udce9"


def prepared(**given):
    rows = np.arange(40) % 2
    data = TextData("own", [f"this film is {WORDS[row]} no {i}" for i, row in enumerate(rows)], rows, WORDS)
    return snnlp_lava.prepare_data(data, **(given if "method" in given else TINY | given))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("given") / "model"
    snnlp_lava.train_model(prepared(), folder)
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
    for name, inputs in {
        "data": {"data": kind("texts.csv"), "split": "all"},
        "spikes": {"spikes": kind("s.npy")},
    }.items():
        snnlp_lava.run_network(kind("a.net"), **inputs, folder=kind(name))
        assert snnlp_lava.read_run(kind(name)).record.samples == 2
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
        ({}, ".*one of --data, --spikes, .*--text"),
        ({"texts": ()}, ".*one of --data, --spikes, .*--text"),
        ({"texts": ("a",), "data": "demo"}, ".*one of --data, --spikes, .*--text"),
        ({"data": "demo", "spikes": "s.npy"}, ".*one of --data, --spikes, .*--text"),
        ({"texts": ("a", 7)}, "text 2 must be a str, got 7"),
        ({"texts": 7}, "texts must be a tuple of texts, got 7"),
        ({"texts": ("fine", HALF)}, r"text 2 'caf\\udce9' is not UTF-8"),
        ({"data": HALF}, r"path 'caf\\udce9' is not UTF-8"),
        ({"spikes": 7}, "7 is not a path"),
        ({"data": "demo", "split": "tset"}, r"split 'tset' is unknown \(known: train, validation, test, all\)"),
        ({"data": "demo", "split_scheme": "mine"}, "split scheme 'mine' is unknown"),
        ({"data": "demo", "limit": 0}, "limit must be an integer from 1 to .*, got 0"),
        ({"data": "demo", "limit": -5}, "limit must be an integer from 1 to .*, got -5"),
        ({"data": "demo", "limit": "5"}, "limit must be an integer from 1 to .*, got '5'"),
    ],
)
def test_inputs_check_themselves(fields, message):
    with pytest.raises(InputError, match=f"^{message}"):
        RunInput(**fields)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": "3"}, "epochs must be an integer, got '3'"),
        ({"epochs": 3.0}, "epochs must be an integer, got 3.0"),
        ({"seed": True}, "seed must be an integer, got True"),
        ({"reference": 1}, "reference must be true or false, got 1"),
        ({"dropout": "0.1"}, "dropout must be a number, got '0.1'"),
        ({"dropout": float("nan")}, "dropout must be a number"),
        ({"hidden": 64}, "hidden must be a list or null, got 64"),
        ({"hidden": (64.0,)}, r"hidden\[0\] must be an integer, got 64.0"),
        ({"neuron": {"threshold": "1"}}, "neuron.threshold must be a number, got '1'"),
        ({"neuron": {"threshold": 1000.0}}, r"neuron.threshold 1000.0 times threshold_scale 8.0 is 512000 on the chip"),
        ({"neuron": {"current_decay": 0.0}}, "neuron.current_decay must be a number >= 0.000244140625 .*, got 0.0"),
    ],
)
def test_an_option_of_another_kind_or_that_the_chip_cannot_store_is_named(options, message):
    with pytest.raises(InputError, match=f"^{message}"):
        make_method("snn-rate", **options)
    with pytest.raises(InputError, match=f"^{message}"):
        from_document({"method": "snn-rate", **options})


def test_integers_for_numbers_and_lists_for_tuples_are_taken():
    method = make_method("snn-rate", learning_rate=1, hidden=[3], neuron={"threshold": 2})
    assert (method.learning_rate, method.hidden, method.neuron.threshold) == (1.0, (3,), 2.0)


@pytest.mark.parametrize("limit", [0, -5, 2.5])
def test_a_limit_that_is_no_number_of_rows_is_refused(limit):
    with pytest.raises(InputError, match=f"^limit must be an integer >= 1, got {limit}$"):
        prepared(limit=limit)


def test_a_finished_model_and_other_files_are_not_written_over(model, tmp_path):
    before = {path: path.read_bytes() for path in model.iterdir()}
    with pytest.raises(InputError, match=r"finished model; remove it or choose another folder"):
        snnlp_lava.train_model(prepared(), model)
    assert {path: path.read_bytes() for path in model.iterdir()} == before
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="other files"):
        snnlp_lava.train_model(prepared(), str(tmp_path))
    with pytest.raises(InputError, match=r"notes\.txt: is a file"):
        snnlp_lava.train_model(prepared(), tmp_path / "notes.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_data_train_what_takes_their_features_and_nothing_else(tmp_path):
    of_texts = prepared()
    for method, title in (("ann", "ann at level sentence"), ("snn-bin", "snn-bin at level word")):
        message = f"data own: was prepared for spike-embedding at level word, not for {title};"
        with pytest.raises(InputError, match=f"^{message}"):
            snnlp_lava.train_model(of_texts, tmp_path / "new", method)
    (tmp_path / "w.txt").write_text("this 1 0 1\nfilm 0 1 1\ndull 1 1 0\nfine 0 0 1\n", "utf-8")
    small = {"level": "word", "hidden": (4,), "epochs": 1}
    of_words = prepared(method="snn-rate", words=str(tmp_path / "w.txt"), window=4, **small)
    with pytest.raises(InputError, match=r"was prepared for snn-rate at level word, not for ann at level sentence"):
        snnlp_lava.train_model(of_words, tmp_path / "new", "ann")
    assert not (tmp_path / "new").exists()
    snnlp_lava.train_model(of_words, tmp_path / "new", "ann", **small)


def test_a_training_takes_the_options_that_its_data_were_prepared_with(tmp_path):
    record = snnlp_lava.train_model(prepared(), tmp_path / "m", tokens="pairs")
    assert record.options == {**to_document(make_method(**TINY)), "tokens": "pairs"}


def test_devices_and_backends_that_do_not_exist_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"^device 'tpu' is unknown \(known: auto, cpu, cuda\)$"):
        snnlp_lava.train_model(prepared(), tmp_path / "new", device="tpu")
    with pytest.raises(InputError, match=r"^backend 'gpu' is unknown"):
        snnlp_lava.run_network("a.net", texts=("a",), backend="gpu", folder=tmp_path / "new")
    for name in ("jobs", "keep_trains"):
        with pytest.raises(InputError, match=f"^{name} must be an integer (>=|from) ..*, got -1"):
            snnlp_lava.run_network("a.net", texts=("a",), backend="sim", folder=tmp_path / "new", **{name: -1})
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("period", [0, -1, 1.5, "32"])
def test_a_period_is_a_number_of_steps(model, period):
    network, _card = snnlp_lava.export_model(model)
    with pytest.raises(InputError, match=f"^period must be an integer >= 1, got {period!r}$"):
        snnlp_lava.map_network(network, CHIPS["loihi1"], period)
    with pytest.raises(InputError, match=f"^period must be an integer >= 1, got {period!r}$"):
        snnlp_lava.export_model(model, period)

"""The model folder: read as it was written, refused where it cannot be used."""

import json

import numpy as np
import pytest

from snnlp_lava.encode.calibration import Calibration
from snnlp_lava.encode.saf import SafEncoder
from snnlp_lava.errors import InputError
from snnlp_lava.train.methods.make import make_method, to_document
from snnlp_lava.train.model_folder import ModelRecord, load_spiking, model_card, read_record, write_model

METHOD = make_method("snn-rate", window=32, hidden=(4,))
ENCODER = SafEncoder(Calibration("paper", np.full(3, 0.5), np.full(3, 0.5)))
SCORES = {split: {"accuracy": 0.5, "mrr": 0.75} for split in ("validation", "test")}


@pytest.fixture
def folder(tmp_path):
    """A model of 3 lines, 4 hidden neurons and 2 classes."""
    module = METHOD.untrained((3, 4, 2), ENCODER)
    tensors = {name: value.numpy() for name, value in module.state_dict().items()}
    record = ModelRecord.of(
        options=to_document(METHOD),
        sizes=(3, 4, 2),
        label_names=("dull", "fine"),
        embedding={"name": "a model", "sha256": "0" * 64, "dimension": 3},
        encoder=ENCODER.to_dict(),
        data={
            "name": "mine",
            "sha256": "0" * 64,
            "split_scheme": "official",
            "limit": None,
            "rows": {"train": 9, "validation": 3, "test": 3},
            "unseen_labels": {},
            "skipped": {},
        },
        scores={"best_epoch": 1, **SCORES},
        baselines={"tfidf": {**SCORES, "macs": 7.5}},
        versions={},
    )
    write_model(tmp_path / "a", record, tensors, ENCODER.arrays(), [{"epoch": 1}])
    return tmp_path / "a"


def test_a_model_is_loaded_as_it_was_written(folder):
    record, model = load_spiking(folder)
    assert (record.method, record.sizes) == (METHOD, (3, 4, 2))
    assert (model.encoder.to_dict(), model.network.sizes) == (ENCODER.to_dict(), (3, 4, 2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sizes": [3, 1 << 20, 2]}, "weights do not fit the sizes"),
        ({"sizes": [1 << 20, 1 << 20, 2]}, "weights do not fit the sizes"),  # they would take 4 TiB
        ({"sizes": [3, (1 << 20) + 1, 2]}, r"config.json: sizes\[1\] must be an integer <= 1048576, got 1048577"),
        ({"sizes": [4, 3, 2]}, "weights do not fit the sizes"),
        ({"embedding": {"name": 7, "sha256": None, "dimension": 3}}, "config.json: embedding.name must be text"),
        ({"encoder": {"kind": "bernoulli"}}, "encoder: calibration is missing"),
        ({"options": {"method": "snn-rate", "window": 0}}, "config.json: options: window must be an integer >= 1"),
        ({"options": {"method": "snn-rate", "hidden": [0]}}, r"config.json: options: hidden\[0\] must be"),
        ({"options": {"method": "snn-rate", "lines": 3}}, "config.json: options: lines is unknown"),
        ({"options": {"method": "lstm"}}, "config.json: options: method 'lstm' is unknown"),
        ({"baselines": {"svm": {**SCORES, "macs": 3}}}, "config.json: baselines.svm is unknown"),
        ({"format": 2}, r"config.json has format 2, this version reads 3; train it again \(snnlp-lava train\)"),
    ],
)
def test_a_description_that_cannot_be_used_is_refused_with_the_folder(folder, change, message):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(InputError, match=rf"^model {folder}: {message}"):
        load_spiking(folder)


@pytest.mark.parametrize(
    ("method", "options", "embedding", "commands"),
    [
        ("snn-rate", {}, "a model", ["export models/a", 'run netx_exports/a.net --text "your text"']),
        (
            "snn-rate",
            {"window": 32},
            None,
            ["export models/a", "run netx_exports/a.net --data DATA --vectors VECTORS.npy"],
        ),
        ("spike-embedding", {}, None, ["export models/a", 'run netx_exports/a.net --text "your text"']),
        ("ann", {}, "a model", []),
    ],
)
def test_the_card_shows_the_commands_that_work(folder, method, options, embedding, commands):
    record = read_record(folder)
    record = record.replace(
        options=to_document(make_method(method, **options)), embedding=record.embedding.replace(name=embedding)
    )
    card = model_card("a", record)
    assert [line.strip() for line in card.splitlines() if line.startswith("    snnlp-lava")] == [
        f"snnlp-lava {command}" for command in commands
    ]
    assert "\n\nConfiguration:\n\n```json\n" in card
    assert ("Window: 32 steps" in card) == ("window" in options)

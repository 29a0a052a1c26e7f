import json
from dataclasses import replace

import numpy as np
import pytest

from snnlp_lava.embed.base import EmbeddingInfo
from snnlp_lava.encode.calibration import Calibration
from snnlp_lava.encode.saf import SafEncoder
from snnlp_lava.errors import InputError
from snnlp_lava.network.network import Layer, Network
from snnlp_lava.train.methods.base import TrainConfig
from snnlp_lava.train.model_folder import ModelInfo, load_spiking, model_card, read_info, write_model
from snnlp_lava.train.slayer import SpikingClassifier
from strategies import card_for

CONFIG = TrainConfig(hidden=(4,))
ENCODER = SafEncoder(Calibration("paper", np.full(3, 0.5), np.full(3, 0.5)))


@pytest.fixture
def folder(tmp_path):
    """A model of 3 lines, 4 hidden neurons and 2 classes."""
    module = SpikingClassifier((3, 4, 2), CONFIG, ENCODER)
    state = {name: value.numpy() for name, value in module.state_dict().items()}
    training = card_for(Network([Layer([[1, 1, 1]] * 2, [0, 0], 1, 0, 1)])).to_dict()["training"]
    info = ModelInfo(
        train=CONFIG,
        sizes=(3, 4, 2),
        label_names=("dull", "fine"),
        embedding=EmbeddingInfo("a model", "0" * 64, 3),
        encoder=ENCODER.to_dict(),
        data=training["data"],
        scores=training["scores"],
        baselines=training["baselines"],
        versions={},
    )
    write_model(tmp_path / "a", info, state, ENCODER.arrays(), [{"epoch": 1}])
    return tmp_path / "a"


def test_a_model_is_loaded_as_it_was_written(folder):
    info, module = load_spiking(folder)
    assert (info.train, info.sizes) == (CONFIG, (3, 4, 2))
    assert (module.encoder.to_dict(), module.to_network().sizes) == (ENCODER.to_dict(), (3, 4, 2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sizes": [3, 1 << 20, 2]}, ".* does not fit config.json: 24 numbers, 5242880 weights"),
        ({"sizes": [3, (1 << 20) + 1, 2]}, r"config.json has sizes \(3, 1048577, 2\)"),
        ({"sizes": [4, 3, 2]}, "weights.safetensors does not fit config.json: "),
        ({"embedding": {"name": 7, "sha256": None, "dimension": 3}}, "config.json: name must be text or null, got 7"),
        ({"encoder": {"kind": "bernoulli"}}, "encoder: calibration is missing"),
        ({"train": {"window": 0}}, "config.json: window 0 is outside 1 to 16384"),
        ({"train": {"hidden": [0]}}, "config.json: hidden layer of 0 is outside 1 to 1048576"),
        ({"train": {"neuron": {"threshold": 10**400}}}, "config.json: training .* is malformed: int too large"),
    ],
    ids=["vast sizes", "too large sizes", "other sizes", "name", "encoder", "window", "hidden", "threshold"],
)
def test_a_description_that_cannot_be_used_is_refused_with_the_folder(folder, change, message):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(InputError, match=rf"^model {folder}: {message}"):
        load_spiking(folder)


def test_a_configuration_is_read_as_it_was_written():
    config = replace(CONFIG, hidden=(7, 5))
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("method", "embedding", "commands"),
    [
        ("snn-rate", "a model", ["export models/a", 'run netx_exports/a.net --text "a text of yours"']),
        ("snn-rate", None, ["export models/a", "run netx_exports/a.net --data DATA --vectors VECTORS.npy"]),
        ("spike-embedding", None, ["export models/a", 'run netx_exports/a.net --text "a text of yours"']),
        ("ann", "a model", []),
    ],
)
def test_the_card_shows_the_commands_that_work(folder, method, embedding, commands):
    info = read_info(folder)
    info = replace(info, train=TrainConfig.defaults_for(method), embedding=info.embedding.replace(name=embedding))
    card = model_card("a", info)
    assert [line.strip() for line in card.splitlines() if line.startswith("    snnlp-lava")] == [
        f"snnlp-lava {command}" for command in commands
    ]
    assert "\n\nConfiguration:\n\n```json\n" in card
    assert ("Window: 32 steps" in card) == (method != "ann")

import contextlib
import json
import re
import time

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnlp_lava.encode.calibration import Calibration
from snnlp_lava.encode.saf import SafEncoder
from snnlp_lava.errors import InputError
from snnlp_lava.network.network import Network
from snnlp_lava.network.recurrent import RecurrentDense
from snnlp_lava.netx.network_file import read_network, write_network
from strategies import DAMAGES, card_for, chains, dense, networks

NETWORK = Network(
    [dense([[2, -4, 6], [8, -10, 12]], [0, 5], 1024, 128, 80), dense([[2, -4], [6, 8]], [0, 0], 4096, 0, 131071)]
)


@pytest.fixture
def path(tmp_path):
    """A good network file, to be read or to be damaged."""
    write_network(tmp_path / "a.net", NETWORK, card_for(NETWORK))
    return tmp_path / "a.net"


def card_bytes(text):
    """A card as it is stored: bytes of UTF-8, or of what is none."""
    return np.frombuffer(text if isinstance(text, bytes) else text.encode(), np.uint8)


@pytest.fixture
def lava_dl_path(path):
    """The same layers as lava-dl stores them: no card, and the neuron's type a string of variable length."""
    with h5py.File(path, "r") as ours, h5py.File(path.with_name("lava_dl.net"), "w") as theirs:
        ours.copy("layer", theirs)
        for index in range(2):
            replace(theirs, f"layer/{index}/neuron/type", "CUBA")
    return path.with_name("lava_dl.net")


def replace(file, name, value):
    """Put another value, an empty group ({}) or nothing (None) in the place of a member."""
    if name in file:
        del file[name]
    if isinstance(value, dict):
        file.create_group(name)
        for key, member in value.items():
            file[f"{name}/{key}"] = member
    elif value is not None:
        file[name] = value


@given(networks(), st.data())
def test_what_was_written_is_read(tmp_path, network, data):
    values = st.lists(st.floats(-1e9, 1e9), min_size=network.inputs, max_size=network.inputs).map(np.array)
    card = card_for(network, encoder=SafEncoder(Calibration("range", data.draw(values), data.draw(values))))
    write_network(tmp_path / "a.net", network, card)
    read = read_network(tmp_path / "a.net")
    assert read.network.layers == network.layers
    assert read.card.to_dict() == card.to_dict()
    for name, array in card.encoder.arrays().items():
        np.testing.assert_array_equal(read.card.encoder.arrays()[name], array)


@given(chains())
def test_layers_of_every_type_are_read_as_they_were_written(tmp_path, network):
    write_network(tmp_path / "a.net", network, None)
    assert read_network(tmp_path / "a.net").network == network


@pytest.mark.parametrize(
    ("delay", "whole"),
    [(3, [[3] * 3] * 2), ([1, 2], [[1] * 3, [2] * 3]), ([1, 2, 3], [[1, 2, 3]] * 2), ([[1, 2, 3], [4, 5, 6]],) * 2],
)
def test_delays_with_fewer_axes_are_one_for_all_or_each_neuron_or_each_line(path, delay, whole):
    with h5py.File(path, "a") as file:
        file["layer/0/delay"] = np.array(delay, dtype=float)
    assert read_network(path).network.layers[0].delay.tolist() == whole


def test_a_recurrent_layer_with_delays_is_refused_as_netx_does_not_run_it_right(path):
    recurrent = RecurrentDense([[2, 4], [6, 8]], [[2, 2], [2, 4]], NETWORK.layers[1].neuron)
    write_network(path, Network([recurrent]), None)
    with h5py.File(path, "a") as file:
        file["layer/0/delay"] = np.array([0.0, 1.0])
    with pytest.raises(InputError, match=r"layer 1: is recurrent with delays, which NetX 0\.6 does not run right"):
        read_network(path)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("weight_rec", None, "lacks weight_rec"),
        ("weight_rec", np.ones((3, 3)), "bias of 2 neurons, weight of 3"),
        ("weight_rec", np.ones((2, 3)), "recurrent weight must be square"),
        ("delay", np.zeros(3), None),
    ],
)
def test_a_damaged_recurrent_layer_is_refused(path, name, value, message):
    recurrent = RecurrentDense([[2, 4], [6, 8]], [[2, 2], [2, 4]], NETWORK.layers[1].neuron)
    write_network(path, Network([recurrent]), None)
    with h5py.File(path, "a") as file:
        replace(file, f"layer/0/{name}", value)
    if message is None:
        assert read_network(path).network.layers == (recurrent,)
        return
    with pytest.raises(InputError, match=rf"a\.net: layer 1: {message}"):
        read_network(path)


@pytest.mark.parametrize("place", ["network_file.check_card_matches", "layers._read_neuron"])
def test_a_mistake_of_our_own_is_not_told_as_a_damaged_file(path, monkeypatch, place):
    def mistaken(*arguments):
        raise KeyError("oops")

    monkeypatch.setattr(f"snnlp_lava.netx.{place}", mistaken)
    with pytest.raises(KeyError, match="oops"):
        read_network(path)


def test_a_large_file_that_is_not_hdf5_is_refused_by_its_first_bytes(tmp_path):
    path = tmp_path / "a.net"
    with path.open("wb") as file:
        file.truncate(30 << 30)
    started = time.perf_counter()
    with pytest.raises(InputError, match=r"a\.net: is not a readable HDF5 file: it has no HDF5 signature"):
        read_network(path)
    assert time.perf_counter() - started < 1


def test_the_same_network_gives_the_same_bytes(path):
    first = path.read_bytes()
    write_network(path, NETWORK, card_for(NETWORK))
    assert path.read_bytes() == first


def test_many_weights_that_are_mostly_0_take_little_room(tmp_path):
    weight = np.zeros((150, 2000), dtype=np.int64)
    weight[np.arange(2000) % 150, np.arange(2000)] = 2 * (np.arange(2000) % 100)
    network = Network([dense(weight, np.zeros(150, dtype=np.int64), 4096, 0, 80)])
    write_network(tmp_path / "a.net", network, card_for(network))
    assert (tmp_path / "a.net").stat().st_size < weight.size / 4  # of a byte for each
    (layer,) = read_network(tmp_path / "a.net").network.layers
    np.testing.assert_array_equal(layer.synapses()[0].weight, weight)


def test_a_file_of_another_program_has_no_card(path):
    with h5py.File(path, "a") as file:
        replace(file, "snnlp", None)
    read = read_network(path)
    assert (read.network.layers, read.card) == (NETWORK.layers, None)


def test_an_input_layer_of_lava_dl_computes_nothing(path):
    with h5py.File(path, "a") as file:
        for index in (2, 1):
            file.move(f"layer/{index - 1}", f"layer/{index}")
        file.create_dataset("layer/0/type", (1,), "S10", [b"input"])
        file["layer/0/shape"] = np.array([3, 1, 1])
    assert read_network(path).network.layers == NETWORK.layers


CHANGES = {
    "no layer group": (("layer", None), "lacks /layer; is it a NetX file"),
    "no layer 0": (("layer/0", None), "lacks layer/0"),
    "no type": (("layer/1/type", None), "lacks /layer/1/type"),
    "no weight": (("layer/1/weight", None), "layer 2: lacks weight"),
    "no threshold": (("layer/1/neuron/vThMant", None), "lacks /layer/1/neuron/vThMant"),
    "unknown layer": (("layer/1/type", np.array([b"kwta"])), "layer/1 is of type 'kwta'; supported are .*'dense'"),
    "pool": (("layer/0/type", np.bytes_("pool")), "layer/0 is of type 'pool', which NetX 0.6 cannot run either"),
    "adaptive neurons": (
        ("layer/0/neuron/type", np.bytes_("ALIF")),
        "layer/0 has neurons of type 'ALIF', which NetX 0.6 cannot run either",
    ),
    "sigma-delta with decays": (
        ("layer/0/neuron/type", np.bytes_("SDNN")),
        "layer/0 has SDNN neurons with gradedSpike",
    ),
    "complex weights": (("layer/0/weight", {"imag": 1}), "layer/0 has complex weights"),
    "type not UTF-8": (("layer/0/type", np.array([b"\xff\xfe"])), "/layer/0/type is not UTF-8"),
    "type a number": (("layer/0/type", 7), "/layer/0/type is not one text of fixed length"),
    "type of variable length": (("layer/0/type", "dense"), "/layer/0/type is not one text of fixed length"),
    "two types": (("layer/0/type", np.array([b"dense"] * 2)), "/layer/0/type is not one text of fixed length"),
    "weight a group": (("layer/0/weight", {}), "/layer/0/weight is not a dataset"),
    "weight a line": (("layer/0/weight", np.array([2, 4, 6, 8, 10])), "layer 1: has 5 weights for 2 neurons"),
    "weight of three axes": (
        ("layer/0/weight", np.ones((2, 3, 1))),
        r"/layer/0/weight is float64 of shape \(2, 3, 1\)",
    ),
    "weight text": (("layer/0/weight", "2"), "/layer/0/weight is object"),
    "weight empty": (("layer/0/weight", h5py.Empty("f4")), "/layer/0/weight is not a dataset"),
    "weight not whole": (("layer/1/weight", np.full((2, 2), 0.5)), "layer 2: weight must hold integers, got 0.5"),
    "weight too large": (
        ("layer/0/weight", np.array([[258, 0, -2]] * 2)),
        "layer 1: weight 258 is outside -256 to 254",
    ),
    "sizes that do not fit": (("layer/1/weight", np.ones((2, 3))), "layer 1 has 2 neurons, but layer 2 takes 3"),
    "decay per neuron": (
        ("layer/0/neuron/iDecay", np.array([1, 2])),
        "/layer/0/neuron/iDecay must be one integer .*, got 2 values",
    ),
    "decay infinite": (("layer/0/neuron/vDecay", np.inf), "/layer/0/neuron/vDecay must be one integer .*, got inf"),
    "decay huge": (("layer/0/neuron/vDecay", -(1 << 63)), "/layer/0/neuron/vDecay must be one integer .*, got -9223"),
    "threshold out of range": (("layer/1/neuron/vThMant", 200_000), "layer 2: threshold 200000 is outside 1 to 131071"),
    "card not JSON": (("snnlp/card", card_bytes("{")), "/snnlp/card is not JSON"),
    "card too deep": (("snnlp/card", card_bytes("[" * 100_000)), "/snnlp/card is not JSON"),
    "card not UTF-8": (("snnlp/card", card_bytes(b'{"a": "\xff"}')), "/snnlp/card is not JSON"),
    "card without bytes": (("snnlp/card", card_bytes("")), "/snnlp/card is not JSON"),
    "card a text": (("snnlp/card", "{}"), "/snnlp/card is object"),
    "card a text of fixed length": (("snnlp/card", np.bytes_("{}")), "/snnlp/card is |S2"),
    "card a list": (("snnlp/card", card_bytes("[]")), "/snnlp/card must be a JSON object"),
    "card empty": (("snnlp/card", card_bytes("{}")), "card: method is missing"),
    "no encoder": (("snnlp/encoder", None), "lacks /snnlp/encoder"),
    "gain missing": (("snnlp/encoder/gain", None), "encoder: array gain is missing"),
    "gain too long": (("snnlp/encoder/gain", np.ones(4)), "calibration paper: .*4 gains and 3 offsets"),
    "gain a table": (
        ("snnlp/encoder/gain", np.ones((3, 1))),
        "calibration paper: gain must be one finite number for each dimension",
    ),
    "too many arrays": (("snnlp/encoder/more", {"a": 1, "b": 2, "c": 3}), "/snnlp/encoder/more is not a dataset"),
}


@pytest.mark.parametrize(("change", "message"), CHANGES.values(), ids=CHANGES)
def test_a_file_that_cannot_be_used_says_what_is_wrong(path, change, message):
    with h5py.File(path, "a") as file:
        replace(file, *change)
    with pytest.raises(InputError, match=rf"^network .*a\.net: {message}"):
        read_network(path)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("layer/1/delay", np.array([0.0, 63.0]), "layer 2: delay 63 is outside 0 to 62"),
        ("layer/1/delay", np.array([0.0, 3.5]), "layer 2: delay must hold integers, got 3.5"),
        ("layer/1/neuron/gradedSpike", True, "layer/1 has graded spikes"),
        ("layer/1/neuron/refDelay", 2, "layer/1 has refDelay 2; NetX 0.6 ignores it"),
        ("layer/3", {}, "lacks layer/2"),
    ],
)
def test_what_the_emulator_does_not_compute_is_refused(path, name, value, message):
    with h5py.File(path, "a") as file:
        replace(file, name, value)
    with pytest.raises(InputError, match=message):
        read_network(path)


def test_a_neuron_type_of_variable_length_is_read(lava_dl_path):
    read = read_network(lava_dl_path)
    assert (read.network.layers, read.card) == (NETWORK.layers, None)
    with h5py.File(lava_dl_path, "a") as file:
        assert h5py.check_string_dtype(file["layer/0/neuron/type"].dtype).length is None
        replace(file, "layer/1/neuron/type", "RF_IZHIKEVICH")
    with pytest.raises(InputError, match=r"layer/1 has neurons of type 'RF_IZHIKEVICH', which NetX 0\.6 cannot run"):
        read_network(lava_dl_path)


def test_training_of_wrong_types_is_refused(path):
    with h5py.File(path, "a") as file:
        document = json.loads(file["snnlp/card"][()].tobytes())
        document["training"]["data"]["rows"]["test"] = "4"
        replace(file, "snnlp/card", card_bytes(json.dumps(document)))
    with pytest.raises(InputError, match=r"a\.net: card: training\.data\.rows\.test must be an integer, got '4'"):
        read_network(path)


def test_a_file_of_a_later_format_is_refused(path):
    with h5py.File(path, "a") as file:
        file["snnlp"].attrs["format"] = 4
    with pytest.raises(InputError, match=r"a\.net: /snnlp has format 4; this version reads 2 and 3"):
        read_network(path)


def test_labels_that_do_not_fit_the_outputs_are_refused_on_both_ways(path):
    with pytest.raises(InputError, match="2 output neurons, but 3 label names"):
        write_network(path, NETWORK, card_for(NETWORK, label_names=["a", "b", "c"]))
    with h5py.File(path, "a") as file:
        document = json.loads(file["snnlp/card"][()].tobytes())
        replace(file, "snnlp/card", card_bytes(json.dumps({**document, "label_names": ["a", "b", "c"]})))
    with pytest.raises(InputError, match=r"a\.net: 2 output neurons, but 3 label names"):
        read_network(path)


@pytest.mark.parametrize(
    "name", ["layer", "layer/0", "layer/0/neuron", "layer/0/weight", "layer/0/neuron/iDecay", "snnlp"]
)
@pytest.mark.parametrize("kind", ["soft", "external"])
def test_links_are_not_followed(path, name, kind):
    with h5py.File(path.with_name("other.net"), "w") as other, h5py.File(path, "a") as file:
        file.copy(name, other, name)
        file.move(name, "elsewhere")
        file[name] = h5py.SoftLink("/elsewhere") if kind == "soft" else h5py.ExternalLink("other.net", f"/{name}")
    with pytest.raises(InputError, match=f"/{name} is a link to elsewhere, which is not followed"):
        read_network(path)


def test_data_kept_in_other_files_is_not_read(path):
    secret = path.with_name("secret")
    secret.write_bytes(np.ones((2, 3), dtype="<i8").tobytes())
    with h5py.File(path, "a") as file:
        replace(file, "layer/0/weight", None)
        file.create_dataset("layer/0/weight", (2, 3), "<i8", external=[(str(secret), 0, h5py.h5f.UNLIMITED)])
    with pytest.raises(InputError, match="/layer/0/weight keeps its data in another file"):
        read_network(path)
    with h5py.File(path, "a") as file:
        layout = h5py.VirtualLayout((2, 3), "<i8")
        layout[:] = h5py.VirtualSource(str(secret), "weight", (2, 3))
        replace(file, "layer/0/weight", None)
        file.create_virtual_dataset("layer/0/weight", layout)
    with pytest.raises(InputError, match="/layer/0/weight keeps its data in another file"):
        read_network(path)


@pytest.mark.parametrize(
    "name", ["layer/0/weight", "layer/0/bias", "layer/0/neuron/iDecay", "snnlp/encoder/gain", "snnlp/card"]
)
def test_a_dataset_too_large_for_any_chip_is_refused_unread(path, name):
    with h5py.File(path, "a") as file:
        replace(file, name, None)
        file.create_dataset(name, (1 << 20, 1 << 20), "f8" if name != "snnlp/card" else "u8", chunks=(1024, 1024))
    with pytest.raises(InputError, match=f"/{name} has 8796093022208 bytes"):
        read_network(path)


def test_more_layers_than_any_chip_takes_are_refused(path):
    with h5py.File(path, "a") as file:
        for index in range(2, 65):
            file.create_group(f"layer/{index}")
    with pytest.raises(InputError, match="has 65 layers; 1 to 64 are supported"):
        read_network(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"not HDF5", b"\x89HDF\r\n\x1a\n", b"\x89HDF\r\n\x1a\n" + b"\xff" * 500],
    ids=["empty", "text", "signature alone", "signature and noise"],
)
def test_files_that_are_not_hdf5_are_refused(tmp_path, content):
    (tmp_path / "a.net").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.net: is not a readable HDF5 file"):
        read_network(tmp_path / "a.net")


def test_missing_files_and_folders_are_refused(tmp_path):
    for path in (tmp_path / "none.net", tmp_path):
        with pytest.raises(InputError, match=f"network {path}: no such file"):
            read_network(path)


@pytest.mark.parametrize("written_by", ["path", "lava_dl_path"])
@settings(max_examples=300)
@given(damage=DAMAGES)
def test_a_damaged_file_is_read_or_refused(request, written_by, damage):
    damage.is_read_or_refused(request.getfixturevalue(written_by), read_network)


def damage(path, pattern, offset, byte):
    """Put one byte into every place of the file that holds the pattern."""
    content = bytearray(path.read_bytes())
    places = [found.start() for found in re.finditer(re.escape(pattern), content)]
    assert places
    for place in places:
        content[place + offset] = byte
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("pattern", "offset", "byte"),
    [(b"\x10\x08\x00\x00\x04", 4, 5), (b"\x13\x01\x00\x00\x0a", 1, 0x81)],
    ids=["integer of 5 bytes", "unknown character set"],
)
def test_a_type_that_numpy_lacks_is_refused(path, pattern, offset, byte):
    damage(path, pattern, offset, byte)
    with pytest.raises(InputError, match=r"a\.net: "):
        read_network(path)


# HDF5 itself crashes on the first and loops forever on the second, if the string is read.
@pytest.mark.parametrize(
    ("pattern", "offset", "byte"),
    [(b"\x19\x01\x01\x00\x10", 1, 9), (b"CUBA", -8, 255)],
    ids=["unknown variable-length type", "string longer than the file"],
)
def test_a_damaged_string_neither_kills_nor_hangs_the_program(lava_dl_path, pattern, offset, byte):
    damage(lava_dl_path, pattern, offset, byte)
    with contextlib.suppress(InputError):
        assert read_network(lava_dl_path).network.layers == NETWORK.layers


def test_a_failed_write_keeps_the_old_file_and_leaves_no_other(path):
    before = path.read_bytes()
    config = {"seed": float("nan")}  # which JSON has no word for
    card = card_for(NETWORK, training=card_for(NETWORK).training.replace(config=config))
    for target in (path, path.with_name("new.net")):
        with pytest.raises((InputError, TypeError, ValueError)):
            write_network(target, NETWORK, card)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_cannot_be_written_is_named(path):
    with pytest.raises(InputError, match=r"cannot write .*a\.net/new\.net: "):
        write_network(path / "new.net", NETWORK, card_for(NETWORK))

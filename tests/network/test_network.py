import numpy as np
import pytest
from hypothesis import given

from snnlp_lava.errors import InputError
from snnlp_lava.network.network import Network, format_sizes, naming_layer
from strategies import dense, networks

FIELDS = {"weight": [[2, -4], [6, 8]], "bias": [0, 1], "current_decay": 1024, "voltage_decay": 128, "threshold": 80}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weight": [[256, -2], [0, 0]]}, "weight 256 is outside -256 to 254"),
        ({"weight": [[255, -2], [0, 0]]}, "weight 255 is outside -256 to 254"),
        ({"weight": [[-258, 2], [0, 0]]}, "weight -258 is outside -256 to 254"),
        ({"weight": [[256, 0], [0, 0]]}, "weight 256 is outside 0 to 255"),
        ({"weight": [[-257, 0], [0, 0]]}, "weight -257"),
        ({"weight": [[2, -3], [0, 0]]}, "weight -3 is odd; .* even"),
        ({"weight": [[0, 0], [0, 0]]}, "all weights are 0"),
        ({"weight": [[0.5, 1], [0, 0]]}, "weight must hold integers, got 0.5"),
        ({"weight": [[np.nan, 1], [0, 0]]}, "weight must hold integers, got nan"),
        ({"weight": [[1 << 31, 1], [0, 0]]}, "weight 2147483648 does not fit into 32 bits"),
        ({"weight": [["2", "4"], ["6", "8"]]}, "weight must hold integers, got <U1"),
        ({"weight": [[True, False], [True, True]]}, "weight must hold integers, got bool"),
        ({"weight": [2, 4]}, r"weight must have the shape \(neurons, lines\), got \(2,\)"),
        ({"weight": np.zeros((2, 0))}, r"weight must have the shape .*, got \(2, 0\)"),
        ({"bias": [0, 4096]}, "bias 4096 is outside -4096 to 4095"),
        ({"bias": [-4097, 0]}, "bias -4097 is outside -4096 to 4095"),
        ({"bias": [0, 0, 0]}, "bias of 3 neurons, weight of 2"),
        ({"current_decay": 0}, "current decay 0 is outside 1 to 4096"),
        ({"current_decay": 4097}, "current decay 4097 is outside 1 to 4096"),
        ({"voltage_decay": -1}, "voltage decay -1 is outside 0 to 4096"),
        ({"voltage_decay": 4097}, "voltage decay 4097 is outside 0 to 4096"),
        ({"threshold": 0}, "threshold 0 is outside 1 to 131071"),
        ({"threshold": (1 << 17) + 1}, "threshold 131073 is outside 1 to 131071"),
        ({"threshold": 80.5}, "threshold must be an integer, got 80.5"),
        ({"current_decay": float("nan")}, "current decay must be an integer, got nan"),
    ],
)
def test_a_value_the_chip_cannot_hold_is_named_with_its_limits(changes, message):
    with pytest.raises(InputError, match=message):
        dense(**{**FIELDS, **changes})
    with pytest.raises(InputError, match=f"^layer 3: {message}"), naming_layer(3):
        dense(**{**FIELDS, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"weight": [[-256, 254], [0, 0]]},
        {"weight": [[255, 0], [1, 3]]},
        {"bias": [-4096, 4095]},
        {"current_decay": 1},
        {"current_decay": 4096},
        {"voltage_decay": 0},
        {"voltage_decay": 4096},
        {"threshold": 1},
        {"threshold": (1 << 17) - 1},
        {"weight": np.array([[2.0, -4.0], [6.0, 8.0]])},
        {"weight": np.array([[1, 2], [3, 4]], dtype=np.uint64)},
    ],
)
def test_the_ends_of_the_ranges_are_held_unchanged(changes):
    layer = dense(**{**FIELDS, **changes})
    for name, value in {**FIELDS, **changes}.items():
        np.testing.assert_array_equal(getattr(layer if name == "weight" else layer.neuron, name), value)


def test_a_layer_is_no_window_on_the_arrays_it_was_made_of():
    weight = np.array([[2, -4], [6, 8]], dtype=np.int32)
    layer = dense(**{**FIELDS, "weight": weight})
    weight[0, 0] = 1000
    assert layer.weight[0, 0] == 2
    with pytest.raises(ValueError, match="read-only"):
        layer.weight[0, 0] = 1000


@pytest.mark.parametrize(
    "changes",
    [{"weight": [[2, -4], [6, 6]]}, {"bias": [0, 0]}, {"current_decay": 1}, {"voltage_decay": 1}, {"threshold": 81}],
)
def test_layers_that_differ_in_one_value_are_not_equal(changes):
    assert dense(**FIELDS) == dense(**FIELDS)
    assert dense(**FIELDS) != dense(**{**FIELDS, **changes})


@given(networks())
def test_sizes_tell_the_inputs_and_the_neurons_of_each_layer(network):
    sizes = network.sizes
    assert [layer.weight.shape for layer in network.layers] == list(zip(sizes[1:], sizes, strict=False))
    assert (network.inputs, network.outputs) == (sizes[0], sizes[-1])
    assert len(network.layer_names) == len(sizes) == len(set(network.layer_names))
    assert format_sizes(sizes).split("-") == [str(size) for size in sizes]


def test_layers_that_do_not_fit_together_are_refused():
    layer = dense(**FIELDS)
    three = dense(**{**FIELDS, "weight": [[1, 2, 3], [4, 5, 6]]})
    with pytest.raises(InputError, match="layer 2 has 2 neurons, but layer 3 takes 3"):
        Network([three, layer, three])
    with pytest.raises(InputError, match="no layers"):
        Network([])

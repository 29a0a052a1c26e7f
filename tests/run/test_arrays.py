"""Files of spikes, values, events and labels are read as NetX and lava-dl have them, or refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnlp_lava.errors import InputError
from snnlp_lava.network.conv import Conv, Geometry
from snnlp_lava.network.input import Input
from snnlp_lava.network.network import Network
from snnlp_lava.network.neuron import Neuron
from snnlp_lava.run.arrays import open_events, open_spikes, open_values, read_labels
from strategies import dense

SHAPE = (2, 3, 4)
"""(channels, height, width): NetX has (4, 3, 2)."""
ONE = Neuron(np.zeros(1, dtype=int), 4096, 0, 9)
LINES = Network([dense([[2, 4, 6]])])
IMAGE = Network([Conv(2 * np.ones((1, 2, 3, 4), dtype=int), ONE, Geometry(SHAPE, (3, 4), 1))])
VALUES = Network(
    [
        Input(SHAPE, Neuron(np.zeros(24, dtype=int), 4096, 0, 9), weight=36, bias=34),
        Conv(2 * np.ones((1, 2, 3, 4), dtype=int), ONE, Geometry(SHAPE, (3, 4), 1)),
    ]
)
INPUTS = Network([Input((3,), Neuron(np.zeros(3, dtype=int), 4096, 0, 9))])


def saved(path, array):
    np.save(path, array)
    return path


@pytest.mark.parametrize("kind", [bool, np.uint8, np.int64, np.float16, np.float64])
def test_spikes_of_any_type_of_number_are_read(tmp_path, kind):
    trains = np.random.default_rng(0).random((4, 7, 3)) < 0.4
    samples = open_spikes(saved(tmp_path / "s.npy", trains.astype(kind)), LINES)
    assert (len(samples), samples.window) == (4, 7)
    found = samples.spikes(np.array([2, 0]))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, trains[[2, 0]])
    one = open_spikes(saved(tmp_path / "one.npy", trains[1].astype(kind)), LINES)
    np.testing.assert_array_equal(one.spikes(np.arange(1)), trains[1:2])


def test_images_are_in_the_order_of_netx(tmp_path):
    """Lines count as a flatten of (channels, height, width)."""
    lines = np.random.default_rng(0).integers(0, 2, (5, 6, *SHAPE))
    for name, given_axes in (("s.npy", lines), ("one.npy", lines[2])):
        axes = (*range(given_axes.ndim - 3), -1, -2, -3)
        samples = open_spikes(saved(tmp_path / name, given_axes.transpose(axes)), IMAGE)
        chosen = np.arange(5) if name == "s.npy" else np.array([2])
        np.testing.assert_array_equal(
            samples.spikes(np.arange(len(samples))), lines[chosen].reshape(len(chosen), 6, -1)
        )


@given(st.lists(st.integers(0, 4), min_size=1, max_size=5), st.data())
def test_taking_samples_of_samples_takes_the_right_ones(tmp_path, first, data):
    trains = np.random.default_rng(0).random((5, 2, 3)) < 0.5
    then = data.draw(st.lists(st.integers(0, len(first) - 1), min_size=1))
    samples = open_spikes(saved(tmp_path / "s.npy", trains), LINES).take(np.array(first)).take(np.array(then))
    np.testing.assert_array_equal(samples.spikes(np.arange(len(then))), trains[first][then])


def test_values_become_currents_by_the_layers_weight_and_bias(tmp_path):
    """Source of the transformation: lava-dl's PilotNet data set, weight x + bias cut to an integer."""
    values = np.random.default_rng(0).uniform(-1, 1, (3, 4, 3, 2))
    currents = np.trunc(36 * values + 34).transpose(0, 3, 2, 1).reshape(3, 1, -1)
    constant = open_values(saved(tmp_path / "c.npy", values), VALUES, 5)
    assert (len(constant), constant.window) == (3, 5)
    found = constant.take(np.array([2, 1])).spikes(np.array([1, 0]))
    np.testing.assert_array_equal(found, np.repeat(currents[[1, 2]], 5, axis=1))
    moving = open_values(saved(tmp_path / "m.npy", np.stack([values, -values], axis=1)), VALUES, None)
    assert moving.window == 2
    np.testing.assert_array_equal(moving.spikes(np.array([0]))[0, 0], currents[0, 0])


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (
            np.zeros((4, 7, 2)),
            r"numbers of shape \(samples, steps, 3\) or \(steps, 3\), got float64 of shape \(4, 7, 2\)",
        ),
        (np.zeros((4, 3, 7)), r"of shape \(4, 3, 7\)"),
        (np.zeros((0, 7, 3)), r"of shape \(0, 7, 3\)"),
        (np.zeros(3), r"of shape \(3,\)"),
        (np.zeros((1, 1, 7, 3)), r"of shape \(1, 1, 7, 3\)"),
        (np.array([["a", "b", "c"]]), "got <U1 of shape"),
        (np.zeros((1, 2, 3), complex), "got complex128"),
        (np.zeros((1, 16385, 3), bool), "1 to 16384 steps, got 16385"),
    ],
)
def test_spikes_of_another_shape_are_refused(tmp_path, array, message):
    with pytest.raises(InputError, match=rf"^spikes .*s\.npy: .*{message}"):
        open_spikes(saved(tmp_path / "s.npy", array), LINES)


@pytest.mark.parametrize("read", [open_spikes, lambda path, _: open_events(path, LINES, None)])
def test_files_that_are_no_arrays_are_refused(tmp_path, read):
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "none.npy", LINES)
    (tmp_path / "text.npy").write_text("0 1 0")
    with pytest.raises(InputError, match=r"\.npy file of numbers"):
        read(tmp_path / "text.npy", LINES)
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"\.npy file of numbers"):
        read(tmp_path / "objects.npy", LINES)


def test_a_channel_first_image_is_refused_with_the_order(tmp_path):
    with pytest.raises(
        InputError, match=r"\(samples, steps, 4, 3, 2\) .*\(width, height, channels\), got .*\(1, 6, 2, 3, 4\)"
    ):
        open_spikes(saved(tmp_path / "s.npy", np.zeros((1, 6, 2, 3, 4))), IMAGE)


REFUSED_VALUES = {
    "NaN": ((2, 3), np.nan, 4, r"sample 2: an input current .* nan, outside -4096 to 4095"),
    "large": ((2, 3), 64.0, 4, r"sample 2: an input current .* 4096, outside"),
    "no steps": ((2, 3), 0.0, None, "has no axis of steps; say with --steps"),
    "steps twice": ((2, 5, 3), 0.0, 4, r"--steps 4 only applies to values without an axis of steps; .* has 5"),
    "shape": ((2, 5, 4), 0.0, None, r"\(samples, steps, 3\) or \(samples, 3\), got float64 of shape \(2, 5, 4\)"),
    "steps": ((2, 3), 0.0, 16385, "1 to 16384 steps, got 16385"),
}


@pytest.mark.parametrize(("shape", "value", "steps", "message"), REFUSED_VALUES.values(), ids=REFUSED_VALUES)
def test_values_that_do_not_fit_are_refused(tmp_path, shape, value, steps, message):
    array = np.zeros(shape)
    array[-1, ..., 0] = value
    with pytest.raises(InputError, match=message):
        open_values(saved(tmp_path / "v.npy", array), INPUTS, steps).spikes(np.arange(2))


def test_spikes_and_values_are_for_other_networks(tmp_path):
    path = saved(tmp_path / "a.npy", np.zeros((1, 2, 3)))
    with pytest.raises(InputError, match=r"spikes .*: the network's input layer has neurons, .* use --values"):
        open_spikes(path, INPUTS)
    with pytest.raises(InputError, match=r"events .*: the network's input layer has neurons, .* use --values"):
        open_events(path, INPUTS, None)
    with pytest.raises(InputError, match=r"values .*: the network's input layer has no neurons; use --spikes"):
        open_values(path, LINES, None)


def test_events_are_rounded_to_milliseconds(tmp_path):
    events = np.array([[0, 0, 0.4], [2, 0, 0.6], [2, 0, 0.9], [1, 0, 3.4]])
    samples = open_events(saved(tmp_path / "e.npy", events), LINES, None)
    assert (len(samples), samples.window) == (1, 4)
    expected = [[1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 1, 0]]
    assert samples.spikes(np.arange(1))[0].tolist() == expected
    longer = open_events(tmp_path / "e.npy", LINES, 6)
    assert longer.spikes(np.arange(1))[0].tolist() == [*expected, [0] * 3, [0] * 3]


def test_events_of_a_camera_have_x_y_and_polarity(tmp_path):
    x, y, polarity, step = 3, 1, 1, 2
    samples = open_events(saved(tmp_path / "e.npy", np.array([[x, y, polarity, step]])), IMAGE, None)
    frames = samples.spikes(np.arange(1)).reshape(3, *SHAPE)
    assert np.argwhere(frames).tolist() == [[step, polarity, y, x]]


REFUSED_EVENTS = {
    "line": ([[3, 0, 1]], None, r"event 1: line must be 0 to 2, got 3"),
    "polarity": ([[0, 0, 1], [0, 1, 1]], None, r"event 2: polarity must be 0 to 0, got 1"),
    "negative": ([[0, 0, -1.0]], None, r"event 1: time must be 0 to \d+, got -1"),
    "NaN": ([[0, 0, np.nan]], None, r"event 1: time must be 0 to \d+, got nan"),
    "infinite": ([[0, 0, np.inf]], None, r"event 1: time must be 0 to \d+, got inf"),
    "late": ([[0, 0, 5.0]], 5, r"event 1: time must be 0 to 4, got 5"),
    "too late": ([[0, 0, 20000.0]], None, r"event 1: time must be 0 to 16383, got 20000"),
    "columns": ([[0, 0, 0, 5.0]], None, r"rows of line, polarity, time, got float64 of shape \(1, 4\)"),
    "none": (np.zeros((0, 3)), None, r"rows of line, polarity, time"),
}


@pytest.mark.parametrize(("events", "steps", "message"), REFUSED_EVENTS.values(), ids=REFUSED_EVENTS)
def test_events_that_do_not_fit_are_refused(tmp_path, events, steps, message):
    with pytest.raises(InputError, match=rf"^events .*e\.npy: .*{message}"):
        open_events(saved(tmp_path / "e.npy", np.array(events)), LINES, steps)


REFUSED_LABELS = {
    "length": (np.zeros(3, int), r"has 3 labels for 2 samples"),
    "class": (np.array([0, 4]), r"label 2 must be 0 to 3, .*4 outputs, got 4"),
    "negative": (np.array([-1, 0]), r"label 1 must be 0 to 3, .*got -1"),
    "floats": (np.zeros(2), r"must be integers of shape \(2,\), got float64"),
    "axes": (np.zeros((2, 1), int), r"must be integers of shape \(2,\), got int64 of shape \(2, 1\)"),
}


@pytest.mark.parametrize(("labels", "message"), REFUSED_LABELS.values(), ids=REFUSED_LABELS)
def test_labels_that_do_not_fit_are_refused(tmp_path, labels, message):
    with pytest.raises(InputError, match=rf"^labels .*l\.npy: {message}"):
        read_labels(saved(tmp_path / "l.npy", labels), 2, 4)

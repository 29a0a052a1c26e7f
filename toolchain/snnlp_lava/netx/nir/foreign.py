"""NIR files of other programs: layers of weights and neurons, quantised to the chip's integers.

NIR (Pedersen et al., Nature Communications 15, 8122, 2024) describes neurons in continuous time. Its CubaLIF is

    tau_syn dI/dt = -I + w_in S
    tau_mem dv/dt = v_leak - v + r I          a spike, and v = v_reset, where v > v_threshold

S is what the Linear or Affine in front sends. One step of Euler's method of length dt, the current first, is

    I[t] = (1 - dt/tau_syn) I[t-1] + (w_in dt/tau_syn) S[t]
    v[t] = (1 - dt/tau_mem) v[t-1] + (r dt/tau_mem) I[t] + (dt/tau_mem) v_leak

The chip's neuron (`snnlp_lava.network.neuron`) is, with the decays du and dv, W s written as a, all over 4096,

    u[t] = (1 - du/4096) u[t-1] + a[t]/64
    v[t] = (1 - dv/4096) v[t-1] + u[t] + bias/64           a spike, and v = 0, where v > threshold/64

They are the same but for what the chip's integers leave out: it cuts what is left of u and v to integers, wraps u and
clips v.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.network import limits
from snnlp_lava.network.conv import Conv, Geometry
from snnlp_lava.network.dense import Dense
from snnlp_lava.network.network import Layer, Network, Shape, naming_layer
from snnlp_lava.network.neuron import Neuron
from snnlp_lava.network.recurrent import RecurrentDense
from snnlp_lava.netx.nir.graph import TOLERANCE, Imported, Node, Stage, pooled_shape
from snnlp_lava.netx.quantise import FloatLayer, quantise

_MAX_WEIGHTS = 1 << 26  # of a dense layer behind a pool, whose weights are repeated


def import_foreign(stages: Sequence[Stage], time_step: float) -> Imported:
    """Quantise the layers of another program's graph, whose step has so many seconds.

    Raises
    ------
    InputError
        If the time step is no positive number, or a layer cannot be stored on the chip.
    """
    if not 0 < time_step < math.inf:
        raise InputError(f"time step must be a positive number of seconds, got {time_step}")
    layers: list[Layer] = []
    changes, notes = [], []
    for number, stage in enumerate(stages, start=1):
        weight = _weights(stage)
        floats, of_layer = _float_layer(number, stage, weight, time_step)
        integers, change = quantise(number, floats)
        places = math.prod(stage.outputs) // len(weight)
        split = math.prod(weight.shape[1:])
        own = None if stage.recurrent is None else integers.weight[:, split:]
        with naming_layer(number):
            neuron = Neuron(
                np.repeat(integers.bias, places), integers.current_decay, integers.voltage_decay, integers.threshold
            )
            layers.append(make_layer(stage, integers.weight[:, :split].reshape(weight.shape), own, neuron, time_step))
        changes.append(change)
        notes += of_layer + _rounded_delays(number, stage, time_step)
    return Imported(Network(tuple(layers)), None, time_step, tuple(changes), tuple(notes))


def make_layer(
    stage: Stage, weight: np.ndarray, recurrent: np.ndarray | None, neuron: Neuron, time_step: float
) -> Dense | RecurrentDense | Conv:
    """Make a layer of its integers.

    Parameters
    ----------
    stage
        Where its nodes are.
    weight
        Of the node of weights, those of pools in front multiplied in.
    recurrent
        Of the neurons to themselves; None if there are none.
    neuron
        The neurons.
    time_step
        Seconds of a step, in which its delays are counted.

    Raises
    ------
    InputError
        If something cannot be stored on the chip, or NetX has no such layer.
    """
    delay = _delays(stage, time_step)
    if stage.weights.kind == "Conv2d":
        if delay is not None or recurrent is not None:
            raise InputError(f"{stage.weights} has delays or recurrent weights; NetX 0.6 runs neither")
        return Conv(weight, neuron, _geometry(stage, weight))
    if recurrent is None:
        return Dense(weight, neuron, delay)
    if delay is not None:
        raise InputError(f"{stage.neurons} is recurrent and has delays, which NetX 0.6 does not run right")
    return RecurrentDense(weight, recurrent, neuron)


def _shapes(stage: Stage) -> list[Shape]:
    """Shapes of the lines in front of each pool, and of those in front of the weights."""
    shapes = [stage.inputs]
    for pool in stage.pools:
        shapes.append(pooled_shape(pool, shapes[-1]))
    return shapes


def _weights(stage: Stage) -> np.ndarray:
    """The weights of a layer, those of pools in front multiplied in.

    A pool adds up the lines under its kernel, so that it and the weights behind it are one sum of weights x lines: a
    convolution of a convolution with ones is a convolution with a larger kernel, the product of the strides.
    """
    weight, shapes = stage.weights.weight(), _shapes(stage)
    if stage.weights.kind != "Conv2d":
        for pool, shape, pooled in zip(stage.pools[::-1], shapes[-2::-1], shapes[:0:-1], strict=True):
            weight = _unpooled(pool, weight, shape, pooled)
        return weight
    dilation = stage.weights.integers("dilation", 1)
    for pool in stage.pools[::-1]:
        weight = _spread(pool, weight, dilation)
        dilation = (1, 1)
    return weight


def _geometry(stage: Stage, weight: np.ndarray) -> Geometry:
    """Where a convolution looks, with the weights of `_weights`."""
    node = stage.weights
    stride, dilation, padding = node.integers("stride", 1), node.integers("dilation", 1), node.padding()
    for pool, shape in zip(stage.pools[::-1], _shapes(stage)[-2::-1], strict=True):
        if any(padding):
            _check_padded(pool, node, shape)
        (down, across), (top, left) = pool.integers("stride", 1), pool.integers("padding", 0)
        padding = down * padding[0] + top, across * padding[1] + left
        stride, dilation = (down * stride[0], across * stride[1]), (1, 1)
    kernel, (groups, _) = (weight.shape[2], weight.shape[3]), node.integers("groups", 1)
    geometry = Geometry(stage.inputs, kernel, len(weight), stride, padding, dilation, groups)
    if geometry.output_shape != stage.outputs:
        raise InputError(f"{stage.pools[0]}: leaves out lines of {stage.inputs}, which is no multiple of its stride")
    return geometry


def _check_padded(pool: Node, node: Node, shape: Shape) -> None:
    """Places that a convolution pads are 0, so a pool may not find lines there."""
    sizes = zip(shape[1:], pooled_shape(pool, shape)[1:], *_window(pool), strict=True)
    if any(pads for pads in pool.integers("padding", 0)) or any(
        tall > step or step * places < size for size, places, tall, step in sizes
    ):
        raise InputError(f"{pool}: is followed by {node} with padding, so it must divide {shape[1:]} into equal parts")


def _window(pool: Node) -> tuple[tuple[int, int], tuple[int, int]]:
    return pool.integers("kernel_size", 1), pool.integers("stride", 1)


def _share(pool: Node) -> float:
    kernel = pool.integers("kernel_size", 1)
    return 1 / math.prod(kernel) if pool.kind == "AvgPool2d" else 1.0


def _spread(pool: Node, weight: np.ndarray, dilation: tuple[int, int]) -> np.ndarray:
    """The kernel of a convolution behind a pool as one on the lines in front of it."""
    (tall, wide), (down, across) = _window(pool)
    (down, across) = down * dilation[0], across * dilation[1]
    rows, columns = down * (weight.shape[2] - 1) + tall, across * (weight.shape[3] - 1) + wide
    if max(rows, columns) > limits.KERNEL_MAX:
        raise InputError(f"{pool} and the convolution behind it make a kernel of {rows} x {columns}")
    spread = np.zeros((*weight.shape[:2], rows, columns))
    for row in range(weight.shape[2]):
        for column in range(weight.shape[3]):
            y, x = down * row, across * column
            spread[:, :, y : y + tall, x : x + wide] += weight[:, :, row : row + 1, column : column + 1]
    return spread * _share(pool)


def _unpooled(pool: Node, weight: np.ndarray, shape: Shape, pooled: Shape) -> np.ndarray:
    """Dense weights behind a pool as weights on the lines in front of it."""
    (tall, wide), (down, across) = _window(pool)
    top, left = pool.integers("padding", 0)
    if len(weight) * math.prod(shape) > _MAX_WEIGHTS:
        raise InputError(f"{pool}: makes {len(weight)} x {math.prod(shape)} weights of those behind it")
    behind = weight.reshape(len(weight), *pooled)
    found = np.zeros((len(weight), shape[0], shape[1] + 2 * top + tall, shape[2] + 2 * left + wide))
    for row in range(pooled[1]):
        for column in range(pooled[2]):
            y, x = down * row, across * column
            found[:, :, y : y + tall, x : x + wide] += behind[:, :, row : row + 1, column : column + 1]
    inner = found[:, :, top : top + shape[1], left : left + shape[2]] * _share(pool)
    return inner.reshape(len(weight), -1)


def _steps_of(stage: Stage, time_step: float) -> list[tuple[Node, np.ndarray, int]]:
    """The layer's nodes of delays, with those in steps (rounded by none yet) and the axis that they lack."""
    pairs = ((stage.lines_delay, stage.inputs, 0), (stage.neurons_delay, stage.outputs, 1))
    return [
        (node, node.parameter("delay", shape).reshape(-1) / time_step, axis)
        for node, shape, axis in pairs
        if node is not None
    ]


def _delays(stage: Stage, time_step: float) -> np.ndarray | None:
    """Delays in steps, (neurons, lines)."""
    total: np.ndarray | None = None
    for node, steps, axis in _steps_of(stage, time_step):
        fits = (steps >= -TOLERANCE) & (np.rint(steps) <= limits.DELAY_MAX)
        if not fits.all():
            raise InputError(
                f"{node}: delay {steps[~fits][0] * time_step:g} s is not 0 to {limits.DELAY_MAX} steps of "
                f"{time_step:g} s; give the file's own with --time-step"
            )
        if total is None:
            total = np.zeros((math.prod(stage.outputs), math.prod(stage.inputs)), dtype=np.int64)
        total += np.expand_dims(np.rint(steps).astype(np.int64), axis)
    return total


def _rounded_delays(number: int, stage: Stage, time_step: float) -> list[str]:
    errors = [float(np.abs(steps - np.rint(steps)).max()) for _, steps, _ in _steps_of(stage, time_step)]
    if max(errors, default=0) <= 1e-3:
        return []
    return [f"layer {number}: its delays were rounded to whole steps, by up to {max(errors):.2g} of a step"]


def _float_layer(number: int, stage: Stage, weight: np.ndarray, time_step: float) -> tuple[FloatLayer, list[str]]:
    """Euler's step of a layer, and what a reader should know of it; a row for each channel of a convolution."""
    neurons, count = stage.neurons, len(weight)
    weight = weight.reshape(count, -1)
    bias = stage.weights.bias()
    if stage.recurrent is not None:
        weight, bias = np.hstack([weight, stage.recurrent.weight()]), bias + stage.recurrent.bias()

    r, threshold, reset = (_one_a_row(stage, name, count) for name in ("r", "v_threshold", "v_reset"))
    if reset.any():
        raise InputError(f"{neurons}: v_reset {reset[reset != 0][0]:g} is not 0; the chip resets to 0")
    notes = []
    syn = mem = np.ones(count)
    with np.errstate(over="ignore", invalid="ignore"):
        if neurons.kind == "IF":
            mem, gain, leak = np.full(count, np.inf), time_step * r, np.zeros(count)
        else:
            mem = _in_steps(stage, "tau" if neurons.kind == "LIF" else "tau_mem", count, time_step)
            gain, leak = r / mem, _one_a_row(stage, "v_leak", count) / mem
        if neurons.kind == "CubaLIF":
            syn = _in_steps(stage, "tau_syn", count, time_step)
            gain = gain * _one_a_row(stage, "w_in", count) / syn
            if bias.any() and (syn != 1).any():
                notes.append(
                    f"layer {number}: its bias charges the current in the file; on the chip it acts on the voltage, "
                    "from the first step on with the value at which that current settles"
                )
        floats = FloatLayer(
            weight=weight * gain[:, None],
            bias=bias * gain * syn + leak,
            current_decay=limits.DECAY_UNITY / syn,
            voltage_decay=limits.DECAY_UNITY / mem,
            threshold=threshold,
        )
    if leak.any():
        notes.append(f"layer {number}: v_leak became a bias; v starts at 0, not at v_leak")
    for name, values in (
        ("weights", floats.weight),
        ("biases", floats.bias),
        ("thresholds", 1 / threshold[threshold > 0]),
    ):
        if not (np.abs(values) <= np.finfo(np.float32).max).all():
            raise InputError(f"{neurons}: its {name}, with its gain, are outside the range of float32")
    return floats, notes


def _one_a_row(stage: Stage, name: str, count: int) -> np.ndarray:
    """A parameter of neurons, one for each row of weights: (count,)."""
    values = stage.neurons.parameter(name, stage.outputs).reshape(count, -1)
    if (values != values[:, :1]).any():
        raise InputError(f"{stage.neurons}: {name} differs within a channel; the weights of a convolution are shared")
    return values[:, 0]


def _in_steps(stage: Stage, name: str, count: int, time_step: float) -> np.ndarray:
    """A time constant in time steps, (count,)."""
    tau = _one_a_row(stage, name, count)
    if not (tau / time_step >= 1 - TOLERANCE).all():
        raise InputError(
            f"{stage.neurons}: {name} {tau.min():g} s is shorter than the time step, {time_step:g} s; "
            "give the file's own with --time-step"
        )
    return np.maximum(tau / time_step, 1)

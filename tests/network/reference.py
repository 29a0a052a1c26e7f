"""Layers of all types with Python's integers, one neuron and one step at a time.

Slow, and written from the equations alone ("The exact integer neuron" in the project's notes on Lava, and lava-nc's
models of sigma-delta neurons and convolutions). CUBA neurons:

    a[t] = sum over lines j of W[j] s_j[t - delay[j]] + sum over the layer's own neurons k of R[k] s_k[t - 1]
    u    = sgn(u) * (|u| * (4096 - du) >> 12) + (a << 6)                    wraps at 24 bits
    v    = clip(sgn(v) * (|v| * (4096 - dv) >> 12) + u + (bias << 6), +-(2^23 - 1))
    s    = v > (vth << 6)
    v[s] = 0

Nothing was sent before the first step. Lava's 24-bit u runs from -2^23 + 1 to 2^23; it wraps once, so that very large
sums of messages leave it beyond, in 32 bits. An input layer's values take the
place of the bias. The sums of a convolution wrap at 24 bits, from -2^23 to 2^23 - 1. Sigma-delta neurons, whose states
have 32 bits:

    sigma   = sigma + a
    act     = max(0, sigma + (bias << 12)); of input layers a << 12
    delta   = act - act[t-1] + residue
    s       = delta where |delta| >= vth << 12, else 0
    residue = delta - s
    message = s >> 6; of output layers sigma
"""

from typing import NamedTuple

HALF = 1 << 23


class Reference(NamedTuple):
    """What each neuron sent in each step, wraps, clips, active updates, and the states after the last step.

    States of CUBA neurons: u, and v before a reset. Of sigma-delta neurons: the sum (of input layers the value), and
    the act less the residue.
    """

    spikes: list
    wraps: int
    clips: int
    active: int
    states: list


def run_reference(layer, arriving):
    """One sample, a list of steps of spikes, messages or, of an input layer, currents.

    An update of CUBA neurons is idle if the neuron rests at u = v = 0 and nothing arrives, no sum and no bias; it then
    stays at rest. One of sigma-delta neurons is idle if the sum does not change and nothing is sent.
    """
    sums = [list(values) for values in arriving] if layer.takes_values else _sums(layer, arriving)
    if layer.neuron.graded:
        return _run_sigma_delta(layer.neuron, sums)
    return _run_cuba(layer, sums)


def synapses_of(layer):
    """(line, neuron, weight, delay) of every synapse from outside."""
    if layer.kind != "conv":
        delays = [[0] * layer.inputs] * layer.neurons if getattr(layer, "delay", None) is None else layer.delay.tolist()
        for neuron, row in enumerate(layer.weight.tolist()):
            for line, weight in enumerate(row):
                yield line, neuron, weight, delays[neuron][line]
        return
    space, kernel = layer.geometry, layer.weight.tolist()
    (channels, height, width), (outputs, rows, columns) = space.input_shape, space.output_shape
    own = channels // space.groups
    for k in range(outputs):
        first = k // (outputs // space.groups) * own
        for y in range(rows):
            for x in range(columns):
                for c in range(own):
                    for j, taps in enumerate(kernel[k][c]):
                        for i, weight in enumerate(taps):
                            row = y * space.stride[0] - space.padding[0] + j * space.dilation[0]
                            column = x * space.stride[1] - space.padding[1] + i * space.dilation[1]
                            if 0 <= row < height and 0 <= column < width:
                                line = ((first + c) * height + row) * width + column
                                yield line, (k * rows + y) * columns + x, weight, 0


def _sums(layer, arriving):
    steps = len(arriving)
    sums = [[0] * layer.neurons for _ in arriving]
    for line, neuron, weight, delay in synapses_of(layer):
        for step in range(steps - delay):
            sums[step + delay][neuron] += arriving[step][line] * weight
    if layer.kind == "conv":
        sums = [[(value + HALF) % (2 * HALF) - HALF for value in step] for step in sums]
    return sums


def _run_cuba(layer, sums):
    neuron, steps = layer.neuron, len(sums)
    biases = [neuron.bias.tolist()] * steps
    if layer.takes_values:
        biases, sums = sums, [[0] * layer.neurons for _ in sums]
    own = layer.recurrent.tolist() if hasattr(layer, "recurrent") else None
    spikes = [[0] * layer.neurons for _ in sums]
    us, vs = [0] * layer.neurons, [0] * layer.neurons
    states = []
    wraps = clips = active = 0
    for step in range(steps):
        before = [number for number, spike in enumerate(spikes[step - 1]) if spike] if step and own else []
        states = []
        for number, bias in enumerate(biases[step]):
            u, v = us[number], vs[number]
            a = sums[step][number] + sum(own[number][sender] for sender in before)
            active += any((u, v, a, bias))
            u = _int32(_kept(u, neuron.current_decay) + a * 64)
            if u <= -HALF or u > HALF:
                wraps += 1
                u += -2 * HALF if u > 0 else 2 * HALF
            v = _int32(_kept(v, neuron.voltage_decay) + u + bias * 64)
            if abs(v) >= HALF:
                clips += 1
                v = HALF - 1 if v > 0 else 1 - HALF
            states.append((u, v))
            if v > neuron.threshold * 64:
                spikes[step][number] = 1
                v = 0
            us[number], vs[number] = u, v
    return Reference(spikes, wraps, clips, active, states)


def _run_sigma_delta(neuron, sums):
    count = neuron.count
    sigma, act, residue = [0] * count, [0] * count, [0] * count
    messages = []
    wraps = clips = active = 0
    for step in sums:
        messages.append([])
        for number, a in enumerate(step):
            before = sigma[number]
            sigma[number] = _int32(a << 12) if neuron.role == "delta" else _int32(before + a)
            message = sigma[number]
            if neuron.role != "sigma":
                new = sigma[number]
                if neuron.role == "sigma-delta":
                    new = max(0, _int32(new + (int(neuron.bias[number]) << 12)))
                delta = _int32(new - act[number] + residue[number])
                sent = delta if abs(delta) >= neuron.threshold << 12 else 0
                act[number], residue[number] = new, delta - sent
                message = sent >> 6
            else:
                act[number] = sigma[number]
            active += sigma[number] != before or message != 0
            wraps += abs(sigma[number]) > HALF or abs(act[number] - residue[number]) > HALF
            clips += not -(1 << 15) <= message < 1 << 15
            messages[-1].append(message)
    told = [value - rest for value, rest in zip(act, residue, strict=True)]
    return Reference(messages, wraps, clips, active, list(zip(sigma, told, strict=True)))


def _int32(value):
    return (value + (1 << 31)) % (1 << 32) - (1 << 31)


def _kept(state, decay):
    size = abs(state) * (4096 - decay) // 4096
    return size if state > 0 else -size

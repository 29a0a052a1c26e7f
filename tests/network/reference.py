"""Layers of CUBA neurons with Python's integers, one neuron and one step at a time.

Slow, and written from the equations alone ("The exact integer neuron" in the project's notes on Lava):

    a[t] = sum over lines j of W[j] s_j[t - delay[j]] + sum over the layer's own neurons k of R[k] s_k[t - 1]
    u    = sgn(u) * (|u| * (4096 - du) >> 12) + (a << 6)                    wraps at 24 bits
    v    = clip(sgn(v) * (|v| * (4096 - dv) >> 12) + u + (bias << 6), +-(2^23 - 1))
    s    = v > (vth << 6)
    v[s] = 0

Nothing was sent before the first step. Lava's 24-bit u runs from -2^23 + 1 to 2^23.
"""

from typing import NamedTuple

HALF = 1 << 23


class Reference(NamedTuple):
    """Spikes of each step and neuron, wraps, clips, active updates, and u and v after the last step before a reset."""

    spikes: list
    wraps: int
    clips: int
    active: int
    states: list


def run_reference(layer, arriving):
    """One sample, a list of steps of 0s and 1s.

    An update is idle if the neuron rests at u = v = 0 and nothing arrives, no sum and no bias; it then stays at rest.
    """
    neuron, steps = layer.neuron, len(arriving)
    weights, biases = layer.weight.tolist(), neuron.bias.tolist()
    own = layer.recurrent.tolist() if hasattr(layer, "recurrent") else None
    delays = layer.delay.tolist() if getattr(layer, "delay", None) is not None else None
    spikes = [[0] * layer.neurons for _ in arriving]
    sums = [[0] * layer.neurons for _ in arriving]
    for step, spiking in enumerate(arriving):
        lines = [line for line, spike in enumerate(spiking) if spike]
        if delays is None:
            sums[step] = [sum(row[line] for line in lines) for row in weights]
            continue
        for line in lines:
            for number in range(layer.neurons):
                if step + delays[number][line] < steps:
                    sums[step + delays[number][line]][number] += weights[number][line]
    us, vs = [0] * layer.neurons, [0] * layer.neurons
    states = []
    wraps = clips = active = 0
    for step in range(steps):
        before = [number for number, spike in enumerate(spikes[step - 1]) if spike] if step and own else []
        states = []
        for number, bias in enumerate(biases):
            u, v = us[number], vs[number]
            a = sums[step][number] + sum(own[number][sender] for sender in before)
            active += any((u, v, a, bias))
            u = _kept(u, neuron.current_decay) + a * 64
            if u <= -HALF or u > HALF:
                wraps += 1
                u = HALF - (HALF - u) % (2 * HALF)
            v = _kept(v, neuron.voltage_decay) + u + bias * 64
            if abs(v) >= HALF:
                clips += 1
                v = HALF - 1 if v > 0 else 1 - HALF
            states.append((u, v))
            if v > neuron.threshold * 64:
                spikes[step][number] = 1
                v = 0
            us[number], vs[number] = u, v
    return Reference(spikes, wraps, clips, active, states)


def _kept(state, decay):
    size = abs(state) * (4096 - decay) // 4096
    return size if state > 0 else -size

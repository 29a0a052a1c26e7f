"""The CUBA neuron with Python's integers, one neuron and one step at a time.

Slow, and written from the equations alone ("The exact integer neuron" in the project's notes on Lava):

    a[t] = W . s[t-1]
    u    = sgn(u) * (|u| * (4096 - du) >> 12) + (a << 6)                    wraps at 24 bits
    v    = clip(sgn(v) * (|v| * (4096 - dv) >> 12) + u + (bias << 6), +-(2^23 - 1))
    s    = v > (vth << 6)
    v[s] = 0

Lava's 24-bit u runs from -2^23 + 1 to 2^23.
"""

HALF = 1 << 23


def run_reference(layer, arriving):
    """One sample, a list of steps of 0s and 1s: the spikes of each step, the wraps, the clips and the active updates.

    An update is idle if the neuron rests at u = v = 0 and nothing arrives, no sum and no bias; it then stays at rest.
    """
    spikes = [[0] * layer.neurons for _ in arriving]
    arrived = [[line for line, spike in enumerate(lines) if spike] for lines in arriving]
    wraps = clips = active = 0
    for neuron, (weights, bias) in enumerate(zip(layer.weight.tolist(), layer.neuron.bias.tolist(), strict=True)):
        u = v = 0
        for step, lines in enumerate(arrived):
            a = sum(weights[line] for line in lines)
            active += any((u, v, a, bias))
            u = _kept(u, layer.neuron.current_decay) + a * 64
            if u <= -HALF or u > HALF:
                wraps += 1
                u = HALF - (HALF - u) % (2 * HALF)
            v = _kept(v, layer.neuron.voltage_decay) + u + bias * 64
            if abs(v) >= HALF:
                clips += 1
                v = HALF - 1 if v > 0 else 1 - HALF
            if v > layer.neuron.threshold * 64:
                spikes[step][neuron] = 1
                v = 0
    return spikes, wraps, clips, active


def _kept(state, decay):
    size = abs(state) * (4096 - decay) // 4096
    return size if state > 0 else -size

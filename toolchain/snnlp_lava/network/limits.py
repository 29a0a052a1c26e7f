"""Ranges of the integers that Loihi stores, as lava-nc 0.10's fixed-point models and NetX take them.

Sources: Davies et al., IEEE Micro 38(1), 2018; docstrings of lava.proc.lif.models.PyLifModelBitAcc;
lava.utils.weightutils.
"""

WEIGHT_MIN, WEIGHT_MAX = -256, 254
"""Weights of a matrix with both signs; they must be even (8 bits with sign, times 2)."""


WEIGHT_MAX_UNSIGNED = 255
"""Largest weight of a matrix without negative weights."""


DECAY_UNITY = 1 << 12
"""A decay of 4096 forgets everything within one step."""


CURRENT_DECAY_MIN = 1
"""Loihi adds 1 to the stored current decay, so that 0 cannot be stored."""


THRESHOLD_MAX = (1 << 17) - 1


THRESHOLDS_NEVER_REACHED = (1 << 17, (1 << 18) - 1)
"""Thresholds that v, which saturates, never passes: NetX's of a layer without neurons (lava.lib.dl.netx.hdf5), and
lava-dl's of an Affine block (lava.lib.dl.slayer.block.base)."""


BIAS_MIN, BIAS_MAX = -(1 << 12), (1 << 12) - 1


BIAS_EXPONENT = 6
"""Bias exponent that NetX fixes."""


STATE_SHIFT = 6
"""Weights and thresholds are shifted left by 6 bits against u and v."""


STATE_LIMIT = 1 << 23
"""u and v are 24-bit signed registers: u wraps, v saturates."""


MAX_NEURONS = 1 << 20
"""Neurons of one layer that a network file may name; a Loihi 2 chip has this many in all."""


VOLTAGE_DECAY_STORED_MAX = (1 << 12) - 1
"""Largest voltage decay of 12 bits (lava.proc.lif.models; nengo_loihi/hardware/nxsdk_objects.py DECAY_V_MAX). Lava's
simulator takes 4096, too."""


WEIGHT_BITS = (1, 2, 3, 4, 5, 6, 8)
"""Bits, sign included, in which a synapse can keep its weight (nengo_loihi/block.py WEIGHT_BITS_MAP, without 0)."""


INDEX_BITS = (0, 6, 7, 8, 9, 10, 11, 12)
"""Bits in which a synapse of a sparse axon can name its neuron (nengo_loihi/block.py INDEX_BITS_MAP)."""


WORD_BITS = 64
"""Bits of one word of synaptic memory."""


BLOCK_SYNAPSES = 64
"""The synapses of an axon are kept in blocks of so many (nengo_loihi/block.py, n_synapses = 63)."""


BLOCK_HEADER_BITS = 4 + 6
"""Bits of a block beside its synapses: index of the synapse format, number of synapses
(nengo_loihi/block.py SynapseConfig.bits_per_axon)."""


MAX_WINDOW = 1 << 14
"""Longest window, in steps: (t + 1) x of the SAF neuron must stay within 31 bits."""


MAX_CODE_LINES = 1024
"""Longest code of a spike embedding."""


MAX_SYNAPSES = 1 << 30
"""Synapses of one layer, those of a convolution unfolded; a Loihi 2 chip has 120 million."""


KERNEL_MAX = 127
"""Largest size, stride, padding, dilation and number of groups of a convolution: Lava keeps them in 8 bits with sign
(lava.proc.conv.models, lava-nc 0.10.0)."""


SPIKE_EXPONENT = 6
"""Bits by which values of sigma-delta neurons are shifted left for their messages (`spike_exp` of NetX)."""


MESSAGE_MIN, MESSAGE_MAX = -(1 << 15), (1 << 15) - 1
"""Messages of 16 bits with sign (`num_message_bits` of NetX)."""


DELAY_MAX = 62
"""Longest synaptic delay in steps: NetX clips longer ones (lava.lib.dl.netx.hdf5, lava-dl 0.6.0)."""


def netx_scale(low: int, high: int) -> int:
    """The power of two by which NetX scales a layer's weights from low, below 0, to high, above 0, to 8 bits.

    Source: optimize_weight_bits in lava.lib.dl.netx.utils (lava-dl 0.6.0).
    """
    scale = 1
    while 2 * scale * low >= WEIGHT_MIN and 2 * scale * high <= WEIGHT_MAX:
        scale *= 2
    return scale

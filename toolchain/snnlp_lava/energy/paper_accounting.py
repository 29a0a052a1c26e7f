"""Energy as the SNNLP paper accounts for it: a spike is one accumulation, whatever it drives.

Kept as a mode of its own, beside every synop counted; what each of the two makes of the same run is shown together.
"""

from __future__ import annotations

MAC_PJ, SPIKE_PJ = 4.6, 0.9
"""Horowitz, ISSCC 2014, 45 nm, float32: the usual pair. The paper's own constants are not known."""


def saving(macs: float, operations: float) -> float | None:
    """Energy of an ANN's MACs over that of spikes, or synops, each as one accumulation; None where there are none."""
    return macs * MAC_PJ / (operations * SPIKE_PJ) if operations else None

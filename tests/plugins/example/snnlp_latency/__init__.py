"""First-spike latency for snnlp-lava: each line spikes once, the earlier the larger its value, and never for 0."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from snnlp_lava.encode.base import Encoder
from snnlp_lava.encode.calibration import FIXED_ONE, Calibration, load_calibration

PRICES = Path(__file__).with_name("board.toml")


@dataclass(frozen=True)
class LatencyEncoder(Encoder):
    """Vectors, calibrated to values x in [0, 1], as the step floor((1 - x) (window - 1)) of one spike a line."""

    calibration: Calibration
    kind = "latency"
    takes = "vectors"

    @property
    def lines(self) -> int:
        return self.calibration.lines

    @property
    def dimension(self) -> int:
        return self.calibration.dimension

    def quantise(self, features: np.ndarray, window: int) -> np.ndarray:
        return self.calibration(features)

    def encode(self, values: np.ndarray, window: int, rng: np.random.Generator | None = None) -> np.ndarray:
        steps = (FIXED_ONE - values) * (window - 1) // FIXED_ONE
        spikes = steps[:, None, :] == np.arange(window)[:, None]
        return (spikes & (values > 0)[:, None, :]).view(np.uint8)

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "calibration": self.calibration.name}

    def arrays(self) -> dict[str, np.ndarray]:
        return {"gain": self.calibration.gain, "offset": self.calibration.offset}

    @classmethod
    def from_parts(cls, document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> "LatencyEncoder":
        return cls(load_calibration(document.get("calibration"), arrays))

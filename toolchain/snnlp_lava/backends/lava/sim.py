"""Run networks on Lava's CPU simulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np

from snnlp_lava.backends.base import JOBS, Backend, Recording
from snnlp_lava.backends.lava.process import run_lava
from snnlp_lava.extras import require
from snnlp_lava.progress import AdvanceCallback
from snnlp_lava.records import Record, opt

if TYPE_CHECKING:
    from snnlp_lava.encode.base import Samples
    from snnlp_lava.netx.network_file import NetworkFile


class SimulatorOptions(Record, frozen=True):
    """Options of Lava's simulator."""

    jobs: Annotated[int, opt(JOBS, ge=1, le=4096)] = 1


class Simulator(Backend):
    """Lava's CPU simulator: every spike of every layer is read.

    Each worker process compiles one Lava runtime for its share of the samples and presents them one after another.
    Compiling takes as long as running about 20 samples.
    """

    name: ClassVar[str] = "sim"
    help: ClassVar[str] = "Lava's CPU simulator"
    options: ClassVar[type[Record]] = SimulatorOptions

    def __init__(self, options: SimulatorOptions) -> None:
        self._jobs = options.jobs

    def check(self, file: NetworkFile, period: int) -> None:
        """Refuse to start without Lava; as `Backend.check`."""
        require("lava")

    def record(self, file: NetworkFile, samples: Samples, period: int, progress: AdvanceCallback) -> Recording:
        """Run samples and read all spikes; as `Backend.record`."""
        shares = np.array_split(np.arange(len(samples)), min(self._jobs, len(samples)))
        return run_lava(file.path, file.network, samples, period, shares, progress=progress)

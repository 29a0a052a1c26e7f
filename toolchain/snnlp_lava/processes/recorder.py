"""A Lava Process that writes down every spike of several layers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol


class SpikeRecorder(AbstractProcess):
    """Receives the spikes of several layers and writes them, bit-packed, into memory-mapped files.

    One Process for all layers: on the simulator each Process is an operating-system process, and those are
    what a step costs. The files are there step by step, so that nothing is lost if the run is broken off, and
    no spike has to pass Lava's variable access, which sends its elements one by one.

    Parameters
    ----------
    sizes
        Neurons of each layer; the ports are `in_0`, `in_1`, ..., all in `ports`.
    files
        An .npy file for each layer, (steps, ceil(neurons / 8)) uint8.
    step_file
        An .npy file of one int64: the last step written.
    """

    def __init__(self, *, sizes: Sequence[int], files: Sequence[Path], step_file: Path) -> None:
        super().__init__(files=list(files), step_file=step_file)
        self.ports = [InPort(shape=(size,)) for size in sizes]
        for index, port in enumerate(self.ports):
            setattr(self, f"in_{index}", port)


class _PySpikeRecorder(PyLoihiProcessModel):
    def __init__(self, proc_params: dict) -> None:
        super().__init__(proc_params)
        self.trains = [np.load(path, mmap_mode="r+") for path in proc_params["files"]]
        self.step = np.load(proc_params["step_file"], mmap_mode="r+")

    def run_spk(self) -> None:
        row = self.time_step - 1  # Lava counts from 1
        for index, train in enumerate(self.trains):
            train[row] = np.packbits(getattr(self, f"in_{index}").recv() != 0)
        self.step[0] = self.time_step


def recorder_model(layers: int) -> type[PyLoihiProcessModel]:
    """Process model of a recorder with that many ports; Lava wants a port in the class for each."""
    ports: dict[str, Any] = {f"in_{i}": LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=1) for i in range(layers)}
    model = type(f"PySpikeRecorder{layers}", (_PySpikeRecorder,), ports)
    return tag("fixed_pt", "floating_pt")(requires(CPU)(implements(proc=SpikeRecorder, protocol=LoihiProtocol)(model)))

"""The adapters between host and chip."""

import os
import time
from collections import deque

import numpy as np
from lava.magma.core.decorator import implements, requires
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.utils import loihi
from lava.utils.fake_chip import BEHAVIOUR, log

VARIABLES = ("SLURM", "NOSLURM", "PARTITION", "BOARD", "LOIHI_GEN", "NXSDKHOST", "HOST_BINARY")


class _Adapter(AbstractProcess):
    def __init__(self, *, shape, num_message_bits=0):
        super().__init__(shape=shape)
        environment = {name: os.environ[name] for name in VARIABLES if name in os.environ}
        log(type(self).__name__, shape=list(shape), bits=num_message_bits, host=loihi.host, environment=environment)
        self.inp = InPort(shape=shape)
        self.out = OutPort(shape=shape)


class PyToNxAdapter(_Adapter):
    pass


class NxToPyAdapter(_Adapter):
    pass


class _PyAdapter(PyLoihiProcessModel):
    inp: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    delay = ""

    def __init__(self, proc_params):
        super().__init__(proc_params)
        shape = proc_params["shape"]
        self.queue = deque(np.zeros(shape, dtype=np.int32) for _ in range(BEHAVIOUR.get(self.delay, 0)))

    def run_spk(self):
        self.queue.append(self.inp.recv())
        self.out.send(self.spoiled(self.queue.popleft()))

    def spoiled(self, spikes):
        return spikes


@implements(proc=PyToNxAdapter, protocol=LoihiProtocol)
@requires(CPU)
class PyToNxModel(_PyAdapter):
    delay = "input_delay"


@implements(proc=NxToPyAdapter, protocol=LoihiProtocol)
@requires(CPU)
class NxToPyModel(_PyAdapter):
    delay = "output_delay"

    def spoiled(self, spikes):
        if self.time_step == BEHAVIOUR.get("hang"):
            time.sleep(1e6)
        if self.time_step == BEHAVIOUR.get("flip", [None])[0]:
            spikes[BEHAVIOUR["flip"][1]] ^= 1
        return spikes

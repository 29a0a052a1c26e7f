"""The chip's model of a resetting neuron: the simulator's, that says what it was asked."""

from lava.magma.core.decorator import implements, requires
from lava.magma.core.model.nc.model import AbstractNcProcessModel
from lava.magma.core.resources import Loihi2NeuroCore
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.lif.models import PyLifResetModelBitAcc
from lava.proc.lif.process import LIFReset
from lava.utils.fake_chip import BEHAVIOUR, log

if not BEHAVIOUR.get("no_models"):

    @implements(proc=LIFReset, protocol=LoihiProtocol)
    @requires(Loihi2NeuroCore)
    class NcModelLifReset(PyLifResetModelBitAcc, AbstractNcProcessModel):
        def __init__(self, proc_params):
            interval, offset = proc_params["reset_interval"], proc_params["reset_offset"]
            log("LIFReset", neurons=proc_params["shape"][0], interval=interval, offset=offset)
            super().__init__(proc_params)
            self.reset_offset = (offset + BEHAVIOUR.get("late_reset", 0)) % interval

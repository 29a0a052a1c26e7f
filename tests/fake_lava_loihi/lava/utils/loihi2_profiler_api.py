"""Where lava.utils.profiler looks for the profiler of Loihi 2."""

import numpy as np
from lava.utils.fake_chip import BEHAVIOUR, log


class Loihi2HWProfiler:
    def __init__(self, run_cfg):
        log("Loihi2HWProfiler", run_cfg=type(run_cfg).__name__, tag=run_cfg.select_tag)
        if BEHAVIOUR.get("profiler") == "none":
            raise RuntimeError("no instruments on this board")
        if BEHAVIOUR.get("profiler") == "crash":
            run_cfg.select = self.fail

    def execution_time_probe(self, num_steps):
        log("execution_time_probe", num_steps=num_steps)
        self.execution_time = np.full(num_steps, 2e-5)

    def energy_probe(self, num_steps):
        log("energy_probe", num_steps=num_steps)
        if BEHAVIOUR.get("profiler") == "no energy":
            raise NotImplementedError("no power measurement")
        seconds = 2e-5 * num_steps
        self.power, self.static_power = 1.5, 1.0
        self.energy, self.static_energy = 1.5 * seconds, 1.0 * seconds

    def fail(self, process, models):
        raise RuntimeError("buffer of the probe is full")

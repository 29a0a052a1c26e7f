"""The method snn-latency: snn-rate with another encoder."""

from snnlp_lava.train.methods.snn import SnnRateCounts


class SnnLatency(SnnRateCounts, frozen=True):
    """Spikes whose time is the value, in front of layers of CUBA neurons."""

    name = "snn-latency"
    help = "one spike a line, early for large values"

    def fit_encoder(self, data):
        from snnlp_latency import LatencyEncoder
        from snnlp_lava.encode.calibration import fit_calibration

        return LatencyEncoder(fit_calibration(self.calibration, data.features["train"]))

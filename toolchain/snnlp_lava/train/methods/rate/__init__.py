"""Rate-coded networks of few synops: short windows, one pruned hidden layer read by a ramp, read-outs by spikes."""

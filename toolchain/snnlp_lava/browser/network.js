// The integer network of Loihi in plain JavaScript: the same spikes as snnlp_lava's emulator.
//
// A layer is {inputs, neurons, currentDecay, voltageDecay, threshold, bias, start, target, weight}: the synapses of input
// line i are target[k], weight[k] for k from start[i] to start[i + 1]. All numbers are integers below 2^53, so that
// doubles compute them exactly.
"use strict";

const UNITY = 4096; // a decay of 1
const STATE = 64; // one unit of weight in the 24-bit state
const LIMIT = 2 ** 23;

// What is left of a state after a step: truncation towards 0, as on the chip.
function decayed(state, decay) {
  return Math.trunc((state * (UNITY - decay)) / UNITY);
}

// Runs one sample through a layer whose state is 0 at first.
// spikes: for every step the list of input lines that spike. Returns the neurons that spike at every step, the voltages
// before any reset, what arrived, and counts.
function runLayer(layer, spikes) {
  const u = new Float64Array(layer.neurons);
  const v = new Float64Array(layer.neurons);
  const fired = [];
  const voltages = [];
  const arrived = [];
  let synops = 0;
  let updates = 0;
  let active = 0;
  for (const lines of spikes) {
    const sum = new Float64Array(layer.neurons);
    for (const line of lines) {
      for (let k = layer.start[line]; k < layer.start[line + 1]; k++) {
        sum[layer.target[k]] += layer.weight[k];
        synops++;
      }
    }
    const now = [];
    const held = new Float64Array(layer.neurons);
    for (let i = 0; i < layer.neurons; i++) {
      if (u[i] !== 0 || v[i] !== 0 || sum[i] !== 0 || layer.bias[i] !== 0) active++;
      let current = decayed(u[i], layer.currentDecay) + sum[i] * STATE;
      if (current > LIMIT) current -= 2 * LIMIT;
      else if (current <= -LIMIT) current += 2 * LIMIT;
      u[i] = current;
      let voltage = decayed(v[i], layer.voltageDecay) + current + layer.bias[i] * STATE;
      voltage = Math.max(-LIMIT + 1, Math.min(LIMIT - 1, voltage));
      held[i] = voltage;
      const spike = voltage > layer.threshold * STATE;
      if (spike) now.push(i);
      v[i] = spike ? 0 : voltage;
    }
    updates += layer.neurons;
    fired.push(now);
    voltages.push(held);
    arrived.push(sum);
  }
  return { spikes: fired, voltages, arrived, synops, updates, active };
}

// Runs one sample through all layers. Returns the runs of the layers.
function runNetwork(layers, inputSpikes) {
  const runs = [];
  let spikes = inputSpikes;
  for (const layer of layers) {
    const run = runLayer(layer, spikes);
    runs.push(run);
    spikes = run.spikes;
  }
  return runs;
}

// The class with the most output spikes; of equals the one that had them first, then the lower one. -1 without a spike.
function answer(spikes, classes) {
  const counts = new Array(classes).fill(0);
  const reached = new Array(classes).fill(Infinity); // the step of the last spike that was counted
  spikes.forEach((now, step) => {
    for (const neuron of now) {
      counts[neuron]++;
      reached[neuron] = step;
    }
  });
  let best = -1;
  for (let c = 0; c < classes; c++) {
    if (counts[c] > 0 && (best < 0 || counts[c] > counts[best] || (counts[c] === counts[best] && reached[c] < reached[best]))) best = c;
  }
  return { best, counts };
}

if (typeof module !== "undefined") module.exports = { runLayer, runNetwork, answer };

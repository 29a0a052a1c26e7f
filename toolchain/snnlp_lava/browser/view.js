// The page: reads a text, runs the network, draws what it did. Nothing is evaluated and nothing leaves the page.
"use strict";

const MOST_CHARACTERS = 100000;
const MOST_ROWS = 24; // of a drawing or table; the rest is counted
const SVG = "http://www.w3.org/2000/svg";

const model = readModel(JSON.parse(document.getElementById("model").textContent));
const still = window.matchMedia("(prefers-reduced-motion: reduce)");
let shown = null; // what the last text did
let cursor = 0; // the step up to which it is shown
let timer = null;

function byId(id) { return document.getElementById(id); }

function bytesOf(base64) { return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)); }

// Numbers come as base64 of little-endian int32, which is a third of their JSON.
function integers(base64) { return new Int32Array(bytesOf(base64).buffer); }

// Synapses come as such, or as a matrix of int16, a row for each line, whose zeros are no synapses.
function synapsesOf(layer) {
  if (!layer.weights) return { start: integers(layer.start), target: integers(layer.target), weight: integers(layer.weight) };
  const weights = new Int16Array(bytesOf(layer.weights).buffer);
  const start = [0], target = [], weight = [];
  for (let line = 0; line < layer.inputs; line++) {
    for (let neuron = 0; neuron < layer.neurons; neuron++) {
      const value = weights[line * layer.neurons + neuron];
      if (value !== 0) { target.push(neuron); weight.push(value); }
    }
    start.push(target.length);
  }
  return { start, target, weight };
}

// Input spikes of a kept text: the lines that spike at each step.
function keptInput(base64, steps, lines) {
  const bytes = bytesOf(base64);
  const spikes = (step, line) => { const bit = step * lines + line; return (bytes[bit >> 3] >> (7 - (bit & 7))) & 1; };
  return Array.from({ length: steps }, (_, step) => Array.from({ length: lines }, (_, line) => line).filter((line) => spikes(step, line)));
}

function readModel(document_) {
  const layers = document_.layers.map((layer) => ({ ...layer, bias: integers(layer.bias), ...synapsesOf(layer) }));
  if (!document_.encoder) return { ...document_, layers };
  const lineOf = new Map();
  const lines = integers(document_.encoder.lines);
  document_.encoder.entries.forEach((entry, i) => lineOf.set(entry, lines[i]));
  const silent = new Set(document_.encoder.silent);
  return { ...document_, layers, lineOf, silent };
}

// Everything that a text does: its entries, the spikes of all layers, the answer.
function classify(text) {
  const normalised = normalise(text, model.encoder.folds);
  const entries = [];
  const seen = new Set();
  let unknown = 0;
  let silent = 0; // known, but without a weight
  for (const found of entriesOf(normalised, model.encoder.scheme)) {
    const line = model.lineOf.get(found.entry);
    if (line === undefined) {
      if (model.silent.has(found.entry)) silent++;
      else unknown++;
      continue;
    }
    if (seen.has(found.entry)) continue;
    seen.add(found.entry);
    entries.push({ ...found, line });
  }
  const lines = [...new Set(entries.map((entry) => entry.line))].sort((a, b) => a - b);
  const input = Array.from({ length: model.window }, (_, step) => [
    ...(step === model.encoder.step ? lines : []),
    ...model.encoder.schedule.filter((row) => row.steps.includes(step)).map((row) => row.line),
  ]);
  return { text, normalised, entries, unknown, lines, input, ...run(input, lines.length + silent > 0) };
}

// The same for a text that comes with its input spikes.
function classifyKept({ text, spikes }) {
  const input = keptInput(spikes, model.window, model.layers[0].inputs);
  const lines = [...new Set(input.flat())];
  return { text, normalised: text, entries: [], unknown: 0, lines, input, ...run(input, lines.length > 0) };
}

function run(input, known) {
  const runs = runNetwork(model.layers, input);
  const { best, counts } = answer(runs[runs.length - 1].spikes, model.labels.length);
  const evidence = evidenceOf(runs.length > 1 ? runs[runs.length - 2].spikes : input, counts);
  return { runs, best: known ? best : -1, counts, evidence, probabilities: softmax(evidence) };
}

// What each class has to say for itself: where the read-out only adds up, the sums of the weights that arrive at it; else
// its output spikes.
function evidenceOf(arriving, counts) {
  const layer = model.layers[model.layers.length - 1];
  if (layer.voltageDecay !== 0) return counts;
  const sums = Array.from(layer.bias, (bias) => bias * model.window);
  for (const line of arriving.flat()) {
    for (let k = layer.start[line]; k < layer.start[line + 1]; k++) sums[layer.target[k]] += layer.weight[k];
  }
  return sums;
}

function softmax(sums) {
  const scaled = sums.map((sum) => sum / model.temperature);
  const most = Math.max(...scaled);
  const raised = scaled.map((value) => Math.exp(value - most));
  const total = raised.reduce((a, b) => a + b, 0);
  return raised.map((value) => value / total);
}

function element(name, attributes = {}, ...children) {
  const made = name.startsWith("svg:") ? document.createElementNS(SVG, name.slice(4)) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function count(number) { return number.toLocaleString("en-US"); }

function joules(picojoules) {
  if (picojoules >= 1e6) return `${(picojoules / 1e6).toPrecision(3)} µJ`;
  return picojoules >= 1e3 ? `${(picojoules / 1e3).toPrecision(3)} nJ` : `${picojoules.toPrecision(3)} pJ`;
}

function printable(entry) { return entry.startsWith("\t") ? `‹${entry.slice(1).replaceAll(" ", "␣")}›` : entry; }

// ---- what is shown --------------------------------------------------------------------------------------------------

function show(text) {
  const long = text.length > MOST_CHARACTERS;
  draw(classify(long ? "" : text));
  if (long) byId("status").textContent = `The text has ${count(text.length)} characters; this page takes ${count(MOST_CHARACTERS)}.`;
}

function showKept(kept) {
  byId("text").value = kept.text;
  draw(classifyKept(kept));
}

function draw(done) {
  stop();
  shown = done;
  cursor = model.window;
  drawAnswer();
  drawTimeline();
  drawSteps();
  drawWords();
  update();
}

function drawAnswer() {
  const { best, probabilities, lines, unknown } = shown;
  const empty = shown.normalised === "";
  byId("label").textContent = best >= 0 ? model.labels[best] : empty ? "…" : "unknown";
  byId("label").className = best >= 0 ? "known" : "unknown";
  byId("status").textContent = empty
    ? "Type a sentence."
    : best < 0
      ? lines.length ? "No output neuron spiked: it does not know." : "None of these words stands in the network, so it does not guess."
      : `${(100 * probabilities[best]).toFixed(0)} % sure; ${count(lines.length)} input lines spiked` + (unknown ? `, ${count(unknown)} entries are unknown.` : ".");
  const order = probabilities.map((_, c) => c).sort((a, b) => probabilities[b] - probabilities[a] || a - b).slice(0, 6);
  byId("classes").replaceChildren(
    ...order.map((c) => {
      const bar = element("span", { class: "bar" });
      bar.style.setProperty("--share", best >= 0 ? probabilities[c] : 0);
      return element("li", c === best ? { class: "best" } : {}, element("span", {}, model.labels[c]), bar,
        element("span", { class: "number" }, best >= 0 ? `${(100 * probabilities[c]).toFixed(1)} %` : "–"));
    }),
  );
}

// Entries in the order of what they add to the answer.
function spoken() {
  const [layer] = model.layers;
  const against = shown.best;
  const order = shown.evidence.map((_, c) => c).sort((a, b) => shown.evidence[b] - shown.evidence[a]);
  const winner = against >= 0 ? against : order[0];
  const rival = order.find((c) => c !== winner);
  return shown.entries
    .map((entry) => {
      const weights = [];
      for (let k = layer.start[entry.line]; k < layer.start[entry.line + 1]; k++) weights.push([layer.target[k], layer.weight[k]]);
      const of = (c) => (weights.find(([target]) => target === c) || [c, 0])[1];
      weights.sort((a, b) => b[1] - a[1] || a[0] - b[0]);
      return { ...entry, weights, lead: of(winner) - of(rival) };
    })
    .sort((a, b) => Math.abs(b.lead) - Math.abs(a.lead) || a.start - b.start);
}

function drawWords() {
  const rows = spoken();
  const largest = Math.max(1, ...rows.map((row) => Math.abs(row.weights[0] ? row.weights[0][1] : 0)));
  byId("words").replaceChildren(
    ...rows.slice(0, MOST_ROWS).map((row) => {
      const said = row.weights.filter(([, weight]) => weight > 0).slice(0, 3);
      const denied = row.weights.filter(([, weight]) => weight < 0).slice(-2).reverse();
      const bar = element("span", { class: "bar" });
      bar.style.setProperty("--share", said.length ? said[0][1] / largest : 0);
      return element("tr", {},
        element("th", { scope: "row" }, printable(row.entry)),
        element("td", {}, said.map(([c, w]) => `${model.labels[c]} +${w}`).join(", ") || "–", bar),
        element("td", {}, denied.map(([c, w]) => `${model.labels[c]} −${-w}`).join(", ") || "–"),
        element("td", { class: "number" }, count(row.weights.length)));
    }),
  );
  byId("more").textContent = rows.length > MOST_ROWS ? `and ${count(rows.length - MOST_ROWS)} more entries` : "";
}

// The classes with the most evidence, which are drawn.
function leading() {
  return shown.evidence.map((_, c) => c).sort((a, b) => shown.evidence[b] - shown.evidence[a] || a - b).slice(0, 4);
}

// The numbers of the time axis: spikes that arrive, and the voltages in units of weight before a spike resets them.
function drawSteps() {
  const last = shown.runs[shown.runs.length - 1];
  const classes = leading();
  byId("steps-head").replaceChildren(
    ...["step", "input spikes", ...classes.map((c) => `voltage of ${model.labels[c]}`)].map((name, i) => element("th", { scope: "col", ...(i ? { class: "number" } : {}) }, name)),
  );
  byId("steps").replaceChildren(
    ...shown.input.map((lines, step) =>
      element("tr", {},
        element("th", { scope: "row" }, String(step)),
        element("td", { class: "number" }, count(lines.length)),
        ...classes.map((c) => element("td", { class: "number" }, count(last.voltages[step][c] / STATE) + (last.spikes[step].includes(c) ? ", spike" : ""))))),
  );
}

// The time axis: a row for each input line that spikes, the voltages of the leading classes, their spikes.
function drawTimeline() {
  const rows = spoken().slice(0, 12);
  const width = 720, left = 150, right = 16, row = 20, top = 26;
  const x = (step) => left + ((step + 0.5) * (width - left - right)) / model.window;
  const svg = element("svg:svg", { viewBox: "0 0 720 10", role: "img", "aria-labelledby": "timeline-title" });
  svg.append(element("svg:title", { id: "timeline-title" }, "Spikes of the input lines and voltages of the output neurons over time; the table below has the numbers."));
  let y = top;
  for (let step = 0; step < model.window; step++) {
    if (model.window <= 40 || step % 5 === 0) svg.append(element("svg:text", { x: x(step), y: 14, class: "tick" }, String(step)));
    svg.append(element("svg:line", { x1: x(step), x2: x(step), y1: top - 6, y2: "100%", class: "grid" }));
  }
  const lane = (name, steps, kind, radius = () => 4.5) => {
    svg.append(element("svg:text", { x: left - 12, y: y + 5, class: "name" }, name.length > 20 ? `${name.slice(0, 19)}…` : name));
    svg.append(element("svg:line", { x1: left, x2: width - right, y1: y, y2: y, class: "lane" }));
    for (const step of steps) svg.append(element("svg:circle", { cx: x(step), cy: y, r: radius(step), class: `spike ${kind}`, "data-step": step }));
    y += row;
  };
  for (const entry of rows) lane(printable(entry.entry), [model.encoder.step], "input");
  if (shown.entries.length > rows.length) {
    svg.append(element("svg:text", { x: left - 12, y: y + 5, class: "name soft" }, `and ${shown.entries.length - rows.length} more`));
    y += row;
  }
  if (model.encoder) for (const extra of model.encoder.schedule) lane(extra.name, extra.steps, "input");
  else {
    // Too many lines for a row each: the area of a mark is the share of the layer that spikes.
    const layers = [shown.input, ...shown.runs.slice(0, -1).map((run) => run.spikes)];
    layers.forEach((spikes, depth) => {
      const size = depth ? model.layers[depth - 1].neurons : model.layers[0].inputs;
      const steps = spikes.flatMap((now, step) => (now.length ? [step] : []));
      lane(`${depth ? `hidden ${depth}` : "input"} (${count(size)})`, steps, "input", (step) => (1 + 8 * Math.sqrt(spikes[step].length / size)).toFixed(1));
    });
  }
  const last = shown.runs[shown.runs.length - 1];
  const layer = model.layers[model.layers.length - 1];
  const order = leading();
  const tall = 150, threshold = layer.threshold * STATE;
  const values = order.flatMap((c) => last.voltages.map((held) => held[c]));
  const high = Math.max(threshold * 1.15, ...values), low = Math.max(-high, Math.min(0, ...values)); // far below 0 does not matter
  const at = (value) => y + tall - ((Math.max(value, low) - low) / (high - low || 1)) * (tall - 12);
  svg.append(element("svg:line", { x1: left, x2: width - right, y1: at(threshold), y2: at(threshold), class: "threshold" }));
  svg.append(element("svg:text", { x: left - 12, y: at(threshold) + 4, class: "name soft" }, "threshold"));
  order.forEach((c, place) => {
    // A spike resets the voltage: the line falls to 0 where it stands.
    const points = last.voltages.map((held, step) => `${x(step)},${at(held[c])}` + (last.spikes[step].includes(c) ? ` ${x(step)},${at(0)}` : "")).join(" ");
    svg.append(element("svg:polyline", { points, class: `voltage class${place}`, pathLength: 1 }));
    last.spikes.forEach((now, step) => {
      if (now.includes(c)) svg.append(element("svg:circle", { cx: x(step), cy: at(last.voltages[step][c]), r: 6, class: `spike output class${place}`, "data-step": step }));
    });
  });
  y += tall + 14;
  order.forEach((c, place) => {
    const spikes = last.spikes.flatMap((now, step) => (now.includes(c) ? [step] : []));
    svg.append(element("svg:rect", { x: 8, y: y - 6, width: 12, height: 12, rx: 3, class: `key class${place}` }));
    lane(model.labels[c], spikes, `output class${place}`);
  });
  svg.setAttribute("viewBox", `0 0 ${width} ${y}`);
  svg.append(element("svg:rect", { x: 0, y: top - 8, width: 0, height: y - top, class: "later", id: "later" }));
  byId("timeline").replaceChildren(svg);
  byId("step").max = String(model.window);
  Object.assign(byId("timeline").dataset, { left, right, width });
}

// Counts up to the cursor, and the veil over what comes later.
function update() {
  const { left, right, width } = byId("timeline").dataset;
  const edge = Number(left) + (cursor * (width - left - right)) / model.window;
  const veil = byId("later");
  veil.setAttribute("x", edge);
  veil.setAttribute("width", Math.max(0, width - edge));
  byId("step").value = String(cursor);
  byId("step-text").textContent = `step ${cursor} of ${model.window}`;
  const until = (spikes) => spikes.slice(0, cursor).reduce((sum, now) => sum + now.length, 0);
  const input = until(shown.input), output = until(shown.runs[shown.runs.length - 1].spikes);
  let synops = 0, updates = 0, active = 0;
  const spikes = [shown.input, ...shown.runs.map((run) => run.spikes)];
  model.layers.forEach((layer, i) => {
    const part = runLayer(layer, spikes[i].slice(0, cursor));
    synops += part.synops;
    updates += part.updates;
    active += part.active;
  });
  byId("input-spikes").textContent = count(input);
  byId("synops").textContent = count(synops);
  byId("updates").textContent = count(updates);
  byId("output-spikes").textContent = count(output);
  const book = model.books[byId("book").selectedIndex] || model.books[0];
  const cost = synops * book.synop + active * book.activeUpdate + (updates - active) * book.idleUpdate;
  byId("energy").textContent = book.synop ? joules(cost) : "–";
  byId("source").textContent = `${book.title}: ${book.source}`;
}

// ---- playing --------------------------------------------------------------------------------------------------------

function stop() {
  clearInterval(timer);
  timer = null;
  byId("play").textContent = "Play";
}

function play() {
  if (timer) { stop(); return; }
  if (cursor >= model.window) cursor = 0;
  byId("play").textContent = "Pause";
  const wait = still.matches ? 900 : Math.max(120, Math.min(700, 5000 / model.window));
  update();
  timer = setInterval(() => {
    cursor++;
    update();
    if (cursor >= model.window) stop();
  }, wait);
}

function move(to) {
  stop();
  cursor = Math.max(0, Math.min(model.window, to));
  update();
}

function addExample(text, choose) {
  const button = element("button", { type: "button", class: "example" }, text.length > 80 ? `${text.slice(0, 79)}…` : text);
  button.addEventListener("click", () => { choose(); if (!still.matches) play(); });
  byId("examples").append(button);
}

function start() {
  model.books.forEach((book) => byId("book").append(element("option", {}, book.title)));
  if (!model.encoder) {
    byId("of-words").hidden = true;
    byId("text").readOnly = true;
    byId("text").setAttribute("aria-label", "Text");
    model.kept.forEach((kept) => addExample(kept.text, () => showKept(kept)));
  }
  model.examples.forEach((text) => addExample(text, () => { byId("text").value = text; show(text); }));
  byId("text").addEventListener("input", () => show(byId("text").value));
  byId("book").addEventListener("change", update);
  byId("play").addEventListener("click", play);
  byId("back").addEventListener("click", () => move(cursor - 1));
  byId("forward").addEventListener("click", () => move(cursor + 1));
  byId("step").addEventListener("input", (event) => move(Number(event.target.value)));
  byId("text").value = model.examples[0] || "";
  if (model.encoder) show(byId("text").value);
  else showKept(model.kept[0]);
}

start();

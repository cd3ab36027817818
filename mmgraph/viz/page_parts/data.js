'use strict';
/* Samples. They are unpacked when first shown; their nodes are numbered through, panel after panel. */

const $ = (query) => document.querySelector(query);
const DATA = JSON.parse($('#data').textContent), SAMPLES = DATA.samples, root = document.documentElement;

/** Gives an element attributes, handlers of events, and text: as text, never as markup. */
function put(element, given) {
  for (const [name, value] of Object.entries(given)) {
    if (name === 'text') element.textContent = value;
    else if (typeof value === 'function') element.addEventListener(name, value);
    else element.setAttribute(name, value);
  }
}

function make(tag, given = {}, ...children) {
  const element = document.createElement(tag);
  put(element, given);
  if (tag === 'canvas') element.ariaHidden = 'true'; // what it shows is said elsewhere
  element.append(...children);
  return element;
}
const rectOf = (element) => element.getBoundingClientRect();
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const whole = (text) => Number.parseInt(text, 10) || 0;
const panelAt = (sample, node) => sample.panels[sample.panelOf[node]];

const bytesOf = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

const DIGITS = {};
for (let c = 33, digit = 0; c < 127; c++) if (![34, 38, 39, 60, 62, 92].includes(c)) DIGITS[c] = digit++;

/** The bytes of numbers in base 85, unpacked. */
async function inflate(text) {
  const bytes = new Uint8Array(text.length * 0.8);
  for (let i = 0, at = 0; i < text.length; i += 5) {
    let word = 0;
    for (let k = i; k < i + 5; k++) word = word * 85 + (DIGITS[text.charCodeAt(k)] ?? 84);
    for (let k = 0; k < 4; k++) bytes[at++] = word / 2 ** (24 - 8 * k); // the last ones may be beyond its end
  }
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Numbers of 32 bits, packed as four planes of bytes. */
async function words32(text) {
  const bytes = await inflate(text), n = bytes.length / 4, out = new Uint32Array(n);
  for (let i = 0; i < n; i++) out[i] = bytes[i] | bytes[n + i] << 8 | bytes[2 * n + i] << 16 | bytes[3 * n + i] << 24;
  return out;
}
const floats = async (text) => new Float32Array((await words32(text)).buffer);
const parts = async (text) => Float32Array.from(await words32(text), (v) => v / 65535);

const mediaUrl = (number) => `data:${DATA.media[number].type};base64,${DATA.media[number].data}`;
const mediaBlob = (number) => new Blob([bytesOf(DATA.media[number].data)], { type: DATA.media[number].type });

/** Links by destination, then relation, then source; packed, they stand relation by relation, each as the gap to the one before. */
async function loadLinks({ counts, gaps }, { relations }, panels, nodes) {
  const bytes = await inflate(gaps), count = counts.reduce((a, b) => a + b, 0);
  const [src, dst, relation, leaving] = Array.from({ length: 4 }, () => new Uint32Array(count));
  const [into, outOf] = [0, 0].map(() => new Uint32Array(nodes + 1)), ends = [];
  let at = 0;
  relations.forEach(([from, , to], r) => {
    const [p, q] = [from, to].map((name) => panels.find((panel) => panel.name === name));
    for (let k = 0, cell = 0; k < counts[r]; k++) {
      do cell += bytes[at]; while (bytes[at++] === 255);
      const end = [p.first + cell % p.count, q.first + Math.floor(cell / p.count), r];
      ends.push(end);
      outOf[end[0] + 1]++;
      into[end[1] + 1]++;
    }
  });
  for (let n = 0; n < nodes; n++) { into[n + 1] += into[n]; outOf[n + 1] += outOf[n]; }
  const [next, free] = [into.slice(), outOf.slice()];
  for (const end of ends) { const e = next[end[1]]++; [src[e], dst[e], relation[e]] = end; }
  for (let e = 0; e < count; e++) leaving[free[src[e]]++] = e;
  return { count, src, dst, relation, into, outOf, leaving };
}

const loaded = new Map();

/** The sample of an entry of the data, unpacked once. */
function loadSample(entry) {
  if (!loaded.has(entry)) loaded.set(entry, unpack(entry));
  return loaded.get(entry);
}

async function unpack(entry) {
  let first = 0;
  const panels = [];
  for (const given of entry.panels) {
    const panel = { ...given, first };
    for (const name of ['boxes', 'outlines']) panel[name] = given[name] ? await parts(given[name]) : null;
    panel.spans = given.spans ? await floats(given.spans) : null;
    for (const [from, to] of [['picture', 'image'], ['spectrogram', 'sonogram']]) {
      if (given[from] === null) continue;
      panel[to] = make('img', { src: mediaUrl(given[from]) });
      await panel[to].decode();
    }
    panels.push(panel);
    first += panel.count;
  }
  const panelOf = new Uint16Array(first);
  panels.forEach((panel, p) => panelOf.fill(p, panel.first, panel.first + panel.count));
  const links = await Promise.all(entry.links.map((given) => loadLinks(given, entry, panels, first)));
  const layers = await Promise.all(entry.layers.map(async (layer) => (
    { ...layer, links: links[layer.links], codes: await inflate(layer.weights), cache: new Map() }
  )));
  const scored = async (given) => ({ ...given, values: await floats(given.values) });
  const flow = entry.flow ? await scored(entry.flow) : null;
  const attributions = await Promise.all(entry.attributions.map(scored));
  return { entry, panels, panelOf, count: first, relations: entry.relations, layers, flow, attributions };
}

/** Weights of a layer's links: of one head (from 0), or their mean (-1). Codes are logarithmic, four decades deep. */
function weightsOf(layer, head) {
  if (!layer.cache.has(head)) {
    const table = Float32Array.from({ length: 256 }, (_, q) => q && layer.largest * 10 ** (-4 * (1 - (q - 1) / 254)));
    const count = layer.links.count, out = new Float32Array(count);
    for (let h = 0; h < layer.heads; h++) {
      if (head >= 0 && h !== head) continue;
      const share = head < 0 ? 1 / layer.heads : 1;
      for (let e = 0, at = h * count; e < count; e++) out[e] += share * table[layer.codes[at + e]];
    }
    layer.cache.set(head, out);
  }
  return layer.cache.get(head);
}

/** Prediction and truth, with a mark where one is right or wrong. */
function verdictOf(entry, tag, before = '') {
  const said = [entry.prediction !== null && before + entry.prediction, entry.truth !== null && `truth ${entry.truth}`].filter(Boolean).join(' · ');
  const right = entry.right === null ? 2 : Number(entry.right);
  return make(tag, { class: ['wrong', 'right', ''][right], text: ['✗ ', '✓ ', ''][right] + said });
}

const NOUNS = { regions: 'region', words: 'token', time: 'frame' };
const noun = (panel) => (panel.role === 'words' && !panel.labels ? 'node' : NOUNS[panel.role]);
const plural = (count, word) => `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`;
const visible = (text) => (text.trim() ? text : text ? '␣' : '·');
function number(v) {
  const size = Math.abs(v), text = size >= 0.0995 ? size.toFixed(2) : size >= 0.00095 ? size.toPrecision(2) : size ? size.toExponential(1) : '0';
  return v < 0 ? `−${text}` : text;
}

/** What a node is called; tokens in quotes. */
function nameOf(sample, node) {
  const panel = panelAt(sample, node), i = node - panel.first;
  const label = panel.labels ? panel.labels[i] : '';
  if (panel.role === 'words') return panel.labels ? `“${visible(label)}”` : `${panel.name} ${i + 1}`;
  if (panel.role === 'time') return `${panel.spans[2 * i].toFixed(2)}–${panel.spans[2 * i + 1].toFixed(2)} s`;
  return label ? `${visible(label)} (region ${i + 1})` : `region ${i + 1}`;
}
const placeOf = (sample, node) => {
  const panel = panelAt(sample, node);
  return `${panel.name} · ${noun(panel)} ${node - panel.first + 1} of ${panel.count}`;
};
/** A node in the URL: its modality and its number, from 1. */
const addressOf = (sample, node) => {
  const panel = panelAt(sample, node);
  return `${panel.name}.${node - panel.first + 1}`;
};
function nodeAt(sample, address) {
  const cut = address.lastIndexOf('.'), panel = sample.panels.find((p) => p.name === address.slice(0, cut));
  const i = Number(address.slice(cut + 1)) - 1;
  return panel && Number.isInteger(i) && i >= 0 && i < panel.count ? panel.first + i : -1;
}

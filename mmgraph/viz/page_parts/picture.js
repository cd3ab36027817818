/* What of a sample is to be drawn: which links, how strongly each node is tinted, what the lists say. No drawing here. */

const MANY = 5000; // links, above which only the strongest of each node are drawn
const FEW = 160; // links that are drawn while nobody has asked for more
const MOST_TOP = 12; // of the slider; one more step is "all"

const topAsked = () => (state.top === 'all' ? Infinity : whole(state.top));
const leastAsked = () => Math.max(Number.parseFloat(state.least) || 0, 0);

/** Links per destination in the overview: as asked for, but never all of very many. */
function topShown(sample, layer) {
  const asked = topAsked() || (sample.count > 100 ? 1 : 2);
  return layer.links.count > MANY ? Math.min(asked, MOST_TOP) : asked;
}

/** The `top` strongest links into each node (and of each relation, where each has a softmax of its own). */
function strongest(layer, weights, allowed, top, least) {
  const { count, dst, relation } = layer.links, kept = [];
  for (let e = 0; e < count;) {
    const start = e, own = layer.scope !== 'node', best = [];
    for (; e < count && dst[e] === dst[start] && (!own || relation[e] === relation[start]); e++) {
      const w = weights[e];
      if (!allowed[relation[e]] || w <= 0 || w < least) continue;
      if (best.length >= top && w <= weights[best[best.length - 1]]) continue;
      let i = best.length;
      if (top === Infinity) best.push(e);
      else {
        while (i > 0 && weights[best[i - 1]] < w) i--;
        best.splice(i, 0, e);
        if (best.length > top) best.pop();
      }
    }
    for (const link of best) kept.push(link);
  }
  return kept.sort((a, b) => weights[b] - weights[a]);
}

/** Links into or out of a node, the strongest first. */
function incident(layer, weights, allowed, node, outgoing) {
  const { into, outOf, leaving, relation } = layer.links, found = [];
  const [start, stop] = outgoing ? [outOf[node], outOf[node + 1]] : [into[node], into[node + 1]];
  for (let i = start; i < stop; i++) {
    const e = outgoing ? leaving[i] : i;
    if (allowed[relation[e]] && weights[e] > 0) found.push(e);
  }
  return found.sort((a, b) => weights[b] - weights[a]);
}

/** The attention to draw with `node` selected, or with none (-1). */
function attentionPicture(sample, node) {
  if (!sample.layers.length) return { strength: new Float32Array(sample.count), links: [], lists: [] };
  const layer = layerOf(sample), weights = weightsOf(layer, headOf(layer)), allowed = allowedRelations(sample);
  const strength = new Float32Array(sample.count), { src, dst, relation } = layer.links;
  if (node < 0) {
    const asked = leastAsked(), all = strongest(layer, weights, allowed, topShown(sample, layer), asked);
    const links = all.slice(0, state.top || state.least ? MANY : FEW);
    return { layer, weights, allowed, strength, links, lists: [], possible: all.length };
  }
  const limit = Math.min(topAsked() || 12, MANY), least = leastAsked(), lists = [], links = [], largest = new Map();
  for (const outgoing of [false, true]) {
    if (state.direction === (outgoing ? 'to' : 'from')) continue;
    const found = incident(layer, weights, allowed, node, outgoing);
    const scale = (e) => (layer.scope === 'node' ? outgoing : `${outgoing} ${relation[e]}`); // weights that may be compared
    for (const e of found) if (!largest.has(scale(e))) largest.set(scale(e), weights[e]);
    for (const e of found) {
      const other = outgoing ? dst[e] : src[e];
      strength[other] = Math.max(strength[other], weights[e] / largest.get(scale(e)));
    }
    lists.push({ outgoing, found });
    links.push(...found.filter((e) => weights[e] >= least).slice(0, limit));
  }
  return { layer, weights, allowed, strength, links, lists, possible: links.length };
}

/** Values per node to draw: the flow, each panel with its own scale, or an attribution with one scale for all. */
function valuesPicture(sample, view) {
  const method = clamp(whole(state.method), 1, sample.attributions.length) - 1;
  const scores = view === 'flow' ? sample.flow : sample.attributions[method];
  const strength = new Float32Array(sample.count), tops = [];
  const all = largestOf(scores.values, 0, sample.count);
  for (const panel of sample.panels) {
    const top = largestOf(scores.values, panel.first, panel.count);
    tops.push(top);
    const scale = view === 'flow' ? top : all;
    for (let n = panel.first; n < panel.first + panel.count; n++) strength[n] = scale > 0 ? (scores.values[n] || 0) / scale : 0;
  }
  const order = Array.from({ length: sample.count }, (_, n) => n).filter((n) => !Number.isNaN(scores.values[n]));
  order.sort((a, b) => Math.abs(scores.values[b]) - Math.abs(scores.values[a]));
  return { scores, strength, tops, order, links: [], lists: [] };
}

function largestOf(values, first, count) {
  let top = 0;
  for (let n = first; n < first + count; n++) if (Math.abs(values[n]) > top) top = Math.abs(values[n]);
  return top;
}

/** Sums of weights by the modality of their source, for the links into one node, or the mean over the nodes of a panel. */
function sharesOf(sample, layer, weights, panel, node = -1) {
  const { into, src } = layer.links, shares = new Float64Array(sample.panels.length);
  const [low, high] = node < 0 ? [panel.first, panel.first + panel.count] : [node, node + 1];
  let nodes = 0;
  for (let n = low; n < high; n++) {
    if (into[n + 1] > into[n]) nodes++;
    for (let e = into[n]; e < into[n + 1]; e++) shares[sample.panelOf[src[e]]] += weights[e];
  }
  return shares.map((share) => (nodes ? share / nodes : 0));
}

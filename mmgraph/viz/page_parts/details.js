/* The list beside a sample: what the selected node attends to, or the strongest of all; and the legend below. */

const LISTED = 8;

function showDetails(view, details, legend, picture, kind, node) {
  const { sample } = view, out = [];
  if (kind !== 'attention') out.push(...valueDetails(view, picture, kind, node));
  else if (!sample.layers.length) out.push(make('p', { class: 'hint', text: 'No attention was recorded for this sample.' }));
  else if (node >= 0) out.push(...nodeDetails(view, picture, node));
  else out.push(...overview(view, picture));
  details.replaceChildren(...out);
  legend.replaceChildren(...legendOf(sample, picture, kind, node));
}

const part = (title, ...content) => make('div', {}, make('h4', { text: title }), ...content);
const heading = (sample, node) => make('h3', { text: nameOf(sample, node) }, make('small', { text: placeOf(sample, node) }));

function nodeDetails(view, { layer, weights, lists }, node) {
  const { sample } = view, out = [heading(sample, node)];
  const panel = panelAt(sample, node);
  if (state.direction !== 'from' && layer.scope === 'node') {
    const shares = sharesOf(sample, layer, weights, panel, node);
    if (shares.some((share) => share > 0)) out.push(shareBar(sample, panel, shares));
  }
  for (const { outgoing, found } of lists) {
    const rows = found.slice(0, LISTED).map((e) => {
      const other = outgoing ? layer.links.dst[e] : layer.links.src[e];
      return row(view, other, weights[e], weights[found[0]], pairColour(sample, sample.panelOf[node], sample.panelOf[other]));
    });
    out.push(part(`${outgoing ? 'is attended by' : 'attends to'} · ${plural(found.length, 'link')}`, make('ul', { class: 'rows' }, ...rows)));
  }
  return out;
}

function shareBar(sample, panel, shares) {
  const bar = make('div', { class: 'shares', 'aria-hidden': 'true' }), key = make('div', { class: 'key' });
  sample.panels.forEach((other, q) => {
    if (!shares[q]) return;
    const colour = css(pairColour(sample, sample.panels.indexOf(panel), q)), piece = make('i'), mark = make('i');
    piece.style.width = `${100 * shares[q]}%`;
    piece.style.backgroundColor = mark.style.backgroundColor = colour;
    bar.append(piece);
    key.append(make('span', {}, mark, `${other.name} ${Math.round(100 * shares[q])} %`));
  });
  return part('its attention by modality, all links', bar, key);
}

/** A node as a button that selects it, with a bar for its value. */
function row(view, node, value, largest, colour, name = nameOf(view.sample, node)) {
  const { sample } = view, panel = panelAt(sample, node);
  let mark = make('i', { class: 'dot' });
  mark.style.backgroundColor = css(colour);
  if (panel.role === 'regions' && panel.image) {
    mark = make('canvas');
    drawCrop(mark, panel, node - panel.first);
  }
  const fill = make('i');
  fill.style.width = `${100 * Math.abs(value / (largest || 1))}%`;
  fill.style.backgroundColor = css(colour);
  const label = `${name}, ${panel.name}, ${number(value)}`;
  return make('li', {}, make('button', { 'aria-label': label, title: label, click: () => view.choose(node) },
    mark, make('span', { text: name }), make('span', { class: 'bar2' }, fill), make('data', { text: number(value) })));
}

function overview(view, { layer, weights, links }) {
  const { sample } = view, { src, dst } = layer.links;
  const rows = links.slice(0, LISTED - 2).map((e) => {
    // Each in its own direction, or names that are written from right to left would change places around the arrow.
    const [a, b] = [src[e], dst[e]], text = `\u2068${nameOf(sample, b)}\u2069 → \u2068${nameOf(sample, a)}\u2069`;
    return row(view, b, weights[e], 1, pairColour(sample, sample.panelOf[a], sample.panelOf[b]), text);
  });
  const out = [make('p', { class: 'hint', text: 'Hover, tap or step to a token, region or frame to see what it attends to.' })];
  out.push(part('strongest links, who attends → to whom', make('ul', { class: 'rows plain' }, ...rows)));
  if (layer.scope === 'node') out.push(matrix(sample, layer, weights));
  return out;
}

/** Where the attention of each modality goes. */
function matrix(sample, layer, weights) {
  const table = make('table', { class: 'matrix' }), names = sample.panels.map((panel) => panel.name);
  table.append(make('tr', {}, make('th', { text: '' }), ...names.map((name) => make('th', { scope: 'col', text: name }))));
  sample.panels.forEach((panel) => {
    const shares = sharesOf(sample, layer, weights, panel), line = make('tr', {}, make('th', { scope: 'row', text: panel.name }));
    shares.forEach((share) => {
      const cell = make('td', { text: share ? `${Math.round(100 * share)} %` : '–' }), back = mix(paint.page, paint.tint, 0.85 * share);
      if (share) { cell.style.backgroundColor = css(back); cell.style.color = light(back) > 125 ? '#1b1f24' : '#fff'; }
      line.append(cell);
    });
    table.append(line);
  });
  return part('attention from (row) to (column), mean over nodes', table);
}

function valueDetails(view, { scores, order }, kind, node) {
  const { sample } = view, out = [], colour = (n) => tintOf(scores.values[n]);
  if (node >= 0) {
    const value = scores.values[node], rank = order.indexOf(node) + 1;
    out.push(heading(sample, node));
    out.push(make('p', { text: rank ? `${number(value)}, number ${rank} of ${order.length}` : 'no value' }));
  } else out.push(make('h3', { text: kind === 'flow' ? 'Attention flow' : `Attribution: ${scores.name}` }));
  const rows = order.slice(0, LISTED).map((n) => row(view, n, scores.values[n], scores.values[order[0]], colour(n)));
  out.push(part('largest values', make('ul', { class: 'rows' }, ...rows)));
  const sums = sample.panels.map((panel) => {
    let sum = 0;
    for (let n = panel.first; n < panel.first + panel.count; n++) sum += scores.values[n] || 0;
    return make('span', { text: `${panel.name} ${number(sum)}` });
  });
  out.push(part('sum by modality', make('div', { class: 'key' }, ...sums)));
  return out;
}

function legendOf(sample, { layer, links, possible, scores, strength }, kind, node) {
  const key = make('div', { class: 'key' });
  const scale = (from, to, text) => {
    const bar = make('i', { class: 'scale' });
    bar.style.backgroundImage = `linear-gradient(90deg, ${css(from)}, ${css(to)})`;
    key.append(make('span', {}, bar, text));
  };
  const full = mix(paint.page, paint.tint, 0.95);
  if (kind !== 'attention') {
    if (strength.some((s) => s < 0)) scale(mix(paint.page, paint.against, 0.95), paint.page, 'against');
    scale(paint.page, full, kind === 'flow' ? '0 to the largest of the panel' : 'in favour, up to the largest of all');
    return [key, make('p', { text: scores.meaning })];
  }
  if (!layer) return [];
  const pairs = new Set(links.map((e) => {
    const [p, q] = [layer.links.src[e], layer.links.dst[e]].map((n) => sample.panelOf[n]);
    return `${Math.min(p, q)} ${Math.max(p, q)}`;
  }));
  sample.panels.forEach((a, p) => sample.panels.forEach((b, q) => {
    if (!pairs.has(`${p} ${q}`)) return;
    const mark = make('i');
    mark.style.backgroundColor = css(pairColour(sample, p, q));
    key.append(make('span', {}, mark, p === q ? `within ${a.name}` : `${a.name} – ${b.name}`));
  }));
  if (node >= 0) scale(paint.page, full, 'attention weight, up to the largest here');
  const head = headOf(layer), which = head < 0 ? `mean of ${plural(layer.heads, 'head')}` : `head ${head + 1} of ${layer.heads}`;
  const sum = layer.scope === 'node' ? 'sums to 1 over all edges into a node' : 'sums to 1 over the edges of one relation into a node, so do not compare weights of different relations';
  const cut = possible > links.length ? `the ${plural(links.length, 'strongest link')} of ${possible.toLocaleString('en')}` : plural(links.length, 'link');
  const top = node < 0 && topShown(sample, layer) < Infinity ? `, at most ${topShown(sample, layer)} into each node` : '';
  return [key, make('p', { text: `Attention weight, layer ${sample.layers.indexOf(layer) + 1} of ${sample.layers.length} (${layer.name}), ${which}; ${sum}. Drawn: ${cut}${top}, of ${plural(layer.links.count, 'link')} in all. A dot marks the node that attends. Weights are exact to ${layer.exact} %.` })];
}

/* A view: one sample with its panels, the links over them, the list of details and the legend. */

async function makeView(entry, handlers) {
  const sample = await loadSample(entry);
  const view = { entry, sample, point: (node) => handlers.point(view, node), choose: (node) => handlers.choose(view, node) };
  const stage = make('div', { class: 'stage' }), canvas = make('canvas');
  const [left, right] = [make('div', { class: 'column' }), make('div', { class: 'column' })];
  view.panels = sample.panels.map((given, index) => makePanel(view, given, index));
  const pick = (role) => view.panels.filter((panel) => panel.role === role).map((panel) => panel.element);
  left.append(...pick('regions'));
  const [words, time] = [make('div', { class: 'column' }), make('div', { class: 'column' })];
  words.append(...pick('words'));
  time.append(...pick('time'));
  right.append(...[words, time].filter((column) => column.children.length));
  const both = left.children.length > 0 && right.children.length > 0;
  stage.classList.toggle('sides', both);
  stage.append(...[left, right].filter((column) => column.children.length), canvas);
  const details = make('aside', { class: 'details', 'aria-label': 'Details' });
  const legend = make('footer', { class: 'legend' });
  view.element = make('article', { class: 'view', 'aria-label': `Sample ${entry.id}` },
    make('div', { class: 'inner' }, titleBar(entry, handlers), stage, details, legend));

  let size = [0, 0], dirty = true;
  view.remeasure = () => { dirty = true; handlers.draw(); };
  new ResizeObserver(view.remeasure).observe(stage);
  function measure() {
    const box = rectOf(stage), origin = { x: box.left, y: box.top };
    size = [box.width, box.height];
    for (const panel of view.panels) panel.measure(origin);
    view.sides = both && rectOf(right).top < rectOf(left).bottom;
    for (const panel of view.panels) panel.relocate?.();
    routes.clear();
    dirty = false;
  }

  const routes = new Map();
  view.route = (a, b) => {
    const key = a * sample.count + b;
    if (!routes.has(key)) routes.set(key, routeOf(view, a, b));
    return routes.get(key);
  };

  view.draw = (node) => {
    if (dirty) measure();
    const kind = currentView(entry), picture = kind === 'attention' ? attentionPicture(sample, node) : valuesPicture(sample, kind);
    view.panels.forEach((panel, p) => {
      if (panel.absent) return;
      panel.paint(picture.strength, node);
      panel.say(kind === 'flow' && panel.count ? ` · up to ${number(picture.tops[p])}` : '');
    });
    const c = sharpen(canvas, size[0], size[1]);
    if (picture.links.length) drawLinks(c, view, picture, node);
    showDetails(view, details, legend, picture, kind, node);
    view.picture = picture;
  };
  view.press = (node) => view.panels.forEach((panel) => panel.press?.(node));
  view.stop = () => view.panels.forEach((panel) => panel.stop?.());
  return view;
}

function titleBar(entry, handlers) {
  const head = make('header', { class: 'head' }, make('h2', { text: titleOf(entry) }));
  head.append(verdictOf(entry, 'p', 'predicted '));
  if (handlers.close) head.append(make('button', { class: 'close', text: 'Close', click: handlers.close }));
  return head;
}

const LEVELS = 8; // of width and opacity; links of one level and colour are drawn at once, which is what makes it fast

/** Links, the weakest first; width and opacity say the weight, a dot marks the node that attends. */
function drawLinks(c, view, { layer, weights, links }, node) {
  const { sample } = view, { src, dst } = layer.links, largest = links.reduce((most, e) => Math.max(most, weights[e]), 0);
  const many = Math.min(1, (40 / links.length) ** 0.35), bins = new Map(), dots = new Map();
  for (const e of links) {
    const [p, q] = [src[e], dst[e]].map((n) => sample.panelOf[n]).sort(), level = Math.ceil(LEVELS * weights[e] / largest);
    const key = `${level} ${p} ${q}`;
    if (!bins.has(key)) bins.set(key, { level, colour: pairColour(sample, p, q), within: p === q, ends: [] });
    bins.get(key).ends.push([src[e], dst[e]]);
    dots.set(dst[e], bins.get(key));
  }
  c.lineCap = 'round';
  for (const { level, colour, within, ends } of [...bins.values()].sort((a, b) => a.level - b.level)) {
    const share = level / LEVELS;
    c.strokeStyle = css(colour, Math.min((node >= 0 ? 0.35 : 0.22) + 0.65 * share, 0.95) * many);
    c.lineWidth = 0.7 + (node >= 0 ? 3 : 2.2) * share * many;
    c.beginPath();
    for (const [a, b] of ends) trace(c, view.route(a, b));
    c.stroke();
    if (within) continue;
    c.lineWidth = 0.8;
    c.beginPath();
    for (const end of ends.flat()) leader(c, view, end);
    c.stroke();
  }
  if (dots.size > 400) return;
  for (const [end, { colour, within }] of dots) {
    const panel = view.panels[sample.panelOf[end]], i = end - panel.first;
    const { x, y } = within && panel.middle ? { x: panel.x[i], y: panel.middle(i) } : exitOf(view, panel, end, 'down')[0];
    c.fillStyle = css(colour, 0.95);
    c.beginPath();
    c.arc(x, y, 2.4, 0, 7);
    c.fill();
  }
}

/** A thin line from a region to the border of its picture, where its links begin. */
function leader(c, view, node) {
  const panel = view.panels[view.sample.panelOf[node]], i = node - panel.first;
  if (panel.role !== 'regions') return;
  const { x, y } = exitOf(view, panel, node)[0];
  if (view.sides) c.moveTo(panel.rightOf(i), y);
  else c.moveTo(x, panel.middle(i));
  c.lineTo(x, y);
}

/* Paths of links. They keep to open space: out of a picture at its right border (below it, where panels stand above each
   other), between the rows of words, into a frame from above. A path is a list of knots: a point and the way it is passed. */

const knot = (x, y, dx, dy) => ({ x, y, dx, dy });
const spread = (node) => node * 0.618034 % 1; // the same for a node each time, different for its neighbours

/** From a node into open space; `toward` is where the other end is: "side", "down" or "up". */
function exitOf(stage, panel, node, toward) {
  const i = node - panel.first, x = panel.x[i], lane = panel.left - 7;
  if (panel.role === 'regions') {
    return stage.sides ? [knot(panel.right, panel.bottom[i], 1, 0)] : [knot(x, panel.lower, 0, 1)];
  }
  if (panel.role === 'time') {
    const out = [knot(x, panel.upper, 0, -1)];
    if (toward === 'side') out.push(knot(lane, panel.upper - 14 - 34 * spread(node), -1, 0));
    return out;
  }
  const row = panel.row[i], last = panel.rows.length - 1;
  const above = panel.top[i] < panel.upper - 2;
  if (above || panel.bottom[i] > panel.lower + 2) { // scrolled out of the panel: its links end at the corner
    const y = above ? panel.upper : panel.lower;
    return [toward === 'side' ? knot(panel.left, y, -1, 0) : knot(panel.left, y, 0, toward === 'up' ? -1 : 1)];
  }
  if (toward === 'up') {
    if (row === 0) return [knot(x, panel.top[i], 0, -1)];
    const y = (panel.rows[row - 1][1] + panel.rows[row][0]) / 2 + 5 * (spread(node) - 0.5);
    return [knot(x, panel.top[i], 0, -1), knot(Math.max(x - 10, lane + 4), y, -1, 0), knot(lane, y, -1, 0), knot(lane - 5, panel.upper - 8, 0, -1)];
  }
  if (row === last) {
    const out = [knot(x, panel.bottom[i], 0, 1)];
    if (toward === 'side') out.push(knot(lane, panel.bottom[i] + 10 + 24 * spread(node), -1, 0));
    return out;
  }
  const y = (panel.rows[row][1] + panel.rows[row + 1][0]) / 2 + 5 * (spread(node) - 0.5);
  const out = [knot(x, panel.bottom[i], 0, 1), knot(Math.max(x - 10, lane + 4), y, -1, 0), knot(lane, y, -1, 0)];
  if (toward === 'down') out.push(knot(lane - 4 - (stage.sides ? 22 : 7) * spread(node), panel.lower + 6, 0, 1));
  return out;
}

const backwards = (knots) => knots.toReversed().map((k) => knot(k.x, k.y, -k.dx, -k.dy));

/** The knots of a link between two nodes. */
function routeOf(stage, a, b) {
  let p = stage.panels[stage.sample.panelOf[a]], q = stage.panels[stage.sample.panelOf[b]];
  if (p === q) return routeWithin(stage, p, a, b);
  if (p.upper > q.upper || (p.upper === q.upper && p.left > q.left)) [p, q, a, b] = [q, p, b, a];
  if (stage.sides && (p.role === 'regions') !== (q.role === 'regions')) {
    if (p.role !== 'regions') [p, q, a, b] = [q, p, b, a];
    return [...exitOf(stage, p, a, 'side'), ...backwards(exitOf(stage, q, b, 'side'))];
  }
  if (stage.sides && p.role === 'regions') return around(stage, p.right + 40, exitOf(stage, p, a), exitOf(stage, q, b));
  const between = stage.panels.some((o) => o !== p && o !== q && !o.absent && o.upper >= p.lower && o.lower <= q.upper && o.left < p.right);
  if (between) {
    const x = Math.min(p.left, q.left) - 8 - 6 * spread(a + b);
    const start = p.role === 'time' ? exitOf(stage, p, a, 'side') : exitOf(stage, p, a, 'down');
    return [...start, knot(x, p.lower + 22, 0, 1), knot(x, q.upper - 22, 0, 1), ...backwards(exitOf(stage, q, b, 'up'))];
  }
  if (p.role === 'time') return around(stage, p.left - 18, exitOf(stage, p, a, 'side'), exitOf(stage, q, b, 'side'));
  return [...exitOf(stage, p, a, 'down'), ...backwards(exitOf(stage, q, b, q.role === 'words' ? 'up' : 'down'))];
}

/** Two paths that leave sideways, joined by a vertical piece at `x`. */
function around(stage, x, start, end) {
  const from = start[start.length - 1], to = end[end.length - 1], way = Math.sign(to.y - from.y) || 1;
  return [...start, knot(x, (from.y + to.y) / 2, 0, way), ...backwards(end)];
}

function routeWithin(stage, panel, a, b) {
  const i = a - panel.first, j = b - panel.first;
  if (panel.role === 'regions') {
    const [x, y, u, v] = [panel.x[i], panel.middle(i), panel.x[j], panel.middle(j)], far = Math.hypot(u - x, v - y) || 1;
    return [knot(x, y, (u - x) / far, (v - y) / far), knot(u, v, (u - x) / far, (v - y) / far)];
  }
  if (panel.role === 'time') return [knot(panel.x[i], panel.upper, 0, -1), knot(panel.x[j], panel.upper, 0, 1)];
  if (panel.row[i] === panel.row[j]) return [knot(panel.x[i], panel.bottom[i], 0, 1), knot(panel.x[j], panel.bottom[j], 0, -1)];
  const start = exitOf(stage, panel, a, 'side'), end = exitOf(stage, panel, b, 'side');
  return around(stage, panel.left - 14, start, end);
}

/** Adds the path to a drawing context: a cubic curve from knot to knot, bent as far as they are apart. */
function trace(c, knots) {
  c.moveTo(knots[0].x, knots[0].y);
  for (let i = 1; i < knots.length; i++) {
    const a = knots[i - 1], b = knots[i], wide = Math.abs(b.x - a.x), high = Math.abs(b.y - a.y);
    const bend = (k) => Math.min(Math.max(k.dx ? wide * 0.5 : high * 0.5, Math.min(wide, high, 40) * 0.5, Math.min(0.12 * (wide + high), 40)), 260);
    const [m, n] = [bend(a), bend(b)];
    c.bezierCurveTo(a.x + a.dx * m, a.y + a.dy * m, b.x - b.dx * n, b.y - b.dy * n, b.x, b.y);
  }
}

/* Colours: Okabe and Ito's, told apart with every common colour vision; lighter ones on a dark page. */

const PAIRS = {
  light: ['#0072b2', '#009e73', '#cc79a7', '#d55e00', '#56b4e9', '#1b1f24'],
  dark: ['#4da6e3', '#2bc79a', '#e59dc6', '#ff8b45', '#8fd0f7', '#e8ebee'],
};
let paint = {}; // the colours of the page as the theme has them, [r, g, b]

const rgb = (hex) => [1, 3, 5].map((i) => Number.parseInt(hex.trim().slice(i, i + 2), 16));
const css = (colour, alpha = 1) => `rgba(${colour.map(Math.round).join(',')},${alpha.toFixed(3)})`;
const mix = (a, b, share) => a.map((v, i) => v + (b[i] - v) * share);
const light = (colour) => 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2];

const systemDark = matchMedia('(prefers-color-scheme: dark)');

function applyTheme() {
  const dark = state.theme ? state.theme === 'dark' : systemDark.matches;
  root.dataset.theme = dark ? 'dark' : 'light';
  const style = getComputedStyle(root);
  const names = ['page', 'ink', 'muted', 'line', 'soft', 'tint', 'against', 'loud'], key = dark ? 'dark' : 'light';
  paint = Object.fromEntries(names.map((name) => [name, rgb(style.getPropertyValue(`--${name}`))]));
  Object.assign(paint, { key, pairs: PAIRS[key].map(rgb) });
  $('#theme').textContent = `Theme: ${state.theme || 'auto'}`;
}

/** The colour of links between two panels; grey within one. After six pairs they repeat. */
function pairColour(sample, p, q) {
  if (p === q) return paint.muted;
  const [a, b] = p < q ? [p, q] : [q, p], n = sample.panels.length;
  return paint.pairs[(a * n - a * (a + 1) / 2 + b - a - 1) % paint.pairs.length];
}

/** The colour of a strength: for values above zero one colour, for those below another. */
const tintOf = (strength) => (strength < 0 ? paint.against : paint.tint);

/** A canvas of so many CSS pixels, sharp on this screen. The drawing context is in CSS pixels. */
function sharpen(canvas, width, height) {
  const dense = devicePixelRatio, w = Math.round(width * dense), h = Math.round(height * dense);
  if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
  const c = canvas.getContext('2d');
  c.setTransform(dense, 0, 0, dense, 0, 0);
  c.clearRect(0, 0, width, height);
  return c;
}
/** The border of what is selected; it shows on dark and light. */
function ring(c, path) {
  for (const [colour, width] of [['#1b1f24', 5], ['#fff', 2.5]]) {
    c.strokeStyle = colour;
    c.lineWidth = width;
    c.stroke(path);
  }
}
/** To whole pixels of the screen, so that neighbours leave no seam. */
const snap = (v) => Math.round(v * devicePixelRatio) / devicePixelRatio;

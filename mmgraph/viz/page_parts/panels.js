/* Panels: a modality as a picture with regions, as words, or as frames over time. Each can paint strengths, say which node
   is at a point, step to a neighbour, and tell where links end (x, top, bottom of each node, in the stage). */

const STRIP = 14, SOUND = 112, AXIS = 18, TIME_HEIGHT = STRIP + 5 + SOUND + AXIS;

/** What all panels share: one stop for the Tab key, arrows within. `view` is told what is pointed at and chosen. */
function makePanel(view, given, index) {
  const { sample } = view;
  const element = make('section', { class: 'panel', 'aria-label': given.name });
  const title = make('h3');
  if (given.role !== 'time' || !given.count) element.append(title);
  const panel = { ...given, index, element, title, x: new Float32Array(given.count), top: new Float32Array(given.count), bottom: new Float32Array(given.count) };
  panel.say = (extra) => { title.textContent = `${given.name} · ${plural(given.count, noun(given))}${extra}`; };
  panel.say('');
  if (!given.count && given.picture === null && given.sound === null) {
    element.append(make('p', { class: 'absent', text: 'absent from this sample' }));
    return Object.assign(panel, { paint() {}, measure() {}, absent: true });
  }
  const kind = { regions: pictureOf, words: wordsOf, time: timeOf }[given.role];
  return kind(view, sample, panel);
}

/** Lets a canvas panel be reached by keyboard; it speaks as a slider over its nodes. */
function makeSteppable(view, panel, box, step) {
  if (!panel.count) return;
  panel.at = 0;
  const tell = () => put(box, { 'aria-valuenow': panel.at + 1, 'aria-valuetext': nameOf(view.sample, panel.first + panel.at) });
  tell();
  put(box, {
    tabindex: 0,
    role: 'slider',
    'aria-label': `${panel.name}, ${plural(panel.count, noun(panel))}`,
    'aria-valuemin': 1,
    'aria-valuemax': panel.count,
    focus: () => { if (box.matches(':focus-visible')) view.point(panel.first + panel.at); },
    blur: () => view.point(-1),
    keydown: (event) => {
      const to = step(event.key, panel.at);
      if (to !== null) { panel.at = to; tell(); view.point(panel.first + to); }
      else if (event.key === 'Enter') view.choose(panel.first + panel.at);
      else return;
      event.preventDefault();
    },
    pointermove: (event) => { if (event.pointerType === 'mouse') view.point(panel.hit(event)); },
    pointerleave: () => view.point(-1),
    click: (event) => {
      const node = panel.hit(event);
      if (node >= 0) { panel.at = node - panel.first; tell(); view.choose(node); }
    },
  });
}

const stepInLine = (key, at, count) => {
  const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: count - 1 }[key];
  return to === undefined ? null : clamp(to, 0, count - 1);
};

/* ---- a picture with regions ---- */

function pictureOf(view, sample, panel) {
  const box = make('div', { class: 'picture' }), canvas = make('canvas');
  const aspect = panel.image ? panel.image.naturalWidth / panel.image.naturalHeight || 1 : 1; // width over height
  box.style.aspectRatio = String(aspect);
  box.style.maxWidth = `${Math.round(420 * aspect)}px`;
  if (panel.image) {
    const picture = make('img', { src: panel.image.src, alt: '', class: Math.max(panel.image.naturalWidth, panel.image.naturalHeight) <= 96 ? 'tiny' : '' });
    box.append(picture);
  }
  box.append(canvas);
  panel.element.append(box);
  let width = 0, height = 0, shapes = [], borders = null;

  function shapeOf(i) { // a path in CSS pixels of the box
    const path = new Path2D();
    if (panel.outlines) {
      const corners = panel.outlines.length / panel.count / 2;
      for (let k = 0; k < corners; k++) {
        const at = 2 * (i * corners + k);
        path.lineTo(panel.outlines[at] * width, panel.outlines[at + 1] * height);
      }
      path.closePath();
    } else {
      const [x1, y1, x2, y2] = boxOf(i);
      path.rect(x1, y1, x2 - x1, y2 - y1);
    }
    return path;
  }
  const boxOf = (i) => [0, 1, 2, 3].map((k) => snap(panel.boxes[4 * i + k] * (k % 2 ? height : width)));

  function drawBorders() {
    borders = make('canvas');
    const c = sharpen(borders, width, height), many = clamp(Math.sqrt(panel.count / 25), 1, 4);
    for (const [style, line] of [[`rgba(255,255,255,${0.6 / Math.sqrt(many)})`, 1.8 / many], [`rgba(27,31,36,${0.75 / many})`, 0.9 / many]]) {
      c.strokeStyle = style;
      c.lineWidth = Math.max(line, 0.35);
      c.lineJoin = 'round';
      for (const shape of shapes) c.stroke(shape);
    }
  }

  panel.measure = (origin) => {
    const at = rectOf(box);
    Object.assign(panel, { left: at.left - origin.x, right: at.right - origin.x, upper: at.top - origin.y, lower: at.bottom - origin.y });
    if (at.width !== width || at.height !== height || !shapes.length) {
      [width, height] = [at.width, at.height];
      shapes = Array.from({ length: panel.count }, (_, i) => shapeOf(i));
      drawBorders();
    }
    for (let i = 0; i < panel.count; i++) {
      const [x1, y1, x2, y2] = boxOf(i);
      panel.x[i] = panel.left + (x1 + x2) / 2;
      // Regions of one row leave the picture at different heights, so that their links can be told apart.
      panel.top[i] = panel.bottom[i] = panel.upper + y1 + (y2 - y1) * (0.25 + 0.5 * panel.boxes[4 * i]);
    }
    panel.rightOf = (i) => panel.left + boxOf(i)[2];
    panel.middle = (i) => panel.upper + (boxOf(i)[1] + boxOf(i)[3]) / 2;
  };
  panel.paint = (strength, active) => {
    const c = sharpen(canvas, width, height), busy = strength.some((s) => s !== 0) || active >= 0;
    const near = active - panel.first;
    if (busy) {
      c.fillStyle = 'rgba(0,0,0,.55)'; // a veil, thinner where there is something to see
      c.fillRect(0, 0, width, height);
      for (let i = 0; i < panel.count; i++) {
        const s = strength[panel.first + i], force = i === near ? 1 : Math.min(Math.abs(s), 1);
        if (force < 0.02) continue;
        c.globalCompositeOperation = 'destination-out';
        c.fillStyle = css(paint.ink, force);
        c.fill(shapes[i]);
        c.globalCompositeOperation = 'source-over';
        c.fillStyle = css(tintOf(s), s ? 0.06 + 0.36 * force : 0);
        c.fill(shapes[i]);
      }
    }
    c.drawImage(borders, 0, 0, width, height);
    if (shapes[near]) ring(c, shapes[near]);
  };
  panel.hit = (event) => {
    const at = rectOf(box), x = event.clientX - at.left, y = event.clientY - at.top;
    const c = canvas.getContext('2d'), dense = devicePixelRatio;
    let best = -1, least = Infinity;
    for (let i = 0; i < panel.count; i++) {
      const [x1, y1, x2, y2] = boxOf(i), area = (x2 - x1) * (y2 - y1);
      if (x < x1 || x > x2 || y < y1 || y > y2 || area >= least) continue;
      if (panel.outlines && !c.isPointInPath(shapes[i], x * dense, y * dense)) continue;
      [best, least] = [panel.first + i, area];
    }
    return best;
  };
  /** The nearest region in the direction of an arrow. */
  function step(key, at) {
    const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[key];
    if (!way) return stepInLine(key, at, panel.count);
    let best = at, least = Infinity;
    const centre = (i) => { const [x1, y1, x2, y2] = boxOf(i); return [(x1 + x2) / 2, (y1 + y2) / 2]; };
    const [x, y] = centre(at);
    for (let i = 0; i < panel.count; i++) {
      const [a, b] = centre(i), along = (a - x) * way[0] + (b - y) * way[1], aside = Math.abs((a - x) * way[1]) + Math.abs((b - y) * way[0]);
      if (along > 0.5 && aside <= 2 * along && along + 3 * aside < least) [best, least] = [i, along + 3 * aside];
    }
    return best;
  }
  makeSteppable(view, panel, box, step);
  return panel;
}

/** What a region shows, into a small canvas. */
function drawCrop(canvas, panel, i) {
  const side = 22, c = sharpen(canvas, side, side), [x1, y1, x2, y2] = panel.boxes.subarray(4 * i, 4 * i + 4);
  const { naturalWidth: w, naturalHeight: h } = panel.image;
  c.imageSmoothingEnabled = Math.max(w, h) > 96;
  c.drawImage(panel.image, x1 * w, y1 * h, Math.max((x2 - x1) * w, 1), Math.max((y2 - y1) * h, 1), 0, 0, side, side);
}

/* ---- words ---- */

function wordsOf(view, sample, panel) {
  const size = panel.count > 250 ? ' many' : panel.count > 60 ? ' some' : '';
  const box = make('div', { class: `words${size}`, role: 'group', 'aria-label': `${panel.name}, ${plural(panel.count, noun(panel))}` });
  const buttons = Array.from({ length: panel.count }, (_, i) => {
    const text = panel.labels ? visible(panel.labels[i]) : String(i + 1);
    return make('button', { text, tabindex: i ? -1 : 0, 'aria-label': `${text}, ${noun(panel)} ${i + 1} of ${panel.count}`, 'aria-pressed': 'false' });
  });
  box.append(...buttons);
  panel.element.append(box);
  const place = (target) => buttons.indexOf(target.closest('button'));
  const go = (i) => { buttons[panel.at || 0].tabIndex = -1; panel.at = i; buttons[i].tabIndex = 0; };
  put(box, {
    pointerover: (event) => { if (event.pointerType === 'mouse') { const i = place(event.target); view.point(i < 0 ? -1 : panel.first + i); } },
    pointerleave: () => view.point(-1),
    focusin: (event) => { const i = place(event.target); go(i); if (event.target.matches(':focus-visible')) view.point(panel.first + i); },
    focusout: () => view.point(-1),
    click: (event) => { const i = place(event.target); if (i >= 0) { go(i); view.choose(panel.first + i); } },
    keydown: (event) => {
      const to = stepInLine(event.key, panel.at || 0, panel.count);
      if (to !== null) { buttons[to].focus(); event.preventDefault(); }
    },
    scroll: () => view.remeasure(),
  });

  panel.measure = (origin) => {
    const at = rectOf(box), left = at.left - origin.x, top = at.top - origin.y, scroll = box.scrollTop;
    Object.assign(panel, { left, right: at.right - origin.x, upper: top, lower: top + box.clientHeight, rows: [], row: new Uint32Array(panel.count) });
    let last = null;
    buttons.forEach((button, i) => {
      const y = button.offsetTop;
      if (last === null || y > last + 3) { panel.rows.push([top + y - scroll, top + y - scroll + button.offsetHeight]); last = y; }
      panel.row[i] = panel.rows.length - 1;
      panel.x[i] = left + button.offsetLeft + button.offsetWidth / 2;
      [panel.top[i], panel.bottom[i]] = panel.rows[panel.row[i]];
    });
  };
  const painted = new Array(panel.count).fill('');
  panel.paint = (strength, active) => {
    for (let i = 0; i < panel.count; i++) {
      const s = strength[panel.first + i], force = Math.min(Math.abs(s), 1), on = active === panel.first + i;
      const key = `${force < 0.02 ? 0 : s.toFixed(2)}${on}${paint.key}`;
      if (painted[i] === key) continue;
      painted[i] = key;
      const back = mix(paint.page, tintOf(s), 0.1 + 0.85 * force), style = buttons[i].style;
      style.backgroundColor = force < 0.02 ? '' : css(back);
      style.color = force < 0.02 ? '' : light(back) > 125 ? '#1b1f24' : '#fff';
      buttons[i].classList.toggle('on', on);
    }
  };
  panel.press = (node) => buttons.forEach((button, i) => button.setAttribute('aria-pressed', String(node === panel.first + i)));
  return panel;
}

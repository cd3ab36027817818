/* Frames over time: a strip of frames, the spectrogram below it, and a player whose cursor moves over both. */

/** Start and end of each frame's cell: its span, but neighbours that overlap are parted in the middle of that. */
function cellsOf(spans) {
  const count = spans.length / 2, cells = Float32Array.from(spans);
  const order = Array.from({ length: count }, (_, i) => i).sort((a, b) => spans[2 * a] - spans[2 * b] || spans[2 * a + 1] - spans[2 * b + 1]);
  for (let k = 1; k < count; k++) {
    const [a, b] = [order[k - 1], order[k]];
    if (spans[2 * a + 1] <= spans[2 * b] || spans[2 * a + 1] >= spans[2 * b + 1]) continue;
    cells[2 * a + 1] = cells[2 * b] = (spans[2 * a + 1] + spans[2 * b]) / 2;
  }
  return cells;
}

function timeOf(view, sample, panel) {
  const box = make('div', { class: 'time' }), canvas = make('canvas');
  const cursor = make('div', { class: 'cursor', hidden: '' }), cells = cellsOf(panel.spans || new Float32Array());
  box.append(canvas, cursor);
  panel.element.append(box, panel.title); // below: links come in from above
  canvas.style.height = `${TIME_HEIGHT}px`;
  cursor.style.height = `${STRIP + 5 + SOUND}px`;
  const seconds = Math.max(panel.seconds, ...(cells.length ? [cells.reduce((a, b) => Math.max(a, b))] : [0.001]));
  let width = 0, toned = null, tone = '';
  const xOf = (t) => snap(t / seconds * width);

  /** The spectrogram in the colours of the theme: what is loud stands out from the page. */
  function tonedSonogram() {
    if (!panel.sonogram || tone === paint.key) return toned;
    tone = paint.key;
    const { naturalWidth: w, naturalHeight: h } = panel.sonogram;
    toned = make('canvas');
    [toned.width, toned.height] = [w, h];
    const c = toned.getContext('2d');
    c.drawImage(panel.sonogram, 0, 0);
    const pixels = c.getImageData(0, 0, w, h), d = pixels.data;
    for (let i = 0; i < d.length; i += 4) {
      const colour = mix(paint.page, paint.loud, d[i] / 255);
      [d[i], d[i + 1], d[i + 2]] = colour;
    }
    c.putImageData(pixels, 0, 0);
    return toned;
  }

  panel.measure = (origin) => {
    const at = rectOf(canvas);
    width = at.width;
    Object.assign(panel, { left: at.left - origin.x, right: at.right - origin.x, upper: at.top - origin.y, lower: at.bottom - origin.y });
    for (let i = 0; i < panel.count; i++) {
      panel.x[i] = panel.left + (xOf(cells[2 * i]) + xOf(cells[2 * i + 1])) / 2;
      panel.top[i] = panel.bottom[i] = panel.upper;
    }
  };
  panel.paint = (strength, active) => {
    const c = sharpen(canvas, width, TIME_HEIGHT), low = STRIP + 5, image = tonedSonogram();
    const busy = active >= 0 || strength.some((s) => s !== 0);
    c.fillStyle = css(paint.soft);
    c.fillRect(0, low, width, SOUND);
    if (image) c.drawImage(image, 0, low, xOf(panel.seconds), SOUND);
    for (let i = 0; i < panel.count; i++) {
      const s = strength[panel.first + i], force = Math.min(Math.abs(s), 1), x = xOf(cells[2 * i]), w = Math.max(xOf(cells[2 * i + 1]) - x, 1);
      c.fillStyle = css(force < 0.02 ? paint.page : mix(paint.page, tintOf(s), 0.1 + 0.85 * force));
      c.fillRect(x, 0, w, STRIP);
      if (!busy || !image) continue;
      if (panel.first + i !== active) { c.fillStyle = css(paint.page, 0.5 * (1 - force)); c.fillRect(x, low, w, SOUND); }
      if (force >= 0.02) { c.fillStyle = css(tintOf(s), 0.06 + 0.34 * force); c.fillRect(x, low, w, SOUND); }
    }
    c.fillStyle = css(paint.line);
    if (panel.count && width / panel.count > 3) for (let i = 1; i < panel.count; i++) c.fillRect(xOf(cells[2 * i]), 0, snap(1), STRIP);
    c.strokeStyle = css(paint.line);
    c.lineWidth = 1;
    c.strokeRect(0.5, 0.5, width - 1, STRIP - 1);
    drawAxis(c, low + SOUND);
    const i = active - panel.first;
    if (i >= 0 && i < panel.count) {
      const x = xOf(cells[2 * i]), w = Math.max(xOf(cells[2 * i + 1]) - x, 2);
      const frame = new Path2D();
      frame.rect(x, 1.5, w, low + SOUND - 4);
      ring(c, frame);
    }
  };
  function drawAxis(c, y) {
    const step = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600].find((s) => s / seconds * width > 56) || 1800;
    c.fillStyle = css(paint.muted);
    c.font = '11px system-ui, "DejaVu Sans", sans-serif';
    c.textBaseline = 'top';
    for (let k = 0; k * step <= seconds + 1e-9; k++) {
      const x = xOf(k * step), text = `${+(k * step).toFixed(2)}${k ? '' : ' s'}`, wide = c.measureText(text).width;
      c.fillRect(Math.min(x, width - 1), y, snap(1), 4);
      c.fillText(text, clamp(x - wide / 2, 0, width - wide), y + 6);
    }
  }
  const timeAt = (event) => { const at = rectOf(canvas); return (event.clientX - at.left) / at.width * seconds; };
  const frameAt = (t) => {
    for (let i = 0; i < panel.count; i++) if (t >= cells[2 * i] && t < cells[2 * i + 1]) return panel.first + i;
    return -1;
  };
  panel.hit = (event) => frameAt(timeAt(event));
  makeSteppable(view, panel, box, (key, at) => stepInLine(key, at, panel.count));
  if (panel.sound !== null) addPlayer(view, panel, box, cursor, { seconds, xOf, timeAt, frameAt });
  return panel;
}

function addPlayer(view, panel, box, cursor, { seconds, xOf, timeAt, frameAt }) {
  const audio = make('audio', { preload: 'auto', src: URL.createObjectURL(mediaBlob(panel.sound)) });
  const button = make('button', { text: '▶ Play', 'aria-label': `Play ${panel.name}` });
  const clock = make('output', { text: `0.00 / ${seconds.toFixed(2)} s` });
  const follow = make('input', { type: 'checkbox', checked: '' });
  const hint = make('label', {}, follow, 'select while playing');
  panel.element.append(make('div', { class: 'player' }, button, clock, hint, audio));
  const place = () => {
    cursor.hidden = audio.paused && audio.currentTime === 0;
    cursor.style.left = `${xOf(audio.currentTime)}px`;
    clock.textContent = `${audio.currentTime.toFixed(2)} / ${seconds.toFixed(2)} s`;
  };
  const tick = () => {
    place();
    if (audio.paused || audio.ended) return;
    if (follow.checked) view.point(frameAt(audio.currentTime));
    requestAnimationFrame(tick);
  };
  const label = () => {
    button.textContent = audio.paused ? '▶ Play' : '❚❚ Pause';
    button.setAttribute('aria-label', `${audio.paused ? 'Play' : 'Pause'} ${panel.name}`);
  };
  put(audio, {
    play: () => { label(); tick(); },
    pause: () => { label(); place(); if (follow.checked) view.point(-1); },
    ended: () => { audio.currentTime = 0; label(); place(); },
    seeked: place,
  });
  const toggle = () => { if (audio.paused) audio.play(); else audio.pause(); };
  put(button, { click: toggle });
  put(box, {
    keydown: (event) => { if (event.key === ' ') { toggle(); event.preventDefault(); } },
    click: (event) => { audio.currentTime = clamp(timeAt(event), 0, seconds); },
  });
  panel.stop = () => { audio.pause(); URL.revokeObjectURL(audio.src); };
  panel.relocate = place;
}

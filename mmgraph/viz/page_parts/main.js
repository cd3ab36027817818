/* Brings the parts together. A node is shown while it is pointed at; otherwise the one that was chosen (in the hash). */

const app = { views: [], pointed: '', asked: false, built: 0 };

function draw() {
  if (app.asked) return;
  app.asked = true;
  requestAnimationFrame(() => {
    app.asked = false;
    const start = performance.now(), address = app.pointed || state.select;
    for (const view of app.views) view.draw(nodeAt(view.sample, address));
    performance.clearMeasures();
    performance.measure('redraw', { start });
    announce(address);
  });
}

const handlers = {
  draw,
  point(view, node) {
    const address = node < 0 ? '' : addressOf(view.sample, node);
    if (address !== app.pointed) { app.pointed = address; draw(); }
  },
  choose(view, node) {
    const address = addressOf(view.sample, node);
    state.select = state.select === address ? '' : address;
    changed();
  },
};

let speaking = 0;
/** Says, once it has rested for a moment, what is selected and its strongest links. */
function announce(address) {
  clearTimeout(speaking);
  speaking = setTimeout(() => {
    const view = app.views[0], node = view ? nodeAt(view.sample, address) : -1;
    if (node < 0) { $('#live').textContent = ''; return; }
    const { sample, picture } = view, said = [`${nameOf(sample, node)}, ${placeOf(sample, node)}`];
    for (const { outgoing, found } of picture.lists) {
      const links = found.slice(0, 3).map((e) => `${nameOf(sample, outgoing ? picture.layer.links.dst[e] : picture.layer.links.src[e])} ${number(picture.weights[e])}`);
      said.push(`${outgoing ? 'is attended by' : 'attends to'} ${links.join(', ') || 'nothing'}`);
    }
    if (picture.scores) said.push(number(picture.scores.values[node]));
    $('#live').textContent = said.join('; ');
  }, 300);
}

/** The state has changed, the samples have not. */
function changed() {
  writeHash();
  applyTheme();
  showControls();
  for (const view of app.views) view.press(nodeAt(view.sample, state.select));
  draw();
}

/** Other samples are to be shown. */
async function rebuild() {
  const built = ++app.built, entry = shownEntry(), other = comparedEntry();
  applyTheme();
  const views = [await makeView(entry, handlers)];
  if (other && other !== entry) views.push(await makeView(other, { ...handlers, close: () => { compare(null); rebuild(); } }));
  if (built !== app.built) return; // asked for something else meanwhile
  for (const view of app.views) view.stop();
  app.views = views;
  app.pointed = '';
  $('#stage').classList.toggle('two', views.length > 1);
  $('#stage').replaceChildren(...views.map((view) => view.element));
  showCards();
  changed();
  root.dataset.ready = String(built);
}

readHash();
$('#note').textContent = DATA.note;
makeControls();
makeCards();
put(systemDark, { change: changed });
put(window, {
  resize: () => app.views.forEach((view) => view.remeasure()),
  hashchange: () => { readHash(); rebuild(); },
  keydown: (event) => { if (event.key === 'Escape') { app.pointed = state.select = ''; changed(); } },
});
rebuild();

/* The controls above, the gallery at the side. */

function fill(select, options, chosen) {
  const key = JSON.stringify(options);
  if (select.dataset.key !== key) {
    select.replaceChildren(...options.map(([value, text]) => make('option', { value, text })));
    select.dataset.key = key;
  }
  select.value = chosen;
  if (select.selectedIndex < 0) select.selectedIndex = 0;
}
const set = (name) => (event) => { state[name] = event.target.value; changed(); };

function makeControls() {
  for (const view of VIEWS) $('#views').append(make('label', {}, make('input', { type: 'radio', name: 'view', value: view, change: set('view') }), view));
  for (const name of ['method', 'layer', 'head', 'relation', 'direction']) put($(`#${name}`), { change: set(name) });
  put($('#top'), { input: (event) => { state.top = event.target.value > MOST_TOP ? 'all' : event.target.value; changed(); } });
  put($('#least'), { input: (event) => {
    const share = event.target.value / 100;
    state.least = share ? (share * share * app.views[0].picture.layer.largest).toPrecision(3) : '';
    changed();
  } });
  put($('#with'), { change: (event) => { compare(event.target.value && SAMPLES[event.target.value]); rebuild(); } });
  put($('#theme'), { click: () => {
    state.theme = { '': 'light', light: 'dark' }[state.theme] || '';
    changed();
  } });
  put($('#reset'), { click: () => {
    for (const name of ['method', 'layer', 'head', 'relation', 'direction', 'top', 'least', 'select']) state[name] = DEFAULTS[name];
    changed();
  } });
  for (const [button, part] of [['#open-samples', '#gallery'], ['#open-settings', '#settings']]) {
    put($(button), { click: () => { $(button).ariaExpanded = $(part).classList.toggle('open'); } });
  }
  for (const name of ['find', 'show']) put($(`#${name}`), { input: (event) => { state[name] = event.target.value; writeHash(); showCards(); } });
  put($('#skip'), { click: (event) => { event.preventDefault(); $('#stage').focus(); } }); // the hash is for the state
}

const several = SAMPLES.some((e) => e.model !== SAMPLES[0].model);
const titleOf = (entry) => (several ? `${entry.id} · ${entry.model}` : entry.id);

function showControls() {
  const { sample, entry } = app.views[0], view = currentView(entry);
  for (const input of document.querySelectorAll('#views input')) {
    input.checked = input.value === view;
    input.disabled = !hasView(entry, input.value);
  }
  const attention = view === 'attention' && sample.layers.length > 0;
  for (const name of ['layer', 'head', 'relation', 'direction', 'top', 'least']) $(`#${name}`).closest('label').classList.toggle('off', !attention);
  $('#method-label').classList.toggle('off', view !== 'attribution' || sample.attributions.length < 2);
  fill($('#method'), sample.attributions.map((a, i) => [String(i + 1), a.name]), state.method);
  if (attention) {
    const layer = layerOf(sample);
    fill($('#layer'), sample.layers.map((l, i) => [String(i + 1), `${i + 1} · ${l.name}`]), String(sample.layers.indexOf(layer) + 1));
    fill($('#head'), [['mean', 'mean'], ...Array.from({ length: layer.heads }, (_, h) => [String(h + 1), String(h + 1)])], headOf(layer) < 0 ? 'mean' : String(headOf(layer) + 1));
    fill($('#relation'), [['cross', 'all cross-modal'], ['all', 'all'], ...sample.relations.map((r) => [relationKey(r), `${r[0]} → ${r[2]} · ${r[1]}`])], state.relation);
    $('#direction').value = state.direction;
    const top = topAsked() || topShown(sample, layer), most = layer.links.count > MANY ? MOST_TOP : MOST_TOP + 1;
    $('#top').max = most;
    $('#top').value = Math.min(top, most);
    $('#top-value').textContent = top === Infinity && most > MOST_TOP ? 'all' : String(Math.min(top, most));
    $('#least').value = Math.min(Math.sqrt(leastAsked() / (layer.largest || 1)), 1) * 100;
    $('#least-value').textContent = leastAsked() ? number(leastAsked()) : '0';
  }
  const own = SAMPLES.map((e, i) => [String(i), titleOf(e)]).filter(([i]) => SAMPLES[i] !== entry);
  own.sort(([a], [b]) => (SAMPLES[b].id === entry.id) - (SAMPLES[a].id === entry.id)); // other models first
  $('#with-label').classList.toggle('off', !own.length);
  const other = comparedEntry();
  fill($('#with'), [['', 'nothing'], ...own], other ? String(SAMPLES.indexOf(other)) : '');
}

/* ---- the gallery ---- */

const words = (entry) => entry.panels.filter((p) => p.role === 'words' && p.labels).map((p) => p.labels.slice(0, 60).join(' ')).join(' · ');
const cards = new Map();

function makeCards() {
  if (SAMPLES.length < 2) {
    $('#gallery').remove();
    $('#open-samples').remove();
    return;
  }
  $('#show').hidden = !SAMPLES.some((e) => e.right !== null);
  for (const entry of SAMPLES) {
    const shown = entry.panels.find((p) => p.picture !== null), text = words(entry);
    const verdict = verdictOf(entry, 'span'), said = verdict.textContent;
    if (!said) verdict.textContent = text;
    const small = shown && make('img', { src: mediaUrl(shown.picture), alt: '', loading: 'lazy' });
    const card = make('button', { class: 'card', title: text, click: () => { show(entry); rebuild(); } },
      small || make('i'), make('b', { text: titleOf(entry) }), verdict);
    const item = make('li', {}, card, make('button', { class: 'versus', text: 'vs', title: `Compare with ${titleOf(entry)}`,
      'aria-label': `Compare with ${titleOf(entry)}`, click: () => { compare(entry === comparedEntry() ? null : entry); rebuild(); } }));
    cards.set(entry, { item, card, words: `${titleOf(entry)} ${said} ${text}`.toLowerCase() });
  }
  $('#cards').append(...[...cards.values()].map((c) => c.item));
  put($('#cards'), { keydown: (event) => {
    const way = { ArrowDown: 1, ArrowUp: -1 }[event.key], open = [...cards.values()].filter((c) => !c.item.hidden).map((c) => c.card);
    if (!way) return;
    open[open.indexOf(event.target.closest('li').firstChild) + way]?.focus();
    event.preventDefault();
  } });
}

function showCards() {
  if (!cards.size) return;
  $('#find').value = state.find;
  $('#show').value = state.show;
  const asked = state.find.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const [entry, { item, card, words: text }] of cards) {
    const fits = state.show === 'all' || entry.right === (state.show === 'right');
    item.hidden = !(fits && asked.every((word) => text.includes(word)));
    count += !item.hidden;
    item.className = entry === shownEntry() ? 'on' : entry === comparedEntry() ? 'on2' : '';
    card.setAttribute('aria-current', String(entry === shownEntry()));
  }
  $('#count').textContent = count === cards.size ? plural(count, 'sample') : `${count} of ${plural(cards.size, 'sample')}`;
}

/* What is shown. All of it stands in the hash of the URL, so that a link shows the same; defaults are left out. */

const DEFAULTS = {
  sample: '', model: '', with: '', withmodel: '', view: '', method: '1', layer: '', head: 'mean', relation: 'cross',
  direction: 'to', top: '', least: '', select: '', find: '', show: 'all', theme: '',
};
const state = { ...DEFAULTS };

function readHash() {
  Object.assign(state, DEFAULTS);
  const given = location.hash.length > 1 ? new URLSearchParams(location.hash.slice(1)) : Object.entries(DATA.start);
  for (const [name, value] of given) if (Object.hasOwn(DEFAULTS, name)) state[name] = value;
}

function writeHash() {
  const changed = Object.entries(state).filter(([name, value]) => value !== DEFAULTS[name]);
  const hash = new URLSearchParams(changed).toString().replaceAll('+', '%20');
  try { history.replaceState(null, '', `#${hash}`); } catch { /* inside a notebook there is no address to write to */ }
}

const entryOf = (id, model) => SAMPLES.find((e) => e.id === id && (!model || e.model === model));
const shownEntry = () => entryOf(state.sample, state.model) || SAMPLES[0];
const comparedEntry = () => (state.with ? entryOf(state.with, state.withmodel) || null : null);
function show(entry) { state.sample = entry.id; state.model = entry.model; }
function compare(entry) { state.with = entry ? entry.id : ''; state.withmodel = entry ? entry.model : ''; }

/** The layer that a sample shows: as asked for, within what its model has. */
function layerOf(sample) {
  const last = sample.layers.length, asked = whole(state.layer) || last;
  return sample.layers[clamp(asked, 1, last) - 1];
}
const headOf = (layer) => Math.min(whole(state.head), layer.heads) - 1;

const relationKey = (relation) => relation.join(' → ');
/** Per relation of the sample, whether it is shown. A relation that this sample's model lacks shows nothing. */
function allowedRelations(sample) {
  return sample.relations.map((r) => (
    state.relation === 'all' || (state.relation === 'cross' ? r[0] !== r[2] : relationKey(r) === state.relation)
  ));
}

const VIEWS = ['attention', 'flow', 'attribution'];
function hasView(entry, view) {
  return view === 'attention' ? entry.layers.length > 0 : view === 'flow' ? entry.flow !== null : entry.attributions.length > 0;
}
function currentView(entry) {
  return [state.view, ...VIEWS].find((view) => VIEWS.includes(view) && hasView(entry, view)) || 'attention';
}

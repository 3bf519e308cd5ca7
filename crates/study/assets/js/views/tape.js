// The tape view: a training step of a model, or a snippet, one op at a time.
import { get, post } from '/js/api.js';
import { el, replace, save } from '/js/dom.js';
import { drawing, MOST_BOXES, standalone } from '/js/views/tape/drawing.js';
import { layerStory, story } from '/js/views/tape/story.js';
import { NOT_RUN, Walk } from '/js/views/tape/walk.js';

const EXAMPLE = `# Tensors by name; param(…) makes what gradients are asked for.
x = normal(4, 3, seed=1)
t = normal(4, 2, seed=2)
w = param(normal(3, 2, seed=3))
b = param(zeros(2))
y = tanh(x @ w + b)
loss = sum((y - t)^2)
`;

export default async function tape(place, study, words) {
  const families = await get('/api/tape/models');
  const view = new TapeView(families);
  replace(place, el('h1', {}, 'Tape'), view.controls, view.message, view.body);
  await view.begin(words);
  return () => view.end();
}

class TapeView {
  constructor(families) {
    this.ended = new AbortController();
    this.message = el('div', { 'aria-live': 'polite' });
    this.body = el('div', {});
    this.model = el(
      'select',
      {},
      families.map((one) => el('optgroup', { label: one.family }, one.models.map((name) => el('option', { value: name }, name)))),
    );
    this.batch = el('input', { type: 'number', min: 2, max: 16, value: 2, size: 3 });
    this.text = el('textarea', { rows: 9, spellcheck: 'false', 'aria-label': 'Snippet', value: EXAMPLE });
    this.ofModel = el('form', { class: 'row', onsubmit: (event) => this.submit(event, () => this.recordModel()) },
      el('label', {}, 'Model', this.model),
      el('label', {}, 'Images', this.batch),
      el('button', {}, 'Run'),
    );
    this.ofSnippet = el('form', { hidden: true, onsubmit: (event) => this.submit(event, () => this.recordSnippet()) },
      this.text,
      el('div', { class: 'row' },
        el('button', {}, 'Run'),
        el('span', { class: 'faint' }, 'Operators + − * / ^, and @ for the matrix product; names as in the engine: tanh, sum, softmax, grad …'),
      ),
    );
    const source = (name, title) =>
      el('label', {}, el('input', { type: 'radio', name: 'source', value: name, onchange: () => this.choose(name) }), title);
    this.sources = el('fieldset', { class: 'row plain' }, el('legend', { class: 'unseen' }, 'What to step through'), source('model', 'A model'), source('snippet', 'A snippet'));
    this.controls = el('div', { class: 'panel' }, this.sources, this.ofModel, this.ofSnippet);
    this.model.addEventListener('change', () => this.run(() => this.recordModel()));
  }

  async begin(words) {
    const snippet = words.get('snippet');
    this.collapsed = words.get('collapse') === '1';
    if (snippet !== null) this.text.value = snippet;
    this.model.value = words.get('model') ?? 'vae';
    if (this.model.selectedIndex < 0) this.model.value = 'vae';
    this.choose(snippet !== null ? 'snippet' : 'model');
    await this.run(() => (snippet !== null ? this.recordSnippet() : this.recordModel(words.get('loss') ?? 'total')));
  }

  choose(source) {
    for (const input of this.sources.querySelectorAll('input')) input.checked = input.value === source;
    this.ofModel.hidden = source !== 'model';
    this.ofSnippet.hidden = source !== 'snippet';
  }

  submit(event, record) {
    event.preventDefault();
    this.run(record);
  }

  async run(record) {
    replace(this.message, el('p', { class: 'faint' }, 'Running …'));
    try {
      await record();
      replace(this.message);
    } catch (error) {
      if (error.name === 'AbortError') return;
      replace(this.message, el('pre', { class: 'wrong', role: 'alert' }, error.message));
    }
  }

  async recordModel(loss = 'total') {
    const wanted = { model: this.model.value, batch: Number(this.batch.value), loss };
    const recorded = await post('/api/tape/model', wanted, this.ended.signal);
    this.remember({ model: wanted.model, ...(loss === 'total' ? {} : { loss }) });
    this.show(recorded, loss);
  }

  async recordSnippet() {
    const recorded = await post('/api/tape/snippet', { text: this.text.value }, this.ended.signal);
    this.remember({ snippet: this.text.value });
    this.show(recorded, null);
  }

  // What a reload brings back.
  remember(words) {
    this.words = words ?? this.words;
    const all = { ...this.words, ...(this.collapsed ? { collapse: '1' } : {}) };
    history.replaceState(null, '', `#tape?${new URLSearchParams(all)}`);
  }

  show(recorded, loss) {
    this.recorded = recorded;
    this.walk = new Walk(recorded.sheet, this.collapsed);
    this.headline = el('h3', { id: 'headline' });
    this.rows = el('dl', { class: 'story' });
    this.slider = el('input', {
      type: 'range', min: 1, 'aria-label': 'Step', class: 'steps',
      oninput: () => this.go(() => { this.walk.stop = Number(this.slider.value) - 1; }),
    });
    this.drawn = el('div', { class: 'drawing', tabindex: 0, role: 'group', 'aria-label': 'Drawing of the list' });
    this.table = el('tbody');
    this.leaves = el('tbody');
    const button = (title, label, action) => el('button', { type: 'button', title, onclick: () => this.go(action) }, label);
    const collapse = el('input', { type: 'checkbox', checked: this.collapsed, onchange: (event) => this.toggle(event.target.checked) });
    const walk = () => this.walk;
    const sheets = this.sheets(loss);
    const files = [
      el('button', { type: 'button', onclick: () => this.exportSvg() }, 'SVG'),
      ...['dot', 'json'].map((kind) => el('a', { class: 'button', href: `/api/tape/tapes/${recorded.tape}/list.${kind}`, download: true }, kind.toUpperCase())),
    ];
    const stage = el('section', { class: 'stage', tabindex: 0, 'aria-labelledby': 'headline', onkeydown: (event) => this.press(event) },
      el('div', { class: 'row' },
        button('To the first step (Home)', 'First', () => walk().goTo(0)),
        button('One step back (←)', '← Back', () => walk().move(-1)),
        button('One step on (→)', 'On →', () => walk().move(1)),
        button('To the first backward step (b)', 'Backward', () => walk().goTo(walk().forward)),
        button('To the last step (End)', 'Last', () => walk().goTo(Infinity)),
        el('label', {}, collapse, 'Layers together'),
      ),
      this.slider,
      el('div', { 'aria-live': 'polite', 'aria-atomic': 'true' }, this.headline, this.rows),
      el('p', { class: 'faint' }, 'Keys here: ← and →, Home, End, b for the first backward step, c for layers.'),
    );
    const columns = (...names) => el('thead', {}, el('tr', {}, names.map((name) => el('th', { scope: 'col' }, name))));
    replace(
      this.body,
      el('p', {}, `${recorded.title}: ${recorded.sheet.nodes.at(-1).value.text}; ` +
        `${this.walk.forward} ops forward, ${recorded.sheet.backward.length} steps back.`),
      sheets,
      el('div', { class: 'two' }, stage, el('div', {}, this.drawn, el('div', { class: 'row' }, 'Save as', files))),
      el('h2', {}, 'The list'),
      el('div', { class: 'wide', tabindex: 0, role: 'group', 'aria-label': 'The list' }, el('table', { class: 'list' }, columns('op', 'shape', 'layer', 'y', 'dy'), this.table)),
      el('h2', {}, 'Parameters'),
      el('div', { class: 'wide', tabindex: 0, role: 'group', 'aria-label': 'Parameters' }, el('table', { class: 'list' }, columns('name', 'shape', 'value', 'gradient'), this.leaves)),
    );
    this.draw();
    this.showStep();
  }

  // A button for each loss; the one that holds a gradient is the list that differentiates it again.
  sheets(loss) {
    const losses = this.recorded.losses;
    if (!losses) return null;
    const one = (name) =>
      el('button', { type: 'button', 'aria-pressed': String(name === loss), onclick: () => this.run(() => this.recordModel(name)) },
        name === losses.of_gradient ? `${name}: the gradient of a gradient` : name);
    return el('div', { class: 'row', role: 'group', 'aria-label': 'Sheets: the list of each loss' }, el('span', { class: 'faint' }, 'Sheets'), losses.all.map(one));
  }

  draw() {
    if (this.walk.groups.length > MOST_BOXES) {
      this.drawing = null;
      const hint = this.collapsed ? 'The list below has all of it.' : 'Taking layers together may help; the list below has all of it.';
      replace(this.drawn, el('p', { class: 'faint' }, `${this.walk.groups.length} ops are too many to draw. ${hint}`));
    } else {
      this.drawing = drawing(this.walk, (group) => this.go(() => this.goToGroup(group)));
      replace(this.drawn, this.drawing.element);
    }
    const cells = (group) => {
      const last = this.walk.sheet.nodes[group.at(-1)];
      const call = group.length === 1 ? last.call : `%${group[0]} … %${group.at(-1)}  ${last.layer} (${group.length} ops)`;
      const row = el('tr', { 'data-node': group.at(-1) }, el('th', { scope: 'row', class: 'mono' }, call), el('td', { class: 'mono' }, last.spec),
        el('td', {}, last.scope), el('td', { class: 'value' }), el('td', { class: 'cotangent' }));
      return { group, row };
    };
    this.listed = this.walk.groups.map(cells);
    replace(this.table, this.listed.map(({ row }) => row));
    this.leafRows = this.walk.sheet.leaves.map((leaf, index) =>
      el('tr', { 'data-leaf': index }, el('th', { scope: 'row', class: 'mono' }, `@${index} ${leaf.name}`), el('td', { class: 'mono' }, leaf.spec),
        el('td', {}, leaf.value.brief), el('td', { class: 'gradient' })));
    replace(this.leaves, this.leafRows);
    this.slider.max = this.walk.stops.length;
  }

  goToGroup(group) {
    const back = this.walk.backOf.get(group.at(-1));
    const onWayBack = this.walk.step >= this.walk.forward && back !== undefined;
    this.walk.goTo(onWayBack ? this.walk.forward + back : group.at(-1));
  }

  go(action) {
    action();
    this.showStep();
  }

  toggle(collapsed) {
    this.collapsed = collapsed;
    this.walk.collapse(collapsed);
    this.remember();
    this.draw();
    this.showStep();
  }

  press(event) {
    const { walk } = this;
    const actions = {
      ArrowRight: () => walk.move(1),
      ArrowLeft: () => walk.move(-1),
      Home: () => walk.goTo(0),
      End: () => walk.goTo(Infinity),
      b: () => walk.goTo(walk.forward),
    };
    // The slider has keys of its own.
    if (event.ctrlKey || event.metaKey || event.altKey || event.target === this.slider) return;
    if (event.key === 'c') {
      const box = this.body.querySelector('input[type=checkbox]');
      box.checked = !this.collapsed;
      this.toggle(box.checked);
    } else if (actions[event.key]) {
      this.go(actions[event.key]);
    } else {
      return;
    }
    event.preventDefault();
  }

  async showStep() {
    const { walk } = this;
    this.slider.value = walk.stop + 1;
    this.slider.setAttribute('aria-valuetext', `stop ${walk.stop + 1} of ${walk.stops.length}`);
    for (const { group, row } of this.listed) {
      const value = walk.value(group.at(-1));
      row.children[3].textContent = value?.brief ?? NOT_RUN;
      row.children[4].textContent = walk.cotangentText(group);
      row.children[3].classList.toggle('faint', !value);
      row.children[4].classList.toggle('faint', !(walk.cotangent(group[0]) && walk.cotangent(group.at(-1))));
      const here = group.some((node) => walk.isHere(node));
      row.classList.toggle('here', here);
      if (here) row.setAttribute('aria-current', 'step');
      else row.removeAttribute('aria-current');
    }
    this.leafRows.forEach((row, leaf) => {
      row.children[3].textContent = walk.leafText(leaf);
    });
    if (this.drawing) {
      this.drawing.show();
      reveal(this.drawn, this.drawing.box(walk.nodeOf(walk.step)));
    }
    this.asking?.abort();
    if (walk.steps.length > 1) {
      const [first, last] = [walk.steps[0] + 1, walk.step + 1];
      const way = walk.step < walk.forward ? 'forward' : 'backward';
      this.headline.textContent = `steps ${first} to ${last} of ${walk.length}: ${way} through the layer ${walk.sheet.nodes[walk.nodeOf(walk.step)].layer}`;
      replace(this.rows, layerStory(walk));
      return;
    }
    this.asking = new AbortController();
    try {
      const signal = AbortSignal.any([this.asking.signal, this.ended.signal]);
      const told = await get(`/api/tape/tapes/${this.recorded.tape}/steps/${walk.step}`, signal);
      this.headline.textContent = `step ${walk.step + 1} of ${walk.length}: ${told.way} ${told.number} of ${told.count}`;
      replace(this.rows, story(told).filter(Boolean).flat());
    } catch (error) {
      if (error.name !== 'AbortError') replace(this.rows, el('dd', { class: 'wrong' }, error.message));
    }
  }

  exportSvg() {
    if (this.drawing) save(`${this.recorded.title.replaceAll(' ', '-')}.svg`, 'image/svg+xml', standalone(this.drawing.element));
  }

  end() {
    this.ended.abort();
  }
}

// Scrolls a drawing so that a box of it is in the middle, and nothing else.
function reveal(place, box) {
  const [outer, inner] = [place.getBoundingClientRect(), box.getBoundingClientRect()];
  place.scrollTop += inner.top - outer.top - (outer.height - inner.height) / 2;
  place.scrollLeft += inner.left - outer.left - (outer.width - inner.width) / 2;
}

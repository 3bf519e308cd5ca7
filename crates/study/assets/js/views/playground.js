// The playground: a GAN or a VAE on points of the plane, trained by the program while one looks.
import { get } from '/js/api.js';
import { el, replace, short } from '/js/dom.js';
import { Curves } from '/js/views/playground/curves.js';
import { Form } from '/js/views/playground/form.js';
import { Plane } from '/js/views/playground/plane.js';
import { Session } from '/js/views/playground/session.js';

// Steps in a second.
const SPEEDS = [[1, '1 a second'], [5, '5 a second'], [20, '20 a second'], [100, '100 a second'], [null, 'full speed']];

// How often the coverage is read aloud while training goes on, in milliseconds.
const ALOUD = 5000;

export default async function playground(place, study, words) {
  const menu = await get('/api/playground/menu');
  const view = new Playground(menu);
  replace(place, view.elements);
  await view.begin(words);
  return () => view.end();
}

class Playground {
  constructor(menu) {
    this.menu = menu;
    this.drawnPoints = [];
    this.spoken = 0;
    this.form = new Form(menu, (rules) => this.do(() => this.tell('change', { rules })), () => this.renew());
    this.plane = new Plane({ half: menu.half, cells: menu.cells, title: 'The plane: data, samples and what D makes of it', changed: (pen) => this.tellPen(pen) });
    this.codes = new Plane({ half: 3, cells: 1, title: 'The means of the codes of the data, within 3 of 0' });
    this.curves = new Curves();
    this.makeControls();
    this.numbers = el('tbody');
    this.watch = el('p', { id: 'watch' });
    this.message = el('div', { 'aria-live': 'assertive' });
    this.aloud = el('p', { class: 'unseen', role: 'status' });
    this.codesFigure = el('figure', { hidden: true }, this.codes.canvas, el('figcaption', {}, 'Means of codes, from −3 to 3'));
    this.caption = el('figcaption');
    this.elements = [
      el('h1', {}, 'Playground'),
      el('div', { class: 'panel' }, el('div', { class: 'row' }, el('label', {}, 'Preset', this.preset), this.mend), this.watch),
      this.controls,
      this.message,
      this.aloud,
      el('div', { class: 'three' },
        el('div', { class: 'planes' }, el('figure', {}, this.plane.canvas, this.caption), this.drawing, this.codesFigure,
          el('div', { class: 'wide', tabindex: 0, role: 'group', 'aria-label': 'Numbers' }, el('table', { class: 'numbers' }, el('caption', { class: 'unseen' }, 'How things stand'), this.numbers))),
        this.curves.element,
        el('section', { class: 'panel', 'aria-label': 'Settings' }, this.form.element),
      ),
    ];
  }

  makeControls() {
    const button = (label, title, action) => el('button', { type: 'button', title, onclick: () => this.do(action) }, label);
    const tell = (command, words) => () => this.tell(command, words);
    this.running = button('Run', 'Trains until paused', () => this.tell(this.frame?.running ? 'pause' : 'run'));
    this.ofPlayers = [button('Step D', 'One move of the discriminator', tell('step-discriminator')), button('Step G', 'One move of the generator', tell('step-generator'))];
    this.speed = el('select', { onchange: () => this.do(() => this.setSpeed()) }, SPEEDS.map(([, title], index) => el('option', { value: index }, title)));
    this.speed.value = SPEEDS.length - 1;
    this.preset = el('select', { onchange: () => this.choose(this.preset.value), 'aria-describedby': 'watch' },
      this.menu.presets.map(({ name, title }) => el('option', { value: name }, title)), el('option', { value: '' }, 'Your own settings'));
    this.mend = el('button', { type: 'button', hidden: true, onclick: () => this.mendIt() });
    this.pen = el('p', { class: 'faint', 'aria-live': 'polite' });
    this.drawing = el('div', { hidden: true },
      el('div', { class: 'row' }, button('Learn these points', 'Begins anew with the points', () => this.renew()), button('Clear points', 'Takes all points away', () => this.clear())), this.pen);
    this.controls = el('div', { class: 'row controls', role: 'group', 'aria-label': 'Training' },
      this.running, button('Step', 'As many moves of D and of G as the settings say', tell('steps', { count: 1 })), this.ofPlayers,
      button('100 steps', 'A hundred steps, then a pause', tell('steps', { count: 100 })),
      el('label', {}, 'Speed', this.speed), button('Reset', 'Begins anew with the same seed', () => this.renew()));
  }

  async begin(words) {
    const wanted = words.get('preset');
    const first = this.menu.presets[0].name;
    this.preset.value = this.menu.presets.some(({ name }) => name === wanted) ? wanted : first;
    await this.choose(this.preset.value);
  }

  choose(name) {
    const preset = this.menu.presets.find((one) => one.name === name);
    if (preset) this.form.fill(preset.settings);
    return this.renew(preset);
  }

  // Begins anew, with the form's settings or those of a preset.
  async renew(preset = null) {
    this.chosen = preset ?? this.matching();
    this.preset.value = this.chosen?.name ?? '';
    this.watch.textContent = this.chosen?.watch ?? '';
    this.mend.hidden = !this.chosen?.mend;
    if (this.chosen?.mend) this.mend.textContent = `Mend it: ${this.chosen.mend.title}`;
    history.replaceState(null, '', `#playground${this.chosen ? `?preset=${this.chosen.name}` : ''}`);
    const { settings } = this.form;
    const isDrawn = settings.distribution === 'drawn';
    this.drawing.hidden = !isDrawn;
    this.plane.draws(isDrawn ? this.drawnPoints : null);
    settings.points = isDrawn ? this.drawnPoints : [];
    for (const one of this.ofPlayers) one.hidden = settings.model !== 'gan';
    this.codesFigure.hidden = settings.model !== 'vae';
    this.describe(settings.model);
    this.asking?.abort();
    this.session?.end();
    this.session = null;
    this.frame = null;
    if (isDrawn && !this.drawnPoints.length) {
      this.tellPen(null);
      this.plane.show(null, null);
      this.curves.end();
      replace(this.numbers);
      replace(this.message);
      return;
    }
    this.opening = this.do(() => this.open(settings));
    await this.opening;
  }

  // The preset that has just these settings, if there is one.
  matching() {
    const { points, ...mine } = this.form.settings;
    return this.menu.presets.find(({ settings: { points: _, ...its } }) => JSON.stringify(its) === JSON.stringify(mine)) ?? null;
  }

  async open(settings) {
    const asking = new AbortController();
    this.asking = asking;
    const session = await Session.begin(settings, (frame) => this.show(frame), () => this.over(), asking.signal);
    if (asking.signal.aborted || this.isOver) {
      session.end();
      return;
    }
    this.session = session;
    this.curves.begin(settings.model, session.scene.modes !== null);
    await this.setSpeed();
  }

  // Tells the session something, once it is open.
  async tell(command, words) {
    await this.opening;
    return this.session?.tell(command, words);
  }

  setSpeed() {
    return this.session?.tell('speed', { steps_per_second: SPEEDS[this.speed.value][0] });
  }

  mendIt() {
    Object.assign(this.form.settings.rules, this.chosen.mend.rules);
    this.form.fill(this.form.settings);
    this.do(() => this.tell('change', { rules: this.form.settings.rules }));
  }

  clear() {
    this.drawnPoints.length = 0;
    return this.renew();
  }

  // Does what the program is asked for, and shows what it says against it.
  async do(action) {
    try {
      await action();
      replace(this.message);
    } catch (error) {
      if (error.name !== 'AbortError') replace(this.message, el('p', { class: 'wrong' }, error.message));
    }
  }

  show(frame) {
    if (!this.session || this.isOver) return;
    const wasRunning = this.frame?.running;
    this.frame = frame;
    this.running.textContent = frame.running ? 'Pause' : 'Run';
    if (frame.fault) replace(this.message, el('p', { class: 'wrong' }, frame.fault));
    this.plane.show(this.session.scene, frame);
    if (frame.means) this.codes.show({ data: frame.means, modes: null }, null);
    this.curves.add(frame);
    replace(this.numbers, rows(frame).map(([name, value]) => el('tr', { 'data-name': name }, el('th', { scope: 'row' }, name), el('td', { class: 'number' }, value))));
    const now = performance.now();
    if (now - this.spoken > ALOUD || (wasRunning && !frame.running)) {
      this.spoken = now;
      this.aloud.textContent = `Step ${frame.step}. ${inWords(frame.coverage)}`;
    }
  }

  over() {
    this.running.textContent = 'Run';
    this.session = null;
    replace(this.message, el('p', {}, 'The session is over: nothing was asked of it for long, or the program has ended. Reset begins another.'));
  }

  tellPen(pen) {
    const count = this.drawnPoints.length;
    const where = pen?.shown ? ` Pen at ${pen.x.toFixed(2)}, ${pen.y.toFixed(2)}.` : '';
    this.pen.textContent = count ? `${count} ${count === 1 ? 'point' : 'points'}.${where}` : `Draw points on the plane with the mouse, or with arrow keys and Space.${where}`;
  }

  describe(model) {
    const key = (name, title) => el('span', { class: `key ${name}` }, title);
    const parts = model === 'gan'
      ? [key('data', 'data'), key('samples', 'samples of G'), key('real', 'D takes for real'), key('made', 'D takes for made')]
      : [key('data', 'data'), key('samples', 'decoded draws of the prior'), key('made', 'data given back, with the way from the original')];
    replace(this.caption, parts.flatMap((part) => [part, ' ']));
  }

  end() {
    this.isOver = true;
    this.asking?.abort();
    this.session?.end();
    this.curves.end();
    this.plane.end();
    this.codes.end();
  }
}

const percent = (share) => `${Math.round(share * 100)} %`;

function inWords({ modes, samples_near_data: near, data_near_samples: reached }) {
  const ofModes = modes ? `${modes.covered} of ${modes.count} modes covered, ${percent(modes.good_samples)} of the samples within 3σ of one. ` : '';
  return `${ofModes}${percent(near)} of the samples are near data, ${percent(reached)} of the data near a sample.`;
}

// What there is to say of a frame in numbers.
function rows({ step, moves, losses, gradients, coverage }) {
  const { modes } = coverage;
  const named = (what, values) => Object.entries(values).map(([name, value]) => [`${what} ${name}`, short(value)]);
  return [
    ['step', String(step)],
    ...(moves ? [['moves of D, of G', moves.join(', ')]] : []),
    ...(modes ? [['modes covered', `${modes.covered} of ${modes.count}`], ['samples within 3σ of a mode', percent(modes.good_samples)]] : []),
    ['samples near data', percent(coverage.samples_near_data)],
    ['data near a sample', percent(coverage.data_near_samples)],
    ...named('loss:', losses),
    ...named('gradient norm:', gradients),
  ];
}

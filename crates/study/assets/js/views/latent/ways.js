// Ways through the codes: between two, and along a direction.
import { post } from '/js/api.js';
import { el, replace, short } from '/js/dom.js';
import { download, picture } from '/js/views/latent/picture.js';
import { work } from '/js/views/latent/work.js';

const STEPS = 10;
const FRAMES = 32;
// How many deviations a direction is followed each way.
const REACH = 4;

// From one code to another, straight and along a great circle.
export class Between {
  constructor(view) {
    this.view = view;
    this.ends = [null, null];
    this.strips = el('div', {});
    this.status = el('p', { class: 'faint', role: 'status' }, 'Keep two codes to see the ways between them.');
    this.pictures = ['A', 'B'].map((name) => picture(view.about.shape, `Code ${name}`, { class: 'small' }));
    const keep = (end) => el('button', { type: 'button', onclick: () => this.keep(end) }, `Keep as ${'AB'[end]}`);
    this.gif = ['straight', 'circle'].map((way) => el('button', { type: 'button', disabled: true, onclick: () => this.animate(way) }, way === 'circle' ? 'GIF of the great circle' : 'GIF of the line'));
    this.element = el('section', {}, el('h2', {}, 'Between two codes'),
      el('div', { class: 'row' }, keep(0), this.pictures[0].canvas, keep(1), this.pictures[1].canvas, this.gif),
      this.status, this.strips);
  }

  async keep(end) {
    this.ends[end] = { code: this.view.code(), bytes: this.view.bytes };
    this.pictures[end].show(this.view.bytes);
    const [from, to] = this.ends;
    if (!from || !to) {
      this.status.textContent = `Kept; now a code for ${from ? 'B' : 'A'}.`;
      return;
    }
    try {
      const ways = await this.ask(STEPS);
      const strip = (name, { codes, images }) => el('div', {}, el('h3', {}, name), el('div', { class: 'strip' }, codes.map((code, index) => {
        const one = picture(this.view.about.shape, null);
        one.show(images[index]);
        return el('button', { type: 'button', class: 'image', 'aria-label': `${name}, step ${index + 1} of ${codes.length}`, onclick: () => this.view.choose(code, `step ${index + 1}`) }, one.canvas);
      })));
      replace(this.strips, strip('Straight line (lerp)', ways.straight), strip('Great circle (slerp)', ways.circle));
      for (const button of this.gif) button.disabled = false;
      const fits = this.view.about.great_circle ? 'The prior is N(0, σ²): the great circle stays where codes are.' : 'The prior is not N(0, σ²) alone: see which way stays nearer to images.';
      this.status.textContent = fits;
    } catch (error) {
      this.status.textContent = error.message;
    }
  }

  ask(steps) {
    const [from, to] = this.ends.map((end) => end.code);
    return post(`/api/latent/runs/${this.view.run}/way`, { from, to, steps, label: this.view.label() }, this.view.ended);
  }

  async animate(way) {
    try {
      const { codes } = (await this.ask(FRAMES))[way];
      await download(`/api/latent/runs/${this.view.run}/way.gif`, { codes, label: this.view.label() }, `way-${way}.gif`);
    } catch (error) {
      this.status.textContent = error.message;
    }
  }
}

// Along a direction: from class to class, of principal components, or in closed form.
export class Along {
  constructor(view) {
    this.view = view;
    this.status = el('p', { class: 'faint', role: 'status' });
    this.direction = null;
    const limits = { min: -REACH, max: REACH, step: 'any' };
    this.range = el('input', { type: 'range', ...limits, value: 0, disabled: true, 'aria-label': 'Strength' });
    this.typed = el('input', { type: 'number', step: 'any', value: 0, disabled: true, 'aria-label': 'Strength, typed' });
    for (const [input, other] of [[this.range, this.typed], [this.typed, this.range]]) {
      input.addEventListener('input', () => {
        if (input.value === '') return;
        other.value = input === this.range ? Number(input.value).toFixed(2) : input.value;
        this.go(Number(input.value));
      });
    }
    this.choice = el('select', { 'aria-label': 'Direction', onchange: () => this.take(this.found[this.choice.selectedIndex]) });
    this.found = [];
    this.classes = ['From', 'to'].map((name) => el('select', { 'aria-label': `${name} class` }));
    this.finding = el('button', { type: 'button', disabled: true, onclick: () => this.run(() => this.difference()) }, 'Find the difference');
    const arithmetic = view.about.classes !== null ? el('p', { class: 'faint' }, 'The model is told the class: choose another label to change it.') : el('div', { class: 'row' },
      'From class', this.classes[0], 'to', this.classes[1], this.finding);
    this.element = el('section', {}, el('h2', {}, 'Along a direction'), arithmetic,
      el('div', { class: 'row' }, el('button', { type: 'button', onclick: () => this.run(() => this.directions()) }, 'Find principal and closed-form directions')),
      el('div', { class: 'row' }, this.choice, el('label', {}, 'Strength', this.range), this.typed),
      this.status);
    this.choice.hidden = true;
  }

  // The names of the classes, once they are known.
  names(names) {
    this.finding.disabled = !names.length;
    for (const [index, select] of this.classes.entries()) {
      replace(select, names.map((name, value) => el('option', { value }, name)));
      select.selectedIndex = Math.min(index ? 7 : 1, names.length - 1);
    }
  }

  async run(find) {
    this.ending?.abort();
    this.ending = new AbortController();
    this.status.textContent = 'Working …';
    try {
      await find();
    } catch (error) {
      if (error.name !== 'AbortError') this.status.textContent = error.message;
    }
  }

  work(kind, wanted) {
    const signal = AbortSignal.any([this.ending.signal, this.view.ended]);
    return work(this.view.run, kind, wanted, { signal, say: (text) => { this.status.textContent = text; } });
  }

  async difference() {
    const [from, to] = this.classes.map((select) => Number(select.value));
    const { direction, source } = await this.work('difference', { from, to });
    const name = `${this.classes[0].selectedOptions[0].textContent} → ${this.classes[1].selectedOptions[0].textContent}`;
    this.offer([{ name, direction, deviation: 1 }, ...this.found.filter((one) => one.name !== name)]);
    this.status.textContent = `The difference of mean codes, by ${source}; at strength 1 it is added once.`;
  }

  async directions() {
    const found = await this.work('directions', {});
    const list = (title, kind) => (kind?.directions ?? []).map((direction, index) => ({ name: `${title} ${index + 1}`, direction, deviation: title === 'principal' ? kind.deviations[index] : 1 }));
    const all = [...list('principal', found.principal), ...list('closed form', found.closed_form)];
    const differences = this.found.filter((one) => one.name.includes('→'));
    this.offer([...all, ...differences]);
    const principal = found.principal ? 'Principal directions are in deviations of the codes of test images.' : 'Without an encoder there are no principal directions.';
    const closed = found.closed_form ? 'Closed-form ones are of length 1, those that change the first layer most.' : 'The code meets no weight first, so there is no closed form.';
    this.status.textContent = `${principal} ${closed}`;
  }

  offer(found) {
    this.found = found;
    this.choice.hidden = !found.length;
    replace(this.choice, found.map(({ name }) => el('option', {}, name)));
    if (found.length) this.take(found[0]);
  }

  // A direction is followed from the code that is there when it is chosen.
  take(direction) {
    this.direction = direction;
    this.base = this.view.code();
    for (const input of [this.range, this.typed]) Object.assign(input, { disabled: false, value: 0 });
  }

  // Somebody else has changed the code: the way begins there.
  rebase() {
    if (this.direction) this.take(this.direction);
  }

  go(strength) {
    if (!this.direction || !Number.isFinite(strength)) return;
    const by = strength * this.direction.deviation;
    this.view.choose(this.base.map((value, index) => value + by * this.direction.direction[index]), `${this.direction.name} by ${short(strength)}`, this);
  }
}

// An image from outside: drawn or out of the test images; its code by the encoder or by gradient, and what is near to it.
import { post } from '/js/api.js';
import { el, replace, short } from '/js/dom.js';
import { Pad } from '/js/views/latent/pad.js';
import { picture } from '/js/views/latent/picture.js';
import { work } from '/js/views/latent/work.js';

const STEPS = 200;

export class Source {
  constructor(view) {
    this.view = view;
    const { about } = view;
    this.pad = new Pad(about.shape, () => this.look());
    this.told = el('div', { class: 'reading', role: 'status' });
    this.status = el('p', { class: 'faint', role: 'status' });
    this.index = el('input', { type: 'number', min: 0, step: 1, value: 0 });
    this.result = picture(about.shape, 'Image of the code that was found', { class: 'medium' });
    this.found = el('figure', { hidden: true }, this.result.canvas, el('figcaption', { class: 'faint' }));
    this.neighbours = el('div', { class: 'strip' });
    const button = (text, action) => el('button', { type: 'button', onclick: () => this.run(action) }, text);
    this.steps = el('input', { type: 'number', min: 1, max: 2000, step: 1, value: STEPS });
    this.element = el('section', {}, el('h2', {}, 'The code of an image'),
      el('div', { class: 'row' }, 'Draw, or take', el('label', {}, 'test image', this.index), button('Load', () => this.load()),
        button('Take the decoded image', async () => { this.pad.set(view.bytes); await this.look(); }),
        el('button', { type: 'button', onclick: () => this.pad.clear() }, 'Clear')),
      el('div', { class: 'row top' }, el('div', {}, this.pad.canvas, this.told), this.found),
      el('div', { class: 'row' },
        about.can.encode ? button('Encode', () => this.encode()) : el('span', { class: 'faint' }, 'The model has no encoder.'),
        button('Invert by gradient', () => this.invert()), el('label', {}, 'Steps', this.steps),
        button('Nearest training images', () => this.near())),
      this.status, this.neighbours);
  }

  // Does one thing, and ends what it did before.
  async run(action) {
    this.ending?.abort();
    this.ending = new AbortController();
    this.status.textContent = '';
    try {
      await action();
    } catch (error) {
      if (error.name !== 'AbortError') this.status.textContent = error.message;
    }
  }

  ask(question, wanted) {
    return post(`/api/latent/runs/${this.view.run}/${question}`, wanted, this.view.ended);
  }

  ofImage() {
    return { image: this.pad.image(), label: this.view.label() };
  }

  work(kind, wanted, show) {
    const signal = AbortSignal.any([this.ending.signal, this.view.ended]);
    const say = (text) => { this.status.textContent = text; };
    return work(this.view.run, kind, wanted, { signal, say, show });
  }

  async load() {
    const loaded = await this.ask('test', { index: Number(this.index.value) });
    this.pad.set(loaded.image);
    if (this.view.labels) this.view.labels.value = loaded.label;
    this.status.textContent = `Test image ${this.index.value}: ${loaded.name}`;
    await this.look();
  }

  // What is seen in the drawing.
  async look() {
    try {
      const { reading, score } = await this.ask('look', this.ofImage());
      const empty = this.pad.bytes.every((byte) => byte === 0);
      replace(this.told, empty ? null : this.view.read({ reading, score }));
    } catch (error) {
      if (error.name !== 'AbortError') this.status.textContent = error.message;
    }
  }

  show(bytes, caption) {
    this.found.hidden = false;
    this.result.show(bytes);
    this.found.lastChild.textContent = caption;
  }

  async encode() {
    const found = await this.ask('encode', this.ofImage());
    this.show(found.image, `Reconstruction; mean square ${short(found.distance)}`);
    await this.view.choose(found.code, 'the encoder');
  }

  async invert() {
    const wanted = { ...this.ofImage(), steps: Number(this.steps.value), seed: Number(this.view.seed.value) };
    const show = (found) => this.show(found.image, `Step ${found.step}: mean square ${short(found.distance)}, from ${short(found.way[0])}`);
    const found = await this.work('invert', wanted, show);
    show(found);
    this.status.textContent = '';
    await this.view.choose(found.code, `inversion by gradient, ${wanted.steps} steps`);
  }

  async near() {
    const found = await this.work('neighbours', { image: this.pad.image() });
    this.status.textContent = 'The nearest training images, by the distance between pixels';
    replace(this.neighbours, found.map(({ index, name, distance, image }) => {
      const one = picture(this.view.about.shape, `Training image ${index}, ${name}`, { class: 'small' });
      one.show(image);
      return el('figure', {}, one.canvas, el('figcaption', { class: 'faint' }, `${name}, ${short(distance)}`));
    }));
  }
}

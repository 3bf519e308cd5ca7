// Maps of codes: a manifold of images, principal components, t-SNE. A place on one becomes the code.
import { el, replace, short } from '/js/dom.js';
import { sheet } from '/js/views/latent/picture.js';
import { work } from '/js/views/latent/work.js';

const SIDE = 560;
const MARGIN = 14;
// Told apart by their hue and by the digit itself.
const HUES = [210, 25, 140, 280, 50, 185, 340, 95, 245, 0];
// These are too light on white at the lightness of the others.
const LIGHT = new Set([50, 95, 140, 185]);

export class Maps {
  // `view` has the run, `about`, `label()` and `choose(code)`.
  constructor(view) {
    this.view = view;
    this.status = el('p', { class: 'faint', role: 'status' });
    this.canvas = el('canvas', { class: 'map', hidden: true, tabindex: 0, role: 'application', onkeydown: (event) => this.press(event), onclick: (event) => this.click(event) });
    this.legend = el('p', { class: 'legend' });
    const button = (kind, title) => el('button', { type: 'button', onclick: () => this.make(kind) }, title);
    this.element = el('section', {}, el('h2', {}, 'Maps'),
      el('div', { class: 'row' }, button('manifold', 'Manifold'), button('pca', 'Principal components'), button('t-sne', 't-SNE')),
      this.status, this.canvas, this.legend,
      el('p', { class: 'faint' }, 'Click on a map, or move on it with the arrow keys, to decode the place.'));
  }

  async make(kind) {
    this.ending?.abort();
    this.ending = new AbortController();
    const say = (text) => { this.status.textContent = text; };
    const show = (map) => { if (map.points) this.draw(kind, map); };
    try {
      const label = kind === 'manifold' ? this.view.label() : null;
      const signal = AbortSignal.any([this.ending.signal, this.view.ended]);
      this.draw(kind, await work(this.view.run, 'map', { kind, label }, { signal, say, show }));
      say(this.words());
    } catch (error) {
      if (error.name !== 'AbortError') say(error.message);
    }
  }

  words() {
    const { kind, map } = this;
    if (kind === 't-sne') return `t-SNE of ${map.points.length} ${map.source}: neighbours are alike, distances between groups mean little`;
    const share = `${(100 * map.share).toFixed(0)} % of their variance`;
    if (kind === 'pca') return `The first two principal components of ${map.points.length} ${map.source}, ${share}`;
    return this.view.about.size === 2 ? 'Both numbers of the code, at quantiles of the prior' : `A plane of principal components, ${share}, at quantiles`;
  }

  draw(kind, map) {
    if (kind !== this.kind) Object.assign(this, { place: null, cell: null, chosen: false });
    Object.assign(this, { kind, map });
    this.canvas.hidden = false;
    this.canvas.setAttribute('aria-label', `Map of codes (${kind}): the arrow keys choose a place`);
    if (kind === 'manifold') {
      sheet(this.canvas, map.images, this.view.about.shape, map.horizontal.length);
      this.cell ??= [0, 0];
      replace(this.legend);
      return;
    }
    this.canvas.width = this.canvas.height = SIDE;
    const [xs, ys] = [0, 1].map((axis) => map.points.map((point) => point[axis]));
    const middle = [xs, ys].map((values) => (Math.min(...values) + Math.max(...values)) / 2);
    const reach = Math.max(...[xs, ys].map((values) => Math.max(...values) - Math.min(...values)), 1e-9) / 2;
    this.scale = { middle, factor: (SIDE / 2 - MARGIN) / reach };
    this.place ??= [...middle];
    this.dots();
    replace(this.legend, map.names.map((name, index) => el('span', {}, el('b', { class: `hue-${index % HUES.length}` }, String(index)), name === String(index) ? null : ` ${name}`)));
  }

  dots() {
    const context = this.canvas.getContext('2d');
    const dark = matchMedia('(prefers-color-scheme: dark)').matches;
    context.fillStyle = dark ? '#1f2226' : '#ffffff';
    context.fillRect(0, 0, SIDE, SIDE);
    context.font = '600 11px system-ui';
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    this.map.points.forEach((point, index) => {
      const label = this.map.labels[index];
      context.fillStyle = label < 0 ? (dark ? '#a0a5ad' : '#5c5f66') : shade(HUES[label % HUES.length], dark);
      context.fillText(label < 0 ? '·' : String(label), ...this.toCanvas(point));
    });
    if (this.chosen) {
      const [x, y] = this.toCanvas(this.place);
      context.strokeStyle = dark ? '#ffffff' : '#000000';
      context.lineWidth = 2;
      context.strokeRect(x - 8, y - 8, 16, 16);
    }
  }

  toCanvas([x, y]) {
    const { middle, factor } = this.scale;
    return [SIDE / 2 + (x - middle[0]) * factor, SIDE / 2 - (y - middle[1]) * factor];
  }

  click(event) {
    if (!this.map) return;
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    if (this.kind === 'manifold') {
      const { horizontal, vertical } = this.map;
      this.cell = [Math.min(horizontal.length - 1, Math.floor(x * horizontal.length)), Math.min(vertical.length - 1, Math.floor(y * vertical.length))];
    } else {
      const { middle, factor } = this.scale;
      this.place = [middle[0] + (x * SIDE - SIDE / 2) / factor, middle[1] - (y * SIDE - SIDE / 2) / factor];
    }
    this.decode();
  }

  press(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!way || !this.map || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (this.kind === 'manifold') {
      const limits = [this.map.horizontal.length, this.map.vertical.length];
      this.cell = this.cell.map((value, axis) => Math.min(limits[axis] - 1, Math.max(0, value + way[axis])));
    } else {
      const step = 12 / this.scale.factor;
      this.place = [this.place[0] + way[0] * step, this.place[1] - way[1] * step];
    }
    this.decode();
  }

  // The code of the chosen place: on the plane, or that of the nearest point of t-SNE.
  decode() {
    const { kind, map } = this;
    this.chosen = true;
    if (kind === 't-sne') {
      // While the map is made the codes are not there yet.
      if (!map.codes) return;
      const far = ([x, y]) => (x - this.place[0]) ** 2 + (y - this.place[1]) ** 2;
      const nearest = map.points.reduce((best, point, index) => (far(point) < far(map.points[best]) ? index : best), 0);
      this.dots();
      this.view.choose(map.codes[nearest], `point ${nearest}`);
      return;
    }
    const { horizontal, vertical } = map;
    const [x, y] = kind === 'manifold' ? [horizontal[this.cell[0]], vertical[vertical.length - 1 - this.cell[1]]] : this.place;
    const [origin, one, other] = map.frame;
    if (kind === 'pca') this.dots();
    this.view.choose(origin.map((value, index) => value + x * one[index] + y * other[index]), `the place ${short(x)}, ${short(y)}`);
  }
}

function shade(hue, dark) {
  const lightness = LIGHT.has(hue) ? 26 : 38;
  return `hsl(${hue} 70% ${dark ? 68 : lightness}%)`;
}

// Losses, gradient norms and coverage over the steps, as far as the page has seen them.
import { chart, figure } from '/js/chart.js';
import { el } from '/js/dom.js';

// Looks that are kept; from there on every second one goes.
const MOST = 1200;

// How often the curves are drawn anew.
const REDRAW = 300;

const SERIES = {
  gan: {
    losses: [['generator', 'G'], ['discriminator', 'D'], ['penalty', 'penalty']],
    gradients: [['generator', 'G'], ['discriminator', 'D']],
  },
  vae: {
    losses: [['reconstruction', 'reconstruction'], ['divergence', 'divergence']],
    gradients: [['autoencoder', 'both networks']],
  },
};

export class Curves {
  constructor() {
    this.element = el('div', { class: 'grid curves' });
    this.charts = [];
  }

  begin(model, hasModes) {
    this.end();
    this.looks = [];
    const shares = [
      ...(hasModes ? [['modes', 'modes']] : []), ['samples_near_data', 'samples near data'], ['data_near_samples', 'data near samples']];
    const part = (title, names, of, logarithmic = false) => {
      const { section, place } = figure(title);
      section.dataset.chart = title;
      this.element.append(section);
      const series = names.map(([, label], colour) => ({ label, colour, dash: colour }));
      return { names, of, drawn: chart(place, { title, x: 'step', series, height: 170, logarithmic }) };
    };
    this.charts = [
      part('Losses', SERIES[model].losses, (frame) => frame.losses),
      part('Norms of gradients', SERIES[model].gradients, (frame) => frame.gradients, true),
      part('Coverage', shares, (frame) => ({ ...frame.coverage, modes: frame.coverage.modes && frame.coverage.modes.covered / frame.coverage.modes.count })),
    ];
  }

  add(frame) {
    const last = this.looks.at(-1);
    const look = { step: frame.step, values: this.charts.map(({ of }) => of(frame)) };
    if (last?.step === frame.step) this.looks.pop();
    this.looks.push(look);
    if (this.looks.length > MOST) this.looks = this.looks.filter((_, index) => index % 2 === 0 || index === MOST);
    this.due ??= setTimeout(() => this.draw(), REDRAW);
  }

  draw() {
    this.due = null;
    const steps = this.looks.map((look) => look.step);
    this.charts.forEach(({ names, drawn, of }, index) => {
      // A norm of 0 has no logarithm.
      const value = (x) => (x === undefined || (index === 1 && x <= 0) ? null : x);
      drawn.update([steps, ...names.map(([name]) => this.looks.map((look) => value(look.values[index][name])))]);
    });
  }

  end() {
    clearTimeout(this.due);
    this.due = null;
    this.charts.forEach(({ drawn }) => drawn.destroy());
    this.element.replaceChildren();
    this.charts = [];
  }
}

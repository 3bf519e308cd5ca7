// Norms of gradients by layer, and the histogram of one gradient over the steps.
import { chart, figure } from '/js/chart.js';
import { el, replace, short, svg } from '/js/dom.js';
import { aligned } from '/js/views/training/curves.js';

const WIDTH = 600;
const HEIGHT = 160;

export class Gradients {
  constructor(histories) {
    this.histories = histories;
    this.element = el('section', { class: 'gradients' });
    this.known = '';
    this.follows = true;
  }

  draw() {
    const having = this.histories.filter((history) => history.gradients.length);
    if (!having.length) {
      replace(this.element, el('h2', {}, 'Gradients'), el('p', { class: 'faint' }, 'No gradient has been looked at; training records them every hundredth step.'));
      return;
    }
    // The frame is made again where a parameter or a run has come.
    const names = having.map((history) => `${history.run.index}:${parameters(history).join()}`).join(';');
    if (names !== this.known) this.frame(having);
    this.known = names;
    this.norms.forEach(({ history, norms, plot }) => plot.update(lines(history, norms)));
    this.players?.update(aligned(this.ofPlayers(having)));
    this.histogram();
  }

  frame(having) {
    this.end();
    const charts = el('div', { class: 'grid' });
    this.norms = having.map((history) => {
      const layers = [...new Set(parameters(history).map(layerOf))];
      const { section, place } = figure(`Gradient norms of ${history.run.name}, by layer`);
      charts.append(section);
      const series = layers.map((label, index) => ({ label, colour: index, dash: Math.floor(index / 8) }));
      const plot = chart(place, { title: `Gradient norms of ${history.run.name}`, x: 'step', series, logarithmic: true, height: 280 });
      return { history, norms: layers, plot };
    });
    const ofPlayers = this.ofPlayers(having);
    this.players = null;
    if (ofPlayers.length) {
      const { section, place } = figure('Norm of the generator’s gradient over the discriminator’s');
      charts.append(section);
      const series = ofPlayers.map((line, index) => ({ label: line.label, colour: index, dash: 0 }));
      this.players = chart(place, { title: 'Balance of gradients', x: 'step', series, logarithmic: true, height: 280 });
    }
    const choices = having.flatMap((history) => parameters(history).map((name) => ({ history, name })));
    this.choice = el('select', { onchange: () => this.histogram() }, choices.map(({ history, name }, index) =>
      el('option', { value: index }, having.length > 1 ? `${history.run.name}: ${name}` : name)));
    this.choices = choices;
    this.step = el('input', { type: 'range', min: 0, 'aria-label': 'Step of the histogram', oninput: () => {
      this.follows = Number(this.step.value) === Number(this.step.max);
      this.histogram();
    } });
    this.caption = el('p', { class: 'mono' });
    this.bars = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: 'histogram', role: 'img', 'aria-label': 'Histogram of a gradient' });
    replace(this.element, el('h2', {}, 'Gradients'), charts, el('h3', {}, 'Histogram of a gradient'),
      el('div', { class: 'row' }, el('label', {}, 'Parameter', this.choice), el('label', { class: 'wide-range' }, 'Step', this.step)), this.bars, this.caption);
  }

  // The ratio of the players' norms, of the runs that have two.
  ofPlayers(having) {
    const norm = (record, player) => {
      const own = record.parameters.filter((one) => one.name.startsWith(`${player}.`));
      return own.length ? Math.hypot(...own.map((one) => one.norm)) : null;
    };
    return having.flatMap((history) => {
      const points = history.gradients.flatMap((record) => {
        const [generator, discriminator] = [norm(record, 'generator'), norm(record, 'discriminator')];
        return generator && discriminator ? [[record.step, generator / discriminator]] : [];
      });
      return points.length ? [{ label: history.run.name, xs: points.map(([step]) => step), ys: points.map(([, ratio]) => ratio) }] : [];
    });
  }

  histogram() {
    const { history, name } = this.choices[Number(this.choice.value)];
    const looks = history.gradients.filter((record) => record.parameters.some((one) => one.name === name));
    this.step.max = looks.length - 1;
    if (this.follows) this.step.value = looks.length - 1;
    const record = looks[Number(this.step.value)];
    const own = record.parameters.find((one) => one.name === name);
    this.step.setAttribute('aria-valuetext', `step ${record.step}`);
    const most = Math.max(...own.histogram, 1);
    const width = WIDTH / own.histogram.length;
    replace(this.bars, own.histogram.map((count, index) =>
      svg('rect', { x: index * width, width: width - 1, y: HEIGHT - (count / most) * HEIGHT, height: (count / most) * HEIGHT })));
    this.caption.textContent = `step ${record.step}: from ${short(own.least)} to ${short(own.greatest)}; norm ${short(own.norm)}, of the weights ${short(own.weight_norm)}`;
  }

  end() {
    this.norms?.forEach(({ plot }) => plot.destroy());
    this.players?.destroy();
    this.norms = null;
  }
}

function parameters(history) {
  return [...new Set(history.gradients.flatMap((record) => record.parameters.map((one) => one.name)))];
}

function layerOf(name) {
  return name.replace(/\.[^.]+$/, '');
}

// A line for each layer: the norm of all its parameters' gradients together.
function lines(history, layers) {
  const xs = history.gradients.map((record) => record.step);
  const of = layers.map((layer) =>
    history.gradients.map((record) => {
      const own = record.parameters.filter((one) => layerOf(one.name) === layer).map((one) => one.norm);
      // A logarithmic axis has no zero.
      return own.length ? Math.hypot(...own) || null : null;
    }),
  );
  return [xs, ...of];
}

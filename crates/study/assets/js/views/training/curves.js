// Curves over the steps: every named loss, the balance of two players, throughput.
import { chart, figure } from '/js/chart.js';
import { el } from '/js/dom.js';

const SMOOTH = [1, 10, 50, 200];

// What an epoch's record holds besides losses.
const OTHER = new Set(['event', 'epoch', 'step', 'scores', 'judge', 'images_per_second', 'seconds', 'train_loss', 'test_loss']);

export class Curves {
  constructor(histories) {
    this.histories = histories;
    this.charts = new Map();
    this.element = el('div', { class: 'grid curves' });
    this.logarithmic = el('input', { type: 'checkbox', onchange: () => this.again() });
    this.smooth = el('select', { onchange: () => this.draw() }, SMOOTH.map((width) => el('option', { value: width }, width === 1 ? 'no' : `${width} steps`)));
    this.controls = el('div', { class: 'row' }, el('label', {}, 'Mean over', this.smooth), el('label', {}, this.logarithmic, 'Logarithmic'));
  }

  // The names of losses that any run has, the total first.
  names() {
    const names = new Set(['total']);
    for (const history of this.histories) {
      for (const name of history.losses.keys()) names.add(name);
      for (const record of history.epochs) {
        for (const name of Object.keys(record)) if (!OTHER.has(name)) names.add(name.replace(/^train_/, ''));
      }
    }
    return [...names];
  }

  draw() {
    const names = this.names();
    const have = (name) => this.histories.some((history) => history.losses.has(name));
    for (const name of names) this.drawOne(name, name, 'step', this.ofLoss(name));
    if (have('generator') && have('discriminator')) this.drawOne('balance', 'generator − discriminator', 'step', this.ofBalance());
    this.drawOne('images_per_second', 'images per second', 'step', this.ofSpeed());
    const scores = new Set(this.histories.flatMap((history) => history.epochs.flatMap((record) => Object.keys(record.scores ?? {}))));
    for (const name of scores) this.drawOne(`score ${name}`, name.replaceAll('_', ' '), 'step', this.ofScore(name));
  }

  drawOne(key, title, x, lines) {
    if (!lines.some((line) => line.xs.length)) return;
    if (!this.charts.has(key)) {
      const { section, place } = figure(title.replaceAll('_', ' '));
      section.dataset.chart = key;
      this.element.append(section);
      const series = lines.map(({ label, colour, dash, points }) => ({ label, colour, dash, points }));
      const logarithmic = this.logarithmic.checked && lines.every((line) => line.ys.every((y) => y === null || y > 0));
      this.charts.set(key, chart(place, { title, x, series, logarithmic }));
    }
    this.charts.get(key).update(aligned(lines));
  }

  // A run's own colour; where there are several, the test losses of each are dashed.
  lines(of) {
    return this.histories.flatMap((history, index) => of(history).map((line) => ({ colour: index, ...line })));
  }

  ofLoss(name) {
    const width = Number(this.smooth.value);
    return this.lines((history) => {
      const trained = { label: `${history.run.name}`, dash: 0, xs: history.steps, ys: smoothed(history.losses.get(name) ?? [], width) };
      // A run without steps, of an earlier program or imported, has its epochs at least.
      const key = name === 'total' ? 'train_loss' : `train_${name}`;
      const records = history.epochs.filter((record) => record[key] !== undefined);
      if (!history.steps.length) [trained.xs, trained.ys] = [records.map((record) => record.step), records.map((record) => record[key])];
      const tested = name === 'total' ? 'test_loss' : name;
      const tests = history.epochs.filter((record) => typeof record[tested] === 'number');
      const test = { label: `${history.run.name}, test`, dash: 1, points: true, xs: tests.map((record) => record.step), ys: tests.map((record) => record[tested]) };
      return [trained, test];
    });
  }

  ofBalance() {
    const width = Number(this.smooth.value);
    return this.lines((history) => {
      const [generator, discriminator] = ['generator', 'discriminator'].map((name) => history.losses.get(name) ?? []);
      const difference = generator.map((loss, index) => (loss === null || discriminator[index] === null ? null : loss - discriminator[index]));
      return [{ label: history.run.name, dash: 0, xs: history.steps, ys: smoothed(difference, width) }];
    });
  }

  ofSpeed() {
    return this.lines((history) => [{ label: history.run.name, dash: 0, xs: history.steps, ys: history.speed }]);
  }

  ofScore(name) {
    return this.lines((history) => {
      const records = history.epochs.filter((record) => typeof record.scores?.[name] === 'number');
      return [{ label: history.run.name, dash: 0, xs: records.map((record) => record.step), ys: records.map((record) => record.scores[name]) }];
    });
  }

  again() {
    this.end();
    this.element.replaceChildren();
    this.charts.clear();
    this.draw();
  }

  end() {
    for (const one of this.charts.values()) one.destroy();
  }
}

// The mean of each value and those before it, as many as `width` in all; what is missing is left out.
function smoothed(values, width) {
  if (width === 1) return values;
  let [sum, count] = [0, 0];
  return values.map((value, index) => {
    if (value !== null) [sum, count] = [sum + value, count + 1];
    const gone = values[index - width];
    if (index >= width && gone !== null) [sum, count] = [sum - gone, count - 1];
    return value === null || count === 0 ? null : sum / count;
  });
}

// Lines with steps of their own over the steps of all.
export function aligned(lines) {
  const alike = lines.every((line) => line.xs === lines[0].xs || line.xs.length === 0);
  if (alike) {
    const xs = lines.find((line) => line.xs.length)?.xs ?? [];
    return [xs, ...lines.map((line) => (line.xs.length ? line.ys : Array(xs.length).fill(null)))];
  }
  const xs = [...new Set(lines.flatMap((line) => line.xs))].sort((a, b) => a - b);
  const place = new Map(xs.map((x, index) => [x, index]));
  return [
    xs,
    ...lines.map((line) => {
      // What is not there is left open, and spanned by the line; a null is a gap of the run's own.
      const ys = Array(xs.length).fill(undefined);
      line.xs.forEach((x, index) => { ys[place.get(x)] = line.ys[index] ?? undefined; });
      return ys;
    }),
  ];
}

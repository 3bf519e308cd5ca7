// The training view: curves of one run or of several, one over the other.
import { get } from '/js/api.js';
import { chart, figure } from '/js/chart.js';
import { el, replace } from '/js/dom.js';

// What an epoch's record holds besides losses.
const OTHER = new Set(['event', 'epoch', 'step', 'scores', 'judge', 'images_per_second', 'seconds']);

export default async function training(place, study) {
  const runs = await Promise.all(
    study.runs.map(async (run) => ({ ...run, epochs: await get(`/api/training/runs/${run.index}/epochs`) })),
  );
  const names = [...new Set(runs.flatMap((run) => run.epochs.flatMap((epoch) => Object.keys(epoch))))];
  const grid = el('div', { class: 'grid' });
  replace(place, el('h1', {}, 'Training'), grid);
  if (!runs.some((run) => run.epochs.length)) {
    replace(grid, el('p', {}, 'No epoch has been recorded yet.'));
    return () => {};
  }
  const drawn = names
    .filter((name) => !OTHER.has(name))
    .concat('images_per_second')
    .map((name) => draw(grid, name, runs));
  return () => drawn.forEach((one) => one.destroy());
}

function draw(grid, name, runs) {
  const { section, place } = figure(name.replaceAll('_', ' '));
  grid.append(section);
  const series = runs.map((run, index) => ({ label: run.name, colour: index, dash: index }));
  const drawn = chart(place, { title: name, x: 'epoch', series });
  const xs = [...new Set(runs.flatMap((run) => run.epochs.map((epoch) => epoch.epoch)))].sort((a, b) => a - b);
  const lines = runs.map((run) => {
    const known = new Map(run.epochs.map((epoch) => [epoch.epoch, epoch[name]]));
    return xs.map((x) => known.get(x) ?? null);
  });
  drawn.update([xs, ...lines]);
  return drawn;
}

// Curves: uPlot in the page's colours, as wide as its place, with names for who cannot see it.
import uPlot from '/vendor/uPlot.esm.js';
import { el } from '/js/dom.js';

const COLOURS = 8;
// Of several runs, the second and third are told by dashes too.
const DASHES = [[], [6, 4], [2, 3], [10, 3, 2, 3]];

export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export function seriesColour(index) {
  return colour(`--series-${index % COLOURS}`);
}

// A chart of `series`: [{ label, colour, dash, points }], colours and dashes by number, over an axis called `x`. `update(data)` draws [xs, ys, ys…];
// `destroy()` ends it.
export function chart(place, { title, x, y, series, height = 240, logarithmic = false }) {
  place.setAttribute('role', 'img');
  place.setAttribute('aria-label', `${title}: ${series.map((line) => line.label).join(', ')}, over ${x}`);
  let plot = null;
  let data = [[], ...series.map(() => [])];
  const make = () => {
    plot?.destroy();
    const [ink, line] = [colour('--faint'), colour('--line')];
    const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: '12px system-ui' };
    plot = new uPlot(
      {
        width: Math.max(place.clientWidth, 200),
        height,
        scales: { x: { time: false }, y: logarithmic ? { distr: 3 } : {} },
        axes: [{ ...axis, label: x, labelFont: '12px system-ui', labelSize: 18 }, { ...axis, size: 64, label: y, labelFont: '12px system-ui', labelSize: 18 }],
        series: [
          { label: x },
          ...series.map((one) => ({
            label: one.label,
            stroke: seriesColour(one.colour),
            dash: DASHES[(one.dash ?? 0) % DASHES.length],
            width: 1.5,
            spanGaps: true,
            points: { show: one.points ? true : (self) => self.data[0].length < 40, size: 5 },
          })),
        ],
      },
      data,
      place,
    );
  };
  make();
  const resized = new ResizeObserver(() => plot.setSize({ width: Math.max(place.clientWidth, 200), height }));
  resized.observe(place);
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  scheme.addEventListener('change', make);
  return {
    update(next) {
      data = next;
      plot.setData(data);
    },
    destroy() {
      resized.disconnect();
      scheme.removeEventListener('change', make);
      plot.destroy();
    },
  };
}

// A section with a heading and a place for a chart.
export function figure(title) {
  const place = el('div', { class: 'chart' });
  return { section: el('section', {}, el('h2', {}, title), place), place };
}

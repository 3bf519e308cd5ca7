// The drawing of a tape: boxes by dagre, an SVG in the page's colours.
import { layout, Graph } from '/vendor/dagre.esm.js';
import { svg } from '/js/dom.js';
import { NOT_RUN } from '/js/views/tape/walk.js';

// More boxes than these take a browser seconds to lay out and nobody can read them.
export const MOST_BOXES = 300;

const LINE = 16;
const LETTER = 7.3;
const PADDING = 8;

// The drawing of a walk's boxes: `element`, `show()` after the walk has moved, and `box(node)`.
export function drawing(walk, choose) {
  const { nodes, leaves } = walk.sheet;
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: 'TB', nodesep: 24, ranksep: 34, marginx: 12, marginy: 12 });
  graph.setDefaultEdgeLabel(() => ({}));
  const boxOf = new Map();
  const boxes = walk.groups.map((group, index) => {
    group.forEach((node) => boxOf.set(node, index));
    const last = nodes[group.at(-1)];
    const head = group.length === 1 ? `%${group[0]} ${last.op}` : `${last.layer} (${group.length} ops)`;
    const lines = [head, last.spec];
    return { key: `op${index}`, group, lines, ...size([...lines, 'dy norm 1.234e-10']), extra: 2 };
  });
  const used = new Set(nodes.flatMap((node) => node.inputs.map((input) => input.leaf)).filter((leaf) => leaf !== undefined));
  const leafBoxes = [...used].map((leaf) => {
    const lines = [leaves[leaf].name || `@${leaf}`, leaves[leaf].spec];
    return { key: `leaf${leaf}`, leaf, lines, ...size([...lines, 'grad not run yet']), extra: 1 };
  });
  for (const box of [...leafBoxes, ...boxes]) {
    box.height = (box.lines.length + box.extra) * LINE + 2 * PADDING;
    graph.setNode(box.key, { width: box.width, height: box.height });
  }
  const edges = new Map();
  nodes.forEach((node, index) => {
    node.inputs.forEach((input, position) => {
      const from = input.leaf !== undefined ? `leaf${input.leaf}` : input.node !== undefined ? `op${boxOf.get(input.node)}` : null;
      const to = `op${boxOf.get(index)}`;
      if (from === null || from === to) return;
      const key = `${from}>${to}`;
      const saved = node.saved_inputs.includes(position) || edges.get(key)?.saved;
      edges.set(key, { from, to, saved });
    });
  });
  for (const { from, to } of edges.values()) graph.setEdge(from, to);
  layout(graph);

  const { width, height } = graph.graph();
  const element = svg('svg', {
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: 'img',
    'aria-label': `The list as a graph: ${nodes.length} ops and ${leaves.length} parameters. The table below has the same in words.`,
  });
  element.append(
    svg(
      'defs',
      {},
      svg(
        'marker',
        { id: 'arrow', viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 8, markerHeight: 8, markerUnits: 'userSpaceOnUse', orient: 'auto-start-reverse' },
        svg('path', { d: 'M0 0L8 4L0 8z', class: 'head' }),
      ),
    ),
  );
  for (const { from, to, saved } of edges.values()) {
    const { points } = graph.edge(from, to);
    const path = points.map((point, index) => `${index ? 'L' : 'M'}${round(point.x)} ${round(point.y)}`).join('');
    element.append(svg('path', { d: path, class: saved ? 'edge saved' : 'edge', 'marker-end': 'url(#arrow)' }));
  }
  const place = (box) => {
    const { x, y } = graph.node(box.key);
    const group = svg('g', { transform: `translate(${round(x - box.width / 2)} ${round(y - box.height / 2)})` });
    const radius = box.leaf === undefined ? 3 : 14;
    group.append(svg('rect', { width: box.width, height: box.height, rx: radius }));
    box.texts = [...box.lines, ...Array(box.extra).fill('')].map((line, index) => {
      const text = svg('text', { x: PADDING, y: PADDING + LINE * (index + 0.75), class: index === 0 ? 'name' : 'rest' }, line);
      group.append(text);
      return text;
    });
    box.element = group;
    element.append(group);
  };
  for (const box of leafBoxes) {
    place(box);
    box.element.setAttribute('class', 'leaf');
    box.element.dataset.leaf = box.leaf;
  }
  for (const box of boxes) {
    place(box);
    const last = nodes[box.group.at(-1)];
    box.element.append(svg('title', {}, box.group.length === 1 ? `${last.call}  ${last.scope}` : last.layer));
    box.element.dataset.node = box.group.at(-1);
    box.element.addEventListener('click', () => choose(box.group));
  }

  return {
    element,
    box: (node) => boxes[boxOf.get(node)].element,
    show() {
      for (const box of boxes) {
        const last = box.group.at(-1);
        const [value, cotangent] = [walk.value(last), walk.cotangentText(box.group)];
        const [y, dy] = box.texts.slice(-2);
        y.textContent = `y ${value?.brief ?? NOT_RUN}`;
        dy.textContent = `dy ${cotangent}`;
        const here = box.group.some((node) => walk.isHere(node));
        const arrived = walk.cotangent(box.group[0]) && walk.cotangent(last);
        const classes = ['op', value ? 'run' : 'ahead', arrived && 'back', here && 'here', nodes[last].gradient_of && 'second'];
        box.element.setAttribute('class', classes.filter(Boolean).join(' '));
        y.setAttribute('class', value ? 'rest' : 'rest faint');
        dy.setAttribute('class', arrived ? 'rest cotangent' : 'rest faint');
      }
      for (const box of leafBoxes) {
        const text = walk.leafText(box.leaf);
        box.texts.at(-1).textContent = `grad ${text}`;
        box.texts.at(-1).setAttribute('class', /\d/.test(text) ? 'rest cotangent' : 'rest faint');
      }
    },
  };
}

function size(lines) {
  return { width: Math.ceil(Math.max(...lines.map((line) => line.length)) * LETTER) + 2 * PADDING };
}

function round(number) {
  return Math.round(number * 10) / 10;
}

const CARRIED = ['fill', 'stroke', 'stroke-width', 'stroke-dasharray', 'font-family', 'font-size', 'font-weight'];

// The drawing as a file of its own: what the style sheet says is written into the elements.
export function standalone(element) {
  const copy = element.cloneNode(true);
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  const [from, to] = [element.querySelectorAll('*'), copy.querySelectorAll('*')];
  from.forEach((original, index) => {
    const style = getComputedStyle(original);
    for (const name of CARRIED) {
      const value = style.getPropertyValue(name);
      if (value && value !== 'none' || name === 'fill') to[index].setAttribute(name, value);
    }
    to[index].removeAttribute('class');
  });
  const paper = svg('rect', { width: '100%', height: '100%', fill: getComputedStyle(document.body).backgroundColor });
  copy.querySelector('defs').after(paper);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(copy)}\n`;
}

// What there is to say of a stop, in rows of a label and a text.
import { el } from '/js/dom.js';
import { NOT_RUN } from '/js/views/tape/walk.js';

// The story of one step, as the program tells it.
export function story(told) {
  return told.way === 'forward' ? forward(told) : backward(told);
}

function forward(told) {
  return [
    ...heading(told),
    told.formula && row('formula', told.formula, 'formula'),
    told.part_of && row('part of', told.part_of),
    ...told.operands.map((one) =>
      row(one.operand, `${one.name}  ${one.spec}`, null, one.value ? one.value.text : 'no gradient is asked for'),
    ),
    row('y', `%${told.node}  ${told.value.spec}`, 'value', told.value.text),
    row('keeps', told.keeps ? `${told.keeps} for the step back` : 'nothing'),
    row('dy', NOT_RUN, 'faint'),
  ];
}

function backward(told) {
  return [
    ...heading(told),
    row('why next', told.reason),
    told.formula && row('formula', told.formula, 'formula'),
    row('read again', told.read_again || 'nothing'),
    row('dy flows in', `%${told.node}  ${told.cotangent.spec}`, 'cotangent', told.cotangent.text),
    ...told.gradients.map((one) =>
      one.value
        ? row(`${one.operand} flows out`, `to ${one.name}, ${one.part}  ${one.value.spec}`, null, one.value.text)
        : row(one.operand, `not asked for (${one.spec})`, 'faint'),
    ),
  ];
}

function heading({ op }) {
  return [
    row('op', `${op.call}  ${op.spec}`, 'call'),
    op.scope && row('layer', op.scope),
    op.attributes && row('as', op.attributes),
    op.location && row('called at', op.location, 'faint'),
  ];
}

// The steps of a layer together, a row each.
export function layerStory(walk) {
  return walk.steps.map((step) => {
    const node = walk.nodeOf(step);
    const statistic = step < walk.forward ? walk.sheet.nodes[node].value : walk.cotangent(node);
    const label = step < walk.forward ? `y of %${node}` : `dy of %${node}`;
    return row(label, walk.sheet.nodes[node].call, null, statistic.text);
  });
}

function row(label, text, kind, numbers) {
  const value = el('dd', { class: kind ?? null }, text);
  if (numbers !== undefined) value.append(el('span', { class: 'numbers' }, numbers));
  return [el('dt', {}, label), value];
}

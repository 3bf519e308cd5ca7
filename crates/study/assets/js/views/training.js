// The training view: curves of one run or of several, one over the other, while a run goes on and after it.
import { el, replace } from '/js/dom.js';
import { Curves } from '/js/views/training/curves.js';
import { Gradients } from '/js/views/training/gradients.js';
import { pictures } from '/js/views/training/pictures.js';
import { follow, History } from '/js/views/training/history.js';

// How often curves are drawn anew while a run goes on.
const REDRAW = 500;

export default async function training(place, study) {
  const histories = await Promise.all(study.runs.map((run) => History.of(run)));
  const status = el('p', { class: 'faint', 'aria-live': 'polite' });
  const curves = new Curves(histories);
  const gradients = new Gradients(histories);
  const shown = await pictures(study.runs);
  const jump = (target, title) => el('button', { type: 'button', onclick: () => target.scrollIntoView() }, title);
  replace(
    place,
    el('div', { class: 'row' }, el('h1', {}, 'Training'), curves.controls),
    status,
    el('div', { class: 'row' }, jump(curves.element, 'Losses'), jump(gradients.element, 'Gradients'), jump(shown.element, 'Pictures')),
    curves.element,
    gradients.element,
    shown.element,
  );
  curves.draw();
  gradients.draw();
  // Milliseconds from the request of the page until there is something to see.
  requestAnimationFrame(() => { place.dataset.drawn = performance.now(); });
  const tell = () => {
    const first = histories[0];
    status.textContent = study.live ? `${first.run.name} goes on: step ${first.lastStep}` : '';
  };
  if (!study.live) return () => [curves, gradients].forEach((part) => part.end());

  let due = null;
  const redraw = () => {
    due ??= setTimeout(() => {
      due = null;
      tell();
      curves.draw();
      gradients.draw();
    }, REDRAW);
  };
  tell();
  const stop = follow(histories[0], redraw, () => shown.refresh(), () => {
    clearTimeout(due);
    tell();
    curves.draw();
    gradients.draw();
    status.textContent = `${histories[0].run.name} is over. wengert study ${histories[0].run.path} shows it again.`;
  });
  return () => {
    stop();
    clearTimeout(due);
    [curves, gradients].forEach((part) => part.end());
  };
}

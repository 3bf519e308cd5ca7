// The shell: navigation, and one view at a time. A view is a module whose default export takes its element, the study
// (what `/api/study` says) and the words after its name in the address, and gives a function that ends it.
import { get } from '/js/api.js';
import { el, replace } from '/js/dom.js';

const main = document.getElementById('view');
let study = null;
let end = null;
// Which view was asked for last; a slower one before it is dropped.
let turn = 0;

async function show() {
  const mine = ++turn;
  const [name, words = ''] = location.hash.slice(1).split('?');
  const view = study.views.find((one) => one.name === name) ?? study.views[0];
  if (!view) {
    replace(main, el('p', {}, 'There is nothing to show. ', el('code', {}, 'wengert study RUN'), ' shows a run.'));
    return;
  }
  for (const link of document.querySelectorAll('#views a')) {
    if (link.hash === `#${view.name}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  document.title = `${view.title} · wengert`;
  end?.();
  end = null;
  const place = el('div', { class: `view ${view.name}` });
  replace(main, place);
  try {
    const module = await import(`/js/views/${view.name}.js`);
    const ended = await module.default(place, study, new URLSearchParams(words));
    if (mine === turn) end = ended;
    else ended?.();
  } catch (error) {
    replace(place, el('h1', {}, view.title), el('p', { class: 'wrong', role: 'alert' }, error.message));
  }
}

async function begin() {
  try {
    study = await get('/api/study');
  } catch (error) {
    replace(main, el('p', { class: 'wrong', role: 'alert' }, `The program does not answer: ${error.message}`));
    return;
  }
  replace(
    document.getElementById('views'),
    study.views.map((view) => el('li', {}, el('a', { href: `#${view.name}` }, view.title))),
  );
  document.getElementById('runs').textContent = study.runs.map((run) => run.name).join(', ');
  document.querySelector('.skip').addEventListener('click', (event) => {
    // The fragment of the address says which view it is.
    event.preventDefault();
    main.focus();
  });
  addEventListener('hashchange', show);
  await show();
}

begin();

// The latent space view: the codes of trained models, and what they mean.
import { get } from '/js/api.js';
import { el, replace } from '/js/dom.js';
import { LatentRun } from '/js/views/latent/run.js';

export default async function latent(place, study, words) {
  const style = el('link', { rel: 'stylesheet', href: '/latent.css' });
  const styled = new Promise((done) => { style.onload = style.onerror = done; });
  const body = el('div', {});
  const message = el('div', { role: 'status' });
  const select = el('select', { 'aria-label': 'Run' }, study.runs.map((run) => el('option', { value: run.index }, run.name)));
  let shown = null;
  replace(place, style, el('h1', {}, 'Latent space'), el('div', { class: 'row' }, 'Run', select), message, body);
  await styled;

  const open = async (index, saved) => {
    shown?.end();
    shown = null;
    replace(body);
    replace(message, el('p', { class: 'faint' }, 'Opening the checkpoint …'));
    try {
      const about = await get(`/api/latent/runs/${index}`);
      replace(message);
      if (Number(select.value) !== index) return;
      if (!about.can.decode) {
        replace(body, cannot(about));
        return;
      }
      shown = new LatentRun(index, about, study);
      replace(body, shown.element);
      await shown.begin(saved);
    } catch (error) {
      if (error.name !== 'AbortError') replace(message, el('p', { class: 'wrong', role: 'alert' }, error.message));
    }
  };
  select.addEventListener('change', () => open(Number(select.value), new URLSearchParams()));
  const wanted = study.runs.some((run) => String(run.index) === words.get('run')) ? words.get('run') : '0';
  select.value = wanted;
  await open(Number(wanted), words);
  return () => shown?.end();
}

// What a model does that makes no images of codes.
function cannot(about) {
  const abilities = [
    [about.can.classify, 'tells the classes of images', 'wengert eval RUN'],
    [about.can.cluster, 'sorts images into groups by itself', 'wengert eval RUN'],
    [about.can.score, 'says how real an image is', 'wengert eval RUN'],
  ].filter(([can]) => can);
  const list = abilities.map(([, what, command]) => el('li', {}, `It ${what}: `, el('code', {}, command)));
  return el('div', {},
    el('p', {}, `The model ${about.model} makes no images of codes, so there is no latent space to explore.`),
    el('ul', {}, list, el('li', {}, 'Its curves: ', el('a', { href: '#training' }, 'the training view')), el('li', {}, 'What it gives for test images: ', el('code', {}, 'wengert reconstruct RUN'))));
}

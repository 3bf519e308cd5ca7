// Pictures of the same codes and of the same test images after each epoch, with a scrubber over the epochs.
import { get } from '/js/api.js';
import { el, replace } from '/js/dom.js';

export async function pictures(runs) {
  const element = el('section', { class: 'pictures' });
  const slider = el('input', { type: 'range', min: 0, 'aria-label': 'Epoch of the pictures', oninput: () => { follows = slider.value === slider.max; show(); } });
  const caption = el('span', { class: 'mono' });
  const places = el('div', { class: 'row top' });
  const kinds = ['samples', 'reconstructions'].map((kind) => el('option', { value: kind }, kind));
  const kind = el('select', { onchange: () => show() }, kinds);
  let known = [];
  let epochs = [];
  let follows = true;

  function show() {
    epochs = [...new Set(known.flatMap((one) => one[kind.value]))].sort((a, b) => a - b);
    slider.max = Math.max(epochs.length - 1, 0);
    if (follows) slider.value = slider.max;
    const epoch = epochs[Number(slider.value)];
    slider.setAttribute('aria-valuetext', `epoch ${epoch}`);
    caption.textContent = epoch === undefined ? 'none' : `epoch ${epoch}`;
    replace(places, runs.map((run, index) => {
      // A run that ended earlier shows its last picture.
      const own = known[index][kind.value].filter((one) => one <= epoch).at(-1);
      if (own === undefined) return null;
      const title = `${run.name}, ${kind.value} after epoch ${own}`;
      return el('figure', {}, el('img', { src: `/api/training/runs/${run.index}/pictures/${kind.value}/${own}`, alt: title }), el('figcaption', {}, title));
    }));
  }

  async function refresh() {
    try {
      known = await Promise.all(runs.map((run) => get(`/api/training/runs/${run.index}/pictures`)));
    } catch {
      // The run may have ended, and the program with it; what is shown stays.
      return;
    }
    const none = known.every((one) => one.samples.length + one.reconstructions.length === 0);
    replace(element, el('h2', {}, 'Pictures over time'), none
      ? el('p', { class: 'faint' }, 'No picture has been saved yet; there is one after each epoch.')
      : [el('div', { class: 'row' }, el('label', {}, 'Show', kind), el('label', { class: 'wide-range' }, 'Epoch', slider), caption), places]);
    if (!none) show();
  }

  await refresh();
  return { element, refresh };
}

// The same code in other runs whose codes are made alike.
import { get, post } from '/js/api.js';
import { el, replace } from '/js/dom.js';
import { picture } from '/js/views/latent/picture.js';

export class Others {
  constructor(view, study) {
    this.view = view;
    this.runs = study.runs.filter((run) => run.index !== view.run);
    this.shown = [];
    this.status = el('p', { class: 'faint', role: 'status' });
    this.pictures = el('div', { class: 'strip' });
    const button = el('button', { type: 'button', onclick: () => this.open() }, 'Show the code in the other runs');
    const hint = el('p', { class: 'faint' }, 'Open several: ', el('code', {}, 'wengert explore RUN RUN'));
    this.element = el('section', {}, el('h2', {}, 'The same code in other runs'), this.runs.length ? button : hint, this.status, this.pictures);
  }

  async open() {
    this.status.textContent = 'Opening the checkpoints …';
    const abouts = await Promise.allSettled(this.runs.map((run) => get(`/api/latent/runs/${run.index}`, this.view.ended)));
    const shape = (about) => JSON.stringify(about.parts.map(({ kind, width }) => [kind, width]));
    const mine = shape(this.view.about);
    this.shown = this.runs.flatMap((run, index) => {
      const about = abouts[index].value;
      if (!about?.can.decode || shape(about) !== mine) return [];
      return [{ run, about, ...picture(about.shape, `The code in ${run.name}`, { class: 'medium' }) }];
    });
    const left = this.runs.length - this.shown.length;
    this.status.textContent = left ? `${left} of the other runs have other codes.` : '';
    replace(this.pictures, this.shown.map(({ run, about, canvas }) => el('figure', {}, canvas, el('figcaption', { class: 'faint' }, `${run.name} (${about.model})`))));
    await this.show();
  }

  async show() {
    const code = this.view.code();
    await Promise.all(this.shown.map(async ({ run, about, show }) => {
      const label = about.classes === null ? null : Math.min(this.view.label() ?? 0, about.classes - 1);
      show((await post(`/api/latent/runs/${run.index}/decode`, { code, label }, this.view.ended)).image);
    }));
  }
}

// One run in the latent space view: its code and the image of it, and everything that changes or reads them.
import { post } from '/js/api.js';
import { el, replace, save, short } from '/js/dom.js';
import { CodeControls } from '/js/views/latent/code.js';
import { Maps } from '/js/views/latent/maps.js';
import { Others } from '/js/views/latent/others.js';
import { download, picture } from '/js/views/latent/picture.js';
import { Source } from '/js/views/latent/source.js';
import { Along, Between } from '/js/views/latent/ways.js';
import { work } from '/js/views/latent/work.js';

export class LatentRun {
  constructor(run, about, study) {
    Object.assign(this, { run, about, name: study.runs[run].name });
    this.ending = new AbortController();
    this.ended = this.ending.signal;
    this.names = null;
    this.controls = new CodeControls(about, () => this.changed('typed'));
    this.picture = picture(about.shape, 'Image of the code', { class: 'large', id: 'decoded' });
    this.reading = el('div', { class: 'reading', role: 'status' });
    this.message = el('p', { class: 'wrong', role: 'alert' });
    this.origin = el('p', { class: 'faint' });
    this.label = () => (this.labels ? Number(this.labels.value) : null);
    this.labels = about.classes === null ? null : el('select', { id: 'label', onchange: () => this.changed('label') }, Array.from({ length: about.classes }, (_, label) => el('option', { value: label }, String(label))));
    this.seed = el('input', { type: 'number', min: 0, max: Number.MAX_SAFE_INTEGER, step: 1, value: 0, id: 'seed', onchange: () => this.draw() });
    this.limit = el('input', { type: 'number', min: 0.05, max: 10, step: 0.05, placeholder: 'none', onchange: () => this.truncate() });
    this.precision = el('span', { class: 'faint', role: 'status' });
    this.judged = el('div', {});
    this.whole = el('textarea', { rows: 3, spellcheck: 'false', 'aria-label': 'All numbers of the code', onchange: () => this.typed() });
    this.maps = new Maps(this);
    this.between = new Between(this);
    this.along = new Along(this);
    this.others = new Others(this, study);
    this.source = new Source(this);
    this.element = el('div', { class: 'latent' }, this.head(), this.body());
  }

  head() {
    const { model, data, step, size, checkpoint } = this.about;
    return el('p', { class: 'faint' }, `${model} on ${data}, step ${step}; codes of ${size} numbers; checkpoint `, el('span', { class: 'mono' }, `${checkpoint.slice(0, 16)}…`));
  }

  body() {
    const button = (text, onclick) => el('button', { type: 'button', onclick }, text);
    const truncation = el('div', { class: 'row' },
      this.about.prior_deviation !== null && el('label', {}, 'Truncation, in deviations', this.limit),
      button('Measure precision and recall', () => this.measure()), this.precision);
    return el('div', {},
      el('div', { class: 'two' },
        el('section', { class: 'stage' },
          this.picture.canvas, this.reading, this.judged,
          el('div', { class: 'row' },
            button('PNG', () => this.attempt(() => download(`/api/latent/runs/${this.run}/picture.png`, this.ofCode(), `${this.name}.png`))),
            button('JSON', () => save(`${this.name}-code.json`, 'application/json', `${JSON.stringify(this.saved())}\n`)),
            button('Copy address', () => this.attempt(() => navigator.clipboard.writeText(location.href))),
          ),
          el('p', { class: 'faint' }, 'The same image, to the bit: ', el('code', {}, `wengert sample RUN --code ${this.name}-code.json`)),
        ),
        el('section', {},
          el('div', { class: 'row' },
            this.labels && el('label', {}, 'Label', this.labels),
            el('label', {}, 'Seed', this.seed), button('Draw', () => this.draw()), button('Next seed', () => this.next()), button('Centre', () => this.centre())),
          truncation, this.message, this.origin, this.controls.element,
          el('details', {}, el('summary', {}, 'All numbers as text'), this.whole),
        ),
      ),
      this.source.element, this.maps.element, this.between.element, this.along.element, this.others.element);
  }

  // The code of an address, where there is one, else a drawn one.
  async begin(words) {
    this.judge(false);
    const z = words.get('z')?.split(',').map(Number);
    if (!z) return this.draw();
    if (!this.isCode(z)) {
      await this.draw();
      return this.say(`The address holds no code of ${this.about.size} numbers; this one is drawn.`);
    }
    if (this.labels && words.get('label')) this.labels.value = words.get('label');
    await this.choose(z, 'the address');
    const digest = words.get('checkpoint');
    if (!digest || !this.about.checkpoint.startsWith(digest)) this.say('The address was saved with another checkpoint: the same numbers are another image here.');
  }

  isCode(numbers) {
    return numbers.length === this.about.size && numbers.every((value) => Number.isFinite(Math.fround(value)));
  }

  say(text) {
    this.message.textContent = text;
  }

  // Does something that a person asked for, and says why it failed.
  async attempt(action) {
    try {
      this.say('');
      await action();
    } catch (error) {
      if (error.name !== 'AbortError') this.say(error.message);
    }
  }

  code() {
    return this.controls.numbers();
  }

  ofCode() {
    return { code: this.code(), label: this.label() };
  }

  saved() {
    return { checkpoint: this.about.checkpoint, label: this.label(), code: this.code() };
  }

  // A code from elsewhere, in words, by somebody who knows already.
  choose(code, words, by = null) {
    this.controls.set(code);
    return this.changed(words, by);
  }

  next() {
    this.seed.value = Number(this.seed.value) + 1;
    this.draw();
  }

  centre() {
    this.choose(this.about.parts.flatMap((part) => (part.kind === 'number' ? [part.mean] : Array.from({ length: part.width }, (_, index) => Number(index === 0)))), 'the mean of the prior');
  }

  truncation() {
    return this.limit.value === '' ? null : Number(this.limit.value);
  }

  // Draws anew, and measures anew what was measured before.
  truncate() {
    this.draw();
    if (this.measuring) this.measure();
  }

  draw() {
    return this.attempt(async () => {
      const wanted = { seed: Number(this.seed.value), truncation: this.truncation() };
      const { code } = await post(`/api/latent/runs/${this.run}/draw`, wanted, this.ended);
      await this.choose(code, `seed ${wanted.seed}${wanted.truncation ? `, truncated at ${wanted.truncation}` : ''}`);
    });
  }

  typed() {
    const numbers = this.whole.value.split(/[\s,]+/).filter(Boolean).map(Number);
    if (!this.isCode(numbers)) {
      this.say(`The code takes ${this.about.size} finite numbers; the text has ${numbers.filter(Number.isFinite).length}.`);
      return;
    }
    this.choose(numbers, 'typed');
  }

  // Decodes the code that is there now; while one is decoded, only the newest of those after it waits.
  async changed(words, by = null) {
    if (words !== 'label') this.origin.textContent = words === 'typed' ? 'Set by hand' : `From ${words}`;
    if (by !== this.along) this.along.rebase();
    this.waiting = true;
    if (this.busy) return;
    this.busy = true;
    while (this.waiting) {
      this.waiting = false;
      await this.attempt(async () => {
        const decoded = await post(`/api/latent/runs/${this.run}/decode`, this.ofCode(), this.ended);
        this.bytes = decoded.image;
        this.picture.show(decoded.image);
        replace(this.reading, this.read(decoded));
        this.remember();
        await this.others.show();
      });
    }
    this.busy = false;
  }

  // What LeNet and a discriminator say of an image.
  read({ reading, score }) {
    const told = [];
    if (reading) {
      const best = reading.indexOf(Math.max(...reading));
      told.push(el('p', {}, 'LeNet reads ', el('b', { class: 'class' }, this.names?.[best] ?? String(best)), ` (${(100 * reading[best]).toFixed(1)} %)`));
    }
    if (score !== null && score !== undefined) told.push(el('p', {}, 'D says ', el('b', { class: 'score' }, short(score)), ', more is more real'));
    return told;
  }

  // What a reload brings back, and `wengert sample --code` reads.
  remember() {
    this.whole.value = this.controls.text();
    const label = this.labels ? `&label=${this.labels.value}` : '';
    history.replaceState(null, '', `#latent?run=${this.run}&checkpoint=${this.about.checkpoint}${label}&z=${this.whole.value}`);
  }

  // Looks for the LeNet that reads such images, or has it trained.
  judge(train) {
    const say = (text) => replace(this.judged, el('p', { class: 'faint', role: 'status' }, text));
    return this.attempt(async () => {
      try {
        const { kept, names } = await work(this.run, 'judge', { train }, { signal: this.ended, say });
        this.names = names;
        this.along.names(names);
        replace(this.judged, kept ? null : el('div', { class: 'row' },
          el('button', { type: 'button', onclick: () => this.judge(true) }, 'Train the LeNet that reads these images'),
          el('span', { class: 'faint' }, 'about two minutes, once for a data set')));
        if (kept && this.bytes) {
          replace(this.reading, this.read(await post(`/api/latent/runs/${this.run}/decode`, this.ofCode(), this.ended)));
          this.source.look();
        }
      } catch (error) {
        replace(this.judged);
        throw error;
      }
    });
  }

  measure() {
    this.measuring?.abort();
    this.measuring = new AbortController();
    const show = (found) => {
      this.precision.textContent = `precision ${found.precision.toFixed(3)}, recall ${found.recall.toFixed(3)} of ${found.samples} samples among ${found.images} test images`;
    };
    return this.attempt(async () => {
      const wanted = { truncation: this.truncation(), seed: Number(this.seed.value), label: this.label() };
      const signal = AbortSignal.any([this.measuring.signal, this.ended]);
      const say = (text) => { if (!this.precision.textContent.startsWith('precision')) this.precision.textContent = text; };
      this.precision.textContent = '';
      show(await work(this.run, 'precision', wanted, { signal, say, show }));
    });
  }

  end() {
    this.ending.abort();
  }
}

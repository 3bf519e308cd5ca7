// The settings as fields: those that take effect at once, and those that begin anew.
import { el } from '/js/dom.js';

// What may change at any step. `of`: the model that has it; `when`: by which rules it counts.
const RULES = [
  { name: 'steepest', title: 'Steepest slope of D', min: 0.1, max: 1000, of: 'gan', when: (rules) => rules.spectral_norm },
  { name: 'learning_rate', title: 'Learning rate of G', min: 0, max: 1, of: 'gan' },
  { name: 'discriminator_learning_rate', title: 'Learning rate of D', min: 0, max: 1, of: 'gan' },
  { name: 'critic_steps', title: 'Moves of D a step', min: 1, max: 50, whole: true, of: 'gan' },
  { name: 'generator_steps', title: 'Moves of G a step', min: 1, max: 50, whole: true, of: 'gan' },
  { name: 'penalty_weight', title: 'Weight of the penalty', min: 0, max: 1000, of: 'gan', when: (rules) => rules.loss === 'wasserstein-gp' },
  { name: 'weight_clip', title: 'Bound of D’s weights', min: 0.0001, max: 10, of: 'gan', when: (rules) => rules.loss === 'wasserstein' },
  { name: 'learning_rate', title: 'Learning rate', min: 0, max: 1, of: 'vae' },
  { name: 'beta', title: 'β, the weight of the divergence', min: 0, max: 1000, of: 'vae' },
  { name: 'deviation', title: 'Standard deviation of a point', min: 0.01, max: 1, of: 'vae' },
  { name: 'batch', title: 'Points in a batch', min: 8, max: 1024, whole: true },
];

const NETWORKS = [
  { name: 'seed', title: 'Seed', min: 0, max: Number.MAX_SAFE_INTEGER, whole: true },
  { name: 'codes', title: 'Numbers in a code', min: 1, max: 16, whole: true },
  { name: 'width', title: 'Units a layer', min: 2, max: 256, whole: true },
  { name: 'discriminator_width', title: 'Units a layer of D', min: 2, max: 256, whole: true, of: 'gan' },
];

export class Form {
  // `changed(rules)` hears of what takes effect at once, `renewed(settings)` of what begins anew.
  constructor(menu, changed, renewed) {
    Object.assign(this, { menu, changed, renewed, settings: structuredClone(menu.defaults) });
    const choice = (options, onchange) => el('select', { onchange }, options.map(({ name, title }) => el('option', { value: name }, title)));
    this.model = choice([{ name: 'gan', title: 'GAN' }, { name: 'vae', title: 'VAE' }], () => this.renew({ model: this.model.value }));
    this.distribution = choice(menu.distributions, () => this.renew({ distribution: this.distribution.value }));
    this.loss = choice(menu.losses, () => this.chooseLoss());
    this.optimizer = choice([{ name: 'adam', title: 'Adam' }, { name: 'sgd', title: 'SGD' }], () => this.change({ optimizer: this.optimizer.value }));
    this.spectralNorm = el('input', { type: 'checkbox', onchange: () => this.change({ spectral_norm: this.spectralNorm.checked }) });
    this.about = el('p', { class: 'faint', id: 'about-loss' });
    this.loss.setAttribute('aria-describedby', 'about-loss');
    const number = (field, take) => {
      const input = el('input', { type: 'number', min: field.min, max: field.max, step: field.whole ? 1 : 'any', required: true, onchange: () => input.reportValidity() && take({ [field.name]: input.valueAsNumber }) });
      return { field, input, label: el('label', { class: 'field' }, field.title, input) };
    };
    this.rules = RULES.map((field) => number(field, (rules) => this.change(rules)));
    this.networks = NETWORKS.map((field) => number(field, (settings) => this.renew(settings)));
    this.ofLoss = [el('label', { class: 'field' }, 'Loss', this.loss), this.about, el('label', { class: 'field' }, 'Spectral normalisation of D', this.spectralNorm)];
    this.element = el('form', { class: 'settings', onsubmit: (event) => event.preventDefault() },
      el('fieldset', { class: 'plain' }, el('legend', {}, 'Any time'), this.ofLoss, el('label', { class: 'field' }, 'Optimiser', this.optimizer), this.rules.map(({ label }) => label)),
      el('fieldset', { class: 'plain' }, el('legend', {}, 'Begins anew'), el('label', { class: 'field' }, 'Model', this.model), el('label', { class: 'field' }, 'Data', this.distribution), this.networks.map(({ label }) => label)),
    );
    this.fill(this.settings);
  }

  chooseLoss() {
    // The hinge without spectral normalisation is to be had by taking the mark away again.
    this.change({ loss: this.loss.value, ...(this.loss.value === 'hinge' ? { spectral_norm: true } : {}) });
  }

  change(rules) {
    Object.assign(this.settings.rules, rules);
    this.fill(this.settings);
    this.changed(this.settings.rules);
  }

  renew(settings) {
    Object.assign(this.settings, settings);
    this.fill(this.settings);
    this.renewed();
  }

  // Shows settings, and of the fields those that count.
  fill(settings) {
    this.settings = structuredClone(settings);
    const { model, distribution, rules } = this.settings;
    this.model.value = model;
    this.distribution.value = distribution;
    this.loss.value = rules.loss;
    this.optimizer.value = rules.optimizer;
    this.spectralNorm.checked = rules.spectral_norm;
    this.about.textContent = this.menu.losses.find((loss) => loss.name === rules.loss).watch;
    for (const part of this.ofLoss) part.hidden = model !== 'gan';
    const show = ({ field, input, label }, values) => {
      input.value = values[field.name];
      label.hidden = (field.of ?? model) !== model || !(field.when?.(rules) ?? true);
    };
    this.rules.forEach((one) => show(one, rules));
    this.networks.forEach((one) => show(one, this.settings));
  }
}

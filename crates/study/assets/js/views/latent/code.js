// The numbers of a code: a slider and a typed value for each, a choice for each category.
import { el, replace, short } from '/js/dom.js';

// Parts with controls of their own, until all are asked for, and at most.
const FEW = 20;
const MOST = 256;
// How many deviations of the prior a slider reaches.
const REACH = 4;

// The shortest text that is the same number in f32.
export function text(value) {
  for (let digits = 1; digits <= 9; digits++) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === Math.fround(value)) return String(shorter);
  }
  return String(value);
}

// Choices first, then the numbers behind them, which are what an InfoGAN finds; noise comes last.
function ordered(parts) {
  const last = parts.findLastIndex((part) => part.kind === 'category');
  const rank = (part, index) => (part.kind === 'category' ? 0 : index > last ? 1 : 2);
  return [0, 1, 2].flatMap((wanted) => parts.filter((part, index) => rank(part, index) === wanted));
}

export class CodeControls {
  // `changed` is told whenever somebody has changed the code.
  constructor(about, changed) {
    this.about = about;
    this.changed = changed;
    this.code = new Float32Array(about.size);
    this.shown = FEW;
    this.element = el('div', {});
    this.build();
  }

  build() {
    const parts = ordered(this.about.parts);
    this.controls = parts.slice(0, Math.min(this.shown, MOST)).map((part) => (part.kind === 'number' ? this.number(part) : this.category(part)));
    const rest = Math.min(parts.length, MOST) - this.controls.length;
    const more = rest > 0 && el('button', { type: 'button', onclick: () => this.showAll() }, `Show ${rest} more`);
    const beyond = parts.length > MOST && el('p', { class: 'faint' }, `The first ${MOST} of ${parts.length} parts; all numbers stand in the text below.`);
    replace(this.element, el('div', { class: 'sliders' }, this.controls.map((control) => control.element)), more || null, beyond || null);
    this.show();
  }

  showAll() {
    this.shown = this.about.parts.length;
    this.build();
    this.controls[FEW]?.focus();
  }

  number({ start, mean, deviation }) {
    const name = `z${start}`;
    const reach = REACH * deviation;
    const range = el('input', { type: 'range', min: mean - reach, max: mean + reach, step: 'any', 'aria-label': name });
    const typed = el('input', { type: 'number', step: 'any', 'aria-label': `${name}, typed` });
    const set = (value) => {
      if (!Number.isFinite(Math.fround(value))) return;
      this.code[start] = value;
      this.changed();
    };
    range.addEventListener('input', () => {
      // A hundredth of a deviation is as fine as a hand is; typed numbers may be finer.
      const value = Number(range.value);
      set(Number(value.toPrecision(4)));
      typed.value = text(this.code[start]);
    });
    typed.addEventListener('input', () => {
      if (typed.value === '') return;
      set(Number(typed.value));
      range.value = this.code[start];
    });
    const show = () => {
      range.value = this.code[start];
      range.setAttribute('aria-valuetext', short(this.code[start]));
      if (document.activeElement !== typed) typed.value = text(this.code[start]);
    };
    return { element: el('div', { class: 'slider' }, el('span', { class: 'mono', 'aria-hidden': 'true' }, name), range, typed), show, focus: () => range.focus() };
  }

  category({ start, width }) {
    const select = el('select', { 'aria-label': `category at z${start}` }, Array.from({ length: width }, (_, value) => el('option', { value }, `category ${value}`)));
    select.addEventListener('change', () => {
      this.code.fill(0, start, start + width);
      this.code[start + Number(select.value)] = 1;
      this.changed();
    });
    const show = () => {
      const values = this.code.subarray(start, start + width);
      select.selectedIndex = values.indexOf(Math.max(...values));
    };
    return { element: el('div', { class: 'slider' }, el('span', { class: 'mono', 'aria-hidden': 'true' }, `z${start}…`), select), show, focus: () => select.focus() };
  }

  set(code) {
    this.code.set(code);
    this.show();
  }

  show() {
    for (const control of this.controls) control.show();
  }

  numbers() {
    return Array.from(this.code);
  }

  text() {
    return this.numbers().map(text).join(',');
  }
}

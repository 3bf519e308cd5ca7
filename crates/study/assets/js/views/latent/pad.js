// A pad to draw a digit on, by a pointer or by keys.
import { el } from '/js/dom.js';
import { pixels } from '/js/views/latent/picture.js';

// Radius of the brush in pixels of the image.
const BRUSH = 1.3;

export class Pad {
  constructor(shape, changed) {
    this.shape = shape;
    this.changed = changed;
    [, this.height, this.width] = shape;
    this.bytes = new Uint8Array(this.height * this.width);
    this.cursor = [this.width / 2, this.height / 2];
    this.canvas = el('canvas', {
      width: this.width, height: this.height, tabindex: 0, class: 'pad', role: 'application',
      'aria-label': 'Pad to draw a digit on: arrow keys move the brush, with Shift they draw, Delete clears',
      onkeydown: (event) => this.press(event),
      onfocus: () => this.show(), onblur: () => this.show(),
    });
    this.canvas.addEventListener('pointerdown', (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.last = this.place(event);
      this.stroke(this.last, this.last);
    });
    this.canvas.addEventListener('pointermove', (event) => {
      if (!event.buttons || !this.last) return;
      const here = this.place(event);
      this.stroke(this.last, here);
      this.last = here;
    });
    const lift = () => {
      if (this.last) this.changed();
      this.last = null;
    };
    this.canvas.addEventListener('pointerup', lift);
    this.canvas.addEventListener('pointercancel', lift);
    this.show();
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * this.width, ((event.clientY - box.top) / box.height) * this.height];
  }

  // Paints with soft edges along a line.
  stroke([x0, y0], [x1, y1]) {
    const steps = Math.max(1, Math.ceil(Math.hypot(x1 - x0, y1 - y0) * 2));
    for (let step = 0; step <= steps; step++) {
      const [cx, cy] = [x0 + ((x1 - x0) * step) / steps, y0 + ((y1 - y0) * step) / steps];
      for (let y = Math.max(0, Math.floor(cy - 3)); y < Math.min(this.height, cy + 3); y++) {
        for (let x = Math.max(0, Math.floor(cx - 3)); x < Math.min(this.width, cx + 3); x++) {
          const shade = 255 * Math.min(1, Math.max(0, BRUSH + 0.5 - Math.hypot(x + 0.5 - cx, y + 0.5 - cy)));
          const index = y * this.width + x;
          this.bytes[index] = Math.max(this.bytes[index], shade);
        }
      }
    }
    this.cursor = [x1, y1];
    this.show();
  }

  press(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (way) {
      const before = this.cursor;
      this.cursor = [Math.min(this.width, Math.max(0, before[0] + way[0])), Math.min(this.height, Math.max(0, before[1] + way[1]))];
      if (event.shiftKey) {
        this.stroke(before, this.cursor);
        this.changed();
      }
      this.show();
    } else if (event.key === ' ') {
      this.stroke(this.cursor, this.cursor);
      this.changed();
    } else if (event.key === 'Delete' || event.key === 'Backspace') {
      this.clear();
    } else {
      return;
    }
    event.preventDefault();
  }

  clear() {
    this.bytes.fill(0);
    this.show();
    this.changed();
  }

  // An image in the shape of the model.
  set(image) {
    this.bytes.set(image.slice(0, this.bytes.length));
    this.show();
  }

  image() {
    return Array.from({ length: this.shape[0] }, () => Array.from(this.bytes)).flat();
  }

  show() {
    const context = this.canvas.getContext('2d');
    context.putImageData(pixels(this.bytes, [1, this.height, this.width]), 0, 0);
    if (document.activeElement === this.canvas) {
      context.fillStyle = '#4d9de0';
      context.fillRect(Math.floor(this.cursor[0]) - 1, Math.floor(this.cursor[1]) - 1, 2, 2);
    }
  }
}

// The plane: what the discriminator makes of it, the data, the samples; and a pen for points of one's own.
import { colour } from '/js/chart.js';
import { el } from '/js/dom.js';

// Points of the pen are at least this far apart, and there are not more.
const APART = 0.03;
const MOST = 2000;

export class Plane {
  // `changed` is called when the pen has moved or put a point; `half` is how far the plane reaches.
  constructor({ half, cells, title, changed = () => {} }) {
    Object.assign(this, { half, cells, title, changed, frame: null, scene: null, pen: null });
    this.canvas = el('canvas', { class: 'plane', role: 'img', 'aria-label': title });
    this.heat = el('canvas', { width: cells, height: cells });
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(this.canvas);
    this.scheme = matchMedia('(prefers-color-scheme: dark)');
    this.onScheme = () => this.draw();
    this.scheme.addEventListener('change', this.onScheme);
    this.canvas.addEventListener('pointerdown', (event) => this.press(event));
    this.canvas.addEventListener('pointermove', (event) => this.drag(event));
    this.canvas.addEventListener('keydown', (event) => this.key(event));
  }

  show(scene, frame) {
    Object.assign(this, { scene, frame });
    this.draw();
  }

  // Lets points be drawn, or not: `points` is a list of [x, y] that the pen adds to.
  draws(points) {
    this.pen = points && { points, x: 0, y: 0, shown: false };
    const attributes = points
      ? { role: 'application', tabindex: '0', 'aria-label': 'Plane to draw points on. Arrow keys move the pen, with Shift by little; Space puts a point, Backspace takes the last one away.' }
      : { role: 'img', 'aria-label': this.title };
    for (const [name, value] of Object.entries(attributes)) this.canvas.setAttribute(name, value);
    if (!points) this.canvas.removeAttribute('tabindex');
    this.canvas.classList.toggle('drawable', Boolean(points));
    this.draw();
  }

  press(event) {
    if (!this.pen) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.pen.shown = false;
    this.put(...this.place(event));
  }

  drag(event) {
    if (this.pen && event.buttons & 1) this.put(...this.place(event));
  }

  key(event) {
    const { pen } = this;
    if (!pen || event.ctrlKey || event.metaKey || event.altKey) return;
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    const far = event.shiftKey ? 0.02 : 0.1;
    const inside = (x) => Math.min(Math.max(x, -this.half), this.half);
    if (way) [pen.x, pen.y] = [inside(pen.x + way[0] * far), inside(pen.y + way[1] * far)];
    else if (event.key === ' ' || event.key === 'Enter') this.put(pen.x, pen.y);
    else if (event.key === 'Backspace') pen.points.pop();
    else return;
    event.preventDefault();
    pen.shown = true;
    this.changed(pen);
    this.draw();
  }

  put(x, y) {
    const { points } = this.pen;
    const last = points.at(-1);
    if (Math.max(Math.abs(x), Math.abs(y)) > this.half || points.length >= MOST) return;
    if (last && Math.hypot(last[0] - x, last[1] - y) < APART) return;
    points.push([x, y]);
    this.changed(this.pen);
    this.draw();
  }

  // Where in the plane an event is.
  place(event) {
    const box = this.canvas.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * 2 - 1;
    const y = 1 - ((event.clientY - box.top) / box.height) * 2;
    return [x * this.half, y * this.half];
  }

  draw() {
    const side = Math.round(this.canvas.clientWidth * devicePixelRatio);
    if (!side) return;
    if (this.canvas.width !== side) this.canvas.width = this.canvas.height = side;
    const pencil = this.canvas.getContext('2d');
    const [scale, size] = [side / (2 * this.half), Math.max(side / 220, 1.5)];
    const at = (x, y) => [(x + this.half) * scale, (this.half - y) * scale];
    pencil.clearRect(0, 0, side, side);
    if (this.frame?.heat) this.drawHeat(pencil, side);
    pencil.strokeStyle = colour('--line');
    pencil.lineWidth = 1;
    for (const line of [[-this.half, 0, this.half, 0], [0, -this.half, 0, this.half]]) this.stroke(pencil, at, line);
    const dots = (coordinates, of, radius) => {
      pencil.fillStyle = of;
      for (let i = 0; i + 1 < coordinates.length; i += 2) {
        if (coordinates[i] === null || coordinates[i + 1] === null) continue;
        const [x, y] = at(coordinates[i] / 1000, coordinates[i + 1] / 1000);
        pencil.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
      }
    };
    if (this.scene) {
      dots(this.scene.data, colour('--faint'), size * 0.6);
      pencil.strokeStyle = colour('--faint');
      for (let i = 0; i < (this.scene.modes?.length ?? 0); i += 2) {
        pencil.beginPath();
        pencil.arc(...at(this.scene.modes[i] / 1000, this.scene.modes[i + 1] / 1000), 3 * this.scene.deviation * scale, 0, 2 * Math.PI);
        pencil.stroke();
      }
    }
    if (this.frame) {
      const { reconstructions, samples } = this.frame;
      pencil.strokeStyle = colour('--series-1');
      for (let i = 0; i < (reconstructions?.length ?? 0); i += 2) {
        if (reconstructions[i] === null || reconstructions[i + 1] === null) continue;
        this.stroke(pencil, at, [this.scene.data[i], this.scene.data[i + 1], reconstructions[i], reconstructions[i + 1]].map((x) => x / 1000));
      }
      if (reconstructions) dots(reconstructions, colour('--series-1'), size * 0.8);
      dots(samples, colour('--series-2'), size);
    }
    if (this.pen) this.drawPen(pencil, at, dots, size);
  }

  drawPen(pencil, at, dots, size) {
    dots(this.pen.points.flat().map((x) => x * 1000), colour('--ink'), size);
    if (!this.pen.shown) return;
    const { x, y } = this.pen;
    pencil.strokeStyle = colour('--accent');
    pencil.lineWidth = 2;
    for (const [u, v] of [[0.06, 0], [0, 0.06]]) this.stroke(pencil, at, [x - u, y - v, x + u, y + v]);
  }

  stroke(pencil, at, [x, y, u, v]) {
    pencil.beginPath();
    pencil.moveTo(...at(x, y));
    pencil.lineTo(...at(u, v));
    pencil.stroke();
  }

  // One colour for what is taken for real, one for what is taken for made, paper between them.
  drawHeat(pencil, side) {
    const { cells, low, high, boundary } = this.frame.heat;
    const middle = boundary ?? (low + high) / 2;
    const reach = Math.max(high - middle, middle - low) || 1;
    const [real, made] = [rgb(colour('--series-0')), rgb(colour('--series-1'))];
    const image = new ImageData(this.cells, this.cells);
    cells.forEach((level, index) => {
      const share = (low + (level / 255) * (high - low) - middle) / reach;
      // The first row of cells is the lowest, that of an image the highest.
      const row = this.cells - 1 - Math.floor(index / this.cells);
      const pixel = 4 * (row * this.cells + (index % this.cells));
      image.data.set([...(share > 0 ? real : made), Math.round(Math.min(Math.abs(share), 1) * 130)], pixel);
    });
    this.heat.getContext('2d').putImageData(image, 0, 0);
    pencil.imageSmoothingEnabled = true;
    pencil.drawImage(this.heat, 0, 0, side, side);
  }

  end() {
    this.resized.disconnect();
    this.scheme.removeEventListener('change', this.onScheme);
  }
}

function rgb(hex) {
  return [1, 3, 5].map((from) => parseInt(hex.slice(from, from + 2), 16));
}

// Images of models on canvases. Their bytes come channel by channel; one channel is grey, three are red, green and blue.
import { el } from '/js/dom.js';

// A canvas for images of a shape; `show(bytes)` draws one. A canvas without a name is part of something that has one.
export function picture([channels, height, width], name, properties = {}) {
  const named = name ? { role: 'img', 'aria-label': name } : { 'aria-hidden': 'true' };
  const canvas = el('canvas', { width, height, ...named, ...properties });
  const context = canvas.getContext('2d');
  const show = (bytes) => context.putImageData(pixels(bytes, [channels, height, width]), 0, 0);
  return { canvas, show };
}

// The bytes as pixels that a canvas takes.
export function pixels(bytes, [channels, height, width]) {
  const data = new ImageData(width, height);
  const size = height * width;
  for (let index = 0; index < size; index++) {
    for (let colour = 0; colour < 3; colour++) {
      data.data[4 * index + colour] = bytes[channels === 3 ? colour * size + index : index];
    }
    data.data[4 * index + 3] = 255;
  }
  return data;
}

// Images beside each other on one canvas.
export function sheet(canvas, images, shape, columns) {
  const [, height, width] = shape;
  canvas.width = columns * width;
  canvas.height = Math.ceil(images.length / columns) * height;
  const context = canvas.getContext('2d');
  images.forEach((bytes, index) => context.putImageData(pixels(bytes, shape), (index % columns) * width, Math.floor(index / columns) * height));
}

// Hands a file of the program, made of what is wanted, to the browser.
export async function download(path, wanted, name) {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(path, { method: 'POST', headers, body: JSON.stringify(wanted) });
  if (!response.ok) throw new Error((await response.json()).error);
  const link = el('a', { href: URL.createObjectURL(await response.blob()), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// Elements out of a few words.

// An element with properties, attributes, listeners (`onclick`) and children; children that are null are left out.
export function el(name, properties = {}, ...children) {
  return fill(document.createElement(name), properties, children);
}

// The same in the name space of SVG.
export function svg(name, properties = {}, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', name), properties, children);
}

function fill(element, properties, children) {
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (key === 'value' || key === 'checked' || key === 'disabled') element[key] = value;
    else element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// Puts children in place of what an element holds.
export function replace(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
}

// A number in four digits, as the program prints it; what is not there is a dash.
export function short(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  if (value === 0) return '0';
  const magnitude = Math.abs(value);
  if (!Number.isFinite(value) || magnitude < 1e-4 || magnitude >= 1e6) return value.toExponential(2);
  const decimals = Math.min(Math.max(3 - Math.floor(Math.log10(magnitude)), 0), 7);
  const text = value.toFixed(decimals);
  return text.includes('.') ? text.replace(/0+$/, '').replace(/\.$/, '') : text;
}

// Hands text to the browser as a file.
export function save(name, type, text) {
  const link = el('a', { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

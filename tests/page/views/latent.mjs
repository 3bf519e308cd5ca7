// The latent space view: sliders, drawings, maps, and codes that are the same image on the command line.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { equal, ok, until } from '../harness.mjs';

// The LeNet that reads digits is trained by the page, on few of them.
const TRAINING = 300_000;

const SMALL = ['--set', 'vae.hidden=64', '--set', 'data.test_limit=300', '--batch', '64', '--steps', '300'];
const two = (harness) => harness.trained('latent-two', 'vae', '--latent', '2', ...SMALL);
const five = async (harness) => harness.trained('latent-five', 'vae', '--latent', '5', '--data', await harness.few(process.env.DIGITS), ...SMALL);
const otherFive = (harness) => harness.trained('latent-other', 'vae', '--latent', '5', '--seed', '9', ...SMALL);

async function opened(harness, runs, { words = '', ...options } = {}) {
  const { address } = await harness.serve('explore', ...runs);
  const page = await harness.open(`${address}#latent${words}`, options);
  await decoded(page);
  return page;
}

const decoded = (page) => page.waitForFunction(() => /[?&]z=/.test(location.hash));
const pixels = (page, canvas = '#decoded') => page.locator(canvas).evaluate((one) => Array.from(one.getContext('2d').getImageData(0, 0, one.width, one.height).data).join());
const changed = (page, before, canvas) => until(async () => (await pixels(page, canvas)) !== before, 'the image changes');

export const tests = {
  async 'drags a slider, and pixels change'(harness) {
    const page = await opened(harness, [await five(harness)]);
    const before = await pixels(page);
    const slider = page.getByRole('slider', { name: 'z0', exact: true });
    const box = await slider.boundingBox();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.down();
    for (let step = 1; step <= 10; step++) await page.mouse.move(box.x + box.width * (0.5 + 0.045 * step), box.y + box.height / 2);
    await page.mouse.up();
    await changed(page, before);
    // By keys and typed it is the same.
    const dragged = await pixels(page);
    await page.fill('[aria-label="z0, typed"]', '-1.5');
    await changed(page, dragged);
    ok((await slider.inputValue()) === '-1.5', 'the slider follows');
    ok(page.url().includes('z=-1.5,'), page.url());
    // The address brings it back, and so does the file on the command line.
    const typed = await pixels(page);
    await page.reload();
    await decoded(page);
    await until(async () => (await pixels(page)) === typed, 'the address brings the image back');
  },

  async 'saves a code that the command line draws to the bit'(harness) {
    const run = await five(harness);
    const page = await opened(harness, [run]);
    const take = async (name) => {
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name, exact: true }).click()]);
      return download.path();
    };
    const [png, json] = [await take('PNG'), await take('JSON')];
    const out = join(harness.work, 'latent.png');
    await harness.wengert('sample', run, '--code', json, '--out', out);
    ok((await readFile(out)).equals(await readFile(png)), 'the same bytes');
  },

  async 'draws a digit and gets its label, its code and its neighbours'(harness) {
    const page = await opened(harness, [await five(harness)]);
    const train = page.getByRole('button', { name: /Train the LeNet/ });
    await train.click();
    await page.waitForSelector('.stage .class', { timeout: TRAINING });
    // A one, by the pointer.
    const box = await page.locator('canvas.pad').boundingBox();
    await page.mouse.move(box.x + box.width * 0.52, box.y + box.height * 0.2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.48, box.y + box.height * 0.8, { steps: 12 });
    await page.mouse.up();
    await until(async () => (await page.locator('.top .class').allTextContents()).join() === '1', 'LeNet reads a one');
    const before = await pixels(page);
    await page.click('text=Encode');
    await page.waitForSelector('figcaption:has-text("Reconstruction")');
    await changed(page, before);
    await page.click('text=Invert by gradient');
    await page.waitForSelector('p:has-text("inversion by gradient")');
    await page.click('text=Nearest training images');
    await until(async () => (await page.locator('.strip figure').count()) === 6, 'six neighbours');
    // By keys: a stroke downwards.
    await page.click('text=Clear');
    await page.focus('canvas.pad');
    for (let step = 0; step < 8; step++) await page.keyboard.press('ArrowUp');
    for (let step = 0; step < 16; step++) await page.keyboard.press('Shift+ArrowDown');
    await until(async () => (await page.locator('.top .class').allTextContents()).join() === '1', 'LeNet reads a one drawn by keys');
  },

  async 'maps codes, and a place on a map becomes the code'(harness) {
    const page = await opened(harness, [await two(harness)]);
    for (const kind of ['Manifold', 'Principal components', 't-SNE']) {
      await page.getByRole('button', { name: kind, exact: true }).click();
      const words = { Manifold: 'Both numbers', 'Principal components': 'The first two', 't-SNE': 't-SNE of 300' }[kind];
      await page.waitForFunction((part) => [...document.querySelectorAll('[role=status]')].some((one) => one.textContent.startsWith(part) && !one.textContent.endsWith('…')), words, { timeout: 120_000 });
      const before = await pixels(page);
      await page.locator('canvas.map').click({ position: { x: 60, y: 90 } });
      await changed(page, before);
    }
    const before = await pixels(page);
    await page.getByRole('button', { name: 'Manifold', exact: true }).click();
    await page.focus('canvas.map');
    for (let step = 0; step < 3; step++) await page.keyboard.press('ArrowRight');
    await changed(page, before);
  },

  async 'goes between codes, along directions and through other runs'(harness) {
    const page = await opened(harness, [await five(harness), await otherFive(harness)]);
    await page.click('text=Keep as A');
    const before = await pixels(page);
    await page.click('text=Next seed');
    await changed(page, before);
    await page.click('text=Keep as B');
    await until(async () => (await page.locator('button.image').count()) === 20, 'two strips of ten');
    const there = await pixels(page);
    await page.getByRole('button', { name: 'Great circle (slerp), step 1 of 10' }).click();
    await changed(page, there);
    equal(await pixels(page), before, 'the way begins at A');
    const [gif] = await Promise.all([page.waitForEvent('download'), page.click('text=GIF of the great circle')]);
    equal((await readFile(await gif.path())).subarray(0, 6).toString(), 'GIF89a', 'an animation');
    await page.click('text=Find principal and closed-form directions');
    await until(async () => (await page.locator('[aria-label=Direction] option').count()) === 10, 'five directions of each kind');
    await page.fill('[aria-label="Strength, typed"]', '2');
    await changed(page, before);
    await page.click('text=Find the difference');
    await until(async () => (await page.locator('[aria-label=Direction] option').first().textContent()) === '1 → 7', 'the difference');
    await page.click('text=Show the code in the other runs');
    await page.waitForSelector('figcaption:has-text("latent-other")');
    const other = '[aria-label="The code in latent-other"]';
    await until(async () => (await pixels(page, other)).split(',').some((value, index) => index % 4 === 0 && value > 60), 'an image of the other run');
    const elsewhere = await pixels(page, other);
    await page.click('text=Next seed');
    await changed(page, elsewhere, other);
  },

  async 'says what a wrong code or address lacks'(harness) {
    const page = await opened(harness, [await five(harness)]);
    const before = page.url();
    await page.click('summary');
    await page.fill('[aria-label="All numbers of the code"]', '1, nan, 3');
    await page.locator('[aria-label="All numbers of the code"]').blur();
    await page.waitForSelector('[role=alert]:has-text("takes 5 finite numbers")');
    equal(page.url(), before, 'nothing has changed');
    const status = await page.evaluate(async () => (await fetch('/api/latent/runs/0/decode', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"code": [1, NaN]}' })).status);
    equal(status, 400, 'a code that is no code');
    harness.forgive(/status of 400/);
  },

  async 'is readable enlarged, in the dark and by other means'(harness) {
    for (const options of [{}, { scheme: 'dark' }, { scale: 2 }]) {
      const page = await opened(harness, [await two(harness)], options);
      await page.getByRole('button', { name: 'Principal components', exact: true }).click();
      await page.waitForSelector('.legend b');
      await harness.accessible(page);
      await harness.fits(page);
    }
  },
};

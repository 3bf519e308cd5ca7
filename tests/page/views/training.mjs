// The training view on runs that are over, and on one that goes on.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { equal, ok, until } from '../harness.mjs';

const SHORT = ['--epochs', '3', '--set', 'data.limit=1024'];

async function twoRuns(harness) {
  return [
    await harness.trained('first', 'vae', ...SHORT),
    await harness.trained('second', 'vae', ...SHORT, '--seed', '1'),
  ];
}

async function opened(harness, runs, options) {
  const { address } = await harness.serve('study', ...runs);
  const page = await harness.open(`${address}#training`, options);
  await page.waitForSelector('.view.training[data-drawn]');
  return page;
}

// The folder of a run of so many steps, without a model.
async function made(harness, steps) {
  const folder = join(harness.work, `made-${steps}`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'config.toml'), '');
  const loss = (step, scale) => (scale / Math.sqrt(step)) * (1 + 0.1 * Math.sin(step * 12.9898));
  const line = (step) => JSON.stringify({ step, images_per_second: 50_000, generator: loss(step, 3), discriminator: loss(step, 2), total: loss(step, 5) });
  await writeFile(join(folder, 'steps.jsonl'), Array.from({ length: steps }, (_, index) => `${line(index + 1)}\n`).join(''));
  return folder;
}

export const tests = {
  async 'overlays two runs'(harness) {
    const page = await opened(harness, await twoRuns(harness));
    const charts = await page.locator('[data-chart]').evaluateAll((all) => all.map((one) => one.dataset.chart));
    equal(charts, ['total', 'kl', 'reconstruction', 'images_per_second'], 'the curves');
    const legend = await page.locator('[data-chart="total"] .u-legend .u-label').allTextContents();
    equal(legend, ['step', 'first', 'first, test', 'second', 'second, test'], 'both runs in one chart');
    // Two colours are on the canvas.
    const colours = await page.locator('[data-chart="total"] canvas').evaluate((canvas) => {
      const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
      const seen = new Set();
      for (let at = 0; at < data.length; at += 4) if (data[at + 3] > 200) seen.add(`${data[at]},${data[at + 1]},${data[at + 2]}`);
      return [...seen];
    });
    for (const colour of ['31,78,121', '179,84,30']) ok(colours.includes(colour), `${colour} is drawn`);
    await page.check('text=Logarithmic');
    await page.selectOption('.view.training select', '10');
    equal(await page.locator('[data-chart] canvas').count(), charts.length, 'all curves are drawn again');
  },

  async 'shows gradients, histograms and pictures over time'(harness) {
    const page = await opened(harness, await twoRuns(harness));
    ok((await page.textContent('.gradients')).includes('Gradient norms of first, by layer'), 'norms by layer');
    equal(await page.locator('.histogram rect').count(), 40, 'the histogram');
    ok((await page.textContent('.gradients p.mono')).startsWith('step 1: from -'), 'its caption');
    const pictures = page.locator('.pictures img');
    equal(await pictures.count(), 2, 'a picture of each run');
    ok(await pictures.first().evaluate((image) => image.decode().then(() => image.naturalWidth > 100)), 'it is drawn');
    ok((await pictures.first().getAttribute('alt')).includes('epoch 3'), 'the last epoch at first');
    await page.focus('.pictures input[type=range]');
    await page.keyboard.press('Home');
    ok((await pictures.first().getAttribute('alt')).includes('epoch 1'), 'the first epoch by the keyboard');
    await page.selectOption('.pictures select', 'reconstructions');
    await until(async () => (await pictures.first().getAttribute('src')).endsWith('/reconstructions/1'), 'reconstructions');
  },

  async 'weighs two players against each other'(harness) {
    const page = await opened(harness, [await harness.trained('game', 'gan', '--epochs', '1', '--set', 'data.limit=256')]);
    const charts = await page.locator('[data-chart]').evaluateAll((all) => all.map((one) => one.dataset.chart));
    ok(['generator', 'discriminator', 'balance'].every((name) => charts.includes(name)), charts.join());
    ok((await page.textContent('.gradients')).includes('generator’s gradient over the discriminator’s'), 'the ratio of their gradients');
  },

  async 'follows a run that goes on, and finds it again after a reload'(harness) {
    const { address, child, ended } = await harness.serve('train', 'vae', '--epochs', '1000', '--set', 'data.limit=1024', '--out', 'live', '--study');
    const page = await harness.open(`${address}#training`);
    const step = async () => Number((await page.textContent('.view.training p[aria-live]')).match(/step (\d+)/)?.[1] ?? 0);
    await until(async () => (await step()) > 5, 'steps are told');
    const before = await step();
    await until(async () => (await step()) > before + 5, 'more steps are told');
    const seen = await step();
    await page.reload();
    await page.waitForSelector('.view.training[data-drawn]');
    await until(async () => (await step()) > seen, 'the run goes on after the reload');
    await until(async () => (await page.locator('[data-chart="total"] canvas').count()) === 1, 'curves');
    child.kill('SIGINT');
    await until(async () => (await page.textContent('.view.training p[aria-live]')).includes('is over'), 'the end is told');
    await page.context().close();
    // What the page asked for as the program ended may have been refused.
    harness.forgive(/net::ERR_CONNECTION|net::ERR_EMPTY_RESPONSE/);
    await ended;
    // Its folder shows all of it, without a gap.
    const later = await opened(harness, [join(harness.work, 'live')]);
    const steps = await later.evaluate(async () => (await (await fetch('/api/training/runs/0/steps/0')).json()).steps);
    ok(steps.length > seen && steps.every((one, index) => one === index + 1), `${steps.length} steps in a row`);
  },

  // From the request of the page to its first curves.
  async 'draws 10,000 steps, and says how fast'(harness) {
    const { address } = await harness.serve('study', await made(harness, 10_000));
    const times = [];
    for (let round = 0; round < 5; round++) {
      const page = await harness.open('about:blank');
      await page.goto(`${address}#training`);
      await page.waitForSelector('.view.training[data-drawn]');
      times.push(await page.evaluate(() => new Promise((done) => {
        const drawn = Number(document.querySelector('.view.training').dataset.drawn);
        requestAnimationFrame(() => done(drawn));
      })));
      await page.context().close();
    }
    times.sort((a, b) => a - b);
    console.log(`page training: 10,000 steps are drawn after ${times.map((time) => time.toFixed(0)).join(', ')} ms`);
    ok(times.every((time) => time > 0), `${times}`);
  },

  async 'is readable enlarged, in the dark and by other means'(harness) {
    const runs = await twoRuns(harness);
    for (const options of [{}, { scheme: 'dark' }, { scale: 2 }]) {
      const page = await opened(harness, runs, options);
      await harness.accessible(page);
      await harness.fits(page);
    }
  },
};

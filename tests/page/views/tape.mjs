// The tape view against the engine as the terminal shows it.
import { readFile } from 'node:fs/promises';
import { equal, ok, until } from '../harness.mjs';

const SECOND = 'x = param([1, 2])\ny = sum(x^3)\nloss = sum(grad(y, x)^2)';

// What `wengert graph --step` prints of each backward step: its op, and dy.
async function cotangents(harness, model) {
  const text = await harness.wengert('graph', model, '--step');
  return [...text.matchAll(/: backward \d+ of \d+\n[^]*?\n +dy {2}(%\d+) {2}(\S+\[[^\]]*\]) {2}(.*)\n/g)].map(([, node, spec, numbers]) => ({ node, spec, numbers }));
}

async function opened(harness, words, options) {
  const { address } = await harness.serve('study');
  const page = await harness.open(`${address}#tape?${words}`, options);
  await page.waitForSelector('.story dd');
  return page;
}

const headline = (page) => page.textContent('#headline');
const shown = (page, way) => page.waitForFunction((expected) => document.querySelector('#headline').textContent.includes(expected), way);

export const tests = {
  async 'steps forward and backward, and shows the cotangents of the engine'(harness) {
    const expected = await cotangents(harness, 'vae');
    ok(expected.length > 10, 'the terminal shows backward steps');
    const page = await opened(harness, 'model=vae');
    const rows = page.locator('.list tr[data-node]');
    const count = await rows.count();
    const column = (index) => rows.locator(`td:nth-of-type(${index})`).allTextContents();
    await page.focus('.stage');
    equal((await column(3)).slice(1), Array(count - 1).fill('not run yet'), 'values after the first step');
    equal(await column(4), Array(count).fill('not run yet'), 'cotangents after the first step');
    for (let step = 2; step <= count; step++) await page.keyboard.press('ArrowRight');
    await shown(page, `forward ${count} of ${count}`);
    ok(!(await column(3)).includes('not run yet'), 'all values are there after the forward run');
    for (const [index, { node, spec, numbers }] of expected.entries()) {
      await page.keyboard.press('ArrowRight');
      await shown(page, `backward ${index + 1} of ${expected.length}`);
      const told = await page.textContent('.story dd.cotangent');
      equal(told, `${node}  ${spec}${numbers}`, `dy of backward step ${index + 1}`);
      const brief = await page.textContent(`.drawing g[data-node="${node.slice(1)}"] text.cotangent`);
      const listed = await page.textContent(`.list tr[data-node="${node.slice(1)}"] .cotangent`);
      equal(brief, `dy ${listed}`, 'the drawing and the list');
      const norm = numbers.match(/norm (\S+)/)?.[1] ?? numbers;
      ok(listed.endsWith(norm), `${listed} and ${norm}`);
    }
    ok((await page.locator('[data-leaf] .gradient').allTextContents()).every((text) => /\d/.test(text)), 'all parameters have gradients');
    // And back again: what had come to be is taken back.
    for (let step = expected.length; step > 1; step--) await page.keyboard.press('ArrowLeft');
    await shown(page, `backward 1 of ${expected.length}`);
    const left = await column(4);
    equal(left.filter((text) => /\d/.test(text)).length, 1, 'one cotangent is left');
    ok(!left.includes('= 0') && !left.includes('norm 0'), 'what has not run is no zero');
  },

  async 'says why a step is next, which values it used and what flowed'(harness) {
    const page = await opened(harness, 'model=vae');
    await page.click('text=Backward');
    await shown(page, 'backward 1 of');
    const first = await page.textContent('.story');
    for (const part of ['the walk begins with ∂loss/∂loss = 1', 'read again', 'flows in', 'flows out', 'formula']) ok(first.includes(part), part);
    await page.click('text=Last');
    await shown(page, 'backward 13 of 13');
    await page.click('text=First');
    await shown(page, 'forward 1 of');
  },

  async 'takes layers together'(harness) {
    const page = await opened(harness, 'model=dcgan');
    const alone = await page.locator('.list tr[data-node]').count();
    await page.check('text=Layers together');
    const together = await page.locator('.list tr[data-node]').count();
    ok(together < alone, `${together} rows of ${alone}`);
    await page.focus('.stage');
    await page.keyboard.press('End');
    await page.keyboard.press('c');
    equal(await page.locator('.list tr[data-node]').count(), alone, 'ops again');
    await page.keyboard.press('Home');
    await shown(page, 'forward 1 of');
  },

  async 'differentiates the gradient of the WGAN-GP penalty on a second sheet'(harness) {
    const page = await opened(harness, 'model=wgan-gp');
    await page.click('button:has-text("the gradient of a gradient")');
    await page.waitForSelector('button[aria-pressed="true"]:has-text("the gradient of a gradient")');
    await page.waitForSelector('.drawing .op.second');
    const penalty = await page.textContent('button[aria-pressed="true"]');
    const text = await harness.wengert('graph', 'wgan-gp', '--second', '--step');
    const [, value] = text.match(/^(?:\S+) loss of wgan-gp: (\S+);/);
    ok((await page.textContent('.view')).includes(`loss of wgan-gp: ${value}`), `${penalty} is ${value}`);
    await page.reload();
    await page.waitForSelector('button[aria-pressed="true"]:has-text("the gradient of a gradient")');
  },

  async 'runs snippets, and says what is wrong with them'(harness) {
    const page = await opened(harness, `snippet=${encodeURIComponent(SECOND)}`);
    ok((await page.textContent('.view')).includes('loss of the snippet: 153'), 'the value of the loss');
    await page.focus('.stage');
    await page.keyboard.press('End');
    await until(async () => (await page.textContent('[data-leaf="0"] .gradient')).includes('290.2'), 'the norm of 36 x³');
    await page.fill('textarea', 'x = param(normal(3))\ny = tan(x)');
    await page.click('form:not([hidden]) button:has-text("Run")');
    const message = await page.textContent('[role=alert]');
    ok(message.startsWith('line 2, column 5: there is no function tan; did you mean'), message);
    equal(harness.forgive(/status of 400/), 1, 'the console tells of the refusal');
    await page.fill('textarea', 'x = param(normal(3))\ny = sum(x^2)');
    await page.click('form:not([hidden]) button:has-text("Run")');
    await page.waitForSelector('[role=alert]', { state: 'detached' });
    await until(async () => (await page.locator('.list tr[data-node]').count()) === 2, 'two ops of the mended snippet');
  },

  async 'saves SVG, DOT and JSON'(harness) {
    const page = await opened(harness, 'model=vae');
    const saved = async (name) => {
      const [download] = await Promise.all([page.waitForEvent('download'), page.click(`text="${name}"`)]);
      return readFile(await download.path(), 'utf8');
    };
    const svg = await saved('SVG');
    ok(svg.startsWith('<?xml') && svg.includes('%1 linear') && svg.includes('fill="rgb'), 'a drawing of its own');
    const problem = await page.evaluate((text) => new DOMParser().parseFromString(text, 'image/svg+xml').querySelector('parsererror')?.textContent, svg);
    equal(problem ?? null, null, 'it parses');
    equal(await saved('DOT'), await harness.wengert('graph', 'vae', '--dot'), 'the DOT of the program');
    equal(JSON.parse(await saved('JSON')), JSON.parse(await harness.wengert('graph', 'vae', '--json')), 'the JSON of the program');
  },

  async 'is readable enlarged, in the dark and by other means'(harness) {
    for (const options of [{}, { scheme: 'dark' }, { scale: 2 }]) {
      const page = await opened(harness, 'model=vae', options);
      await page.click('text=Backward');
      await shown(page, 'backward 1 of');
      await harness.accessible(page);
      await harness.fits(page);
    }
  },

  async 'is driven by the keyboard alone'(harness) {
    const page = await opened(harness, 'model=vae');
    await page.focus('body');
    let reached = false;
    for (let presses = 0; presses < 30 && !reached; presses++) {
      await page.keyboard.press('Tab');
      reached = await page.evaluate(() => document.activeElement.classList.contains('stage'));
    }
    ok(reached, 'Tab leads to the walk');
    await page.keyboard.press('b');
    await shown(page, 'backward 1 of');
    ok((await headline(page)).startsWith('step 14 of 26'), await headline(page));
  },
};

// The playground: games that cover, collapse and are mended; keys, drawing, and what the page looks like.
import { equal, ok, until } from '../harness.mjs';

// Training runs on whatever processor there is.
const LONG = 240_000;

async function opened(harness, preset, options) {
  const { address } = await harness.serve('study');
  const page = await harness.open(`${address}#playground${preset ? `?preset=${preset}` : ''}`, options);
  await until(async () => (await told(page, 'step')) === '0', 'the first frame');
  return page;
}

// What the table of numbers says.
async function told(page, name) {
  const cell = page.locator(`.numbers tr[data-name="${name}"] td`);
  return (await cell.count()) ? cell.textContent() : null;
}

const step = async (page) => Number(await told(page, 'step'));
const covered = async (page) => Number((await told(page, 'modes covered')).split(' ')[0]);
const press = (page, name) => page.getByRole('button', { name, exact: true }).click();

async function rest(page, steps) {
  await until(async () => (await told(page, 'step')) === String(steps), `${steps} steps`);
}

export const tests = {
  async 'trains until all eight modes are covered'(harness) {
    const page = await opened(harness, 'covers');
    ok((await covered(page)) < 8, 'nothing is covered at first');
    await press(page, 'Run');
    await until(async () => (await covered(page)) === 8, 'eight modes', LONG);
    await press(page, 'Pause');
    await until(async () => page.getByRole('button', { name: 'Run', exact: true }).isVisible(), 'the pause');
    ok(/of 8 modes covered/.test(await page.getByRole('status').textContent()), 'the coverage is read aloud');
  },

  async 'collapses, and is mended on the fly'(harness) {
    const page = await opened(harness, 'collapses');
    await press(page, 'Run');
    await until(async () => (await step(page)) >= 150 && (await covered(page)) <= 2, 'the collapse', LONG);
    const before = await step(page);
    await page.getByRole('button', { name: /^Mend it/ }).click();
    await until(async () => (await covered(page)) === 8, 'the mending', LONG);
    ok((await step(page)) > before, 'the game went on');
  },

  // The first preset moves D five times a step.
  async 'steps players by keys and changes the rules on the fly'(harness) {
    const page = await opened(harness);
    for (const [name, moves] of [['Step D', '1, 0'], ['Step G', '1, 1'], ['Step', '6, 2']]) {
      await page.getByRole('button', { name, exact: true }).focus();
      await page.keyboard.press('Enter');
      await until(async () => (await told(page, 'moves of D, of G')) === moves, `${name} by the keyboard`);
    }
    for (const loss of ['minimax', 'least-squares', 'wasserstein', 'wasserstein-gp', 'hinge', 'non-saturating']) {
      const from = await step(page);
      await page.getByRole('combobox', { name: 'Loss', exact: true }).selectOption(loss);
      await page.getByLabel('Moves of D a step').fill('2');
      await page.keyboard.press('Tab');
      await press(page, 'Step');
      await rest(page, from + 1);
      equal((await told(page, 'loss: penalty')) !== null, loss === 'wasserstein-gp', `the penalty of ${loss}`);
    }
    ok(await page.getByLabel('Spectral normalisation of D').isChecked(), 'SN-hinge brings its normalisation along');
    await page.getByRole('combobox', { name: 'Speed', exact: true }).selectOption('5 a second');
    await press(page, 'Run');
    const begun = await step(page);
    await page.waitForTimeout(1500);
    const slow = (await step(page)) - begun;
    ok(slow >= 2 && slow <= 12, `${slow} steps in a second and a half`);
    await press(page, 'Reset');
    await rest(page, 0);
  },

  async 'gives the same numbers for the same seed'(harness) {
    const page = await opened(harness);
    const play = async () => {
      await press(page, '100 steps');
      await rest(page, 100);
      await until(async () => page.getByRole('button', { name: 'Run', exact: true }).isVisible(), 'the pause');
      return [await told(page, 'loss: generator'), await told(page, 'gradient norm: discriminator')];
    };
    const first = await play();
    await press(page, 'Reset');
    await rest(page, 0);
    equal(await play(), first, 'the numbers of step 100');
  },

  async 'does what it is told before it has begun'(harness) {
    const page = await opened(harness);
    await page.route('**/api/playground/sessions', async (route) => {
      await page.waitForTimeout(500);
      await route.continue();
    });
    await press(page, 'Reset');
    await press(page, 'Step');
    await rest(page, 1);
  },

  async 'learns points that are drawn by mouse and by keys'(harness) {
    const page = await opened(harness);
    await page.getByRole('combobox', { name: 'Data', exact: true }).selectOption('drawn');
    const plane = page.getByRole('application');
    await plane.focus();
    for (const key of ['ArrowRight', 'Space', 'ArrowUp', 'Space', 'Space', 'Backspace']) await page.keyboard.press(key);
    await page.getByText('1 point.').waitFor();
    const box = await plane.boundingBox();
    await page.mouse.move(box.x + 50, box.y + 50);
    await page.mouse.down();
    await page.mouse.move(box.x + 150, box.y + 80, { steps: 12 });
    await page.mouse.up();
    await press(page, 'Learn these points');
    await rest(page, 0);
    await press(page, '100 steps');
    await rest(page, 100);
    await press(page, 'Clear points');
    await until(async () => (await told(page, 'step')) === null, 'the end of the session');
  },

  async 'trains a variational autoencoder'(harness) {
    const page = await opened(harness, 'vae');
    ok(!(await page.getByRole('button', { name: 'Step D' }).isVisible()), 'there are no players');
    await press(page, 'Run');
    await until(async () => Number.parseInt(await told(page, 'data near a sample'), 10) >= 80, 'the moons', LONG);
  },

  async 'says what is wrong and goes on'(harness) {
    const page = await opened(harness);
    await page.evaluate(() => fetch('/api/playground/sessions', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"seed": NaN}' }));
    equal(harness.forgive(/400 \(Bad Request\)/), 1, 'the console notes the refusal');
    await press(page, 'Step');
    await rest(page, 1);
  },

  async 'is readable in dark, enlarged, and to axe'(harness) {
    for (const options of [{}, { scheme: 'dark' }, { scale: 2 }]) {
      const page = await opened(harness, 'covers', options);
      await press(page, 'Run');
      await until(async () => (await step(page)) > 50, 'some steps', LONG);
      await press(page, 'Pause');
      await harness.accessible(page);
      await harness.fits(page);
      await harness.clear();
    }
  },
};

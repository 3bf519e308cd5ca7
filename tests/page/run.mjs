// Runs the tests of the page, or those of the views that are named. `WENGERT` is the program.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Harness } from './harness.mjs';

const folder = join(dirname(fileURLToPath(import.meta.url)), 'views');
const wanted = process.argv.slice(2);
const files = (await readdir(folder)).filter((file) => file.endsWith('.mjs')).sort();
const work = await mkdtemp(join(tmpdir(), 'wengert-page-'));
const harness = await Harness.start(process.env.WENGERT, work);
let failed = 0;
try {
  for (const file of files) {
    const view = file.replace('.mjs', '');
    if (wanted.length && !wanted.includes(view)) continue;
    const { tests } = await import(join(folder, file));
    for (const [name, test] of Object.entries(tests)) {
      const begun = performance.now();
      let outcome = 'ok';
      try {
        await test(harness);
        harness.check();
      } catch (error) {
        failed += 1;
        outcome = `FAILED\n${error.stack}`;
      }
      await harness.clear();
      console.log(`page ${view}: ${name} ... ${outcome} (${((performance.now() - begun) / 1000).toFixed(1)} s)`);
    }
  }
} finally {
  await harness.end();
  await rm(work, { recursive: true, force: true });
}
if (failed) {
  console.error(`${failed} tests of the page failed`);
  process.exit(1);
}

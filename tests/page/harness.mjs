// What tests of the page share: the program, a browser, and a watch over both.
import { execFile, spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';

const run = promisify(execFile);
const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

// Images of the part of MNIST that a classifier is trained on in moments, and of its test part.
const FEW = { train: 5000, t10k: 500 };

// What a view may take to appear.
const PATIENCE = 20_000;

export class Harness {
  static async start(program, work) {
    if (!program) throw new Error('WENGERT must be the path of the program');
    const harness = new Harness();
    // What is kept between runs of the program is kept for these tests alone.
    const env = { ...process.env, WENGERT_CACHE: join(work, 'cache') };
    Object.assign(harness, { program, work, env, children: [], contexts: [], complaints: [], runs: new Map() });
    // Everything in the page is our own; the sandbox of Chromium cannot be had as root in a container.
    harness.browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
    return harness;
  }

  // Runs a command of the program to its end and gives what it printed.
  async wengert(...args) {
    const running = run(this.program, args, { cwd: this.work, env: this.env, maxBuffer: 1 << 26 });
    // Some commands take orders from there.
    running.child.stdin.end();
    const { stdout } = await running;
    return stdout;
  }

  // A folder with the first images of MNIST, of which `digits` is the folder.
  async few(digits) {
    this.digits ??= (async () => {
      const folder = join(this.work, 'few');
      await mkdir(folder);
      for (const [split, count] of Object.entries(FEW)) {
        for (const [file, header, bytes] of [['images-idx3-ubyte', 16, 784], ['labels-idx1-ubyte', 8, 1]]) {
          const name = `${split}-${file}`;
          const part = gunzipSync(await readFile(join(digits, `${name}.gz`))).subarray(0, header + count * bytes);
          part.writeUInt32BE(count, 4);
          await writeFile(join(folder, name), part);
        }
      }
      return folder;
    })();
    return this.digits;
  }

  // The folder of a short run, trained once; `args` are those of `wengert train`.
  async trained(name, ...args) {
    if (!this.runs.has(name)) {
      this.runs.set(name, this.wengert('train', ...args, '--out', name, '--quiet').then(() => join(this.work, name)));
    }
    return this.runs.get(name);
  }

  // Starts a command that serves a page; gives its address and the process.
  async serve(...args) {
    const child = spawn(this.program, [...args, '--no-open', '--port', '0'], { cwd: this.work, env: this.env });
    this.children.push(child);
    let printed = '';
    child.stderr.on('data', (data) => { printed += data; });
    const address = await new Promise((resolve, reject) => {
      child.stdout.on('data', (data) => {
        printed += data;
        const found = printed.match(/http:\/\/127\.0\.0\.1:\d+\//);
        if (found) resolve(found[0]);
      });
      child.on('exit', (code) => reject(new Error(`${args.join(' ')} ended with ${code}: ${printed}`)));
    });
    const ended = new Promise((resolve) => child.on('exit', resolve));
    return { address, child, ended };
  }

  // A page that complains of console errors, of requests that fail and of any that leaves this machine.
  async open(address, { width = 1280, height = 800, scheme = 'light', scale = 1 } = {}) {
    const context = await this.browser.newContext({
      viewport: { width: width / scale, height: height / scale }, deviceScaleFactor: scale, colorScheme: scheme, acceptDownloads: true,
    });
    this.contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    const complain = (what) => this.complaints.push(what);
    page.on('console', (message) => message.type() === 'error' && complain(`console: ${message.text()}`));
    page.on('pageerror', (error) => complain(`error: ${error.stack}`));
    page.on('request', (request) => {
      const { protocol, hostname } = new URL(request.url());
      if (!['blob:', 'data:'].includes(protocol) && hostname !== '127.0.0.1') complain(`request to ${request.url()}`);
    });
    await page.goto(address);
    return page;
  }

  // An expected complaint, such as the console's own line about a refused request.
  forgive(pattern) {
    const before = this.complaints.length;
    this.complaints = this.complaints.filter((complaint) => !pattern.test(complaint));
    return before - this.complaints.length;
  }

  check() {
    if (this.complaints.length) throw new Error(`the page complained:\n${this.complaints.join('\n')}`);
  }

  // No serious finding of axe.
  async accessible(page) {
    // Evaluated and not inserted: the page's policy forbids scripts of others.
    await page.evaluate(await readFile(axe, 'utf8'));
    const findings = await page.evaluate(async () => (await window.axe.run()).violations.map(({ id, impact, help, nodes }) =>
      ({ id, impact, help, where: nodes.slice(0, 3).map((node) => node.target.join(' ')) })));
    const serious = findings.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    if (serious.length) throw new Error(`axe: ${JSON.stringify(serious, null, 2)}`);
  }

  // Nothing is cut off at the side: a page that is too wide is hard to read enlarged.
  async fits(page) {
    const [have, need] = await page.evaluate(() => [document.documentElement.clientWidth, document.documentElement.scrollWidth]);
    if (need > have + 1) throw new Error(`the page is ${need} wide where there is room for ${have}`);
  }

  // Closes what a test has opened.
  async clear() {
    await Promise.all(this.contexts.splice(0).map((context) => context.close()));
    for (const child of this.children.splice(0)) {
      if (child.exitCode === null) child.kill('SIGKILL');
    }
    this.complaints = [];
  }

  async end() {
    await this.clear();
    await this.browser.close();
  }
}

export function equal(actual, expected, what) {
  const [a, b] = [actual, expected].map((value) => JSON.stringify(value));
  if (a !== b) throw new Error(`${what}: ${a}, and not ${b}`);
}

export function ok(condition, what) {
  if (!condition) throw new Error(what);
}

// Waits until something holds.
export async function until(condition, what, patience = PATIENCE) {
  const end = Date.now() + patience;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

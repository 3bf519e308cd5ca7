// What is known of a run: out of its folder, and out of live events while it goes on.
import { get } from '/js/api.js';

export class History {
  constructor(run) {
    this.run = run;
    this.steps = [];
    this.speed = [];
    this.losses = new Map();
    this.gradients = [];
    this.epochs = [];
    this.every = 1;
  }

  static async of(run) {
    const history = new History(run);
    const at = `/api/training/runs/${run.index}`;
    const [epochs, steps, gradients] = await Promise.all([get(`${at}/epochs`), get(`${at}/steps/0`), get(`${at}/gradients/0`)]);
    history.epochs = epochs;
    history.gradients = gradients;
    history.every = steps.every;
    history.append(steps);
    return history;
  }

  get lastStep() {
    return this.steps.at(-1) ?? 0;
  }

  // Takes in columns of steps; those that are known already are passed over.
  append({ steps, images_per_second: speed, losses }) {
    const last = this.lastStep;
    const from = steps.findIndex((step) => step > last);
    if (from < 0) return;
    const before = this.steps.length;
    this.steps.push(...steps.slice(from));
    this.speed.push(...speed.slice(from));
    for (const [name, values] of Object.entries(losses)) {
      if (!this.losses.has(name)) this.losses.set(name, Array(before).fill(null));
      this.losses.get(name).push(...values.slice(from));
    }
    for (const values of this.losses.values()) {
      while (values.length < this.steps.length) values.push(null);
    }
  }

  addEpoch(record) {
    this.epochs = [...this.epochs.filter((one) => one.epoch < record.epoch), record];
  }

  addGradients(record) {
    if (record.step > (this.gradients.at(-1)?.step ?? 0)) this.gradients.push(record);
  }
}

// Records as columns.
function columns(records) {
  const others = new Set(['step', 'images_per_second']);
  const names = new Set(records.flatMap((record) => Object.keys(record)).filter((name) => !others.has(name)));
  return {
    steps: records.map((record) => record.step),
    images_per_second: records.map((record) => record.images_per_second),
    losses: Object.fromEntries([...names].map((name) => [name, records.map((record) => record[name] ?? null)])),
  };
}

// Takes in what a run tells while it goes on; a gap, of events that were dropped or came before the page listened, is
// filled from the folder. Gives a function that stops it.
export function follow(history, changed, epoch, over) {
  const source = new EventSource('/api/training/live');
  let filling = false;
  const fill = async () => {
    if (filling) return;
    filling = true;
    try {
      // The program writes its records twice a second.
      await new Promise((done) => setTimeout(done, 700));
      history.append(await get(`/api/training/runs/${history.run.index}/steps/${history.lastStep}`));
      changed();
    } catch {
      // The next event finds the same gap.
    }
    filling = false;
  };
  source.addEventListener('batch', (event) => {
    const told = JSON.parse(event.data);
    const first = told.steps[0]?.step;
    if (first !== undefined && first > history.lastStep + 1) fill();
    else if (!filling) history.append(columns(told.steps));
    told.gradients.forEach((record) => history.addGradients(record));
    told.epochs.forEach((record) => history.addEpoch(record));
    changed();
    if (told.epochs.length) epoch();
  });
  source.addEventListener('end', () => {
    source.close();
    over();
  });
  return () => source.close();
}

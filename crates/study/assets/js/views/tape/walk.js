// A place in a tape: which steps are taken together, which one is shown, and what has come to be by then.

export const NOT_RUN = 'not run yet';

export class Walk {
  constructor(sheet, collapsed) {
    this.sheet = sheet;
    this.forward = sheet.nodes.length;
    this.length = this.forward + sheet.backward.length;
    // The backward step of each op, and how many parts each cotangent comes in.
    this.backOf = new Map(sheet.backward.map((step, index) => [step.node, index]));
    this.parts = count(sheet.backward);
    this.groups = [];
    this.collapse(collapsed, 0);
  }

  // Cuts the steps into stops and the ops into boxes; the stop of `step` is shown.
  collapse(collapsed, step = this.step) {
    this.collapsed = collapsed;
    const group = (length, key) => {
      const groups = [];
      for (let index = 0; index < length; index++) {
        const last = groups.at(-1);
        if (collapsed && last && key(index) !== '' && key(last[0]) === key(index)) last.push(index);
        else groups.push([index]);
      }
      return groups;
    };
    const layer = (index) => this.sheet.nodes[index].layer;
    this.groups = group(this.forward, layer);
    const way = (at) => (at < this.forward ? 'f' : 'b');
    const ofStep = (at) => {
      const name = layer(this.nodeOf(at));
      return name === '' ? '' : way(at) + name;
    };
    this.stops = group(this.length, ofStep);
    this.goTo(step);
  }

  // The op that a step is about.
  nodeOf(step) {
    return step < this.forward ? step : this.sheet.backward[step - this.forward].node;
  }

  goTo(step) {
    const wanted = Math.min(Math.max(step, 0), this.length - 1);
    this.stop = this.stops.findIndex((stop) => stop.at(-1) >= wanted);
  }

  move(stops) {
    this.stop = Math.min(Math.max(this.stop + stops, 0), this.stops.length - 1);
  }

  get steps() {
    return this.stops[this.stop];
  }

  // The last step that has run.
  get step() {
    return this.stops?.[this.stop]?.at(-1) ?? 0;
  }

  get backDone() {
    return Math.max(this.step + 1 - this.forward, 0);
  }

  isHere(node) {
    return this.steps.some((step) => this.nodeOf(step) === node);
  }

  // What an op has made, or null where it has not run.
  value(node) {
    return node <= this.step ? this.sheet.nodes[node].value : null;
  }

  // The cotangent of an op whose backward step has run, or null.
  cotangent(node) {
    const back = this.backOf.get(node);
    return back !== undefined && back < this.backDone ? this.sheet.backward[back].cotangent : null;
  }

  // The same for a list or a drawing: a number, or how far it has come.
  cotangentText(group) {
    const [first, last] = [group[0], group.at(-1)];
    const cotangent = this.cotangent(first) && this.cotangent(last);
    if (cotangent) return cotangent.brief;
    if (this.step < this.forward - 1) return NOT_RUN;
    const next = this.sheet.backward[this.backDone]?.node;
    if (group.includes(next)) return 'next';
    const arrived = count(this.sheet.backward.slice(0, this.backDone));
    const states = group.map((node) => {
      const [have, all] = [arrived.get(`node${node}`) ?? 0, this.parts.get(`node${node}`) ?? 0];
      return have === 0 ? 0 : have < all ? 1 : 2;
    });
    return [NOT_RUN, 'in part', 'complete'][Math.max(...states)];
  }

  // The gradient of a leaf, or how far it has come.
  leafText(leaf) {
    const arrived = count(this.sheet.backward.slice(0, this.backDone)).get(`leaf${leaf}`) ?? 0;
    if (arrived === 0) return NOT_RUN;
    return arrived < this.parts.get(`leaf${leaf}`) ? 'in part' : this.sheet.leaves[leaf].gradient.brief;
  }
}

// How many parts of its cotangent each op and leaf gets by these steps.
function count(steps) {
  const parts = new Map();
  for (const step of steps) {
    for (const to of step.to) {
      const key = to.node !== undefined ? `node${to.node}` : `leaf${to.leaf}`;
      parts.set(key, (parts.get(key) ?? 0) + 1);
    }
  }
  return parts;
}

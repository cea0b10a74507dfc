// Reads machine configs in XState: one JSON object per line in, what XState makes of it per line out.
//
//   in   a config, as `pawl convert --to xstate` writes it
//   out  [ { path, type, initial, transitions: [[target path, …], …], invokes: [id, …] }, … ], the
//        states in document order; the transitions of each sorted; or { thrown } if XState refuses the config

import { createInterface } from 'node:readline';
import { createMachine } from 'xstate';

const text = (targets) => JSON.stringify(targets);
const byText = (one, other) => (text(one) < text(other) ? -1 : 1);
const path = (node) => node.path.join(' / ');

function state(node) {
  const candidates = [...node.transitions.values()].flat().concat(node.always ?? []);
  const initial = node.type === 'compound' ? node.initial.target : [];
  const own = node.type === 'history' ? [] : candidates;
  return {
    path: path(node),
    type: node.type,
    initial: initial.map(path),
    transitions: own.map(({ target }) => (target ?? []).map(path)).sort(byText),
    invokes: node.invoke.map(({ id }) => id),
  };
}

const below = (node) => [state(node), ...Object.values(node.states).flatMap(below)];

for await (const line of createInterface({ input: process.stdin })) {
  let found;
  try {
    found = below(createMachine(JSON.parse(line)).root);
  } catch (error) {
    found = { thrown: String(error.message) };
  }
  console.log(JSON.stringify(found));
}

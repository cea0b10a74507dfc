// Runs machines in XState: one JSON object per line in, one per line out.
//
//   in   { machine, steps }: a config whose functions are written as below, and
//        steps `{ send: event }` or `{ advance: milliseconds }`
//   out  [ seen, … ]: what the actor shows at its start and after each step:
//        { status, value, context, output, log, error }; or { thrown } if XState refuses the config
//
// Functions as JSON (`code` is a JavaScript expression over `context` and `event`):
//
//   guard    { test: code } | { in: '#id' } | { and: [guard, …] } | { or: [guard, …] } | { not: guard }
//   action   { assign: { field: code, … } } | { log: code } | { cancel: id }
//            | { raise: type, x: code, delay: milliseconds?, id: text? }
//   output   { v: code }

import { createInterface } from 'node:readline';
import { and, assign, cancel, createActor, createMachine, not, or, raise, SimulatedClock, stateIn } from 'xstate';

const LONGEST_MACROSTEP = 1000;

let log = [];

const compiled = (code) => new Function('context', 'event', `return ${code}`);

function guard(written) {
  if ('test' in written) {
    const test = compiled(written.test);
    return ({ context, event }) => test(context, event);
  }
  if ('in' in written) return stateIn(written.in);
  if ('not' in written) return not(guard(written.not));
  if ('and' in written) return and(written.and.map(guard));
  return or(written.or.map(guard));
}

function action(written) {
  if ('log' in written) {
    const line = compiled(written.log);
    return ({ context, event }) => log.push(String(line(context, event)));
  }
  if ('raise' in written) {
    const x = compiled(written.x);
    const raised = ({ context, event }) => ({ type: written.raise, x: x(context, event) });
    return 'delay' in written ? raise(raised, { delay: written.delay, id: written.id }) : raise(raised);
  }
  if ('cancel' in written) return cancel(written.cancel);
  const fields = Object.entries(written.assign).map(([name, code]) => {
    const value = compiled(code);
    return [name, ({ context, event }) => value(context, event)];
  });
  return assign(Object.fromEntries(fields));
}

function output(written) {
  const v = compiled(written.v);
  return ({ context, event }) => ({ v: v(context, event) });
}

// A copy of the config in which every guard, action and output is a function.
function revived(value, key) {
  if (key === 'guard') return guard(value);
  if (key === 'actions' || key === 'entry' || key === 'exit') return value.map(action);
  if (key === 'output') return output(value);
  if (key === 'context') return value;
  if (Array.isArray(value)) return value.map((each) => revived(each));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([k, each]) => [k, revived(each, k)]));
}

function run({ machine, steps }) {
  log = [];
  const clock = new SimulatedClock();
  const options = { maxIterations: LONGEST_MACROSTEP };
  const actor = createActor(createMachine({ ...revived(machine), options }), { clock });
  let error;
  actor.subscribe({ error: (thrown) => (error = thrown) });

  const seen = () => {
    const { status, value, context, output } = actor.getSnapshot();
    const line = { status, value, context, output, log, error: error && String(error.message ?? error) };
    log = [];
    return line;
  };

  actor.start();
  const answer = [seen()];
  for (const step of steps) {
    if ('advance' in step) clock.increment(step.advance);
    else actor.send(step.send);
    answer.push(seen());
  }
  actor.stop();
  return answer;
}

function answered(line) {
  try {
    return run(JSON.parse(line));
  } catch (thrown) {
    return { thrown: String(thrown.stack) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(answered(line))}\n`);
}

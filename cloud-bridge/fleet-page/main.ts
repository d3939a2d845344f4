/** The fleet page in the browser. Every text of a gateway goes in as text: nothing it says can become markup. */
import { fetchFleet, forgetKey, keepKey, mostGateways, readKey, type Fleet } from './client.ts';
import { counted, inOrder, lasted, lineOf, totalsOf, type Gateway, type Line } from './fleet-words.ts';

const everyMs = 15_000;
const rowsAPage = 100;

function part<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new TypeError(`the page has no ${id}`);
  return found;
}
const gate = part('gate', HTMLFormElement);
const keyInput = part('key', HTMLInputElement);
const problem = part('problem', HTMLParagraphElement);
const section = part('fleet', HTMLElement);
const rows = part('rows', HTMLTableSectionElement);
const find = part('find', HTMLInputElement);
const link = part('link', HTMLParagraphElement);
const forget = part('forget', HTMLButtonElement);
const banners = part('banners', HTMLDivElement);
const old = part('old', HTMLParagraphElement);
const [before, after] = [part('before', HTMLButtonElement), part('after', HTMLButtonElement)];

/** What is shown, and when it came by this browser's monotonic clock. */
let shown: { readonly fleet: Fleet; readonly atMs: number } | null = null;
/** Why there is nothing newer, or null. */
let away: string | null = null;
let firstRow = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
let asking = false;

function make(tag: string, text = '', className = ''): HTMLElement {
  const element = document.createElement(tag);
  if (text !== '') element.textContent = text;
  if (className !== '') element.className = className;
  return element;
}
/** Replaces a text only when it differs, so that a screen reader hears what is new and nothing else. */
function say(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

function rowOf(line: Line): HTMLElement {
  const row = make('tr', '', `is-${line.condition}`);
  const cell = (label: string, ...children: readonly (HTMLElement | string)[]) => {
    const made = make('td');
    made.dataset['label'] = label;
    made.append(...children);
    row.append(made);
  };
  const state = make('strong', '', 'badge');
  const sign = make('span', line.sign);
  sign.setAttribute('aria-hidden', 'true');
  state.append(sign, ` ${line.state}`);
  cell('State', state, make('span', line.since, 'hint'));
  const name = make('th', line.gateway);
  name.setAttribute('scope', 'row');
  name.dataset['label'] = 'Gateway';
  if (line.fork !== '') name.append(make('span', line.fork, 'warn'));
  row.append(name);
  cell('Site', make('span', line.site));
  cell('Newest data', make('span', line.data), ...(line.dataNote === '' ? [] : [make('span', line.dataNote, 'hint')]));
  // With a blank between two, for those who hear them.
  const alerts = line.alerts.flatMap(({ priority, text }) => [make('span', text, `tag is-${priority}`), ' ']);
  cell('Open alerts', ...(alerts.length > 0 ? alerts : [make('span', 'none', 'hint')]));
  cell('Records not here', make('span', line.missing));
  cell('Clock', make('span', line.clock));
  cell('Agent', make('span', line.agent));
  return row;
}

function wanted(fleet: readonly Gateway[]): readonly Gateway[] {
  const text = find.value.trim().toLowerCase();
  return fleet.filter(({ gateway, site }) => `${site} ${gateway}`.toLowerCase().includes(text));
}

function show(): void {
  const hasKey = readKey() !== null;
  gate.hidden = hasKey;
  forget.hidden = !hasKey;
  section.hidden = shown === null || !hasKey;
  showAge();
  if (shown === null || !hasKey) return;
  // As it was when the bridge answered: without a newer answer nobody knows that it went on.
  const { gateways, nowMs } = shown.fleet;
  const found = inOrder(wanted(gateways), nowMs);
  firstRow = Math.min(firstRow, Math.max(0, Math.ceil(found.length / rowsAPage) - 1) * rowsAPage);
  const page = found.slice(firstRow, firstRow + rowsAPage);
  rows.replaceChildren(...page.map((one) => rowOf(lineOf(one, nowMs))));
  const of = found.length === 0 ? '0' : `${counted(firstRow + 1)}–${counted(firstRow + page.length)}`;
  say(part('place', HTMLParagraphElement), `${of} of ${counted(found.length)}`);
  before.disabled = firstRow === 0;
  after.disabled = firstRow + rowsAPage >= found.length;
  part('totals', HTMLElement).replaceChildren(
    ...totalsOf(gateways, nowMs).map(([name, count, isBad]) => {
      const figure = make('div', '', isBad ? 'figure-bad' : '');
      figure.append(make('dt', name), make('dd', counted(count)));
      return figure;
    }),
  );
}

/** How old what is shown is, and what stands between it and the truth. */
function showAge(): void {
  const told: string[] = [];
  if (shown !== null) {
    const { fleet } = shown;
    if (away !== null) told.push(`${away} What is shown is old.`);
    if (!fleet.brokerConnected) told.push('The bridge is not connected to its broker: no gateway can reach it now.');
    if (!fleet.storeWritable) told.push('The bridge cannot store at present: gateways keep what they have.');
    if (!fleet.complete) told.push(`There are more than ${counted(mostGateways)} gateways; the rest is not shown.`);
  } else if (away !== null) told.push(away);
  for (const [at, text] of told.entries()) {
    const line = banners.children.item(at) ?? banners.appendChild(make('p', '', 'banner'));
    if (line instanceof HTMLElement) say(line, text);
  }
  while (banners.children.length > told.length) banners.lastElementChild?.remove();
  // Not among what a screen reader is told of: it changes every second.
  old.hidden = away === null || shown === null;
  if (shown !== null && away !== null) say(old, `Age of what is shown: ${lasted(performance.now() - shown.atMs)}`);
  section.classList.toggle('is-old', away !== null);
  link.hidden = readKey() === null;
  link.classList.toggle('link-bad', away !== null);
  say(link, away === null ? (shown === null ? 'Asking the bridge' : 'Bridge answers') : 'No answer from the bridge');
  const asOf = shown === null ? '' : new Date(shown.fleet.nowMs).toLocaleTimeString('en-GB');
  say(
    part('as-of', HTMLParagraphElement),
    shown === null ? '' : `As of ${asOf}, by the clock of the bridge. Asked again every ${everyMs / 1000} s.`,
  );
}

function refuse(text: string): void {
  forgetKey();
  shown = null;
  away = null;
  show();
  problem.hidden = false;
  say(problem, text);
  keyInput.focus();
  keyInput.select();
}

/** Asks once, shows what came, and asks again later while there is a key and somebody looks. */
async function refresh(): Promise<void> {
  clearTimeout(timer);
  const key = readKey();
  if (key === null || asking) return;
  asking = true;
  const answer = await fetchFleet(key);
  asking = false;
  // Forgotten or replaced while the bridge was thinking.
  if (readKey() !== key) return void refresh();
  if (answer.kind === 'refused') return refuse(answer.text);
  if (answer.kind === 'fleet') {
    away = null;
    shown = { fleet: answer.fleet, atMs: performance.now() };
    problem.hidden = true;
  } else away = answer.text;
  show();
  if (!document.hidden) timer = setTimeout(() => void refresh(), everyMs);
}

gate.addEventListener('submit', (event) => {
  event.preventDefault();
  const key = keyInput.value.trim();
  if (!/^\S{1,200}$/.test(key) || !/^[\x21-\x7e]+$/.test(key)) {
    problem.hidden = false;
    say(problem, 'A key is one word of letters, digits and signs, without blanks.');
    return;
  }
  keepKey(key);
  keyInput.value = '';
  problem.hidden = true;
  show();
  void refresh();
});
forget.addEventListener('click', () => {
  forgetKey();
  shown = null;
  away = null;
  rows.replaceChildren();
  show();
  keyInput.focus();
});
find.addEventListener('input', () => {
  firstRow = 0;
  show();
});
before.addEventListener('click', () => {
  firstRow = Math.max(0, firstRow - rowsAPage);
  show();
});
after.addEventListener('click', () => {
  firstRow += rowsAPage;
  show();
});
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) void refresh();
});
// Ages go on between two answers; only this text changes with them.
setInterval(() => showAge(), 1_000);
show();
if (readKey() === null) keyInput.focus();
void refresh();

/** Hands that have a keyboard and nothing else: they walk a page by Tab and look at where the focus is. */
import assert from 'node:assert/strict';
import type { Locator, Page as Tab, Request } from 'playwright-core';
import { until } from '../integration/sync-rig.ts';

/** Where the focus is: `id` is the same for the same element; null: on nothing but the page. */
interface Stop {
  readonly id: number;
  readonly what: string;
  readonly faults: readonly string[];
  readonly isClosedSummary: boolean;
}

/** More stops than any view has. */
const mostStops = 600;

/** What looks at the focus in the tab. `last` is the stop before, for the order. */
const lookScript = `(() => {
  const walk = (window.walk ??= { ids: new WeakMap(), count: 0 });
  const idOf = (element) => {
    if (!walk.ids.has(element)) walk.ids.set(element, ++walk.count);
    return walk.ids.get(element);
  };
  const whatOf = (element) => element.outerHTML.replace(/\\s+/g, ' ').slice(0, 140);
  walk.idOf = idOf;
  walk.whatOf = whatOf;
  const pathOf = (element) => {
    const path = [];
    for (let one = element; one !== null; one = one.parentElement) path.unshift(one);
    return path;
  };
  /** Whether a person who reads from left to right and from top to bottom comes to b after a. */
  const isInOrder = (a, b) => {
    if (!(a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING)) return false;
    const [from, to] = [pathOf(a), pathOf(b)];
    const fork = from.findIndex((one, i) => one !== to[i]);
    const [one, two] = [from[fork], to[fork]];
    if (one === undefined || two === undefined) return true;
    const [p, q] = [one.getBoundingClientRect(), two.getBoundingClientRect()];
    const isAbove = q.bottom <= p.top + 1;
    const isRight = q.left >= p.right - 1;
    const isLeft = q.right <= p.left + 1;
    const isBelow = q.top >= p.bottom - 1;
    return !((isAbove && !isRight) || (isLeft && !isBelow));
  };
  walk.look = (isForward) => {
    const element = document.activeElement;
    if (element === null || element === document.body) {
      walk.last = null;
      return null;
    }
    const { outlineStyle, outlineWidth, outlineColor, boxShadow } = getComputedStyle(element);
    const hasOutline = outlineStyle !== 'none' && parseFloat(outlineWidth) > 0 && outlineColor !== 'rgba(0, 0, 0, 0)';
    const { top, bottom, left, right } = element.getBoundingClientRect();
    const isSeen = bottom > 0 && right > 0 && top < innerHeight && left < innerWidth;
    const faults = [];
    if (!hasOutline && boxShadow === 'none') faults.push('the focus is not visible');
    if (!isSeen) faults.push('it is not on the screen: ' + [left, top, right, bottom].map(Math.round));
    if (element.tabIndex > 0) faults.push('it has a place of its own in the order');
    const before = walk.last;
    if (before && before.isConnected) {
      const isGood = isForward ? isInOrder(before, element) : isInOrder(element, before);
      if (!isGood) faults.push('it does not follow ' + whatOf(before));
    }
    walk.last = element;
    const isClosedSummary = element.localName === 'summary' && !element.parentElement.open && element.closest('main') !== null;
    return { id: idOf(element), what: whatOf(element), faults, isClosedSummary };
  };
  /** Controls that can be seen, with what makes several of them one stop. */
  walk.controls = () =>
    [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')]
      .filter((element) => !element.matches(':disabled') && element.checkVisibility())
      .map((element) => ({
        id: idOf(element),
        what: whatOf(element),
        group: element.type === 'radio' ? element.name : null,
      }));
})()`;

const look = async (tab: Tab, isForward: boolean): Promise<Stop | null> =>
  (await tab.evaluate(`walk.look(${isForward})`)) as Stop | null;

/** Until a script says so; the policy of the page lets none wait inside it. */
export const becomes = (tab: Tab, script: string): Promise<void> =>
  until(script, async () => (await tab.evaluate(script)) === true, 10_000);

const watched = new WeakMap<Tab, () => number>();

/** Requests of the tab since it was first asked for, that are not answered yet; the stream is never answered whole. */
export function pendingOf(tab: Tab): () => number {
  const known = watched.get(tab);
  if (known !== undefined) return known;
  const pending = new Set<Request>();
  tab.on('request', (request) => {
    if (!request.url().includes('/api/stream')) pending.add(request);
  });
  for (const event of ['requestfinished', 'requestfailed'] as const)
    tab.on(event as 'requestfinished', (request) => pending.delete(request));
  const count = () => pending.size;
  watched.set(tab, count);
  return count;
}

/** What a view fetches when a part of it is opened is there, and drawn. */
export async function settled(tab: Tab, pending: () => number): Promise<void> {
  const frames = 'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))';
  await tab.evaluate(frames);
  await until('the answers to all requests', () => pending() === 0, 30_000);
  await tab.evaluate(frames);
}

/**
 * Tabs from where the focus is until it leaves the page or is there again; whatever is closed on the way is opened by Enter.
 * Fails where the focus is not seen, is off the screen, or jumps against the order of reading.
 */
export async function walk(tab: Tab, where: string, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<Stop[]> {
  await tab.evaluate(lookScript);
  const pending = pendingOf(tab);
  const first = await look(tab, true);
  const stops: Stop[] = first === null ? [] : [first];
  let isOutside = false;
  for (;;) {
    await tab.keyboard.press(key);
    const stop = await look(tab, key === 'Tab');
    // Before the first and after the last some keys come to the browser itself.
    if (stop === null && stops.length <= 1 && !isOutside) {
      isOutside = true;
      continue;
    }
    // From the last it goes on at the first, where the browser has nothing of its own to stop at.
    if (stop === null || stop.id === stops[0]?.id) return stops;
    assert.deepEqual(stop.faults, [], `${where}: ${stop.what}`);
    assert.ok(!stops.some(({ id }) => id === stop.id), `${where}: the focus goes in a circle at ${stop.what}`);
    stops.push(stop);
    assert.ok(stops.length < mostStops, `${where}: no end`);
    if (!stop.isClosedSummary) continue;
    await tab.keyboard.press('Enter');
    await settled(tab, pending);
    await tab.evaluate('walk.last = null');
    const opened = await look(tab, true);
    assert.equal(opened?.id, stop.id, `${where}, opened: ${stop.what}`);
    expectSeen(opened, `${where}, opened`);
  }
}

/** Fails when a control that can be seen was none of `stops`. */
export async function expectAllReached(tab: Tab, stops: readonly Stop[], where: string): Promise<void> {
  type Control = { readonly id: number; readonly what: string; readonly group: string | null };
  const controls = (await tab.evaluate('walk.controls()')) as Control[];
  const reached = new Set(stops.map(({ id }) => id));
  // Of radio buttons one is a stop, and the arrow keys go on.
  const groups = new Set(controls.filter(({ id }) => reached.has(id)).map(({ group }) => group));
  const missed = controls.filter(({ id, group }) => !reached.has(id) && (group === null || !groups.has(group)));
  assert.deepEqual(
    missed.map(({ what }) => what),
    [],
    `${where}: controls that no key reaches; it stopped at ${stops.map(({ what }) => what.slice(0, 60)).join(' → ')}`,
  );
}

/** The focus is, at the latest in a moment, on something of the page, and can be seen. */
export async function expectFocus(tab: Tab, where: string): Promise<void> {
  await tab.evaluate(lookScript);
  let stop: Stop | null = null;
  // An act disables its button for a moment; one that it hides loses the focus when the browser has drawn the page, not before.
  const isSomewhere = async (): Promise<boolean> => {
    const shown = `walk.last = null, document.activeElement?.checkVisibility() ? walk.look(true) : null`;
    stop = (await tab.evaluate(shown)) as Stop | null;
    return stop !== null;
  };
  await until(where, isSomewhere, 8_000).catch(() => assert.fail(`${where}: the focus is lost`));
  expectSeen(stop, where);
}

function expectSeen(stop: Stop | null, where: string): void {
  assert.deepEqual(stop?.faults, [], `${where}: ${stop?.what ?? ''}`);
}

const hasFocus = (locator: Locator): Promise<boolean> =>
  locator.evaluate((element) => element === element.ownerDocument.activeElement);

/** Goes to a control by the keyboard. */
export async function reach(locator: Locator, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
  const tab = locator.page();
  await locator.waitFor();
  for (let n = 0; n < mostStops; n += 1) {
    if (await hasFocus(locator)) return;
    await tab.keyboard.press(key);
  }
  assert.fail(`no key reaches ${String(locator)}`);
}

/** Goes to a control and presses a key there; the focus is somewhere to be seen afterwards. */
export async function press(locator: Locator, key = 'Enter', by: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
  await reach(locator, by);
  const tab = locator.page();
  await tab.keyboard.press(key);
  await expectFocus(tab, `after ${key} at ${String(locator)}`);
}

/** Goes to a field and writes. */
export async function write(locator: Locator, text: string): Promise<void> {
  await reach(locator);
  await locator.page().keyboard.press('Control+A');
  await locator.page().keyboard.type(text);
}

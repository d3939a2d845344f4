/**
 * Keeps the place of who works by keyboard or with a screen reader. A browser puts the focus on the whole page when the control that has it is
 * taken away, hidden or disabled, so that the next Tab begins anywhere. Here it goes on at the nearest place that is left, in every view.
 *
 * Invariants (test/e2e/page-keyboard.test.ts):
 *  F1  A control that was taken away hands the focus to what stands in its place, else to the part of the page it was in.
 *  F2  A control that is disabled for the time of an act has the focus again afterwards; one that stays disabled hands it on.
 *  F3  Who has gone elsewhere, or has pressed on no control, is not called back.
 *  F4  What an act draws does not push the control that was pressed off the screen, until the person scrolls or goes on.
 */

const controls =
  'a[href], button:not(:disabled), input:not(:disabled), select:not(:disabled), textarea:not(:disabled), summary, [tabindex="0"]';
const parts = 'article, section, form, fieldset, li, details, nav, main, [tabindex], #app';
/** An act at the gateway is answered sooner, as a rule; what stays disabled for longer hands the focus on. */
const patienceMs = 1_000;

interface Place {
  readonly element: HTMLElement;
  /** What it was in, the innermost first. */
  readonly within: readonly Element[];
}

const isDisabled = (element: Element): boolean => element.matches(':disabled');

function ancestors(element: Element): Element[] {
  const found: Element[] = [];
  for (let one = element.parentElement; one !== null && one !== document.body; one = one.parentElement) found.push(one);
  return found;
}

const firstControl = (node: Node): HTMLElement | null => {
  if (!(node instanceof HTMLElement)) return null;
  return node.matches(controls) ? node : node.querySelector<HTMLElement>(controls);
};

/** The first control of what took the place of what was removed with `gone`; null where nothing did. */
function inItsPlace({ element, within }: Place, records: readonly MutationRecord[]): HTMLElement | null {
  const lost = new Set<Node>([element, ...within]);
  const parents = new Set(
    records.filter(({ removedNodes }) => [...removedNodes].some((node) => lost.has(node))).map(({ target }) => target),
  );
  for (const { target, addedNodes } of records) {
    // Where the page as a whole is another one, after the sign-in, it is begun from its beginning.
    if (!parents.has(target) || (target instanceof Element && target.matches('#app'))) continue;
    for (const node of addedNodes) {
      const control = node.isConnected ? firstControl(node) : null;
      if (control !== null) return control;
    }
  }
  return null;
}

/** The next control beside one that stays disabled. */
function besideIt({ element }: Place): HTMLElement | null {
  for (let next = element.nextElementSibling; next !== null; next = next.nextElementSibling)
    if (next instanceof HTMLElement && next.matches(controls)) return next;
  return null;
}

/** Begins to keep the focus of this page. */
export function keepFocus(): void {
  let at: Place | null = null;
  /** A control that was disabled, and whether the focus has been handed on to a part of the page meanwhile. */
  let waiting: { readonly place: Place; readonly timer: number; readonly part: Element | null } | null = null;

  /** The control that a key pressed, for as long as nothing else was done. */
  let pressed: Element | null = null;
  const isLost = (): boolean => {
    const { activeElement } = document;
    return activeElement === null || activeElement === document.body || activeElement === at?.element;
  };
  const stopWaiting = (): void => {
    window.clearTimeout(waiting?.timer);
    waiting = null;
  };
  const give = (element: Element | null | undefined): Element | null => {
    if (!(element instanceof HTMLElement)) return null;
    if (!element.matches(controls) && !element.hasAttribute('tabindex')) element.tabIndex = -1;
    element.focus({ preventScroll: !element.matches(controls) });
    // What stands in for a control that was pressed is kept in sight as that was.
    if (pressed !== null) pressed = element;
    return element;
  };
  const partOf = ({ within }: Place) => within.find((one) => one.isConnected && one.matches(parts));

  const handOn = (place: Place): void => {
    if (waiting?.place !== place || !isDisabled(place.element) || !isLost()) return;
    const next = besideIt(place);
    const { timer } = waiting;
    const given = give(next ?? partOf(place));
    // It may be an act that takes its time.
    if (next === null) waiting = { place, timer, part: given };
  };

  const look = (records: readonly MutationRecord[]): void => {
    if (waiting !== null) {
      const { place, part } = waiting;
      const isStillThere = isLost() || document.activeElement === part;
      if (isStillThere && place.element.isConnected && !isDisabled(place.element)) {
        stopWaiting();
        place.element.focus();
        return;
      }
    }
    if (at === null || !isLost()) return;
    const place = at;
    if (!place.element.isConnected) {
      stopWaiting();
      give(inItsPlace(place, records) ?? partOf(place) ?? document.querySelector('main, #app'));
    } else if (isDisabled(place.element)) {
      waiting ??= { place, timer: window.setTimeout(() => handOn(place), patienceMs), part: null };
    } else afterDrawing ??= requestAnimationFrame(() => window.setTimeout(lookForHidden));
  };
  /** What was drawn may hide the control: the browser takes the focus from it then, and tells nobody. */
  let afterDrawing: number | null = null;
  const lookForHidden = (): void => {
    afterDrawing = null;
    if (at === null || !isLost() || document.activeElement === at.element) return;
    if (!at.element.isConnected || isDisabled(at.element) || at.element.checkVisibility()) return;
    const within = at.within.filter((one) => one.checkVisibility());
    give(document.querySelector('main') ?? partOf({ ...at, within }));
  };

  const isOnScreen = (element: Element): boolean => {
    const { top, bottom, left, right } = element.getBoundingClientRect();
    return bottom > 0 && right > 0 && top < window.innerHeight && left < window.innerWidth;
  };
  const keepOnScreen = (): void => {
    if (pressed === null || document.activeElement !== pressed || isOnScreen(pressed)) return;
    pressed.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  };
  document.addEventListener(
    'keydown',
    ({ key }) => (pressed = key === 'Enter' || key === ' ' ? document.activeElement : null),
    true,
  );
  // What a drawing moved was seen to before: this was the person, at a bar or with a wheel.
  const letGo = (): void => {
    if (pressed !== null && !isOnScreen(pressed)) pressed = null;
  };
  document.addEventListener('scroll', letGo, { capture: true, passive: true });

  document.addEventListener('focusin', ({ target }) => {
    if (!(target instanceof HTMLElement)) return;
    if (target !== waiting?.part) stopWaiting();
    at = { element: target, within: ancestors(target) };
  });
  document.addEventListener(
    'pointerdown',
    ({ target }) => {
      if (at !== null && !(target instanceof Node && at.element.contains(target))) at = null;
    },
    true,
  );
  new MutationObserver((records) => {
    look(records);
    keepOnScreen();
  }).observe(document.body, {
    childList: true,
    subtree: true,
    attributes: true,
    attributeFilter: ['disabled'],
  });
}

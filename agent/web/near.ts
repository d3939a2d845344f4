/** Whether something is on the screen, or so near that it will be with the next stroke of a finger. */
import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';

const marginPx = 600;

/** Somebody has begun something in it, which must not be lost by scrolling. */
const isInUse = (element: Element): boolean =>
  element.contains(document.activeElement) || element.querySelector('details[open], form') !== null;

/** @param asked false: it counts as near wherever it is */
export function useNear(element: RefObject<Element | null>, asked: boolean): boolean {
  const [isNear, setNear] = useState(!asked);
  useEffect(() => {
    const watched = element.current;
    if (!asked) setNear(true);
    if (!asked || watched === null) return undefined;
    const observer = new IntersectionObserver(
      (entries) => setNear(entries.at(-1)?.isIntersecting === true || isInUse(watched)),
      {
        rootMargin: `${marginPx}px`,
      },
    );
    observer.observe(watched);
    return () => observer.disconnect();
  }, [asked]);
  return !asked || isNear;
}

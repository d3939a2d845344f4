/** The small curve of a tile, fetched after the page is there: what is wrong is seen before any curve is. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { MachineView } from '../live.ts';
import type { Now } from './times.ts';

interface Props {
  readonly machine: MachineView;
  readonly now: Now;
}

export function TrendChart(props: Props) {
  const [Shown, setShown] = useState<ComponentType<Props> | null>(null);
  useEffect(() => {
    let wanted = true;
    import('./trend.tsx').then(
      (loaded) => wanted && setShown(() => loaded.TrendChart),
      // Everything but the curve is there; the next load of the page tries again.
      () => undefined,
    );
    return () => {
      wanted = false;
    };
  }, []);
  return Shown === null ? <div class="trend curve-to-come" /> : <Shown {...props} />;
}

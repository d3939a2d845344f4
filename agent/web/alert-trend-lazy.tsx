/** The disclosure of an alert that was judged by a value; the curve and what draws it come when somebody opens it. */
import type { ComponentType } from 'preact';
import { useState } from 'preact/hooks';
import { curveOf } from './alert-evidence.ts';
import type { AlertTrend } from './alert-trend.tsx';
import type { Alert } from './floor-state.ts';
import { useLanguage } from './language.ts';
import type { Now } from './times.ts';

type Shown = ComponentType<Parameters<typeof AlertTrend>[0]>;

export function TrendOfAlert({ alert, now }: { readonly alert: Alert; readonly now: Now }) {
  const { say } = useLanguage();
  const [isOpen, setOpen] = useState(false);
  const [Curve, setCurve] = useState<Shown | null>(null);
  const curve = curveOf(alert, now.ms);
  if (curve === null) return null;
  const toggle = (open: boolean): void => {
    setOpen(open);
    if (open && Curve === null) void import('./alert-trend.tsx').then((loaded) => setCurve(() => loaded.AlertTrend));
  };
  return (
    <details class="alert-trend" onToggle={(event) => toggle(event.currentTarget.open)}>
      <summary>{say('alert-trend.title')}</summary>
      {isOpen && Curve !== null && <Curve machine={alert.machine} curve={curve} now={now} />}
    </details>
  );
}

/** Signs that go with each word, so that colour never stands alone. Decorative: the word beside them is read out. */
import type { MachineState } from '../../cloud-bridge/contract.ts';
import type { Alert } from './floor-state.ts';

function Icon({ path, filled = false }: { path: string; filled?: boolean }) {
  return (
    <svg class={filled ? 'icon filled' : 'icon'} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={path} />
    </svg>
  );
}

const statePaths: Readonly<Record<MachineState, string>> = {
  RUN: 'M8 5v14l11-7z',
  IDLE: 'M8 5v14M16 5v14',
  STOP_MATERIAL: 'M6 6h12v12H6z',
  FAULT: 'M12 3 2 20h20zM12 10v4M12 17v.5',
  SETUP: 'M4 7h10M18 7h2M4 17h2M10 17h10M14 4v6M6 14v6',
  MAINTENANCE: 'M14 6a4 4 0 0 0 5 5l-9 9-4-4 9-9a4 4 0 0 0-1-1z',
  OFFLINE: 'M3 3l18 18M8 12a6 6 0 0 1 2-1M5 9a10 10 0 0 1 3-2M16 12a6 6 0 0 0-2-1M19 9a11 11 0 0 0-8-3M12 17v.5',
  UNKNOWN: 'M9 9a3 3 0 1 1 4 3c-1 .5-1 1-1 2M12 17v.5',
};
export const StateIcon = ({ state }: { state: MachineState }) => (
  <Icon path={statePaths[state]} filled={state === 'RUN'} />
);

const priorityPaths: Readonly<Record<Alert['priority'], string>> = {
  urgent: 'M12 3 2 20h20zM12 10v4M12 17v.5',
  high: 'M12 3l9 9-9 9-9-9zM12 8v5M12 16v.5',
  medium: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 8v5M12 16v.5',
  low: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 11v5M12 8v.5',
};
export const PriorityIcon = ({ priority }: { priority: Alert['priority'] }) => <Icon path={priorityPaths[priority]} />;

export const CheckIcon = () => <Icon path="M4 12l5 6L20 6" />;
export const WarnIcon = () => <Icon path="M12 3 2 20h20zM12 10v4M12 17v.5" />;
export const LinkIcon = () => <Icon path="M4 14a5 5 0 0 1 4-8 6 6 0 0 1 11 3 4 4 0 0 1 0 8H8a4 4 0 0 1-4-3z" />;
export const BellIcon = () => <Icon path="M6 17V11a6 6 0 0 1 12 0v6l2 1H4zM10 21h4" />;

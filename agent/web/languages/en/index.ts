/** English: what every other language is a translation of. One file an area of the page. */
import { acts } from './acts.ts';
import { alertTrend } from './alert-trend.ts';
import { alerts } from './alerts.ts';
import { causes } from './causes.ts';
import { cloth } from './cloth.ts';
import { floorView } from './floor-view.ts';
import { floor } from './floor.ts';
import { health } from './health.ts';
import { history } from './history.ts';
import { machinePage } from './machine-page.ts';
import { machine } from './machine.ts';
import { needles } from './needles.ts';
import { people } from './people.ts';
import { problems } from './problems.ts';
import { reasons } from './reasons.ts';
import { refusals } from './refusals.ts';
import { rolls } from './rolls.ts';
import { rules } from './rules.ts';
import { runbooks } from './runbooks.ts';
import { setPoints } from './set-points.ts';
import { shell } from './shell.ts';
import { shift } from './shift.ts';
import { signIn } from './sign-in.ts';
import { signals } from './signals.ts';
import { sound } from './sound.ts';
import { states } from './states.ts';
import { times } from './times.ts';
import { trend } from './trend.ts';
import { uplink } from './uplink.ts';

export const en = {
  ...acts,
  ...alertTrend,
  ...alerts,
  ...causes,
  ...cloth,
  ...floorView,
  ...floor,
  ...health,
  ...history,
  ...machinePage,
  ...machine,
  ...needles,
  ...people,
  ...problems,
  ...reasons,
  ...refusals,
  ...rolls,
  ...rules,
  ...runbooks,
  ...setPoints,
  ...shell,
  ...shift,
  ...signIn,
  ...signals,
  ...sound,
  ...states,
  ...times,
  ...trend,
  ...uplink,
} as const;

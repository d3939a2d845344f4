/** People: the own account; for an admin the users, the shared tablets and what was done. */
import { OwnAccount } from './people-own.tsx';
import { AuditView } from './people-audit.tsx';
import { Tablets } from './people-tablets.tsx';
import { Users } from './people-users.tsx';
import type { ViewProps } from './views.ts';

export function PeopleView({ session, now }: ViewProps) {
  const { csrf } = session;
  return (
    <>
      <OwnAccount csrf={csrf} now={now} onAnew={() => location.reload()} />
      {session.role === 'admin' && (
        <>
          <Users self={session.user} csrf={csrf} now={now} />
          <Tablets csrf={csrf} now={now} />
          <AuditView now={now} />
        </>
      )}
    </>
  );
}

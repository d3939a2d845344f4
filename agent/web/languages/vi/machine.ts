/** A machine at a glance, and its readings. */
import type { Translation } from '../translation.ts';
import type { machine as english } from '../en/machine.ts';

export const machine: Translation<typeof english> = {
  'machine.for': 'Đã {duration}',
  'machine.not-read': 'Không đọc được từ {time}: {reason}',
  'machine.never-read': 'Chưa có số đọc tốt',
  'machine.no-good-since': 'Không có số đọc tốt từ {time}',
  'machine.unknown-code': '{signal} {code}: không có trong hồ sơ máy. Hãy tra sổ tay của máy.',
  'machine.all-readings': 'Tất cả số đọc ({count})',
  'machine.profile': '{id} · hồ sơ {profile} · {protocol}',
  'machine.old': 'cũ',
  'machine.uncertain': 'không chắc chắn',
  'machine.bad': 'không tốt',
  'machine.marked': '{mark}: {reason}',
  'machine.no-reading': 'chưa có số đọc',
  'machine.yes': 'có',
  'machine.no': 'không',
};

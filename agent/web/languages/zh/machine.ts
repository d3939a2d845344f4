/** A machine at a glance, and its readings. */
import type { Translation } from '../translation.ts';
import type { machine as english } from '../en/machine.ts';

export const machine: Translation<typeof english> = {
  'machine.for': '已持续 {duration}',
  'machine.not-read': '自 {time} 起无法读取：{reason}',
  'machine.never-read': '尚无有效读数',
  'machine.no-good-since': '自 {time} 起无有效读数',
  'machine.unknown-code': '{signal} {code}：配置文件中没有此代码。请查阅机器说明书。',
  'machine.all-readings': '全部读数（{count}）',
  'machine.profile': '{id} · 配置 {profile} · {protocol}',
  'machine.old': '旧值',
  'machine.uncertain': '不确定',
  'machine.bad': '无效',
  'machine.marked': '{mark}：{reason}',
  'machine.no-reading': '尚无读数',
  'machine.yes': '是',
  'machine.no': '否',
};

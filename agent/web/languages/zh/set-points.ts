/** What a maintainer may write to a machine. */
import type { Translation } from '../translation.ts';
import type { setPoints as english } from '../en/set-points.ts';

export const setPoints: Translation<typeof english> = {
  'set-points.title': '设定值',
  'set-points.asking': '正在读取机器…',
  'set-points.unreadable': '无法读取',
  'set-points.unknown': '未知值',
  'set-points.on': '开',
  'set-points.off': '关',
  'set-points.range': '{low} 至 {high}',
  'set-points.change': '更改',
  'set-points.change-at': '更改：{machine}，{title}',
  'set-points.taken-back': '已撤回，未发送任何内容。',
  'set-points.new-value': '新值',
  'set-points.why': '原因',
  'set-points.propose': '提交',
  'set-points.cancel': '取消',
  'set-points.from-to': '{title}：{from} → {to}',
  'set-points.within': '请在 {seconds} 秒内确认。',
  'set-points.too-late': '一分钟已过，请重新提交。',
  'set-points.value-again': '再次输入新值',
  'set-points.your-password': '您的密码',
  'set-points.writing': '正在写入…',
  'set-points.write': '写入机器',
  'set-points.take-back': '撤回',
  'set-points.because': '（{reason}）',
  'set-points.written': '已写入。机器当前为 {has}。',
  'set-points.refused': '机器拒绝了写入{because}。当前为 {has}。',
  'set-points.not-known': '不确定机器是否已执行{because}。未再次发送。之后机器为 {has}。',
  'set-points.not-sent': '未发送任何内容{because}。',
  'set-points.dropped': '已取消{because}。未发送任何内容。',
};

/** The signed-in page around its parts: the head, the connection, the announcements. */
import type { Translation } from '../translation.ts';
import type { floor as english } from '../en/floor.ts';

export const floor: Translation<typeof english> = {
  'floor.skip': '跳到当前问题',
  'floor.uplink-away': '上行连接中断，等待发送的记录：{count}',
  'floor.sign-out': '退出登录',
  'floor.session-over': '登录已过期，请重新登录。',
  'floor.title.no-connection': '（无连接）',
  'floor.machines': '机器',
  'floor.no-machine': '尚未配置任何机器。',
  'floor.times': '所有时间均为工厂当地时间（{zone}）。',
  'floor.live': '实时',
  'floor.no-connection': '无连接',
  'floor.connecting': '正在连接…',
  'floor.lost': '与网关断开已 {duration}。',
  'floor.old': '您看到的是旧数据，现在可能已不同。正在重试…',
  'floor.new-alert': '新报警，{machine}：{alert}',
  'floor.was': '之前：{word}',
  'role.admin': '管理员',
  'role.maintainer': '维修员',
  'role.viewer': '查看者',
};

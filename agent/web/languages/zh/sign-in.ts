/** The pages before the floor: the connection, the set-up of the first admin, the sign-in. */
import type { Translation } from '../translation.ts';
import type { signIn as english } from '../en/sign-in.ts';

export const signIn: Translation<typeof english> = {
  'sign-in.connecting': '正在连接网关…',
  'sign-in.unreachable': '无连接',
  'sign-in.unreachable.text': '网关没有应答。正在重试…',
  'sign-in.moved': '页面已设置完成',
  'sign-in.moved.text': '现在可通过网络加密访问，地址：',
  'sign-in.sign-in': '登录',
  'sign-in.signing-in': '正在登录…',
  'sign-in.user-name': '用户名',
  'sign-in.password': '密码',
  'sign-in.password-again': '再次输入密码',
  'sign-in.not-set-up': '此页面尚未设置',
  'sign-in.open-link': '请打开代理程序在终端中显示的设置链接。该链接只能在本机使用一次，15 分钟内有效。',
  'sign-in.new-link': '要获取新链接，请运行',
  'sign-in.set-up': '设置此页面',
  'sign-in.first-admin': '请为此网关创建第一个管理员。',
  'sign-in.name-hint': '2 到 40 个字符：a–z、0–9、点、短横线和下划线',
  'sign-in.password-hint': '至少 10 个字符；用一句短话就很好',
  'sign-in.create': '创建管理员',
  'sign-in.setting-up': '正在设置…',
};

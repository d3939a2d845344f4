/** Runbooks: what to do about an alert, in full, and how an admin changes it. */
import type { Translation } from '../translation.ts';
import type { runbooks as english } from '../en/runbooks.ts';

export const runbooks: Translation<typeof english> = {
  'runbooks.title': '处置指南',
  'runbooks.what-to-do': '怎么办',
  'runbooks.loading': '正在读取处置指南…',
  'runbooks.rule-says': '规则提示：',
  'runbooks.of-site': '本厂编写',
  'runbooks.shipped': 'Selvedge 自带',
  'runbooks.other-language': '这份指南没有您的语言版本。现在显示的是{language}。',
  'runbooks.show-shipped': '显示自带的本语言版本',
  'runbooks.show-site': '显示本厂编写的版本',
  'runbooks.for-profile': '适用于 {profile} 机型配置的机器',
  'runbooks.all': '全部处置指南',
  'runbooks.hint': '每种报警该怎么处理。本厂编写的优先于自带的。',
  'runbooks.edit': '编辑',
  'runbooks.editor': '编辑处置指南：{title}',
  'runbooks.language': '文本的语言',
  'runbooks.profile': '适用于哪些机器',
  'runbooks.any-profile': '所有机器',
  'runbooks.text': '文本（Markdown，最多 64 kB）',
  'runbooks.preview': '预览',
  'runbooks.save': '保存为本厂版本',
  'runbooks.saving': '正在保存…',
  'runbooks.take-back': '撤回，恢复自带的版本',
  'runbooks.close': '关闭',
  'runbooks.saved': '已保存。从现在起本页面上的所有人都会看到。',
  'runbooks.taken-back': '已撤回。',
  'runbooks.unsaved': '您的文本尚未保存。要用另一份文本替换它吗？',
  'runbooks.give-up': '是，放弃我的文本',
  'runbooks.stay': '否，保留我的文本',
};

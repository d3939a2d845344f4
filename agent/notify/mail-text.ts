/** What a mail says, in four languages. Pure; the texts of alerts stay as the rules have them. */
import type { Notice } from './plan.ts';

export type MailLanguage = 'en' | 'zh' | 'vi' | 'bn';
const mostListed = 20;

interface Words {
  readonly subject: (site: string, count: string) => string;
  readonly more: (count: string) => string;
  readonly foot: string;
  readonly priority: Readonly<Record<Notice['priority'], string>>;
  readonly locale: string;
}
const words: Readonly<Record<MailLanguage, Words>> = {
  en: {
    subject: (site, count) => `${site}: ${count} new on the floor`,
    more: (count) => `and ${count} more: see the page of the gateway.`,
    foot: 'Sent by the gateway. Acknowledge on its page.',
    priority: { urgent: 'Urgent', high: 'High', medium: 'Medium', low: 'Low' },
    locale: 'en-GB',
  },
  zh: {
    subject: (site, count) => `${site}：${count} 条新报警`,
    more: (count) => `另有 ${count} 条：请看网关页面。`,
    foot: '由网关发送。请在网关页面上确认。',
    priority: { urgent: '紧急', high: '高', medium: '中', low: '低' },
    locale: 'zh-CN',
  },
  vi: {
    subject: (site, count) => `${site}: ${count} cảnh báo mới`,
    more: (count) => `và ${count} cảnh báo nữa: xem trang của cổng kết nối.`,
    foot: 'Do cổng kết nối gửi. Hãy xác nhận trên trang của nó.',
    priority: { urgent: 'Khẩn cấp', high: 'Cao', medium: 'Vừa', low: 'Thấp' },
    locale: 'vi-VN',
  },
  bn: {
    subject: (site, count) => `${site}: ${count}টি নতুন অ্যালার্ট`,
    more: (count) => `আরও ${count}টি: গেটওয়ের পাতা দেখুন।`,
    foot: 'গেটওয়ে থেকে পাঠানো। তার পাতায় স্বীকার করুন।',
    priority: { urgent: 'জরুরি', high: 'উচ্চ', medium: 'মাঝারি', low: 'নিম্ন' },
    locale: 'bn-BD',
  },
};

/** One line, whatever the text holds: a line end in a subject would begin another header. */
const oneLine = (text: string, most: number): string => {
  const plain = text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').trim();
  return plain.length <= most ? plain : `${plain.slice(0, most)}…`;
};

export function mailText(
  notices: readonly Notice[],
  left: number,
  site: { readonly name: string; readonly timeZone: string },
  language: MailLanguage,
): { readonly subject: string; readonly text: string } {
  const { subject, more, foot, priority, locale } = words[language];
  const number = (value: number) => new Intl.NumberFormat(locale).format(value);
  const time = new Intl.DateTimeFormat(locale, { timeZone: site.timeZone, dateStyle: 'short', timeStyle: 'medium' });
  const listed = notices.slice(0, mostListed);
  const lines = listed.map(
    (one) =>
      `${time.format(one.onsetMs)}  ${priority[one.priority]}  ${oneLine(one.name, 80)}: ${oneLine(one.text, 200)}`,
  );
  const rest = notices.length - listed.length + left;
  return {
    subject: oneLine(subject(site.name, number(notices.length + left)), 150),
    text: [...lines, ...(rest > 0 ? [more(number(rest))] : []), '', foot, ''].join('\n'),
  };
}

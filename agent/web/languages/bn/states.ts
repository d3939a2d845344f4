/** States of machines and alerts, and priorities. */
import type { Translation } from '../translation.ts';
import type { states as english } from '../en/states.ts';

export const states: Translation<typeof english> = {
  'state.RUN': 'চলছে',
  'state.IDLE': 'অলস',
  'state.STOP_MATERIAL': 'বন্ধ: সুতা বা উপকরণ',
  'state.FAULT': 'ত্রুটি',
  'state.SETUP': 'সেট-আপ',
  'state.MAINTENANCE': 'রক্ষণাবেক্ষণ',
  'state.OFFLINE': 'অফলাইন',
  'state.UNKNOWN': 'অজানা',
  'priority.urgent': 'জরুরি',
  'priority.high': 'উচ্চ',
  'priority.medium': 'মাঝারি',
  'priority.low': 'নিম্ন',
  'alert-state.normal': 'শেষ',
  'alert-state.active-unacked': 'চলমান',
  'alert-state.active-acked': 'চলমান, দেখা হয়েছে',
  'alert-state.returned-unacked': 'শেষ, কেউ দেখেনি',
  'alert-state.latched': 'শেষ, নিশ্চিত করা বাকি',
  'alert-state.shelved': 'আপাতত সরানো',
  'alert-state.suppressed-by-design': 'নকশা অনুযায়ী চাপা',
  'alert-state.out-of-service': 'সেবার বাইরে',
};

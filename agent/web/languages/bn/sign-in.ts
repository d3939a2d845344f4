/** The pages before the floor: the connection, the set-up of the first admin, the sign-in. */
import type { Translation } from '../translation.ts';
import type { signIn as english } from '../en/sign-in.ts';

export const signIn: Translation<typeof english> = {
  'sign-in.connecting': 'গেটওয়ের সঙ্গে সংযোগ হচ্ছে…',
  'sign-in.unreachable': 'সংযোগ নেই',
  'sign-in.unreachable.text': 'গেটওয়ে সাড়া দিচ্ছে না। আবার চেষ্টা চলছে…',
  'sign-in.moved': 'পাতাটি প্রস্তুত',
  'sign-in.moved.text': 'এখন নেটওয়ার্ক থেকে এনক্রিপ্ট করা সংযোগে খোলা যাবে এই ঠিকানায়:',
  'sign-in.sign-in': 'সাইন ইন',
  'sign-in.signing-in': 'সাইন ইন হচ্ছে…',
  'sign-in.user-name': 'ব্যবহারকারীর নাম',
  'sign-in.password': 'পাসওয়ার্ড',
  'sign-in.password-again': 'আবার পাসওয়ার্ড',
  'sign-in.not-set-up': 'এই পাতাটি এখনো সেট আপ করা হয়নি',
  'sign-in.open-link':
    'এজেন্ট টার্মিনালে যে সেট-আপ লিংক দেখিয়েছে সেটি খুলুন। এটি একবারই, ১৫ মিনিটের মধ্যে, এই কম্পিউটারে কাজ করে।',
  'sign-in.new-link': 'নতুন লিংকের জন্য চালান',
  'sign-in.set-up': 'এই পাতাটি সেট আপ করুন',
  'sign-in.first-admin': 'এই গেটওয়ের প্রথম অ্যাডমিন তৈরি করুন।',
  'sign-in.name-hint': '২ থেকে ৪০টি অক্ষর: a–z, 0–9, ডট, ড্যাশ ও আন্ডারস্কোর',
  'sign-in.password-hint': 'অন্তত ১০টি অক্ষর; একটি ছোট বাক্য হলে ভালো',
  'sign-in.create': 'অ্যাডমিন তৈরি করুন',
  'sign-in.setting-up': 'সেট আপ হচ্ছে…',
};

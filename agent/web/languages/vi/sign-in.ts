/** The pages before the floor: the connection, the set-up of the first admin, the sign-in. */
import type { Translation } from '../translation.ts';
import type { signIn as english } from '../en/sign-in.ts';

export const signIn: Translation<typeof english> = {
  'sign-in.connecting': 'Đang kết nối với gateway…',
  'sign-in.unreachable': 'Mất kết nối',
  'sign-in.unreachable.text': 'Gateway không trả lời. Đang thử lại…',
  'sign-in.moved': 'Trang đã thiết lập xong',
  'sign-in.moved.text': 'Trang đã mở cho mạng, có mã hóa, tại địa chỉ:',
  'sign-in.sign-in': 'Đăng nhập',
  'sign-in.signing-in': 'Đang đăng nhập…',
  'sign-in.user-name': 'Tên người dùng',
  'sign-in.password': 'Mật khẩu',
  'sign-in.password-again': 'Nhập lại mật khẩu',
  'sign-in.not-set-up': 'Trang này chưa được thiết lập',
  'sign-in.open-link':
    'Mở liên kết thiết lập mà chương trình đã in ra trong terminal. Liên kết chỉ dùng được một lần, trong 15 phút, trên máy tính này.',
  'sign-in.new-link': 'Để có liên kết mới, hãy chạy',
  'sign-in.set-up': 'Thiết lập trang này',
  'sign-in.first-admin': 'Tạo quản trị viên đầu tiên cho gateway này.',
  'sign-in.name-hint': '2 đến 40 ký tự: a–z, 0–9, dấu chấm, gạch nối và gạch dưới',
  'sign-in.password-hint': 'Ít nhất 10 ký tự; nên dùng một câu ngắn',
  'sign-in.create': 'Tạo quản trị viên',
  'sign-in.setting-up': 'Đang thiết lập…',
};

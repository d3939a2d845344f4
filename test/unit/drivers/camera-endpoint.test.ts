import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCameraEndpoint } from '../../../drivers/camera/endpoint.ts';
import { ffmpegCall } from '../../../drivers/camera/ffmpeg.ts';

test('the known forms', () => {
  assert.deepEqual(parseCameraEndpoint('mjpeg+http://192.0.2.7:8080/video?x=1'), {
    kind: 'mjpeg',
    url: 'http://192.0.2.7:8080/video?x=1',
  });
  assert.deepEqual(parseCameraEndpoint('mjpeg+https://cam/video'), { kind: 'mjpeg', url: 'https://cam/video' });
  assert.deepEqual(parseCameraEndpoint('file:///srv/strips'), { kind: 'files', path: '/srv/strips' });
  assert.deepEqual(parseCameraEndpoint('video+file:///srv/a%20b.mp4'), { kind: 'video', path: '/srv/a b.mp4' });
  assert.deepEqual(parseCameraEndpoint('rtsp://cam:554/s'), {
    kind: 'rtsp',
    url: 'rtsp://cam:554/s',
    isEncrypted: false,
  });
  assert.deepEqual(parseCameraEndpoint('rtsps://cam/s'), { kind: 'rtsp', url: 'rtsps://cam/s', isEncrypted: true });
  assert.deepEqual(parseCameraEndpoint('v4l2:///dev/video0'), { kind: 'v4l2', device: '/dev/video0' });
});

test('anything else is refused, and no message repeats an address, which may hold a password', () => {
  const bad = [
    '',
    'x',
    'http://cam/',
    'mjpeg+ftp://cam/',
    'mjpeg+http:///x',
    'rtsp:///x',
    'v4l2://dev/video0',
    'v4l2:///etc/passwd',
    'v4l2:///dev/video0?x',
    'v4l2:///dev/a b',
    'file://host/x',
    'file:///',
    'file:///a?b',
    'video+file:///',
    'concat:///a',
    'data:image/png;base64,',
    'rtsp://cam/x#y',
  ];
  for (const endpoint of [
    ...bad,
    'rtsp://amina:geheim@cam/x',
    'mjpeg+http://amina:geheim@cam/',
    'mjpeg+http://amina@cam/',
    'file://amina:geheim@/x',
  ]) {
    assert.throws(
      () => parseCameraEndpoint(endpoint),
      (error) => error instanceof Error && error.message.startsWith('DRV-500 ') && !/geheim|amina/.test(error.message),
      endpoint,
    );
  }
});

test('ffmpeg gets its protocols and no password', () => {
  const plain = ffmpegCall({ kind: 'rtsp', url: 'rtsp://cam/s', isEncrypted: false }, null);
  const after = (args: readonly string[], name: string) => args[args.indexOf(name) + 1];
  assert.equal(after(plain.args, '-protocol_whitelist'), 'rtsp,rtp,tcp');
  assert.equal(after(plain.args, '-i'), 'rtsp://cam/s');
  assert.equal(plain.input, null);
  const secret = ffmpegCall(
    { kind: 'rtsp', url: 'rtsps://cam/s', isEncrypted: true },
    { user: 'amina', password: "ge/heim'@:\n" },
  );
  assert.ok(!secret.args.some((arg) => /amina|heim/.test(arg)), secret.args.join(' '));
  assert.equal(after(secret.args, '-protocol_whitelist'), 'pipe,rtsp,rtp,tcp,tls,crypto');
  // One line for the address: no quote and no line end of the password can add another.
  assert.equal(
    secret.input,
    "ffconcat version 1.0\nfile 'rtsps://amina:ge%2Fheim%27%40%3A%0A@cam/s'\noption rtsp_transport tcp\n",
  );
  assert.equal(after(ffmpegCall({ kind: 'video', path: '/a b' }, null).args, '-protocol_whitelist'), 'file');
  assert.match(
    ffmpegCall({ kind: 'v4l2', device: '/dev/video0' }, null).args.join(' '),
    / -f v4l2 -i \/dev\/video0 -map 0:v:0 /,
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMicrophoneEndpoint } from '../../../../drivers/microphone/endpoint.ts';
import { arecordCall, ffmpegCall, saidBy, type ProgramEndpoint } from '../../../../drivers/microphone/programs.ts';

function programEndpoint(text: string): ProgramEndpoint {
  const endpoint = parseMicrophoneEndpoint(text);
  assert.ok(endpoint.kind !== 'wav' && endpoint.kind !== 'tcp' && endpoint.kind !== 'rtp');
  return endpoint;
}
const after = (args: readonly string[], name: string) => args[args.indexOf(name) + 1];

test('arecord is asked for bare samples in the form of the address', () => {
  for (const [format, name] of [
    ['s16le', 'S16_LE'],
    ['s24le', 'S24_3LE'],
    ['s32le', 'S32_LE'],
    ['f32le', 'FLOAT_LE'],
  ] as const) {
    const endpoint = programEndpoint(`alsa:hw:1,0?format=${format}&rate=44100&channels=2`);
    assert.ok(endpoint.kind === 'alsa');
    const { program, args, output } = arecordCall(endpoint.device, endpoint.format);
    assert.equal(program, 'arecord');
    const said = ['-D', '-t', '-f', '-r', '-c'].map((option) => after(args, option));
    assert.deepEqual(said, ['hw:1,0', 'raw', name, '44100', '2']);
    assert.deepEqual(output, { kind: 'pcm', format: { encoding: format, rateHz: 44_100, channels: 2 } });
  }
});

test('ffmpeg gets its protocols, and what comes out says itself what it is', () => {
  for (const [address, protocols, input] of [
    ['ffmpeg:rtsp://mic/s', 'rtsp,rtp,tcp', 'rtsp://mic/s'],
    ['ffmpeg:rtsps://mic/s', 'rtsp,rtp,tcp,tls,crypto', 'rtsps://mic/s'],
    ['ffmpeg:http://mic/s.ogg', 'http,tcp', 'http://mic/s.ogg'],
    ['file:///a%20b.flac', 'file', 'file:/a b.flac'],
  ] as const) {
    const { args, output, input: told } = ffmpegCall(programEndpoint(address), null);
    assert.deepEqual([after(args, '-protocol_whitelist'), after(args, '-i'), told], [protocols, input, null]);
    assert.deepEqual(output, { kind: 'wav', wantedHz: null });
    assert.match(args.join(' '), / -f wav -c:a pcm_f32le .*pipe:1$/);
  }
  const looped = ffmpegCall(programEndpoint('file:///a.flac?loop=1'), null).args;
  assert.equal(after(looped, '-stream_loop'), '-1');
  assert.ok(looped.includes('-re'));
  const card = ffmpegCall(programEndpoint('alsa:hw:1,0?rate=44100'), null);
  assert.match(card.args.join(' '), / -f alsa -sample_rate 44100 -channels 1 -i hw:1,0 /);
  assert.deepEqual(card.output, { kind: 'wav', wantedHz: 44_100 });
});

test('user and password are in no argument, and cannot add a line to what ffmpeg is told', () => {
  const credentials = { user: 'amina', password: "ge/heim'@:\n" };
  const rtsp = ffmpegCall(programEndpoint('ffmpeg:rtsp://mic/s'), credentials);
  assert.ok(!rtsp.args.some((arg) => /amina|heim/.test(arg)), rtsp.args.join(' '));
  assert.equal(after(rtsp.args, '-protocol_whitelist'), 'pipe,rtsp,rtp,tcp');
  assert.equal(
    rtsp.input,
    "ffconcat version 1.0\nfile 'rtsp://amina:ge%2Fheim%27%40%3A%0A@mic/s'\noption rtsp_transport tcp\n",
  );
  const http = ffmpegCall(programEndpoint('ffmpeg:http://mic/s'), credentials);
  assert.ok(!http.args.some((arg) => /amina|heim/.test(arg)));
  assert.equal(http.input, "ffconcat version 1.0\nfile 'http://amina:ge%2Fheim%27%40%3A%0A@mic/s'\n");
});

test('what arecord says of lost sound and of another rate is understood, and nothing else is', () => {
  assert.deepEqual(saidBy('overrun!!! (at least 12.345 ms long)'), { lostMs: 12.345 });
  assert.deepEqual(saidBy('Warning: rate is not accurate (requested = 48000Hz, got = 44100Hz)'), {
    refused: 'Warning: rate is not accurate (requested = 48000Hz, got = 44100Hz)',
  });
  assert.equal(saidBy('please, try the plug plugin'), null);
  assert.equal(saidBy("Recording raw data 'stdin' : Signed 16 bit Little Endian"), null);
});

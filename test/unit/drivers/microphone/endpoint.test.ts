import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMicrophoneEndpoint } from '../../../../drivers/microphone/endpoint.ts';

const pcm = (encoding: string, rateHz: number, channels: number) => ({ encoding, rateHz, channels });

test('the known forms', () => {
  const cases: readonly (readonly [string, unknown])[] = [
    ['alsa:default', { kind: 'alsa', device: 'default', format: pcm('s16le', 48_000, 1) }],
    [
      'alsa:hw:1,0?rate=44100&channels=2&format=s32le',
      { kind: 'alsa', device: 'hw:1,0', format: pcm('s32le', 44_100, 2) },
    ],
    ['alsa:plughw:CARD=Mic,DEV=0', { kind: 'alsa', device: 'plughw:CARD=Mic,DEV=0', format: pcm('s16le', 48_000, 1) }],
    ['wav+http://192.0.2.7:8080/audio?x=1', { kind: 'wav', url: 'http://192.0.2.7:8080/audio?x=1' }],
    ['wav+https://mic/a', { kind: 'wav', url: 'https://mic/a' }],
    [
      'tcp://mic:4000?format=f32le&rate=16000&channels=2',
      { kind: 'tcp', host: 'mic', port: 4_000, format: pcm('f32le', 16_000, 2) },
    ],
    [
      'tcp://[2001:db8::7]:4000?format=s24le&rate=48000&channels=1',
      { kind: 'tcp', host: '2001:db8::7', port: 4_000, format: pcm('s24le', 48_000, 1) },
    ],
    [
      'rtp://0.0.0.0:5004?rate=48000&channels=2&pt=97&from=192.0.2.7',
      {
        kind: 'rtp',
        bind: '0.0.0.0',
        port: 5_004,
        format: pcm('s16be', 48_000, 2),
        payloadType: 97,
        from: '192.0.2.7',
      },
    ],
    ['file:///srv/a%20b.wav', { kind: 'file', path: '/srv/a b.wav', isLooped: false }],
    ['file:/srv/a.flac?loop=1', { kind: 'file', path: '/srv/a.flac', isLooped: true }],
    ['ffmpeg:rtsp://cam/s?x=1', { kind: 'stream', url: 'rtsp://cam/s?x=1' }],
    ['ffmpeg:pulse:default', { kind: 'pulse', device: 'default' }],
  ];
  for (const [endpoint, expected] of cases) assert.deepEqual(parseMicrophoneEndpoint(endpoint), expected, endpoint);
});

test('anything else is refused with what is wrong, and no message repeats an address, which may hold a password', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['', /no URL/],
    ['http://mic/', /begins with http:/],
    ['alsa:', /name of a sound card/],
    ['alsa:-D', /name of a sound card/],
    // Plug-ins of ALSA that write a file and start a program.
    ['alsa:file:FILE=x', /name of a sound card/],
    ["alsa:tee:hw,'|sh',raw", /name of a sound card/],
    ['alsa:{type hw}', /name of a sound card/],
    ['alsa:default?rate=8000', /8000 samples a second; 16000 to 96000/],
    ['alsa:default?rate=48000&rate=44100', /says rate twice/],
    ['alsa:default?rte=48000', /knows format, rate, channels alone/],
    ['alsa:default?format=mp3', /format is one of s16le, s24le, s32le, f32le/],
    ['alsa:default?channels=9', /9 channels; 1 to 8/],
    ['wav+http:///x', /no host|no URL/],
    ['tcp://mic:4000', /does not say its format/],
    ['tcp://mic:4000?format=s16le&channels=1', /does not say its rate/],
    ['tcp://mic?format=s16le&rate=48000&channels=1', /host and port/],
    ['tcp://mic:4000/x?format=s16le&rate=48000&channels=1', /path behind its port/],
    ['rtp://mic:5004?rate=48000', /address of this computer/],
    ['rtp://239.1.2.3:5004?rate=48000', /address of this computer/],
    ['rtp://0.0.0.0:5004', /does not say its rate/],
    ['rtp://0.0.0.0:5004?rate=48000&pt=0', /pt is 10, 11 or 96 to 127/],
    ['rtp://0.0.0.0:5004?rate=48000&from=mic', /from is the address/],
    ['file:a.wav', /absolute path/],
    ['file://host/a.wav', /absolute path/],
    ['file:///a.wav?loop=yes', /loop is 0 or 1/],
    ['file:///a.wav#t=5', /ends in #/],
    ['ffmpeg:concat:///a', /begins with concat:/],
    ['ffmpeg:file:///etc/passwd', /begins with file:/],
    ['ffmpeg:https://mic/a', /use wav\+https/],
    ['ffmpeg:pulse:-x', /PulseAudio/],
  ];
  for (const [endpoint, why] of cases) {
    assert.throws(
      () => parseMicrophoneEndpoint(endpoint),
      (error) => error instanceof Error && error.message.startsWith('DRV-530 ') && why.test(error.message),
      endpoint,
    );
  }
  for (const endpoint of [
    'wav+http://amina:geheim@mic/a',
    'ffmpeg:rtsp://amina:geheim@mic/a',
    'tcp://amina@mic:4000?format=s16le&rate=48000&channels=1',
    'ffmpeg:rtsp://amina:geheim@',
  ]) {
    assert.throws(
      () => parseMicrophoneEndpoint(endpoint),
      (error) => error instanceof Error && error.message.startsWith('DRV-530 ') && !/geheim|amina/.test(error.message),
      endpoint,
    );
  }
});

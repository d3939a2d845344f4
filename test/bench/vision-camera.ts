/**
 * The camera of the crash bench, `FPS DIR`: pictures of a simulated tube, drawn before anybody looks, so that the camera itself takes next to
 * no time of the machine it is measured on. Writes twelve of them into DIR to be taught from, prints its port, and then a line for each
 * connection. Ends with its standard input.
 */
import { writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import sharp from 'sharp';
import { tubeOf } from '../../simulators/cloth/geometry.ts';
import { createTubeEye, imageSize, type TubeScene } from '../../simulators/cloth/tube-camera.ts';

const rpm = 35;
const countsPerRevolution = 4096;
/** At 12 pictures a second that is seven whole revolutions: the encoder goes on where it began. */
const pictures = 144;

const [, , fpsText = '12', dir = ''] = process.argv;
const fps = Number(fpsText);
const scene: TubeScene = {
  seed: 11,
  tube: tubeOf({ diameterInch: 30, gauge: 28, feeders: 96, coursesPerCm: 18 }),
  camera: { widthPx: 512, heightPx: 512, pxPerMm: 9, needleZero: 0, direction: 1 },
  marginPx: 0,
  markNeedle: 0,
  tone: 0.7,
  unevenness: 1,
  shakeMm: 0.02,
};
const { widthPx: width, heightPx: height } = imageSize(scene);
const eye = createTubeEye(scene);

interface Picture {
  readonly jpeg: Buffer;
  /** Since the first, in turns of the machine. */
  readonly revolutions: number;
}
const drawn: Picture[] = [];
for (let number = 0; number < pictures; number += 1) {
  const timeS = number / fps;
  const revolutions = (timeS * rpm) / 60;
  const pixels = new Uint8Array(width * height);
  eye.take({ revolutions, timeS, number, faults: [], trouble: null }, pixels);
  const image = sharp(pixels, { raw: { width, height, channels: 1 } });
  drawn.push({ jpeg: await image.clone().jpeg({ quality: 90 }).toBuffer(), revolutions });
  if (number % 12 === 0)
    writeFileSync(join(dir, `${String(number).padStart(3, '0')}.png`), await image.png().toBuffer());
}

const watchers = new Set<Socket>();
const server = createServer((socket) => {
  socket.on('error', () => socket.destroy());
  socket.once('close', () => watchers.delete(socket));
  socket.once('data', () => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n');
    watchers.add(socket);
    process.stdout.write('connected\n');
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' ? address?.port : 0}\n`);
});

let sent = 0;
setInterval(() => {
  const picture = drawn[sent % pictures];
  if (picture === undefined) return;
  const rounds = Math.floor(sent / pictures) * (pictures / fps) * (rpm / 60);
  sent += 1;
  const count = Math.floor((rounds + picture.revolutions) * countsPerRevolution);
  const head = [
    '--frame',
    'Content-Type: image/jpeg',
    `Content-Length: ${picture.jpeg.length}`,
    `X-Timestamp: ${Date.now() / 1000}`,
    `X-Encoder-Count: ${count}`,
    '',
    '',
  ].join('\r\n');
  for (const socket of watchers) {
    // Whoever does not read gets the next one.
    if (socket.writableLength === 0)
      socket.write(Buffer.concat([Buffer.from(head), picture.jpeg, Buffer.from('\r\n')]));
  }
}, 1000 / fps);
process.stdin.resume().on('end', () => process.exit());

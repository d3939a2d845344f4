import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { planOf, transformSquare } from '../../../models/vision/fourier.ts';
import { blockPx, kernelPx, Spectrum, whiteningKernel, type Flat } from '../../../models/vision/whitening.ts';
import { noise } from './strips.ts';

/** The definition, term by term. */
function slowTransform(size: number, re: Float64Array, im: Float64Array): [number, number][] {
  const out: [number, number][] = [];
  for (let v = 0; v < size; v += 1) {
    for (let u = 0; u < size; u += 1) {
      let [a, b] = [0, 0];
      for (let y = 0; y < size; y += 1) {
        for (let x = 0; x < size; x += 1) {
          const phase = (-2 * Math.PI * (u * x + v * y)) / size;
          const [r, i] = [re[y * size + x] ?? 0, im[y * size + x] ?? 0];
          a += r * Math.cos(phase) - i * Math.sin(phase);
          b += r * Math.sin(phase) + i * Math.cos(phase);
        }
      }
      out.push([a, b]);
    }
  }
  return out;
}

test('the transform is that of its definition', () => {
  const value = fc.double({ min: -100, max: 100, noNaN: true });
  fc.assert(
    fc.property(fc.array(value, { minLength: 128, maxLength: 128 }), (values) => {
      const re = Float64Array.from(values.slice(0, 64));
      const im = Float64Array.from(values.slice(64));
      const expected = slowTransform(8, re, im);
      transformSquare(planOf(8), re, im);
      expected.forEach(([a, b], i) => {
        assert.ok(Math.abs((re[i] ?? 0) - a) < 1e-7 && Math.abs((im[i] ?? 0) - b) < 1e-7, `term ${i}`);
      });
    }),
    { numRuns: 20 },
  );
});

/** A weave of 9 by 7 px over white noise of σ 3. */
function weave(width: number, height: number, seed: number): Flat {
  const values = new Float32Array(width * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const thread = 12 * Math.sin((2 * Math.PI * x) / 9) * Math.sin((2 * Math.PI * y) / 7);
      values[y * width + x] = thread + 3 * Math.sqrt(3) * noise(x, y, seed);
    }
  }
  return { width, height, values, cloth: { left: 0, top: 0, right: width, bottom: height } };
}

test('white noise of variance 1 has power 1 at every frequency', () => {
  const spectrum = new Spectrum();
  for (let seed = 0; seed < 4; seed += 1) {
    const flat = weave(1024, 128, seed);
    flat.values.forEach((_, at) => {
      flat.values[at] = Math.sqrt(3) * noise(at % 1024, (at - (at % 1024)) / 1024, seed);
    });
    spectrum.add(flat);
  }
  assert.equal(spectrum.blocks, 4 * 15);
  const power = spectrum.power();
  const mean = power.reduce((sum, value) => sum + value, 0) / power.length;
  assert.ok(Math.abs(mean - 1) < 0.03, `mean power ${mean}`);
});

test('the kernel takes the weave out: the whitened cloth is noise of variance near 1', () => {
  const spectrum = new Spectrum();
  for (let seed = 0; seed < 4; seed += 1) spectrum.add(weave(1024, 128, seed));
  const kernel = whiteningKernel(spectrum.power());
  const flat = weave(512, 128, 99);
  const half = (kernelPx - 1) / 2;
  let [energy, count, before] = [0, 0, 0];
  for (let y = half; y < 128 - half; y += 3) {
    for (let x = half; x < 512 - half; x += 3) {
      let sum = 0;
      for (let v = 0; v < kernelPx; v += 1) {
        for (let u = 0; u < kernelPx; u += 1) {
          sum += (kernel[v * kernelPx + u] ?? 0) * (flat.values[(y + v - half) * 512 + x + u - half] ?? 0);
        }
      }
      energy += sum * sum;
      before += ((flat.values[y * 512 + x] ?? 0) / 3) ** 2;
      count += 1;
    }
  }
  // Against the noise alone the cloth has five times its variance; whitened it is the noise, give or take what 33 px resolve.
  assert.ok(before / count > 4, `before ${before / count}`);
  assert.ok(energy / count > 0.7 && energy / count < 1.4, `after ${energy / count}`);
});

test('the kernel is symmetric and answers even grey with nothing', () => {
  const spectrum = new Spectrum();
  spectrum.add(weave(1024, 128, 5));
  const kernel = whiteningKernel(spectrum.power());
  const sum = kernel.reduce((total, value) => total + value, 0);
  assert.ok(Math.abs(sum) < 1e-5, `sum ${sum}`);
  kernel.forEach((value, at) => {
    const opposite = kernel[kernel.length - 1 - at] ?? 0;
    assert.ok(Math.abs(value - opposite) < 1e-6);
  });
});

test('cloth shorter than a block gives no spectrum', () => {
  const spectrum = new Spectrum();
  spectrum.add(weave(blockPx - 1, 128, 1));
  assert.equal(spectrum.blocks, 0);
});

/**
 * What the devices of the load benches serve. Fifteen bits of every value are as good as random, so that nothing on its way
 * to the disk is helped by a pattern, and the last bit alternates, so that every register changes at every read. Pure.
 */
export function servedValue(device: number, register: number, read: number): number {
  let hash = Math.imul(device * 0x9e37_79b1 + register, 0x85eb_ca6b) ^ Math.imul(read + 1, 0xc2b2_ae35);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b_3c6d);
  hash = Math.imul(hash ^ (hash >>> 13), 0x297a_2d39);
  return (((hash ^ (hash >>> 16)) & 0x7fff) << 1) | (read & 1);
}

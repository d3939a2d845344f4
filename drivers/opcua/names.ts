/** From what makers call a thing to what we call it. Pure. */

/** `CylinderSpeed`, `cylinder_speed` and `Cylinder speed` are the same three or two words. */
export function words(name: string): string[] {
  return name
    .normalize('NFKD')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
}

/** One part of a canonical name; `x` where nothing of the name can be written in it. */
export function snake(name: string): string {
  const joined = words(name).join('_').slice(0, 60);
  if (joined === '') return 'x';
  return /^[a-z]/.test(joined) ? joined : `n${joined}`;
}

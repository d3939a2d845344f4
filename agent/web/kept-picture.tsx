/** A picture that is kept as evidence, with what lies over it; nothing where none was kept, or where it is not here any more. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { cropPath } from './client.ts';

/**
 * Where a picture that is kept can be had; null where there is none, or it could not be had.
 *
 * That it is gone is remembered by its hash, so that another picture in the same place is asked for. Forgetting it in an effect instead would
 * lose a refusal that comes before the effect has run: the place would show a broken picture for good.
 */
export function useKept(sha256: unknown): { readonly src: string | null; readonly gone: () => void } {
  const [missing, setMissing] = useState<unknown>(null);
  return {
    src: typeof sha256 === 'string' && sha256 !== missing ? cropPath(sha256) : null,
    gone: () => setMissing(sha256),
  };
}

interface Props {
  readonly sha256: unknown;
  readonly of: 'crop' | 'spectrogram';
  readonly alt: string;
  /** Lies over the picture, edge on edge. */
  readonly over?: ComponentChildren;
  /** Below it. */
  readonly children?: ComponentChildren;
}

export function KeptPicture({ sha256, of, alt, over, children }: Props) {
  const { src, gone } = useKept(sha256);
  if (src === null) return null;
  return (
    <div class="kept-picture">
      <div class={`${of}-frame`}>
        <img class={of} src={src} alt={alt} loading="lazy" onError={gone} />
        {over}
      </div>
      {children}
    </div>
  );
}

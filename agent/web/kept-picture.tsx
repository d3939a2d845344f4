/** A picture that is kept as evidence, with what lies over it; nothing where none was kept, or where it is not here any more. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { cropPath } from './client.ts';

/** The hash of a picture that is here; null where there is none, or it could not be had. */
export function useKept(sha256: unknown): { readonly src: string | null; readonly gone: () => void } {
  const [isGone, setIsGone] = useState(false);
  useEffect(() => setIsGone(false), [sha256]);
  return { src: typeof sha256 === 'string' && !isGone ? cropPath(sha256) : null, gone: () => setIsGone(true) };
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

/** Sound and vibration for new alerts while the page is open: a switch of this device, off until somebody turns it on. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { alarmsIn } from './alarms.ts';
import type { Alert } from './floor-state.ts';
import { BellIcon } from './icons.tsx';
import { useLanguage } from './language.ts';

const place = 'selvedge.alert-sound';
function kept(): boolean {
  try {
    return localStorage.getItem(place) === 'on';
  } catch {
    return false;
  }
}
function keep(isOn: boolean): void {
  try {
    localStorage.setItem(place, isOn ? 'on' : 'off');
  } catch {
    return;
  }
}

/** Two short tones, the second higher: heard beside machines, over in half a second. */
function play(audio: AudioContext): void {
  for (const [hertz, afterS] of [
    [880, 0],
    [1320, 0.25],
  ] as const) {
    const tone = audio.createOscillator();
    const loudness = audio.createGain();
    const at = audio.currentTime + afterS;
    tone.frequency.value = hertz;
    loudness.gain.setValueAtTime(0, at);
    loudness.gain.linearRampToValueAtTime(0.4, at + 0.02);
    loudness.gain.linearRampToValueAtTime(0, at + 0.22);
    tone.connect(loudness).connect(audio.destination);
    tone.start(at);
    tone.stop(at + 0.23);
  }
}

interface Props {
  readonly alerts: readonly Alert[];
  /** false: the floor was not read yet. */
  readonly ready: boolean;
}

export function AlertSound({ alerts, ready }: Props) {
  const { say } = useLanguage();
  const [isOn, setIsOn] = useState(kept);
  const [waits, setWaits] = useState(false);
  const audio = useRef<AudioContext | null>(null);
  const known = useRef<ReadonlySet<string> | null>(null);
  // A phone takes the sound from the page when a call comes or it is locked: then it waits for a touch again.
  const own = (): AudioContext => {
    if (audio.current === null) {
      const made = new AudioContext();
      made.addEventListener('statechange', () => setWaits(made.state !== 'running'));
      audio.current = made;
    }
    return audio.current;
  };

  // Browsers let no page sound before a person touched it: the first touch of any kind wakes the tone.
  useEffect(() => {
    if (!isOn) return undefined;
    const wake = (): void => {
      const woken = own();
      void woken.resume().then(
        () => setWaits(woken.state !== 'running'),
        () => setWaits(true),
      );
    };
    setWaits(audio.current?.state !== 'running');
    window.addEventListener('pointerdown', wake);
    window.addEventListener('keydown', wake);
    return () => {
      window.removeEventListener('pointerdown', wake);
      window.removeEventListener('keydown', wake);
    };
  }, [isOn]);
  useEffect(() => () => void audio.current?.close(), []);

  useEffect(() => {
    if (!ready) return;
    const { fresh, open } = alarmsIn(alerts, known.current);
    known.current = open;
    if (!isOn || fresh.length === 0) return;
    if (audio.current?.state === 'running') play(audio.current);
    navigator.vibrate?.([200, 100, 200]);
  }, [alerts, ready]);

  return (
    <span class="alert-sound">
      <label>
        <input
          type="checkbox"
          checked={isOn}
          onChange={(event) => {
            const wanted = event.currentTarget.checked;
            keep(wanted);
            setIsOn(wanted);
            if (!wanted) return;
            // This is a touch already.
            const woken = own();
            void woken.resume().then(
              () => {
                setWaits(false);
                play(woken);
              },
              () => setWaits(true),
            );
          }}
        />
        <BellIcon />
        <span class="alert-sound-text">{say('people.alarm')}</span>
      </label>
      {isOn && waits && <span class="hint">{say('people.alarm.touch')}</span>}
    </span>
  );
}

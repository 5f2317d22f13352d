// The desk's one sound. It means "look here" and nothing finer: a red alert or
// a dead stream. Never one per alert: a flood of alarms must not become noise.

const REST = 60_000;

let context: AudioContext | null = null;

/**
 * Bell sounds once a minute at most. What calls within the minute is not lost:
 * the bell sounds at its end, if what called is then still so.
 */
export class Bell {
  #sound: () => void;
  #clock: () => number;
  #last = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #waiting: (() => boolean)[] = [];

  constructor(sound: () => void, clock: () => number = () => performance.now()) {
    this.#sound = sound;
    this.#clock = clock;
  }

  ring(still: () => boolean = () => true): void {
    const left = this.#last + REST - this.#clock();
    if (left <= 0 && this.#timer === undefined) return this.#now();
    this.#waiting.push(still);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const called = this.#waiting.some((f) => f());
      this.#waiting = [];
      if (called) this.#now();
    }, left);
  }

  #now(): void {
    this.#last = this.#clock();
    this.#sound();
  }
}

/** Browsers stay mute until the page has been touched. */
export const bell = new Bell(chime);

/** chime always sounds: for the volume test at the start of a shift. */
export function chime(): void {
  try {
    context ??= new AudioContext();
    void context.resume();
    const at = context.currentTime + 0.02;
    [784, 622].forEach((hz, i) => {
      const tone = context!.createOscillator();
      const gain = context!.createGain();
      tone.frequency.value = hz;
      gain.gain.setValueAtTime(0, at + i * 0.28);
      gain.gain.linearRampToValueAtTime(0.25, at + i * 0.28 + 0.02);
      gain.gain.exponentialRampToValueAtTime(0.001, at + i * 0.28 + 0.26);
      tone.connect(gain).connect(context!.destination);
      tone.start(at + i * 0.28);
      tone.stop(at + i * 0.28 + 0.27);
    });
  } catch {
    // A machine without sound: the words and the colours remain.
  }
}

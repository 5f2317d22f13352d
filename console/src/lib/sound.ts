// The desk's one sound. It means "look here" and nothing finer: a red alert or
// a dead stream. Never one per alert: a flood of alarms must not become noise.

const REST = 60_000;

let context: AudioContext | null = null;
let last = -Infinity;

/** call sounds unless it did within the last minute. Browsers stay mute until the page has been touched. */
export function call(now = performance.now()): void {
  if (now - last < REST) return;
  last = now;
  chime();
}

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

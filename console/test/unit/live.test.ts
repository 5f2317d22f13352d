import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Live, SSEParser, type LiveEvent, type LiveState } from '../../src/lib/live.ts';

describe('the parser', () => {
  const feed = (...chunks: string[]) => {
    const p = new SSEParser();
    return { events: chunks.flatMap((c) => p.push(c)), p };
  };

  test('reads events, comments and several lines of data', () => {
    const { events, p } = feed(': hello\n\nevent: alert.raised\nid: 7\ndata: {"a":1}\n\ndata: x\ndata: y\n\n');
    expect(events).toEqual([
      { type: 'alert.raised', id: '7', data: '{"a":1}' },
      { type: 'message', id: '7', data: 'x\ny' },
    ]);
    expect(p.lastEventId).toBe('7');
  });

  test('gives the same whatever the chunks, with any line ending', () => {
    for (const end of ['\n', '\r\n', '\r']) {
      const text = ['event: a', 'id: 1', 'data: 中文', '', ': c', 'id: 2', 'data:no space', '', ''].join(end);
      const whole = feed(text).events;
      expect(whole).toHaveLength(2);
      for (let cut = 0; cut <= text.length; cut++) expect(feed(text.slice(0, cut), text.slice(cut)).events, `${JSON.stringify(end)} cut at ${cut}`).toEqual(whole);
    }
  });

  test('an event without data is dropped, an unfinished one is not given', () => {
    expect(feed('event: x\nid: 3\n\ndata: half').events).toEqual([]);
  });
});

/** A server whose streams are pushed by hand. */
function server() {
  const opened: { headers: Record<string, string>; push: (s: string) => void; end: () => void }[] = [];
  let status = 200;
  let refuse = false;
  return {
    opened,
    set status(s: number) {
      status = s;
    },
    set refuse(r: boolean) {
      refuse = r;
    },
    fetch: (async (_url: string, init: RequestInit) => {
      if (refuse) throw new TypeError('connection refused');
      let ctl!: ReadableStreamDefaultController<Uint8Array>;
      const body = new ReadableStream<Uint8Array>({ start: (c) => void (ctl = c) });
      init.signal!.addEventListener('abort', () => ctl.error(new DOMException('aborted', 'AbortError')));
      opened.push({
        headers: init.headers as Record<string, string>,
        push: (s) => ctl.enqueue(new TextEncoder().encode(s)),
        end: () => ctl.close(),
      });
      return new Response(status === 200 ? body : null, { status });
    }) as unknown as typeof fetch,
  };
}

describe('the stream', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const settle = () => vi.advanceTimersByTimeAsync(0);

  function start(s: ReturnType<typeof server>) {
    const events: LiveEvent[] = [];
    const states: LiveState[] = [];
    const live = new Live({ url: '/live', fetch: s.fetch, onEvent: (e) => events.push(e), onState: (x) => states.push(x), silence: 40_000, retry: [1_000, 8_000] });
    live.start();
    return { live, events, states };
  }

  test('resumes after a cut with the number of the last event', async () => {
    const s = server();
    const { live, events, states } = start(s);
    await settle();
    s.opened[0]!.push('event: alert.raised\nid: 41\ndata: {}\n\n');
    await settle();
    expect(states).toEqual(['connecting', 'live']);
    expect(s.opened[0]!.headers).not.toHaveProperty('Last-Event-ID');
    s.opened[0]!.end();
    await settle();
    expect(states.at(-1)).toBe('cut');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(s.opened[1]!.headers['Last-Event-ID']).toBe('41');
    s.opened[1]!.push('id: 42\ndata: {}\n\n');
    await settle();
    expect(states.at(-1)).toBe('live');
    expect(events.map((e) => e.id)).toEqual(['41', '42']);
    live.stop();
  });

  test('a stream that is open but silent is taken for dead', async () => {
    const s = server();
    const { live, states } = start(s);
    await settle();
    s.opened[0]!.push(': beat\n\n');
    await settle();
    await vi.advanceTimersByTimeAsync(39_000);
    expect(states.at(-1)).toBe('live');
    await vi.advanceTimersByTimeAsync(1_001);
    expect(states.at(-1)).toBe('cut');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(s.opened).toHaveLength(2);
    live.stop();
  });

  test('waits longer each time it fails, up to the limit', async () => {
    const s = server();
    s.refuse = true;
    const pauses = vi.spyOn(globalThis, 'setTimeout');
    const { live } = start(s);
    await vi.advanceTimersByTimeAsync(1_000 + 2_000 + 4_000 + 8_000);
    const waited = pauses.mock.calls.map((c) => c[1]).filter((ms) => ms !== 40_000); // 40 s is the watchdog
    expect(waited).toEqual([1_000, 2_000, 4_000, 8_000, 8_000]);
    pauses.mockRestore();
    live.stop();
  });

  test('a sign-out is not a cut, and is not tried again', async () => {
    const s = server();
    s.status = 401;
    const { live, states } = start(s);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(states).toEqual(['connecting', 'signed-out']);
    expect(s.opened).toHaveLength(1);
    live.stop();
  });

  test('nothing happens after stop', async () => {
    const s = server();
    const { live, states } = start(s);
    await settle();
    live.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(s.opened).toHaveLength(1);
    expect(states).toEqual(['connecting']);
  });
});

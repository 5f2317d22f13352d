// The one live stream: server-sent events, resumed after a cut by the number
// of the last event seen.
//
// It is read with fetch instead of the browser's EventSource for three reasons
// that matter at a desk: events of a kind this build has not heard of still
// arrive (EventSource needs each name in advance), a stream that is open but
// dead is noticed by its missing heartbeat, and a sign-out (401) is told apart
// from a broken line. What goes over the wire is the same.

export interface LiveEvent {
  id: string;
  type: string;
  data: string;
}

/**
 * SSEParser turns chunks of text into events, after the WHATWG rules for
 * text/event-stream: CR, LF or CRLF end a line, a blank line ends an event,
 * an event without data is dropped, and the last id stays until replaced.
 */
export class SSEParser {
  lastEventId = '';
  #rest = '';
  #data: string[] = [];
  #type = '';
  #afterCR = false;

  push(chunk: string): LiveEvent[] {
    const out: LiveEvent[] = [];
    // A CR ends its line at once; the LF of a CRLF that a chunk border cut in
    // two is then no further, empty line.
    if (this.#afterCR && chunk.startsWith('\n')) chunk = chunk.slice(1);
    else if (chunk === '') return out;
    this.#afterCR = chunk.endsWith('\r');
    const lines = (this.#rest + chunk).split(/\r\n|\n|\r/);
    this.#rest = lines.pop()!;
    for (const line of lines) {
      if (line === '') {
        if (this.#data.length > 0) {
          out.push({ id: this.lastEventId, type: this.#type || 'message', data: this.#data.join('\n') });
        }
        this.#data = [];
        this.#type = '';
        continue;
      }
      if (line.startsWith(':')) continue;
      const colon = line.indexOf(':');
      const field = colon < 0 ? line : line.slice(0, colon);
      let value = colon < 0 ? '' : line.slice(colon + 1);
      if (value.startsWith(' ')) value = value.slice(1);
      if (field === 'data') this.#data.push(value);
      else if (field === 'event') this.#type = value;
      else if (field === 'id' && !value.includes('\0')) this.lastEventId = value;
    }
    return out;
  }
}

export type LiveState = 'connecting' | 'live' | 'cut' | 'signed-out';

export interface LiveOptions {
  url: string;
  onEvent: (e: LiveEvent) => void;
  onState: (s: LiveState) => void;
  fetch?: typeof fetch;
  /** A stream silent for this long is dead; the server's heartbeat is 15 s. */
  silence?: number;
  /** First and longest pause before trying again. */
  retry?: [number, number];
}

const DEFAULT_SILENCE = 40_000;
const DEFAULT_RETRY: [number, number] = [1_000, 15_000];

/** Live keeps one stream open until stop is called. */
export class Live {
  #o: LiveOptions;
  #abort: AbortController | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watchdog: ReturnType<typeof setTimeout> | undefined;
  #lastId = '';
  #pause: number;
  #stopped = false;
  #state: LiveState | '' = '';

  constructor(o: LiveOptions) {
    this.#o = o;
    this.#pause = (o.retry ?? DEFAULT_RETRY)[0];
  }

  start(): void {
    this.#stopped = false;
    this.#set('connecting');
    void this.#run();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#watchdog);
    this.#abort?.abort();
  }

  /** Try again at once, without waiting for the pause to end. */
  retryNow(): void {
    if (this.#stopped || this.#state === 'live') return;
    clearTimeout(this.#timer);
    this.#abort?.abort();
    void this.#run();
  }

  #set(s: LiveState): void {
    if (this.#state === s || this.#stopped) return;
    this.#state = s;
    this.#o.onState(s);
  }

  async #run(): Promise<void> {
    const abort = new AbortController();
    this.#abort = abort;
    const parser = new SSEParser();
    parser.lastEventId = this.#lastId;
    try {
      const headers: Record<string, string> = { Accept: 'text/event-stream' };
      if (this.#lastId) headers['Last-Event-ID'] = this.#lastId;
      this.#pet(abort);
      const res = await (this.#o.fetch ?? fetch)(this.#o.url, { headers, signal: abort.signal, cache: 'no-store', credentials: 'same-origin' });
      if (res.status === 401) {
        clearTimeout(this.#watchdog);
        this.#set('signed-out');
        return; // a new sign-in starts a new stream
      }
      if (!res.ok || !res.body) throw new Error(`live stream: HTTP ${res.status}`);
      const reader = res.body.getReader();
      const utf8 = new TextDecoder();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        this.#pet(abort);
        this.#set('live');
        this.#pause = (this.#o.retry ?? DEFAULT_RETRY)[0];
        for (const e of parser.push(utf8.decode(value, { stream: true }))) {
          this.#lastId = e.id;
          this.#o.onEvent(e);
        }
      }
    } catch {
      // Every way for a stream to end is handled alike, below.
    }
    if (abort !== this.#abort) return; // retryNow has replaced this run
    clearTimeout(this.#watchdog);
    if (this.#stopped) return;
    this.#set('cut');
    this.#timer = setTimeout(() => void this.#run(), this.#pause);
    this.#pause = Math.min(this.#pause * 2, (this.#o.retry ?? DEFAULT_RETRY)[1]);
  }

  #pet(abort: AbortController): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => abort.abort(), this.#o.silence ?? DEFAULT_SILENCE);
  }
}

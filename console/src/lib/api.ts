// One door to the API. Commands are POSTs that may be repeated safely: each
// carries an Idempotency-Key that stays the same until the server has answered,
// so a second press of a button after a lost answer does nothing twice.

export const BASE = '/api/v1';

/** An answer that is not a success, from problem+json where there is one. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly field: string;
  readonly body: Record<string, unknown>;

  constructor(status: number, body: Record<string, unknown> = {}) {
    const str = (k: string) => (typeof body[k] === 'string' ? (body[k] as string) : '');
    super(str('detail') || str('title') || `HTTP ${status}`);
    this.name = 'ApiError';
    this.status = status;
    this.code = str('code');
    this.title = str('title');
    this.detail = str('detail');
    this.field = str('field');
    this.body = body;
  }

  /** The server could not be reached at all. */
  get offline(): boolean {
    return this.status === 0;
  }
}

export type Fetch = typeof fetch;

let language = '';

/** Refusals come back in the reader's language, not in the browser's. */
export function setLanguage(lang: string): void {
  language = lang;
}

async function send<T>(f: Fetch, method: string, path: string, init: RequestInit = {}): Promise<T> {
  let res: Response;
  try {
    res = await f(BASE + path, {
      ...init,
      method,
      credentials: 'same-origin',
      headers: { Accept: 'application/json', ...(language ? { 'Accept-Language': language } : {}), ...(init.headers as Record<string, string>) },
    });
  } catch (err) {
    if (err instanceof DOMException && err.name === 'AbortError') throw err;
    throw new ApiError(0, { code: 'console.offline', detail: err instanceof Error ? err.message : String(err) });
  }
  const isJSON = /\bjson\b/.test(res.headers.get('Content-Type') ?? '');
  let body: unknown;
  try {
    body = isJSON ? await res.json() : undefined;
  } catch {
    // A cut answer. A success that cannot be read is not a success: the
    // caller would go on with half of the data.
    throw new ApiError(res.ok ? 0 : res.status, { code: 'console.broken_answer' });
  }
  if (!res.ok) throw new ApiError(res.status, (body as Record<string, unknown>) ?? {});
  return body as T;
}

export function get<T>(path: string, query: Record<string, string | number | undefined> = {}, signal?: AbortSignal, f: Fetch = fetch): Promise<T> {
  const q = new URLSearchParams();
  for (const [k, v] of Object.entries(query)) if (v !== undefined && v !== '') q.set(k, String(v));
  const s = q.toString();
  return send<T>(f, 'GET', path + (s ? '?' + s : ''), signal ? { signal } : {});
}

/** A change of what is there: the same again changes nothing. */
export function patch<T>(path: string, body: Record<string, unknown>, f: Fetch = fetch): Promise<T> {
  return send<T>(f, 'PATCH', path, { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
}

export function del(path: string, f: Fetch = fetch): Promise<void> {
  return send<void>(f, 'DELETE', path);
}

/**
 * What a person means to do once. The same form sent again after an error
 * carries the same key; a changed form, or one sent after a success, is a new
 * deed with a new key.
 *
 * An answer from the server, even a refusal, settles a deed as far as the
 * server is concerned, but keeping the key on a refusal would get the stored
 * refusal back after its reason is gone; so only an unanswered deed (network
 * error or 5xx) keeps its key.
 */
export class Deed {
  #key = '';
  #what = '';

  async post<T>(path: string, body: Record<string, unknown> | FormData = {}, f: Fetch = fetch): Promise<T> {
    const isForm = body instanceof FormData;
    const what = path + '\n' + (isForm ? describeForm(body) : JSON.stringify(body));
    if (!this.#key || what !== this.#what) {
      this.#key = newKey();
      this.#what = what;
    }
    const headers: Record<string, string> = { 'Idempotency-Key': this.#key };
    if (!isForm) headers['Content-Type'] = 'application/json';
    try {
      const out = await send<T>(f, 'POST', path, { headers, body: isForm ? body : JSON.stringify(body) });
      this.#key = '';
      return out;
    } catch (err) {
      if (err instanceof ApiError && err.status >= 400 && err.status < 500) this.#key = '';
      throw err;
    }
  }
}

/** post is for a deed that no form holds on to. */
export function post<T>(path: string, body: Record<string, unknown> = {}, f: Fetch = fetch): Promise<T> {
  return new Deed().post<T>(path, body, f);
}

function describeForm(form: FormData): string {
  return [...form.entries()]
    .map(([k, v]) => (typeof v === 'string' ? `${k}=${v}` : `${k}=${v.name}/${v.size}/${v.lastModified}`))
    .join('&');
}

function newKey(): string {
  // randomUUID exists only in secure contexts; a desk may reach the server
  // over plain HTTP inside the city's own network.
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID();
  return [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('');
}

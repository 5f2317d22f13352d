import { describe, expect, test } from 'vitest';
import { ApiError, Deed, get } from '../../src/lib/api.ts';

interface Call {
  url: string;
  init: RequestInit;
}

/** A fetch that answers what it is told, one answer per call. */
function answers(...list: (Response | Error)[]): { fetch: typeof fetch; calls: Call[]; keys: () => (string | undefined)[] } {
  const calls: Call[] = [];
  return {
    calls,
    keys: () => calls.map((c) => (c.init.headers as Record<string, string>)['Idempotency-Key']),
    fetch: (async (url: string, init: RequestInit) => {
      calls.push({ url, init });
      const a = list.shift()!;
      if (a instanceof Error) throw a;
      return a;
    }) as unknown as typeof fetch,
  };
}

const ok = (body: unknown = {}) => new Response(JSON.stringify(body), { headers: { 'Content-Type': 'application/json' } });
const problem = (status: number, body: object = {}) => new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/problem+json' } });

describe('a deed', () => {
  test('keeps its key while it is unanswered, and gets a new one after that', async () => {
    const a = answers(new TypeError('network'), problem(503), ok(), ok());
    const deed = new Deed();
    await expect(deed.post('/x', { a: 1 }, a.fetch)).rejects.toMatchObject({ status: 0, offline: true });
    await expect(deed.post('/x', { a: 1 }, a.fetch)).rejects.toMatchObject({ status: 503 });
    await deed.post('/x', { a: 1 }, a.fetch);
    await deed.post('/x', { a: 1 }, a.fetch);
    const [k1, k2, k3, k4] = a.keys();
    expect(k1).toBeTruthy();
    expect(k2).toBe(k1);
    expect(k3).toBe(k1);
    expect(k4).not.toBe(k1);
  });

  test('is another deed when its content or its address changes', async () => {
    const a = answers(new TypeError('network'), new TypeError('network'), new TypeError('network'));
    const deed = new Deed();
    for (const [path, body] of [['/x', { a: 1 }], ['/x', { a: 2 }], ['/y', { a: 2 }]] as const) await expect(deed.post(path, body, a.fetch)).rejects.toThrow();
    expect(new Set(a.keys()).size).toBe(3);
  });

  test('is another deed after a refusal, or the stored refusal would come back', async () => {
    const a = answers(problem(422), ok());
    const deed = new Deed();
    await expect(deed.post('/x', { a: 1 }, a.fetch)).rejects.toMatchObject({ status: 422 });
    await deed.post('/x', { a: 1 }, a.fetch);
    expect(a.keys()[0]).not.toBe(a.keys()[1]);
  });

  test('sends a form as a form, without a content type of its own', async () => {
    const a = answers(ok());
    const form = new FormData();
    form.set('file', new File(['x'], 'x.png'));
    await new Deed().post('/x', form, a.fetch);
    expect(a.calls[0]!.init.body).toBe(form);
    expect(a.calls[0]!.init.headers).not.toHaveProperty('Content-Type');
  });
});

describe('answers', () => {
  test('problem+json becomes an error with its field', async () => {
    const a = answers(problem(422, { code: 'case.field_missing', title: 'Unprocessable', detail: 'Cause is missing', field: 'fields.cause' }));
    const err = await get('/x', {}, undefined, a.fetch).catch((e: unknown) => e as ApiError);
    expect(err).toBeInstanceOf(ApiError);
    expect(err).toMatchObject({ status: 422, code: 'case.field_missing', field: 'fields.cause', message: 'Cause is missing' });
  });
  test('an error page that is not JSON is still an error', async () => {
    const a = answers(new Response('<h1>Bad gateway</h1>', { status: 502, headers: { 'Content-Type': 'text/html' } }));
    await expect(get('/x', {}, undefined, a.fetch)).rejects.toMatchObject({ status: 502, message: 'HTTP 502' });
  });
  test('a success that is cut short is not a success', async () => {
    const a = answers(new Response('{"items":[', { headers: { 'Content-Type': 'application/json' } }));
    await expect(get('/x', {}, undefined, a.fetch)).rejects.toMatchObject({ offline: true });
  });
  test('empty parameters are not sent', async () => {
    const a = answers(ok());
    await get('/assets', { q: '', kind: undefined, limit: 5 }, undefined, a.fetch);
    expect(a.calls[0]!.url).toBe('/api/v1/assets?limit=5');
  });
});

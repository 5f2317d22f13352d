// One form, one deed: knows whether it is under way, keeps the idempotency key
// across retries, and puts the server's complaint at the field it is about.

import { ApiError, Deed } from './api.ts';
import { app, t } from './app.svelte.ts';
import { REFUSED } from './refusals.ts';

export class Form {
  busy = $state(false);
  error: ApiError | null = $state.raw(null);
  /** What this page found wrong before asking the server, by field. */
  problems: Record<string, string> = $state({});
  #deed = new Deed();

  post<T>(path: string, body: Record<string, unknown> | FormData = {}): Promise<T | null> {
    return this.run(() => this.#deed.post<T>(path, body));
  }

  /** A deed of another kind than a POST, one at a time and with its complaint kept all the same. */
  async run<T>(deed: () => Promise<T>): Promise<T | null> {
    if (this.busy) return null;
    this.busy = true;
    this.error = null;
    this.problems = {};
    try {
      // 204 has no body, but is a success all the same.
      return ((await deed()) ?? ({} as T)) as T;
    } catch (err) {
      this.fail(err);
      return null;
    } finally {
      this.busy = false;
    }
  }

  fail(err: unknown): void {
    this.error = err instanceof ApiError ? err : new ApiError(0, { detail: String(err) });
    if (this.error.status === 401) void app.refreshSession();
    app.say(explain(this.error));
  }

  /** require notes empty fields; true when none is. */
  require(values: Record<string, unknown>): boolean {
    this.error = null;
    this.problems = {};
    for (const [field, v] of Object.entries(values)) {
      const empty = v === null || v === undefined || (typeof v === 'string' && !v.trim()) || (Array.isArray(v) && v.length === 0);
      if (empty) this.problems[field] = t('form.missing');
    }
    return Object.keys(this.problems).length === 0;
  }

  /** The complaint about one field, if there is one. */
  at(field: string): string {
    if (this.problems[field]) return this.problems[field];
    if (!this.error?.field) return '';
    // "fields.reason" and "headline.en" are about `reason` and `headline`
    // where the page shows no finer field.
    const f = this.error.field.replace(/^body\./, '');
    return f === field || f === 'fields.' + field ? explain(this.error) : '';
  }

  /** The complaint, when none of the named fields shows it. */
  rest(fields: readonly string[]): string {
    if (!this.error || fields.some((f) => this.at(f))) return '';
    return explain(this.error);
  }
}

/** An error in words for a person. */
export function explain(err: unknown): string {
  if (!(err instanceof ApiError)) return err instanceof Error ? err.message : String(err);
  if (err.offline) return t('error.offline');
  if (err.status === 401) return t('error.signed_out');
  return refusal(err.code, err.detail || err.title) || t('error.status', { status: String(err.status) });
}

/** Why something was refused, in the reader's language: the server's own words where they are in it, else the code's. */
export function refusal(code: string, detail: string): string {
  if (app.lang === 'en' || /\p{Script=Han}/u.test(detail)) return detail || (REFUSED[code] ? t(REFUSED[code]) : '');
  return REFUSED[code] ? t(REFUSED[code]) : detail && t('error.refused', { detail });
}

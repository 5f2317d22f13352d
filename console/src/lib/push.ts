// Notifications while the page is closed: the browser's own push service wakes
// the worker of this console (public/sw.js), which shows what the server wrote.
// What is sent is encrypted for this browser; the service between sees its size.

import { ApiError, get, post } from './api.ts';
import type { Lang } from './types.ts';

export type PushState = 'unsupported' | 'blocked' | 'off' | 'on';

const WORKER = '/console/sw.js';
const SCOPE = '/console/';

/** What this browser can do, and does. */
export async function pushState(): Promise<PushState> {
  if (!isSecureContext || !('serviceWorker' in navigator) || !('PushManager' in window) || !('Notification' in window)) return 'unsupported';
  if (Notification.permission === 'denied') return 'blocked';
  const registration = await navigator.serviceWorker.getRegistration(SCOPE);
  return (await registration?.pushManager.getSubscription()) ? 'on' : 'off';
}

/** This browser's subscription; null where it has none and gives none. */
async function subscribe(): Promise<PushSubscription | null> {
  if ((await pushState()) === 'unsupported' || (await Notification.requestPermission()) !== 'granted') return null;
  const { key } = await get<{ key: string }>('/push/key');
  await navigator.serviceWorker.register(WORKER, { scope: SCOPE });
  const { pushManager } = await navigator.serviceWorker.ready;
  let subscription = await pushManager.getSubscription();
  if (subscription && !same(subscription.options.applicationServerKey, key)) {
    // The server has other keys than when this browser subscribed: it would be refused.
    await subscription.unsubscribe();
    subscription = null;
  }
  subscription ??= await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
  return subscription;
}

/** This browser as the address of a recipient of warnings; null where it can't be reached. */
export async function pushAddress(): Promise<string | null> {
  const subscription = await subscribe();
  return subscription && JSON.stringify(subscription.toJSON());
}

/** Have this browser reached for a post; again, to change which. */
export async function pushOn(organisation: number, postName: string, language: Lang): Promise<PushState> {
  const subscription = await subscribe();
  if (!subscription) return pushState();
  const { endpoint, keys } = subscription.toJSON();
  await post('/push/subscriptions', { endpoint, keys, organisation: String(organisation), post: postName, language });
  return 'on';
}

export async function pushOff(): Promise<PushState> {
  const registration = await navigator.serviceWorker.getRegistration(SCOPE);
  const subscription = await registration?.pushManager.getSubscription();
  if (subscription) {
    await subscription.unsubscribe(); // first: what the server still sends goes nowhere
    try {
      await post('/push/subscriptions/remove', { endpoint: subscription.endpoint });
    } catch (err) {
      if (!(err instanceof ApiError)) throw err; // the push service tells the server at the next message
    }
  }
  return pushState();
}

export function bytes(base64url: string): Uint8Array<ArrayBuffer> {
  const raw = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'));
  const out = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
  return out;
}

function same(a: ArrayBuffer | null, key: string): boolean {
  const b = bytes(key);
  const x = a ? new Uint8Array(a) : new Uint8Array();
  return x.length === b.length && x.every((v, i) => v === b[i]);
}

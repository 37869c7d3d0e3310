/** The tour with the client of `@hey-api/openapi-ts`: sign up, order, pay at the simulator, poll, redeem, refresh. */
import * as api from './api';
import { createClient, createConfig } from './api/client';

declare const process: { env: Record<string, string | undefined>; exit(status: number): never };

const baseUrl = process.env['BASE'] ?? 'http://127.0.0.1:3000';

function as(token?: string) {
    return createClient(createConfig({ baseUrl, auth: token === undefined ? undefined : () => token }));
}

function given<T>(answer: { data?: T; error?: unknown }): T {
    if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
    return answer.data;
}

function is(found: unknown, wanted: unknown): void {
    if (found !== wanted) throw new Error(`${String(found)} is not ${String(wanted)}`);
}

const key = () => ({ 'Idempotency-Key': crypto.randomUUID() });

async function switchOnPayment(client: ReturnType<typeof as>): Promise<void> {
    const path = { area: 'payment' as const };
    const read = await api.getSettings({ client, path });
    const settings = { ...given(read).settings, enabled: true } as api.PaymentSettings;
    const headers = { 'If-Match': read.response?.headers.get('etag') ?? '' };
    is(given(await api.changeSettings({ client, path, headers, body: settings })).area, 'payment');
}

async function tour(): Promise<void> {
    const nobody = as();
    const password = process.env['ADMIN_PASSWORD'] ?? '';
    const admin = given(await api.signIn({ client: nobody, body: { email: 'admin@localhost', password } }));
    const operator = as(admin.access_token);
    await switchOnPayment(operator);

    const body = { email: `ts-${crypto.randomUUID()}@example.com`, password: 'correct horse battery' };
    const made = given(await api.register({ client: nobody, body }));
    if (!('session' in made)) throw new Error('verification is on');
    const bob = as(made.session.access_token);
    const order = given(await api.createOrder({ client: bob, headers: key(), body: { offer_id: 'o100', provider: 'zpay' } }));
    const paying = { provider: 'zpay', order_id: order.id, action: 'pay', notify: 'twice' };
    const headers = { 'content-type': 'application/json' };
    is((await fetch(`${baseUrl}/_sim/pay`, { method: 'POST', headers, body: JSON.stringify(paying) })).status, 200);
    let paid = order;
    for (let poll = 0; poll < 100 && paid.status !== 'paid'; poll += 1) {
        paid = given(await api.getOrder({ client: bob, path: { id: order.id } }));
    }
    is(paid.status, 'paid');

    const batch = { label: 'tour', count: 1, credit: '5', total_uses: 1 };
    const code = given(await api.createBatch({ client: operator, headers: key(), body: batch })).codes?.[0] ?? '';
    is(given(await api.redeem({ client: bob, headers: key(), body: { code } })).credit?.currency, 'USD');
    const again = await api.redeem({ client: bob, headers: key(), body: { code } });
    is(again.error?.code, 'already_redeemed');

    const { refresh_token } = made.session;
    const next = given(await api.refreshSession({ client: nobody, body: { refresh_token } }));
    is(given(await api.getMe({ client: as(next.access_token) })).id, made.user.id);
}

tour().catch((error: unknown) => {
    console.error(error);
    process.exit(1);
});

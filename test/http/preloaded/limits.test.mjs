// Rate limits; test/t/http_limits.sh runs these in a server that has preloaded the library.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lake, request } from '../support/api.mjs';

test('limits: a visitor has 30 calls a minute and address, then 429 with Retry-After', async () => {
    const call = (address) => request('GET', '/services', { as: null, headers: { 'X-Forwarded-For': `10.9.9.9, ${address}` } });
    for (let n = 1; n <= 30; n++) {
        const answer = await call('192.0.2.1');
        assert.equal(answer.status, 200, answer.text);
        assert.equal(answer.headers.get('x-ratelimit-limit'), '30');
        assert.equal(answer.headers.get('x-ratelimit-remaining'), String(30 - n));
    }
    const refused = await call('192.0.2.1');
    assert.equal(refused.status, 429);
    assert.equal(refused.json.code, 'rate_limited');
    assert.ok(Number(refused.headers.get('retry-after')) >= 1);
    assert.equal((await call('192.0.2.2')).status, 200);
});

test('limits: refused and rolled back calls count', async () => {
    const call = () => request('POST', '/rpc/get_patient', { as: 'reader', body: { patient_id: lake.tenant } });
    const statuses = [];
    for (let n = 1; n <= 101; n++) statuses.push((await call()).status);
    assert.deepEqual([...new Set(statuses.slice(0, 100))], [404]);
    assert.equal(statuses[100], 429);
});

test('limits: guessing keys costs the address its calls', async () => {
    const headers = { 'X-Api-Key': 'clinic_x', 'X-Forwarded-For': '192.0.2.77' };
    const statuses = [];
    for (let n = 1; n <= 31; n++) statuses.push((await request('GET', '/services', { as: null, headers })).status);
    assert.deepEqual([...new Set(statuses.slice(0, 30))], [401]);
    assert.equal(statuses[30], 429);
});

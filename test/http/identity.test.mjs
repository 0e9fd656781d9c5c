// Who calls: tokens, keys, public pages, and what none of them can be made to say.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hill, inAnHour, lake, nobody, request, sign, sql, token, users } from './support/api.mjs';

const whoami = (options) => request('GET', '/rpc/whoami', options);
const claims = (more) => ({ role: 'clinic_user', aud: 'pg_clinic', exp: inAnHour(), sub: users.desk, tenant_id: lake.tenant, ...more });

test('the tables say what a token may, whatever it says itself', async () => {
    const answer = await whoami({ bearer: sign(claims({ permissions: ['*'], roles: ['super_admin'], sub: users.reader })) });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json[0].permissions, ['appointments:read', 'patients:read']);
    assert.equal(answer.json[0].source, 'gateway');
    assert.equal(answer.headers.get('cache-control'), 'no-store');
});

test('a request id goes along, and comes back', async () => {
    const answer = await whoami({ headers: { 'X-Request-Id': 'abc-1' } });
    assert.equal(answer.json[0].request_id, 'abc-1');
    assert.equal(answer.headers.get('x-request-id'), 'abc-1');
    const odd = await whoami({ headers: { 'X-Request-Id': 'a b' } });
    assert.match(odd.json[0].request_id, /^[0-9a-f-]{36}$/);
});

for (const [what, more] of [
    ['a user that does not exist', { sub: nobody }],
    ['a tenant that does not exist', { tenant_id: nobody }],
    ['no tenant', { tenant_id: undefined }],
    ['a subject that is no uuid', { sub: 'postgres' }],
    ['a tenant that is SQL', { tenant_id: '1 or 1=1' }],
    ['a session that does not exist', { sid: nobody }],
    ['a branch that does not exist', { branch_id: nobody }],
    ['no end', { exp: undefined }],
    ['a time to come', { iat: inAnHour() + 86400 }],
]) {
    test(`a token with ${what} is refused with 401`, async () => {
        const answer = await whoami({ bearer: sign(claims(more)) });
        assert.equal(answer.status, 401, answer.text);
        assert.deepEqual(Object.keys(answer.json).sort(), ['code', 'details', 'hint', 'message']);
    });
}

for (const [what, bearer] of [
    ['alg none', () => sign(claims(), { header: { alg: 'none' } })],
    ['another secret', () => sign(claims(), { key: 'x'.repeat(64) })],
    ['another audience', () => sign(claims({ aud: 'other' }))],
    ['an end in the past', () => sign(claims({ exp: 1000 }))],
    ['three words', () => 'a.b.c'],
]) {
    test(`a token with ${what} is refused with 401`, async () => {
        assert.equal((await whoami({ bearer: bearer() })).status, 401);
    });
}

test('roles of the database are not for the asking', async () => {
    for (const role of ['postgres', 'clinic_owner', 'clinic_admin', 'clinic_system', 'nobody_at_all']) {
        const answer = await request('GET', '/patients', { bearer: sign(claims({ role })) });
        assert.ok([400, 401, 403].includes(answer.status), `${role}: ${answer.status}`);
        assert.doesNotMatch(answer.text, /patient_id/);
    }
});

test('a patient sees themselves, and nobody else', async () => {
    const all = await request('GET', '/patients', { as: 'patient' });
    assert.deepEqual(all.json.map((p) => p.patient_id), [lake.patient]);
    for (const id of [lake.nthPatient(1), hill.patient, nobody]) {
        const other = await request('GET', `/rpc/get_patient?patient_id=${id}`, { as: 'patient' });
        assert.equal(other.status, 404);
        assert.equal(other.json.code, 'not_found');
    }
});

test('ids of another tenant and random ones get one answer', async () => {
    for (const [path, body] of [
        ['/rpc/cancel_appointment', (id) => ({ appointment_id: id })],
        ['/rpc/reschedule_appointment', (id) => ({ appointment_id: id, starts_at: '2026-03-10T10:00Z' })],
        ['/rpc/get_appointment', (id) => ({ appointment_id: id })],
    ]) {
        const answers = await Promise.all([hill.appointment, nobody].map((id) => request('POST', path, { body: body(id) })));
        const shape = ({ status, text }, id) => `${status} ${text.replaceAll(id, 'ID')}`;
        assert.equal(shape(answers[0], hill.appointment), shape(answers[1], nobody));
        assert.equal(answers[0].status, 404);
    }
});

test('deactivation takes effect in the next request', async () => {
    assert.equal((await whoami({ as: 'reader' })).status, 200);
    sql(`UPDATE clinic_data.users SET status = 'inactive' WHERE user_id = '${users.reader}'`);
    assert.equal((await whoami({ as: 'reader' })).status, 401);
    sql(`UPDATE clinic_data.users SET status = 'active' WHERE user_id = '${users.reader}'`);
    assert.equal((await whoami({ as: 'reader' })).status, 200);
});

test('a revoked token is dead in the next request', async () => {
    const bearer = token('desk', { jti: 'revoked-1' });
    assert.equal((await whoami({ bearer })).status, 200);
    sql(`INSERT INTO clinic_data.revoked_tokens (tenant_id, jti, expires_at) VALUES ('${lake.tenant}', 'revoked-1', '2027-01-01Z')`);
    assert.equal((await whoami({ bearer })).status, 401);
});

test('without identity there is nothing, and 401', async () => {
    for (const path of ['/patients', '/appointments', '/users']) {
        const answer = await request('GET', path, { as: null });
        assert.equal(answer.status, 401, path);
    }
    assert.deepEqual((await request('GET', '/services', { as: null })).json, []);
});

test('a public page shows what is published, to whoever names it', async () => {
    const headers = { 'X-Clinic-Tenant': 'lake' };
    const slug = sql(`SELECT slug FROM clinic_data.tenants WHERE tenant_id = '${lake.tenant}'`);
    headers['X-Clinic-Tenant'] = slug;
    assert.equal((await request('GET', '/services', { as: null, headers })).status, 404);
    sql(`UPDATE clinic_data.tenants SET published = true WHERE tenant_id = '${lake.tenant}'`);
    assert.deepEqual((await request('GET', '/services', { as: null, headers })).json, []);
    sql(`UPDATE clinic_data.services SET published = true WHERE service_id = '${lake.service}'`);
    const seen = await request('GET', '/services?select=service_id', { as: null, headers });
    assert.deepEqual(seen.json, [{ service_id: lake.service }]);
    assert.equal((await request('GET', '/patients', { as: null, headers })).status, 401);
    const booking = await request('POST', '/rpc/book_appointment',
        { as: null, headers, body: { service_id: lake.service, patient_id: lake.patient, starts_at: '2026-03-10T10:00Z' } });
    assert.equal(booking.status, 401);
});

test('an API key acts for its service account, with no more than both may', async () => {
    const account = sql(`SELECT user_id FROM clinic_data.users WHERE tenant_id = '${lake.tenant}' AND kind = 'service' LIMIT 1`);
    sql(`INSERT INTO clinic_data.user_roles (tenant_id, user_id, role) VALUES ('${lake.tenant}', '${account}', 'reading') ON CONFLICT DO NOTHING;
         UPDATE clinic_data.users SET all_locations = true WHERE user_id = '${account}'`);
    const made = await request('POST', '/rpc/create_api_key',
        { body: { user_id: account, name: 'test', permissions: ['appointments:read'] } });
    assert.equal(made.status, 200, made.text);
    const headers = { 'X-Api-Key': made.json[0].api_key };
    const who = await whoami({ as: null, headers });
    assert.equal(who.status, 200, who.text);
    assert.deepEqual(who.json[0].permissions, ['appointments:read']);
    assert.equal(who.json[0].source, 'api_key');
    assert.equal((await request('GET', '/appointments?limit=1', { as: null, headers })).status, 200);
    assert.deepEqual((await request('GET', '/patients', { as: null, headers })).json, []);
    assert.equal((await whoami({ as: null, headers: { 'X-Api-Key': `${made.json[0].api_key.slice(0, -2)}AA` } })).status, 401);
    assert.equal((await whoami({ headers })).status, 401);
    sql(`UPDATE clinic_data.api_keys SET revoked_at = now() WHERE tenant_id = '${lake.tenant}'`);
    assert.equal((await whoami({ as: null, headers })).status, 401);
});

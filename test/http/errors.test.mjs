// Errors as a contract: status, body and headers of what can go wrong.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import test from 'node:test';
import { call, details, get, hill, inAnHour, lake, nobody, rawHead, request, sign, sql, token } from './support/api.mjs';

const book = (change = {}, options) =>
    call('book_appointment', { service_id: lake.service, patient_id: lake.patient, starts_at: '2026-03-10T10:00Z', ...change }, options);

// Every body has the four members, all of them texts where the error is the engine's.
function isError(answer, status, code) {
    assert.equal(answer.status, status, answer.text);
    assert.deepEqual(Object.keys(answer.json).sort(), ['code', 'details', 'hint', 'message']);
    assert.equal(answer.json.code, code);
}
function isEngines(answer, status, code) {
    isError(answer, status, code);
    for (const member of ['code', 'message', 'details', 'hint']) assert.equal(typeof answer.json[member], 'string', answer.text);
    assert.equal(details(answer).reason, code);
}

test('a start that is taken: 409, with alternatives', async () => {
    const answer = await book({ starts_at: '2026-03-03T08:00Z', provider_id: lake.provider });
    isEngines(answer, 409, 'slot_taken');
    assert.ok(details(answer).alternatives.length > 0);
    assert.ok(details(answer).alternatives[0].starts_at);
});

test('starts that are not on offer: 409, each with its reason', async () => {
    for (const [starts_at, code] of [
        ['2026-02-10T10:00Z', 'in_past'],
        ['2026-03-11T10:00Z', 'outside_hours'],
        ['2026-03-10T10:05Z', 'off_grid'],
        ['2026-03-02T10:00Z', 'closed_on_date'],
        ['2026-03-09T09:00Z', 'blocked'],
    ])
        isEngines(await book({ starts_at, patient_id: lake.nthPatient(1) }), 409, code);
});

test('a duration that the service does not take: 422', async () => {
    isEngines(await book({ duration: '45 minutes' }), 422, 'bad_duration');
});

test('what does not exist: 404, the same for an id of another tenant as for a random one', async () => {
    const [random, foreign] = [await call('cancel_appointment', { appointment_id: nobody }), await call('cancel_appointment', { appointment_id: hill.appointment })];
    isEngines(random, 404, 'not_found');
    isEngines(foreign, 404, 'not_found');
    assert.equal(foreign.text.replaceAll(hill.appointment, nobody), random.text);
    isEngines(await book({ patient_id: hill.patient }), 404, 'not_found');
});

test('a missing argument: 422 with the field', async () => {
    const answer = await book({ patient_id: null });
    isEngines(answer, 422, 'missing_argument');
    assert.equal(details(answer).field, 'patient_id');
});

test('a missing argument of a function in SQL: the same', async () => {
    const answer = await call('create_location', { name: null, time_zone: 'Europe/Oslo' });
    isEngines(answer, 422, 'missing_argument');
    assert.equal(details(answer).field, 'name');
});

test('a wrong argument: 422 with the field and an explanation', async () => {
    const answer = await call('create_resource', { name: 'R', kind: 'boat', resource_class: 'c', location_id: lake.location });
    isEngines(answer, 422, 'invalid_argument');
    assert.equal(details(answer).field, 'kind');
    const range = await get(`/rpc/available_slots?service_id=${lake.service}&range_start=2026-03-10&range_end=2026-03-09`);
    isEngines(range, 422, 'invalid_argument');
    assert.equal(details(range).field, 'range_end');
    assert.ok(details(range).explanation);
});

test('an unknown time zone: 422', async () => {
    const answer = await call('create_location', { name: 'L', time_zone: 'Mars/Olympus' });
    isEngines(answer, 422, 'invalid_time_zone');
});

test('a range that is too long: 422', async () => {
    isEngines(await get('/rpc/calendar?range_start=2026-01-01&range_end=2027-01-01'), 422, 'limit_exceeded');
});

test('a local time that the clock skips: 422, with where it would go', async () => {
    const answer = await book({ starts_at: null, local_starts_at: '2026-03-29 02:30', location_id: lake.location });
    isEngines(answer, 422, 'nonexistent_local_time');
    assert.ok(details(answer).shifted_to);
});

test('an old version: 409', async () => {
    const answer = await call('update_location', { location_id: lake.location, changes: { name: 'Lake North', version: 99 } });
    isEngines(answer, 409, 'stale_version');
});

test('a name that is there already: 409', async () => {
    const answer = await call('create_patient', { name: 'Twin', mrn: 'L-1' });
    isEngines(answer, 409, 'duplicate');
});

test('without a permission: 403 with it, 401 without any identity', async () => {
    const forbidden = await book({}, { as: 'reader' });
    isEngines(forbidden, 403, 'forbidden');
    assert.equal(details(forbidden).permission, 'appointments:write');
    assert.equal(forbidden.headers.get('www-authenticate'), null);
    const nameless = await book({}, { as: null });
    assert.equal(nameless.status, 401, nameless.text);
    assert.match(nameless.headers.get('www-authenticate'), /^Bearer/);
});

test('a token that names no known caller: 401 no_context', async () => {
    const bearer = sign({ role: 'clinic_user', aud: 'pg_clinic', exp: inAnHour() });
    await get('/locations', { as: null }); // the login acts for nobody from here on
    const answer = await book({}, { bearer });
    isEngines(answer, 401, 'no_context');
    assert.equal(answer.headers.get('www-authenticate'), 'Bearer');
});

test('tokens that PostgREST refuses: 401', async () => {
    const good = { role: 'clinic_user', aud: 'pg_clinic', exp: inAnHour() };
    for (const bearer of [
        sign({ ...good, exp: 1 }),
        sign({ ...good, nbf: inAnHour() }),
        sign({ ...good, aud: 'other' }),
        sign(good, { key: 'x'.repeat(64) }),
        sign(good, { header: { alg: 'none' } }).replace(/[^.]*$/, ''),
        'garbage',
    ])
        assert.equal((await get('/locations', { bearer })).status, 401, bearer);
});

test('roles that the login may not take: refused, and never a role of the database', async () => {
    for (const role of ['postgres', 'clinic_owner', 'clinic_admin', 'clinic_system']) {
        const answer = await get('/locations', { bearer: sign({ role, aud: 'pg_clinic', exp: inAnHour() }) });
        assert.equal(answer.status, 403, `${role}: ${answer.text}`);
    }
    assert.equal((await get('/locations', { bearer: sign({ role: 'nosuch', aud: 'pg_clinic', exp: inAnHour() }) })).status, 400);
});

test('functions that a role may not call: 403 with a token, 401 without', async () => {
    isError(await call('use_tenant', { tenant: 'lake' }), 403, '42501');
    isError(await call('use_tenant', { tenant: 'lake' }, { as: null }), 401, '42501');
});

test('what PostgreSQL itself refuses keeps its code: casts 400', async () => {
    isError(await book({ patient_id: 'pat_123' }), 400, '22P02');
    isError(await book({ starts_at: '2026-13-40' }), 400, '22008');
    isError(await call('book_appointment', '{"service_id": '), 400, 'PGRST102');
});

test('unknown functions, arguments, views, paths: 404; unknown columns: 400', async () => {
    assert.equal((await call('nothing', {})).status, 404);
    assert.equal((await book({ colour: 'red' })).status, 404);
    assert.equal((await get('/nothing')).status, 404);
    assert.equal((await get('/locations/1')).status, 404);
    assert.equal((await get('/locations?colour=eq.red')).status, 400);
});

test('writing by GET: 405, and nothing is written', async () => {
    const before = sql('SELECT count(*) FROM clinic_data.appointments');
    const path = `/rpc/book_appointment?service_id=${lake.service}&patient_id=${lake.patient}&starts_at=2026-03-10T10:00Z`;
    isError(await get(path), 405, '25006');
    assert.equal(sql('SELECT count(*) FROM clinic_data.appointments'), before);
});

test('other methods: 405 on functions; views cannot be written', async () => {
    for (const method of ['PUT', 'PATCH', 'DELETE'])
        assert.equal((await request(method, '/rpc/book_appointment', { body: {} })).status, 405);
    for (const [method, path] of [['POST', '/locations'], ['PATCH', `/locations?location_id=eq.${lake.location}`], ['DELETE', '/locations?name=eq.x']]) {
        const answer = await request(method, path, { body: method === 'DELETE' ? undefined : { name: 'x' } });
        assert.ok([400, 403, 404, 405].includes(answer.status) && answer.json.code, `${method} ${answer.status} ${answer.text}`);
    }
});

test('the schemas behind the API cannot be named', async () => {
    for (const profile of ['clinic_data', 'clinic_private', 'pg_catalog'])
        assert.equal((await get('/logins', { headers: { 'Accept-Profile': profile } })).status, 406);
});

test('a lock that is not given in time: 409 with Retry-After', async () => {
    const holder = spawn('psql', ['-XqAt'], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
        const locked = new Promise((resolve) => holder.stdout.once('data', resolve));
        holder.stdin.write('BEGIN; LOCK TABLE clinic_data.appointments IN ACCESS EXCLUSIVE MODE; SELECT 1;\n');
        await locked;
        const answer = await book();
        isError(answer, 409, '55P03');
        assert.equal(answer.headers.get('retry-after'), '1');
    } finally {
        holder.stdin.end('ROLLBACK;\n\\q\n');
        await new Promise((resolve) => holder.once('close', resolve));
    }
});

test('the first request of a fresh connection has the same errors, with the library preloaded or not', async () => {
    for (const preload of ['RESET session_preload_libraries', 'SET session_preload_libraries = pg_clinic']) {
        sql(`ALTER ROLE clinic_authenticator ${preload}`);
        token('desk');
        sql(`SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'clinic_authenticator'`);
        let answer;
        for (let tries = 0; tries < 20; tries++) {
            answer = await book({ patient_id: null });
            if (answer.status !== 503) break;
            await new Promise((resolve) => setTimeout(resolve, 200));
        }
        isEngines(answer, 422, 'missing_argument');
    }
});

test('line breaks and other letters in texts stay in the body', async () => {
    const evil = 'x"\r\nSet-Cookie: evil=1\r\n\r\n<b>é—漢\u2028';
    const bearer = token('desk');
    for (const [name, body] of [
        ['create_location', { name: 'L', time_zone: evil }],
        ['update_location', { location_id: lake.location, changes: { [evil]: 1 } }],
        ['describe_rrule', { rule: `FREQ=${evil}` }],
        ['create_resource', { name: 'R', kind: evil, resource_class: 'c', location_id: lake.location }],
        ['book_appointment', { service_id: lake.service, patient_id: lake.patient, starts_at: '2026-03-10T10:00Z', gap: evil, local_starts_at: '2026-03-10 10:00' }],
    ]) {
        const head = await rawHead('POST', `/rpc/${name}`, JSON.stringify(body), bearer);
        assert.match(head, /^HTTP\/1\.1 4(09|22) [A-Za-z ]+\r\n/, name);
        assert.doesNotMatch(head, /set-cookie/i, name);
        assert.doesNotMatch(head, /[^\x20-\x7e\r\n]/, name);
        const answer = await call(name, body, { bearer });
        isEngines(answer, answer.status, answer.json.code);
    }
});

test('a null character in a text: 400, before anything runs', async () => {
    isError(await call('create_patient', '{"name": "a\\u0000b"}'), 400, '22P05');
});

test('no error ever shows a token or a secret', async () => {
    const bearer = token('desk');
    for (const answer of [await book({ patient_id: null }, { bearer }), await call('nothing', {}, { bearer }), await get('/locations?x=eq.1', { bearer })])
        assert.ok(!answer.text.includes(bearer) && !answer.text.includes(bearer.split('.')[2]));
});

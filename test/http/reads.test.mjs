// Reading: views, filters, pages, counts, embedding, and the description of the API.
import assert from 'node:assert/strict';
import test from 'node:test';
import { call, get, hill, lake, sql } from './support/api.mjs';

test('views show the own tenant alone', async () => {
    const answer = await get('/locations?select=location_id,name&order=name');
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json.map((l) => l.name), ['Lake North', 'Lake South']);
    assert.deepEqual((await get(`/patients?patient_id=eq.${hill.patient}`)).json, []);
});

test('embedding: appointments with their patients, providers with their services', async () => {
    const answer = await get(`/appointments?select=confirmation_code,patients(mrn,name)&confirmation_code=eq.AAAA-1111`);
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(answer.json, [{ confirmation_code: 'AAAA-1111', patients: { mrn: 'L-1', name: 'Pat One' } }]);
    const filtered = await get('/appointments?select=confirmation_code,patients!inner(mrn)&patients.mrn=eq.L-2');
    assert.deepEqual(filtered.json.map((a) => a.confirmation_code), ['BBBB-2222']);
});

test('filters by ranges and lists, order in both directions', async () => {
    const day = 'starts_at=gte.2026-03-03T00:00Z&starts_at=lt.2026-03-04T00:00Z';
    const up = await get(`/appointments?${day}&status=in.(booked,completed)&order=starts_at&select=confirmation_code`);
    assert.deepEqual(up.json.map((a) => a.confirmation_code).slice(0, 2), ['AAAA-1111', 'BBBB-2222']);
    const down = await get(`/appointments?${day}&order=starts_at.desc&select=confirmation_code`);
    assert.deepEqual(down.json.map((a) => a.confirmation_code).slice(-2), ['BBBB-2222', 'AAAA-1111']);
    assert.deepEqual((await get('/appointments?status=eq.no-such')).json, []);
});

test('exact counts, ranges, and an end past the last row', async () => {
    const total = Number(sql(`SELECT count(*) FROM clinic_data.patients WHERE tenant_id = '${lake.tenant}'`));
    const answer = await get('/patients?order=mrn&limit=10&offset=10&select=mrn', { headers: { Prefer: 'count=exact' } });
    assert.equal(answer.status, 206);
    assert.equal(answer.headers.get('content-range'), `10-19/${total}`);
    assert.equal(answer.json.length, 10);
    assert.equal((await get('/patients?offset=9999', { headers: { Prefer: 'count=exact' } })).status, 416);
});

test('keyset pages: every row once, in order', async () => {
    const seen = [];
    let after = '';
    for (let page = 0; page < 20; page++) {
        const { json } = await get(`/patients?select=mrn,patient_id&mrn=not.is.null&order=mrn,patient_id&limit=7${after}`);
        seen.push(...json.map((p) => p.patient_id));
        if (json.length < 7) break;
        const last = json.at(-1);
        after = `&or=(mrn.gt.${last.mrn},and(mrn.eq.${last.mrn},patient_id.gt.${last.patient_id}))`;
    }
    const wanted = sql(`SELECT patient_id FROM clinic_data.patients WHERE tenant_id = '${lake.tenant}' AND mrn IS NOT NULL ORDER BY mrn, patient_id`);
    assert.deepEqual(seen, wanted.split('\n'));
});

test('functions by GET and by POST give the same rows, and take filters, order and limit', async () => {
    const args = { service_id: lake.service, range_start: '2026-03-10T00:00:00Z', range_end: '2026-03-11T00:00:00Z' };
    const byPost = await call('available_slots', args);
    const byGet = await get(`/rpc/available_slots?${new URLSearchParams(args)}`);
    assert.equal(byPost.status, 200, byPost.text);
    assert.ok(byPost.json.length > 10);
    assert.deepEqual(byGet.json, byPost.json);
    const late = await get(`/rpc/available_slots?${new URLSearchParams(args)}&starts_at=gte.2026-03-10T12:00Z&order=starts_at.desc&limit=2`);
    assert.deepEqual(late.json.map((s) => s.starts_at), byPost.json.map((s) => s.starts_at).reverse().slice(0, 2));
});

test('an object that is asked for alone and not there: 406, never an empty object', async () => {
    const answer = await get(`/patients?patient_id=eq.${hill.patient}`, { headers: { Accept: 'application/vnd.pgrst.object+json' } });
    assert.equal(answer.status, 406);
});

test('a name with a line break comes back as it is, in the body', async () => {
    const answer = await get('/patients?mrn=eq.X-1&select=name');
    assert.deepEqual(answer.json, [{ name: 'Crlf\r\nSet-Cookie: evil=1' }]);
    assert.equal(answer.headers.get('set-cookie'), null);
});

test('without a token nothing is read', async () => {
    for (const path of ['/patients', '/appointments', '/users']) {
        const answer = await get(path, { as: null });
        assert.equal(answer.status, 401, `${path}: ${answer.text}`);
    }
});

test('the description: every function has a summary, every view a description', async () => {
    const { status, json } = await get('/');
    assert.equal(status, 200);
    const functions = Object.entries(json.paths).filter(([path]) => path.startsWith('/rpc/'));
    assert.ok(functions.length > 60);
    for (const [path, methods] of functions) assert.ok(methods.post.summary, path);
    const views = Object.entries(json.definitions);
    assert.ok(views.length >= 15);
    for (const [name, view] of views) {
        assert.ok(view.description, name);
        for (const [column, meaning] of Object.entries(view.properties)) assert.ok(meaning.description, `${name}.${column}`);
    }
});

test('the description shows a visitor less than a member', async () => {
    const [visitor, member] = [await get('/', { as: null }), await get('/')];
    assert.equal(visitor.status, 200);
    assert.ok(!('/patients' in visitor.json.paths) && '/patients' in member.json.paths);
    assert.ok(!('/rpc/book_appointment' in visitor.json.paths) && '/rpc/book_appointment' in member.json.paths);
});

test('no argument has a name that PostgREST takes for itself', async () => {
    const { json } = await get('/');
    const reserved = new Set(['select', 'order', 'limit', 'offset', 'columns', 'on_conflict', 'and', 'or', 'not']);
    for (const [path, methods] of Object.entries(json.paths)) {
        if (!path.startsWith('/rpc/')) continue;
        const body = methods.post.parameters.find((p) => p.in === 'body');
        for (const name of Object.keys(body?.schema?.properties ?? {})) assert.ok(!reserved.has(name), `${path}: ${name}`);
    }
});

test('what a GET returns is in the audit of reads: those rows, and who asked', async () => {
    sql('SELECT clinic.ingest_audit()');
    const since = sql('SELECT clock_timestamp()');
    const answer = await get('/patients?select=name&name=like.Patient*&order=name.desc,patient_id&limit=2', { headers: { 'X-Request-Id': 'reads-of-get' } });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json.length, 2);
    sql('SELECT clinic.ingest_audit()');
    const told = sql(`SELECT a.table_name, a.action, a.actor, p.name
                        FROM clinic_data.audit_records a CROSS JOIN unnest(a.row_ids) AS u (id) JOIN clinic_data.patients p ON p.patient_id = u.id
                       WHERE a.tenant_id = '${lake.tenant}' AND a.recorded_at > '${since}' AND a.action = 'view' AND a.user_id IS NOT NULL
                       ORDER BY p.name DESC, p.patient_id`);
    assert.deepEqual(told.split('\n'), answer.json.map((p) => `patients|view|staff|${p.name}`));
});

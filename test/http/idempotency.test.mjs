// The header Idempotency-Key: a call that comes twice is made once.
import assert from 'node:assert/strict';
import test from 'node:test';
import { call, details, lake, sql } from './support/api.mjs';

const book = (key, change = {}, as = 'desk') =>
    call(
        'book_appointment',
        { service_id: lake.service, patient_id: lake.nthPatient(41), provider_id: lake.provider, starts_at: '2026-03-17T09:00Z', ...change },
        { as, headers: key === undefined ? {} : { 'Idempotency-Key': key } },
    );
const made = (change = {}) =>
    sql(`SELECT count(*) FROM clinic_data.appointments WHERE patient_id = '${change.patient_id ?? lake.nthPatient(41)}' AND status = 'booked'`);

test('the same key and payload: the same answer, marked as a replay, and one booking', async () => {
    const first = await book('one-0001');
    assert.equal(first.status, 200, first.text);
    assert.equal(first.json[0].replayed, false);
    // The same values in other spelling are the same payload.
    for (const change of [{}, { starts_at: '2026-03-17T14:30:00.000+05:30' }]) {
        const again = await book('one-0001', change);
        assert.equal(again.status, 200, again.text);
        assert.deepEqual(again.json, [{ ...first.json[0], replayed: true }]);
    }
    assert.equal(made(), '1');
});

test('another payload under the key: 422 idempotency_conflict, and nothing is written', async () => {
    for (const answer of [
        await book('one-0001', { starts_at: '2026-03-17T10:00Z' }),
        await book('one-0001', { patient_id: lake.nthPatient(42) }),
        await call('cancel_appointment', { appointment_id: lake.appointment }, { headers: { 'Idempotency-Key': 'one-0001' } }),
    ]) {
        assert.equal(answer.status, 422, answer.text);
        assert.equal(answer.json.code, 'idempotency_conflict');
        assert.equal(details(answer).reason, 'idempotency_conflict');
    }
    assert.equal(made(), '1');
    assert.equal(made({ patient_id: lake.nthPatient(42) }), '0');
    assert.equal(sql(`SELECT status FROM clinic_data.appointments WHERE appointment_id = '${lake.appointment}'`), 'booked');
});

test('an argument of the call beats the header; without either every call is a new one', async () => {
    const patient_id = lake.nthPatient(43);
    const first = await book('two-0001', { patient_id, starts_at: '2026-03-17T11:00Z', idempotency_key: 'argument' });
    assert.equal(first.status, 200, first.text);
    const again = await book('two-0002', { patient_id, starts_at: '2026-03-17T11:00Z', idempotency_key: 'argument' });
    assert.equal(again.status, 200, again.text);
    assert.equal(again.json[0].appointment_id, first.json[0].appointment_id);
    const bare = await book(undefined, { patient_id, starts_at: '2026-03-17T11:00Z' });
    assert.equal(bare.status, 409, bare.text);
    assert.notEqual(bare.json.code, 'idempotency_conflict');
});

test('a refusal is not remembered: the key is good for another try', async () => {
    const patient_id = lake.nthPatient(44);
    const refused = await book('three-0001', { patient_id, starts_at: '2026-03-17T09:00Z' });
    assert.equal(refused.status, 409, refused.text);
    assert.equal(refused.json.code, 'slot_taken');
    const done = await book('three-0001', { patient_id, starts_at: '2026-03-17T12:00Z' });
    assert.equal(done.status, 200, done.text);
    assert.equal(done.json[0].replayed, false);
});

test('ten posts with one key at once: one booking, ten same answers, nine of them replays', async () => {
    const patient_id = lake.nthPatient(45);
    const answers = await Promise.all(Array.from({ length: 10 }, () => book('ten-at-once', { patient_id, starts_at: '2026-03-17T13:00Z' })));
    assert.deepEqual([...new Set(answers.map((a) => a.status))], [200], answers.find((a) => a.status !== 200)?.text);
    assert.equal(new Set(answers.map((a) => a.json[0].appointment_id)).size, 1);
    assert.equal(new Set(answers.map((a) => a.json[0].confirmation_code)).size, 1);
    assert.equal(answers.filter((a) => a.json[0].replayed).length, 9);
    assert.equal(made({ patient_id }), '1');
    assert.equal(
        sql(`SELECT count(*) FROM clinic_data.events e JOIN clinic_data.appointments a ON a.appointment_id = e.subject_id WHERE a.patient_id = '${patient_id}'`),
        '1',
    );
});

test('a hold and its confirmation come twice: the token is the same', async () => {
    const headers = { 'Idempotency-Key': 'hold-0001' };
    const body = { service_id: lake.service, patient_id: lake.nthPatient(46), provider_id: lake.provider, starts_at: '2026-03-17T15:00Z' };
    const [first, again] = [await call('hold_slot', body, { headers }), await call('hold_slot', body, { headers })];
    assert.equal(first.status, 200, first.text);
    assert.equal(again.json[0].hold_token, first.json[0].hold_token);
    assert.equal(again.json[0].replayed, true);
    const confirm = () => call('confirm_hold', { hold_token: first.json[0].hold_token }, { headers: { 'Idempotency-Key': 'confirm-0001' } });
    const [confirmed, confirmedAgain] = [await confirm(), await confirm()];
    assert.equal(confirmed.status, 200, confirmed.text);
    assert.deepEqual(confirmedAgain.json, [{ ...confirmed.json[0], replayed: true }]);
});

test('keys are each caller\'s own, and of a stated length', async () => {
    const patient_id = lake.patient;
    const desk = await book('shared-key', { patient_id, starts_at: '2026-03-24T09:00Z' });
    assert.equal(desk.status, 200, desk.text);
    const patient = await book('shared-key', { patient_id, starts_at: '2026-03-24T11:00Z' }, 'patient');
    assert.equal(patient.status, 200, patient.text);
    assert.notEqual(patient.json[0].appointment_id, desk.json[0].appointment_id);
    const long = await book('k'.repeat(256), { patient_id: lake.nthPatient(47), starts_at: '2026-03-24T13:00Z' });
    assert.equal(long.status, 422, long.text);
    assert.equal(details(long).field, 'idempotency_key');
});

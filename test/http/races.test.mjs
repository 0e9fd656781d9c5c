// Many callers at once.
import assert from 'node:assert/strict';
import test from 'node:test';
import { call, details, get, lake, sql, token } from './support/api.mjs';

test('fifty bookings of one start: one is made, 49 conflict, none hangs', async () => {
    const bearer = token('desk');
    const book = (n) =>
        call(
            'book_appointment',
            { service_id: lake.service, patient_id: lake.nthPatient(n), provider_id: lake.provider, starts_at: '2026-03-16T10:00Z' },
            { bearer },
        );
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => book(i + 1)));
    const of = (status) => answers.filter((a) => a.status === status);
    assert.equal(of(200).length, 1, answers.map((a) => a.status).join(' '));
    assert.equal(of(409).length, 49);
    for (const answer of of(409)) {
        assert.equal(answer.json.code, 'slot_taken');
        assert.ok(details(answer).alternatives.every((a) => !a.starts_at.startsWith('2026-03-16T11:00')));
    }
    const there = sql(`SELECT count(*) FROM clinic_data.appointments WHERE starts_at = '2026-03-16T10:00Z' AND status = 'booked'`);
    assert.equal(there, '1');
    assert.equal((await get('/locations')).status, 200);
});

test('fifty bookings of fifty starts: all are made, whatever the order', async () => {
    const bearer = token('desk');
    const { json } = await call('available_slots', { service_id: lake.service, range_start: '2026-03-23', range_end: '2026-04-30' }, { bearer });
    const apart = json.filter((s) => new Date(s.starts_at).getUTCMinutes() % 30 === 0).slice(0, 50);
    assert.equal(apart.length, 50);
    const answers = await Promise.all(
        apart.map((slot, i) =>
            call(
                'book_appointment',
                { service_id: lake.service, patient_id: lake.nthPatient(i + 1), provider_id: slot.provider_id, starts_at: slot.starts_at },
                { bearer },
            ),
        ),
    );
    assert.deepEqual([...new Set(answers.map((a) => a.status))], [200], answers.map((a) => a.text).find((t) => t.includes('code')));
});

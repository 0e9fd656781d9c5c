// Recurrence rules by the libraries of npm: reads a job on standard input, prints the count and nanoseconds of each round.
//
//   node recurrence.mjs rrule.js|rrule-rust <job.json
//
// A job: {"rules": [{"rule", "dtstart" (local, YYYYMMDDTHHMMSS)}], "zone", "from", "until" (both null: all instances), "rounds"}
import { readFileSync } from 'node:fs';

const job = JSON.parse(readFileSync(0, 'utf8'));
const parts = (text) => [text.slice(0, 4), text.slice(4, 6), text.slice(6, 8), text.slice(9, 11), text.slice(11, 13), text.slice(13, 15)].map(Number);
let expand;
if (process.argv[2] === 'rrule.js') {
    const { default: rrule } = await import('rrule');
    expand = ({ rule, dtstart }) => {
        const set = rrule.rrulestr(`DTSTART;TZID=${job.zone}:${dtstart}\nRRULE:${rule}`, { cache: false });
        if (job.from === null) return set.all().length;
        return set.between(new Date(job.from), new Date(Date.parse(job.until) - 1), true).length;
    };
} else {
    const { RRule, RRuleSet, DtStart, DateTime } = await import('rrule-rust');
    expand = ({ rule, dtstart }) => {
        const set = new RRuleSet({ dtstart: new DtStart(DateTime.local(...parts(dtstart)), job.zone), rrules: [RRule.fromString(rule)] });
        if (job.from === null) return set.all().length;
        const utc = (text) => DateTime.utc(...parts(text.replace(/[-:]/g, '')));
        return set.between(utc(job.from), utc(job.until), true).length;
    };
}
for (let round = 0; round < job.rounds; round++) {
    const began = process.hrtime.bigint();
    let count = 0;
    for (const one of job.rules) count += expand(one);
    console.log(count, Number(process.hrtime.bigint() - began));
}

// Requests over HTTP, kept alive, as many at a time as asked for: prints how many were answered, with what status, and in what time.
//
//   node http_load.mjs <job.json     {"url", "token", "path", "profile" (or null), "clients", "seconds", "bodies": [...], "first": which body comes first}
import http from 'node:http';
import { readFileSync } from 'node:fs';

const job = JSON.parse(readFileSync(0, 'utf8'));
const { hostname, port } = new URL(job.url);
const agent = new http.Agent({ keepAlive: true, maxSockets: job.clients });
const headers = { Authorization: `Bearer ${job.token}`, 'Content-Type': 'application/json', Prefer: 'return=minimal' };
if (job.profile) headers['Content-Profile'] = job.profile;
const statuses = {};
let next = 0, bytes = 0;

function request() {
    const body = job.bodies[next++ % job.bodies.length];
    return new Promise((resolve, reject) => {
        const sent = http.request({ hostname, port, path: job.path, method: 'POST', agent, headers: { ...headers, 'Content-Length': Buffer.byteLength(body) } }, (answer) => {
            answer.on('data', (chunk) => (bytes += chunk.length));
            answer.on('end', () => {
                statuses[answer.statusCode] = (statuses[answer.statusCode] ?? 0) + 1;
                resolve();
            });
        });
        sent.on('error', reject);
        sent.end(body);
    });
}

async function client(until) {
    while (process.hrtime.bigint() < until) await request();
}

next = job.first;
const began = process.hrtime.bigint();
const until = began + BigInt(job.seconds * 1e9);
await Promise.all(Array.from({ length: job.clients }, () => client(until)));
console.log(JSON.stringify({ seconds: Number(process.hrtime.bigint() - began) / 1e9, statuses, bytes }));
agent.destroy();

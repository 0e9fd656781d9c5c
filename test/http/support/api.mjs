// What the tests over HTTP share: the server under test, tokens, requests, and SQL beside them.
//
// token() is the one place that says how a caller proves who they are. Everything else only names the kind of caller.
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import net from 'node:net';

export const url = process.env.CLINIC_URL;
const secret = readFileSync(process.env.CLINIC_SECRET_FILE, 'utf8');

export const lake = {
    tenant: '00000001-0000-7000-8000-000000000001',
    location: '00000001-0010-7000-8000-000000000001',
    provider: '00000001-0020-7000-8000-000000000001',
    service: '00000001-0040-7000-8000-000000000001',
    patient: '00000001-0090-7000-8000-000000000001',
    appointment: '00000001-00b0-7000-8000-000000000001',
    nthPatient: (n) => `00000001-0091-7000-8000-${String(n).padStart(12, '0')}`,
};
export const hill = { patient: '00000002-0090-7000-8000-000000000001', appointment: '00000002-00b0-7000-8000-000000000001' };
export const nobody = '00000009-0000-7000-8000-000000000009';

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

// A signed token with these claims; header and key can be bent by tests of tokens.
export function sign(claims, { header = { alg: 'HS256', typ: 'JWT' }, key = secret } = {}) {
    const signed = `${encode(header)}.${encode(claims)}`;
    return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
}

export const inAnHour = () => Math.floor(Date.now() / 1000) + 3600;

// Kinds of callers, who are users of the tenant lake: 'desk' does everything, 'reader' reads, 'patient' is lake.patient.
export const users = {
    desk: '00000001-00c1-7000-8000-000000000001',
    reader: '00000001-00c1-7000-8000-000000000002',
    patient: '00000001-00d0-7000-8000-000000000002',
};

export function token(role, claims = {}) {
    if (!(role in users)) throw new Error(`no such caller: ${role}`);
    return sign({ role: 'clinic_user', aud: 'pg_clinic', exp: inAnHour(), sub: users[role], tenant_id: lake.tenant, ...claims });
}

// Runs SQL as the superuser; rows are lines, columns are parted by |.
export function sql(text) {
    return execFileSync('psql', ['-XqAt', '-v', 'ON_ERROR_STOP=1', '-c', text], { encoding: 'utf8' }).trim();
}

// One request. as: the kind of caller, or null for none; bearer: a token of the test's own.
export async function request(method, path, { as = 'desk', bearer, body, headers = {} } = {}) {
    const all = { ...headers };
    if (bearer !== undefined) all.Authorization = `Bearer ${bearer}`;
    else if (as !== null) all.Authorization = `Bearer ${token(as)}`;
    if (body !== undefined && !('Content-Type' in all)) all['Content-Type'] = 'application/json';
    const response = await fetch(url + path, {
        method,
        headers: all,
        body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
        signal: AbortSignal.timeout(60_000),
    });
    const text = await response.text();
    let json;
    try {
        json = JSON.parse(text);
    } catch {
        json = undefined;
    }
    return { status: response.status, reason: response.statusText, headers: response.headers, text, json };
}

export const get = (path, options) => request('GET', path, options);
export const call = (name, body, options) => request('POST', `/rpc/${name}`, { body, ...options });

// The details of an error of the engine: JSON in a string.
export const details = (answer) => JSON.parse(answer.json.details);

// The bytes of an answer's head, which fetch would hide: status line and headers as they came.
export function rawHead(method, path, body, bearer) {
    const { hostname, port } = new URL(url);
    return new Promise((resolve, reject) => {
        const payload = Buffer.from(body ?? '');
        const socket = net.connect(Number(port), hostname, () => {
            socket.write(
                `${method} ${path} HTTP/1.1\r\nHost: ${hostname}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
                    `Authorization: Bearer ${bearer}\r\nContent-Length: ${payload.length}\r\n\r\n`,
            );
            socket.write(payload);
        });
        const chunks = [];
        socket.setTimeout(30_000, () => socket.destroy(new Error('no answer')));
        socket.on('data', (chunk) => chunks.push(chunk));
        socket.on('end', () => {
            const answer = Buffer.concat(chunks).toString('latin1');
            resolve(answer.slice(0, answer.indexOf('\r\n\r\n')));
        });
        socket.on('error', reject);
    });
}

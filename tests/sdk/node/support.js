// What every test needs: where the hub is, and clients of both sides. The hub's CA comes by NODE_EXTRA_CA_CERTS.
'use strict';

const crypto = require('node:crypto');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const https = require('node:https');
const os = require('node:os');
const path = require('node:path');
const { SharedAccessSignature } = require('azure-iot-common');
const { Registry } = require('azure-iothub');
const { Client } = require('azure-iot-device');
const { Mqtt, MqttWs } = require('azure-iot-device-mqtt');

const HOST = process.env.HUB_HOST;
const OWNER = process.env.HUB_OWNER;
const ID_SCOPE = process.env.HUB_ID_SCOPE;
const CA = fs.readFileSync(process.env.HUB_CA, 'utf8');
// Longer than anything here takes, in milliseconds.
const PATIENCE = 30_000;

const unique = (prefix) => `${prefix}-${crypto.randomUUID().slice(0, 13)}`;
const newKey = () => crypto.randomBytes(32).toString('base64');
const registry = () => Registry.fromConnectionString(OWNER);
const deviceString = (id, key) => `HostName=${HOST};DeviceId=${id};SharedAccessKey=${key}`;

// The body of an answer, whichever way this SDK gives it.
const body = (answer) => answer?.result ?? answer?.jobStatus ?? answer?.responseBody ?? answer;

// Runs `work` with a registered device and its connected client; both are gone afterwards.
async function withDevice(work, { transport = Mqtt, options = {} } = {}) {
    const service = registry();
    const identity = body(await service.create({ deviceId: unique('d') }));
    const key = identity.authentication.symmetricKey.primaryKey;
    const client = Client.fromConnectionString(deviceString(identity.deviceId, key), transport);
    await client.setOptions({ ca: CA, ...options });
    try {
        await client.open();
        await work(service, identity.deviceId, client);
    } finally {
        await client.close();
        await service.delete(identity.deviceId);
    }
}

// A call that no SDK offers; its status, which has to be a success.
async function rest(method, resource, content, headers = {}) {
    const owner = Object.fromEntries(OWNER.split(';').map((pair) => pair.split(/=(.*)/s).slice(0, 2)));
    const expiry = Math.floor(Date.now() / 1000) + 600;
    const token = SharedAccessSignature.create(HOST, owner.SharedAccessKeyName, owner.SharedAccessKey, expiry);
    const authorized = { ...headers, authorization: token.toString() };
    const target = { host: HOST, path: `${resource}?api-version=2021-04-12`, method, headers: authorized };
    const status = await new Promise((resolve, reject) => {
        const request = https.request(target, (answer) => {
            answer.resume();
            resolve(answer.statusCode);
        });
        request.on('error', reject);
        request.end(content);
    });
    if (status >= 300) throw new Error(`${method} ${resource}: ${status}`);
    return status;
}

// The next event of an emitter, in time.
function next(emitter, name) {
    return new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`no ${name} in ${PATIENCE} ms`)), PATIENCE);
        emitter.once(name, (value) => {
            clearTimeout(late);
            resolve(value);
        });
    });
}

// The first event that passes `wanted`, provoked again and again: this SDK does not say when its subscription is there.
async function heard(emitter, name, wanted, provoke) {
    const found = [];
    const listener = (value) => {
        if (wanted(value)) found.push(value);
    };
    emitter.on(name, listener);
    try {
        return await until(async () => {
            await provoke();
            await new Promise((resolve) => setTimeout(resolve, 200));
            return found[0];
        }, name);
    } finally {
        emitter.removeListener(name, listener);
    }
}

// Asks until the answer is yes; the service API has no way to wait.
async function until(ready, what) {
    const end = Date.now() + PATIENCE;
    for (;;) {
        const answer = await ready();
        if (answer) return answer;
        if (Date.now() > end) throw new Error(`${what} did not happen in ${PATIENCE} ms`);
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
}

// Runs openssl on files of a folder that goes away; `work` is given a function to run it and one to name a file.
function withOpenssl(work) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sdk-'));
    const openssl = (...words) => execFileSync('openssl', words, { stdio: 'ignore', cwd: folder });
    try {
        return work(openssl, (file) => path.join(folder, file));
    } finally {
        fs.rmSync(folder, { recursive: true });
    }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

// Both files as PEM, and the certificate's SHA-256.
function certificate(keyFile, certFile) {
    const pem = { key: fs.readFileSync(keyFile, 'utf8'), cert: fs.readFileSync(certFile, 'utf8') };
    const der = new crypto.X509Certificate(pem.cert).raw;
    return { ...pem, thumbprint: crypto.createHash('sha256').update(der).digest('hex').toUpperCase() };
}

// A certificate that signs itself.
function ownCertificate(name) {
    return withOpenssl((openssl, file) => {
        const [key, cert] = ['key.pem', 'cert.pem'].map(file);
        openssl('req', '-x509', ...NEW_KEY, '-days', '2', '-subj', `/CN=${name}`, '-keyout', key, '-out', cert);
        return certificate(key, cert);
    });
}

// A certificate that another one signs.
function signedCertificate(name, authority) {
    return withOpenssl((openssl, file) => {
        const [key, cert, request, ca, caKey, extensions] = ['key', 'cert', 'csr', 'ca', 'ca-key', 'ext'].map(file);
        fs.writeFileSync(ca, authority.cert);
        fs.writeFileSync(caKey, authority.key);
        // Without an extension openssl makes a certificate of the first version, which TLS does not take.
        fs.writeFileSync(extensions, 'basicConstraints=CA:FALSE\n');
        openssl('req', ...NEW_KEY, '-subj', `/CN=${name}`, '-keyout', key, '-out', request);
        openssl('x509', '-req', '-in', request, '-days', '2', '-CA', ca, '-CAkey', caKey, '-CAcreateserial',
            '-extfile', extensions, '-out', cert);
        return certificate(key, cert);
    });
}

module.exports = {
    CA, HOST, ID_SCOPE, Mqtt, MqttWs, OWNER, PATIENCE,
    body, deviceString, heard, newKey, next, ownCertificate, registry, rest, signedCertificate, unique, until, withDevice,
};

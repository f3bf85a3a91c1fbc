// Who is let in through azure-iot-device-mqtt, over TCP and WebSocket, and how a link is kept or lost.
'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');
const { Client: ServiceClient } = require('azure-iothub');
const {
    Client, ModuleClient, SharedAccessKeyAuthenticationProvider, X509AuthenticationProvider,
} = require('azure-iot-device');
const { NoRetry, SharedAccessSignature } = require('azure-iot-common');
const {
    CA, HOST, Mqtt, MqttWs, OWNER, body, deviceString, newKey, next, ownCertificate, registry, rest, signedCertificate,
    unique, until, withDevice,
} = require('./support');

const service = registry();
// What the hub's return code 5 becomes; a failure of TLS has the same name and other words.
const refused = { name: 'UnauthorizedError', message: /Connection refused: Not authorized/ };

// A client with a certificate, as it is before it opens.
async function certified(deviceId, transport, { cert, key }, options = {}) {
    const client = Client.fromConnectionString(`HostName=${HOST};DeviceId=${deviceId};x509=true`, transport);
    // What it is refused for comes as an event as well.
    client.on('error', () => {});
    await client.setOptions({ ca: CA, cert, key, ...options });
    return client;
}

for (const transport of [Mqtt, MqttWs]) {
    // Protocol reference 17.25.
    test(`wrong credentials over ${transport.name}`, async () => {
        const deviceId = unique('d');
        const made = body(await service.create({ deviceId }));
        const key = made.authentication.symmetricKey.primaryKey;
        const ended = Math.floor(Date.now() / 1000) - 600;
        const expired = SharedAccessSignature.create(`${HOST}/devices/${deviceId}`, undefined, key, ended).toString();
        for (const client of [
            Client.fromConnectionString(deviceString(deviceId, newKey()), transport),
            Client.fromConnectionString(deviceString(unique('nobody'), newKey()), transport),
            Client.fromConnectionString(deviceString('no such id', key), transport),
            Client.fromSharedAccessSignature(expired, transport),
        ]) {
            await client.setOptions({ ca: CA });
            await assert.rejects(client.open(), refused);
        }
        await service.delete(deviceId);
    });

    // Protocol reference 17.22.
    test(`another authority than the hub's over ${transport.name}`, async () => {
        const deviceId = unique('d');
        const made = body(await service.create({ deviceId }));
        const text = deviceString(deviceId, made.authentication.symmetricKey.primaryKey);
        const client = Client.fromConnectionString(text, transport);
        client.setRetryPolicy(new NoRetry());
        await client.setOptions({ ca: ownCertificate(unique('ca')).cert });
        await assert.rejects(client.open(), { message: /unable to verify the first certificate/ });
        await service.delete(deviceId);
    });

    // Protocol reference 17.20 and 17.25.
    test(`a certificate opens its device alone over ${transport.name}`, async () => {
        const deviceId = unique('d');
        const own = ownCertificate(deviceId);
        const x509Thumbprint = { primaryThumbprint: own.thumbprint, secondaryThumbprint: own.thumbprint };
        await service.create({ deviceId, authentication: { type: 'selfSigned', x509Thumbprint } });
        const client = await certified(deviceId, transport, own, { modelId: 'dtmi:com:example:Lock;1' });
        await client.open();
        assert.ok((await client.getTwin()).properties.desired.$version >= 1);
        assert.equal(body(await service.getTwin(deviceId)).modelId, 'dtmi:com:example:Lock;1');
        await client.close();
        const stranger = await certified(deviceId, transport, ownCertificate(deviceId));
        await assert.rejects(stranger.open(), refused);
        await service.delete(deviceId);
    });

    test(`an authority vouches for its devices over ${transport.name}`, async () => {
        const deviceId = unique('d');
        const authority = ownCertificate(unique('ca'));
        const own = signedCertificate(deviceId, authority);
        await service.create({ deviceId, authentication: { type: 'certificateAuthority' } });
        const early = await certified(deviceId, transport, own);
        await assert.rejects(early.open(), refused);
        const properties = { certificate: authority.cert, isVerified: true };
        await rest('PUT', `/certificates/${unique('ca')}`, JSON.stringify({ properties }));
        const client = await certified(deviceId, transport, own);
        await client.open();
        assert.ok((await client.getTwin()).properties.desired.$version >= 1);
        await client.close();
        const other = await certified(deviceId, transport, signedCertificate(unique('d'), authority));
        await assert.rejects(other.open(), refused);
        await service.delete(deviceId);
    });

    test(`a module shows a certificate of its own over ${transport.name}`, async () => {
        const deviceId = unique('d');
        const own = ownCertificate(deviceId);
        const x509Thumbprint = { primaryThumbprint: own.thumbprint, secondaryThumbprint: own.thumbprint };
        await service.create({ deviceId });
        await service.addModule({ deviceId, moduleId: 'm', authentication: { type: 'selfSigned', x509Thumbprint } });
        const x509 = { cert: own.cert, key: own.key };
        const credentials = new X509AuthenticationProvider({ host: HOST, deviceId, moduleId: 'm', x509 });
        const client = ModuleClient.fromAuthenticationProvider(credentials, transport);
        await client.setOptions({ ca: CA });
        await client.open();
        assert.ok((await client.getTwin()).properties.desired.$version >= 1);
        await client.close();
        await service.delete(deviceId);
    });

    // Protocol reference 17.17.
    test(`methods go on while tokens are renewed over ${transport.name}`, async () => {
        const deviceId = unique('d');
        const made = body(await service.create({ deviceId }));
        const credentials = {
            host: HOST, deviceId, sharedAccessKey: made.authentication.symmetricKey.primaryKey,
        };
        // A token lasts 10 s, and is renewed after 2.
        const tokens = new SharedAccessKeyAuthenticationProvider(credentials, 10, 8);
        const client = Client.fromAuthenticationProvider(tokens, transport);
        await client.setOptions({ ca: CA });
        await client.open();
        client.onDeviceMethod('echo', (request, response) => response.send(200, request.payload, () => {}));
        const calls = ServiceClient.fromConnectionString(OWNER);
        const call = async (payload) => {
            const timeouts = { connectTimeoutInSeconds: 20, responseTimeoutInSeconds: 20 };
            const answer = await calls.invokeDeviceMethod(deviceId, { methodName: 'echo', payload, ...timeouts });
            assert.deepEqual(body(answer).payload, payload);
        };
        const since = async () => body(await service.get(deviceId)).connectionStateUpdatedTime;
        for (const renewal of [1, 2]) {
            await call({ before: renewal });
            const before = await since();
            await next(tokens, 'newTokenAvailable');
            await until(async () => (await since()) !== before, 'the renewed link');
            await call({ after: renewal });
        }
        await client.close();
        await service.delete(deviceId);
    });

    // Protocol reference 17.21.
    test(`the second link takes the first one's place over ${transport.name}`, () =>
        withDevice(async (_, deviceId, first) => {
            first.setRetryPolicy(new NoRetry());
            const lost = next(first, 'disconnect');
            const { authentication } = body(await service.get(deviceId));
            const text = deviceString(deviceId, authentication.symmetricKey.primaryKey);
            const second = Client.fromConnectionString(text, transport);
            await second.setOptions({ ca: CA });
            await second.open();
            await lost;
            assert.ok((await second.getTwin()).properties.desired.$version >= 1);
            await second.close();
        }, { transport }));
}

// The device side through azure-iot-device-mqtt, over TCP and WebSocket, with keys and certificates.
'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');
const { Client: ServiceClient } = require('azure-iothub');
const { Client, Message, ModuleClient } = require('azure-iot-device');
const {
    CA, HOST, Mqtt, MqttWs, OWNER, body, deviceString, heard, newKey, next, ownCertificate, registry, unique, until,
    withDevice,
} = require('./support');

for (const transport of [Mqtt, MqttWs]) {
    test(`twins in both directions over ${transport.name}`, () => withDevice(async (service, deviceId, client) => {
        const twin = await client.getTwin();
        const told = await heard(twin, 'properties.desired', (delta) => delta.fan, () =>
            service.updateTwin(deviceId, { properties: { desired: { fan: { speed: 3 } } } }, '*'));
        assert.deepEqual(told.fan, { speed: 3 });
        await new Promise((resolve, reject) => {
            twin.properties.reported.update({ fw: '1.2', gone: null }, (error) => (error ? reject(error) : resolve()));
        });
        assert.equal(body(await service.getTwin(deviceId)).properties.reported.fw, '1.2');
        await assert.rejects(new Promise((resolve, reject) => {
            twin.properties.reported.update({ $bad: 1 }, (error) => (error ? reject(error) : resolve()));
        }));
        const cleared = await heard(twin, 'properties.desired', (delta) => delta.fan === null, () =>
            service.updateTwin(deviceId, { properties: { desired: null } }, '*'));
        assert.equal(cleared.fan, null);
    }, { transport }));

    test(`methods over ${transport.name}`, () => withDevice(async (_, deviceId, client) => {
        const calls = ServiceClient.fromConnectionString(OWNER);
        client.onDeviceMethod('echo', (request, response) => response.send(299, request.payload, () => {}));
        for (const payload of [null, '', 'foo', { k1: 'v1' }, {}]) {
            const params = {
                methodName: 'echo', payload, connectTimeoutInSeconds: 20, responseTimeoutInSeconds: 20,
            };
            const answer = body(await calls.invokeDeviceMethod(deviceId, params));
            assert.deepEqual([answer.status, answer.payload], [299, payload]);
        }
    }, { transport }));

    test(`wrong credentials over ${transport.name}`, async () => {
        const deviceId = unique('d');
        const service = registry();
        await service.create({ deviceId });
        for (const text of [deviceString(deviceId, newKey()), deviceString(unique('nobody'), newKey())]) {
            const client = Client.fromConnectionString(text, transport);
            await client.setOptions({ ca: CA });
            await assert.rejects(client.open(), { name: 'UnauthorizedError' });
        }
        await service.delete(deviceId);
    });
}

test('telemetry is taken with its properties', () => withDevice(async (_, __, client) => {
    const message = new Message(JSON.stringify({ t: 21.5 }));
    message.contentType = 'application/json';
    message.properties.add('k v', 'a+b/c');
    await client.sendEvent(message);
}));

test('a message waits for its device and is completed', () => withDevice(async (service, deviceId, client) => {
    const { SharedAccessSignature } = require('azure-iot-common');
    const owner = Object.fromEntries(OWNER.split(';').map((pair) => pair.split(/=(.*)/s).slice(0, 2)));
    const expiry = Math.floor(Date.now() / 1000) + 600;
    const token = SharedAccessSignature.create(HOST, owner.SharedAccessKeyName, owner.SharedAccessKey, expiry);
    const https = require('node:https');
    const status = await new Promise((resolve, reject) => {
        const path = `/devices/${deviceId}/messages/deviceBound?api-version=2021-04-12`;
        const headers = { authorization: token.toString(), 'iothub-app-colour': 'red' };
        const request = https.request({ host: HOST, path, method: 'POST', headers }, (answer) => {
            answer.resume();
            resolve(answer.statusCode);
        });
        request.on('error', reject);
        request.end('hello');
    });
    assert.ok(status >= 200 && status < 300, `${status}`);
    const message = await next(client, 'message');
    assert.equal(message.getData().toString(), 'hello');
    assert.equal(message.properties.getValue('colour'), 'red');
    await client.complete(message);
    await until(async () => body(await service.get(deviceId)).cloudToDeviceMessageCount === 0, 'the end of the message');
}));

test('a certificate opens its device alone', async () => {
    const service = registry();
    const deviceId = unique('d');
    const own = ownCertificate(deviceId);
    const x509Thumbprint = { primaryThumbprint: own.thumbprint, secondaryThumbprint: own.thumbprint };
    await service.create({ deviceId, authentication: { type: 'selfSigned', x509Thumbprint } });
    for (const transport of [Mqtt, MqttWs]) {
        const client = Client.fromConnectionString(`HostName=${HOST};DeviceId=${deviceId};x509=true`, transport);
        await client.setOptions({ ca: CA, cert: own.cert, key: own.key });
        await client.open();
        const twin = await client.getTwin();
        assert.ok(twin.properties.desired.$version >= 1);
        await client.close();
        const stranger = Client.fromConnectionString(`HostName=${HOST};DeviceId=${deviceId};x509=true`, transport);
        // What it is refused for comes as an event as well.
        stranger.on('error', () => {});
        const other = ownCertificate(deviceId);
        await stranger.setOptions({ ca: CA, cert: other.cert, key: other.key });
        await assert.rejects(stranger.open(), { name: 'UnauthorizedError' });
    }
    await service.delete(deviceId);
});

test('a module announces its model and has methods of its own', async () => {
    const service = registry();
    const deviceId = unique('d');
    await service.create({ deviceId });
    const made = body(await service.addModule({ deviceId, moduleId: 'camera' }));
    const text = `${deviceString(deviceId, made.authentication.symmetricKey.primaryKey)};ModuleId=camera`;
    const client = ModuleClient.fromConnectionString(text, Mqtt);
    await client.setOptions({ ca: CA, modelId: 'dtmi:com:example:Camera;1' });
    await client.open();
    assert.equal(body(await service.getModuleTwin(deviceId, 'camera')).modelId, 'dtmi:com:example:Camera;1');
    client.onMethod('snap', (request, response) => response.send(200, { ok: true }, () => {}));
    const params = { methodName: 'snap', connectTimeoutInSeconds: 20, responseTimeoutInSeconds: 20 };
    const answer = body(await ServiceClient.fromConnectionString(OWNER).invokeDeviceMethod(deviceId, 'camera', params));
    assert.deepEqual(answer.payload, { ok: true });
    await client.close();
    await service.delete(deviceId);
});

// The device side through azure-iot-device-mqtt, over TCP and WebSocket, with keys and certificates.
'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');
const { Client: ServiceClient } = require('azure-iothub');
const { Client, Message, ModuleClient } = require('azure-iot-device');
const {
    CA, Mqtt, MqttWs, OWNER, body, deviceString, heard, next, registry, rest, unique, until, withDevice,
} = require('./support');

// Reports a patch; this SDK tells the outcome by a callback alone.
const report = (twin, patch) => new Promise((resolve, reject) => {
    twin.properties.reported.update(patch, (error) => (error ? reject(error) : resolve()));
});

for (const transport of [Mqtt, MqttWs]) {
    // Protocol reference 17.11, 17.12, 17.14 and 17.15.
    test(`twins in both directions over ${transport.name}`, () => withDevice(async (service, deviceId, client) => {
        const twin = await client.getTwin();
        const versions = [twin.properties.desired.$version];
        const told = await heard(twin, 'properties.desired', (delta) => delta.fan, async () => {
            const patch = { properties: { desired: { fan: { speed: 3 } } } };
            versions.push(body(await service.updateTwin(deviceId, patch, '*')).properties.desired.$version);
        });
        assert.deepEqual(told.fan, { speed: 3 });
        assert.deepEqual(versions, versions.map((_, number) => versions[0] + number));
        assert.ok(versions.slice(1).includes(told.$version), `${told.$version}`);
        await report(twin, { gone: 1 });
        await report(twin, { fw: '1.2', gone: null, a: { b: null } });
        const { $metadata, ...reported } = body(await service.getTwin(deviceId)).properties.reported;
        assert.deepEqual(reported, { fw: '1.2', a: {}, $version: 3 });
        assert.ok($metadata.fw && !$metadata.gone);
        await assert.rejects(report(twin, { fw: '2', $bad: 1 }), { message: /\$bad/ });
        assert.equal(body(await service.getTwin(deviceId)).properties.reported.fw, '1.2');
        const cleared = await heard(twin, 'properties.desired', (delta) => delta.fan === null, () =>
            service.updateTwin(deviceId, { properties: { desired: null } }, '*'));
        assert.equal(cleared.fan, null);
        const { $version, ...cached } = JSON.parse(JSON.stringify(twin.properties.desired));
        assert.deepEqual(cached, {});
        assert.equal(typeof $version, 'number');
    }, { transport }));

    // Protocol reference 17.13.
    test(`what came while it was away over ${transport.name}`, () => withDevice(async (service, deviceId, client) => {
        await client.close();
        for (const fan of [{ speed: 1, on: true }, { speed: 2 }]) {
            await service.updateTwin(deviceId, { properties: { desired: { fan } } }, '*');
        }
        await client.open();
        assert.deepEqual((await client.getTwin()).properties.desired.fan, { speed: 2, on: true });
    }, { transport }));

    // Protocol reference 17.16 and 17.26.
    test(`methods over ${transport.name}`, () => withDevice(async (_, deviceId, client) => {
        const calls = ServiceClient.fromConnectionString(OWNER);
        const invoke = async (methodName, more) => {
            const params = { methodName, connectTimeoutInSeconds: 30, ...more };
            const { status, payload } = body(await calls.invokeDeviceMethod(deviceId, params));
            return [status, payload];
        };
        for (const status of [200, 400]) {
            client.onDeviceMethod(`echo${status}`, (request, response) => response.send(status, request.payload, () => {}));
            for (const payload of [null, '', 'foo', { k1: 'v1' }, {}]) {
                assert.deepEqual(await invoke(`echo${status}`, { payload }), [status, payload]);
            }
        }
        const asked = [];
        client.onDeviceMethod('quiet', (request, response) => {
            asked.push(request.payload);
            response.send(299, () => {});
        });
        assert.deepEqual([await invoke('quiet'), asked], [[299, null], [null]]);
    }, { transport }));
}

test('telemetry is taken with its properties', () => withDevice(async (_, __, client) => {
    const message = new Message(JSON.stringify({ t: 21.5 }));
    message.contentType = 'application/json';
    message.properties.add('k v', 'a+b/c');
    await client.sendEvent(message);
}));

test('a message waits for its device and is completed', () => withDevice(async (service, deviceId, client) => {
    await rest('POST', `/devices/${deviceId}/messages/deviceBound`, 'hello', { 'iothub-app-colour': 'red' });
    const message = await next(client, 'message');
    assert.equal(message.getData().toString(), 'hello');
    assert.equal(message.properties.getValue('colour'), 'red');
    await client.complete(message);
    await until(async () => body(await service.get(deviceId)).cloudToDeviceMessageCount === 0, 'the end of the message');
}));

for (const transport of [Mqtt, MqttWs]) {
    // Protocol reference 17.20.
    test(`a module announces its model and has a twin and methods of its own over ${transport.name}`, async () => {
        const service = registry();
        const deviceId = unique('d');
        await service.create({ deviceId });
        const made = body(await service.addModule({ deviceId, moduleId: 'camera' }));
        const text = `${deviceString(deviceId, made.authentication.symmetricKey.primaryKey)};ModuleId=camera`;
        const client = ModuleClient.fromConnectionString(text, transport);
        await client.setOptions({ ca: CA, modelId: 'dtmi:com:example:Camera;1' });
        await client.open();
        assert.equal(body(await service.getModuleTwin(deviceId, 'camera')).modelId, 'dtmi:com:example:Camera;1');
        const twin = await client.getTwin();
        await report(twin, { fps: 25 });
        assert.equal(body(await service.getModuleTwin(deviceId, 'camera')).properties.reported.fps, 25);
        client.onMethod('snap', (request, response) => response.send(200, { ok: true }, () => {}));
        const params = { methodName: 'snap', connectTimeoutInSeconds: 20, responseTimeoutInSeconds: 20 };
        const calls = ServiceClient.fromConnectionString(OWNER);
        const answer = body(await calls.invokeDeviceMethod(deviceId, 'camera', params));
        assert.deepEqual(answer.payload, { ok: true });
        await client.close();
        await service.delete(deviceId);
    });
}

// Identities, modules, queries, configurations and jobs through azure-iothub.
'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');
const { DigitalTwinClient, IoTHubTokenCredentials, JobClient } = require('azure-iothub');
const { OWNER, body, newKey, registry, unique, until, withDevice } = require('./support');

const service = registry();

// Protocol reference 17.1, 17.4, 17.5 and 17.6.
test('a device from first to last', async () => {
    const deviceId = unique('d');
    const made = body(await service.create({ deviceId, status: 'disabled' }));
    assert.equal(made.status, 'disabled');
    assert.ok(made.authentication.symmetricKey.primaryKey);
    const keys = { primaryKey: newKey(), secondaryKey: newKey() };
    const updated = body(await service.update({ ...made, authentication: { type: 'sas', symmetricKey: keys } }));
    assert.deepEqual(updated.authentication.symmetricKey, keys);
    assert.equal(body(await service.get(deviceId)).authentication.symmetricKey.secondaryKey, keys.secondaryKey);
    assert.ok(body(await service.list()).some((device) => device.deviceId === deviceId));
    await service.delete(deviceId);
    for (const call of [service.get(deviceId), service.delete(deviceId)]) {
        await assert.rejects(call, { name: 'DeviceNotFoundError' });
    }
    assert.ok(!body(await service.list()).some((device) => device.deviceId === deviceId));
});

// Protocol reference 17.2.
test('thumbprints come back unchanged', async () => {
    const x509Thumbprint = { primaryThumbprint: 'A'.repeat(40), secondaryThumbprint: 'b'.repeat(40) };
    const deviceId = unique('d');
    const made = body(await service.create({ deviceId, authentication: { type: 'selfSigned', x509Thumbprint } }));
    assert.deepEqual(made.authentication.x509Thumbprint, x509Thumbprint);
    await service.delete(deviceId);
});

// Protocol reference 17.3.
test('an id that cannot be is refused', async () => {
    await assert.rejects(service.create({ deviceId: 'invalid/name' }));
});

// Protocol reference 17.7.
test('gateways have scopes, and nobody has one that is not there', async () => {
    const [gateway, leaf, child] = [unique('edge'), unique('leaf'), unique('edge')];
    const made = body(await service.create({ deviceId: gateway, capabilities: { iotEdge: true } }));
    assert.ok(made.capabilities.iotEdge && made.deviceScope);
    const below = body(await service.create({ deviceId: leaf, deviceScope: made.deviceScope }));
    assert.equal(below.deviceScope, made.deviceScope);
    const wrong = { deviceId: leaf, deviceScope: 'ms-azure-iot-edge://nobody-1', authentication: below.authentication };
    await assert.rejects(service.update(wrong));
    const nested = body(await service.create({
        deviceId: child, capabilities: { iotEdge: true }, parentScopes: [made.deviceScope],
    }));
    assert.equal(nested.parentScopes[0], made.deviceScope);
    await Promise.all([gateway, leaf, child].map((id) => service.delete(id)));
});

// Protocol reference 17.8.
test('many devices at once', async () => {
    const devices = [1, 2, 3, 4].map((number) => ({
        deviceId: unique(`d${number}`), status: 'disabled',
        authentication: { symmetricKey: { primaryKey: newKey(), secondaryKey: newKey() } },
    }));
    const enabled = devices.map((device) => ({ ...device, status: 'enabled' }));
    for (const [call, list] of [['addDevices', devices], ['updateDevices', enabled], ['removeDevices', enabled]]) {
        const forced = call === 'addDevices' ? [] : [true];
        const answer = body(await service[call](list, ...forced));
        assert.equal(answer.isSuccessful, true, call);
        assert.equal(answer.errors.length, 0, call);
        if (call === 'updateDevices') {
            assert.equal(body(await service.get(devices[0].deviceId)).status, 'enabled');
        }
    }
    await assert.rejects(service.get(devices[0].deviceId), { name: 'DeviceNotFoundError' });
});

// Protocol reference 17.9.
test('a module from first to last', async () => {
    const deviceId = unique('d');
    const moduleId = 'camera';
    await service.create({ deviceId });
    const made = body(await service.addModule({ deviceId, moduleId }));
    const keys = { primaryKey: newKey(), secondaryKey: newKey() };
    const swapped = { primaryKey: keys.secondaryKey, secondaryKey: keys.primaryKey };
    await service.updateModule({ ...made, authentication: { type: 'sas', symmetricKey: swapped } });
    const late = { ...made, authentication: { type: 'sas', symmetricKey: keys } };
    await assert.rejects(service.updateModule(late), { name: 'InvalidEtagError' });
    await service.updateModule(late, true);
    const read = body(await service.getModule(deviceId, moduleId));
    assert.deepEqual(read.authentication.symmetricKey, keys);
    assert.deepEqual(body(await service.getModulesOnDevice(deviceId)).map((module) => module.moduleId), [moduleId]);
    const twin = body(await service.getModuleTwin(deviceId, moduleId));
    const patched = body(await twin.update({ properties: { desired: { fps: 30 } } }));
    assert.equal(patched.properties.desired.fps, 30);
    await service.removeModule(deviceId, moduleId);
    await assert.rejects(service.getModule(deviceId, moduleId));
    await service.delete(deviceId);
});

// Protocol reference 17.10 and 17.23.
test('twins are guarded by etags and found by queries', async () => {
    const deviceId = unique('d');
    const site = unique('site');
    await service.create({ deviceId });
    const twin = body(await service.getTwin(deviceId));
    const patched = body(await service.updateTwin(deviceId, { tags: { site } }, twin.etag));
    assert.equal(patched.tags.site, site);
    await assert.rejects(service.updateTwin(deviceId, { tags: { site } }, 'abc'), { name: 'InvalidEtagError' });
    const others = [unique('d'), unique('d')];
    for (const other of others) {
        await service.create({ deviceId: other });
        await service.updateTwin(other, { tags: { site } }, '*');
    }
    const query = service.createQuery(`SELECT * FROM devices WHERE tags.site = '${site}'`, 2);
    const sizes = [];
    const found = [];
    while (query.hasMoreResults) {
        const page = body(await query.nextAsTwin());
        sizes.push(page.length);
        found.push(...page.map((one) => one.deviceId));
    }
    assert.deepEqual([sizes, found.sort()], [[2, 1], [deviceId, ...others].sort()]);
    await Promise.all(others.map((other) => service.delete(other)));
    await service.delete(deviceId);
});

test('queries project, count, group, and find modules', async () => {
    const site = unique('site');
    const ids = [unique('d'), unique('d'), unique('d')];
    for (const [number, deviceId] of ids.entries()) {
        await service.create({ deviceId });
        await service.updateTwin(deviceId, { tags: { site, floor: number % 2 } }, '*');
    }
    await service.addModule({ deviceId: ids[0], moduleId: 'camera' });
    const rows = async (text) => body(await service.createQuery(text).next());
    const where = `WHERE tags.site = '${site}'`;
    const found = await rows(`SELECT deviceId, tags.floor AS floor FROM devices ${where} AND tags.floor = 1`);
    assert.deepEqual(found, [{ deviceId: ids[1], floor: 1 }]);
    assert.deepEqual(await rows(`SELECT COUNT() AS n FROM devices ${where}`), [{ n: 3 }]);
    const groups = await rows(`SELECT tags.floor AS floor, COUNT() AS n FROM devices ${where} GROUP BY tags.floor`);
    assert.deepEqual(groups.sort((a, b) => a.floor - b.floor), [{ floor: 0, n: 2 }, { floor: 1, n: 1 }]);
    const modules = await rows(`SELECT * FROM devices.modules WHERE deviceId = '${ids[0]}'`);
    assert.deepEqual(modules.map((twin) => twin.moduleId), ['camera']);
    await assert.rejects(rows('SELECT FROM WHERE'), { name: 'ArgumentError' });
    await Promise.all(ids.map((id) => service.delete(id)));
});

// Protocol reference 17.18.
test('a configuration from first to last', async () => {
    const id = `node_test_${unique('c')}`;
    const content = { deviceContent: { 'properties.desired.chiller': { temperature: 66 } } };
    await service.addConfiguration({ id, content, schemaVersion: '1.0', targetCondition: '' });
    const read = body(await service.getConfiguration(id));
    assert.deepEqual(read.content, content);
    assert.ok(body(await service.getConfigurations()).some((one) => one.id === id));
    assert.equal(body(await service.updateConfiguration({ ...read, priority: 7 })).priority, 7);
    await assert.rejects(service.updateConfiguration({ ...read, priority: 9 }), { name: 'InvalidEtagError' });
    const forced = { id, content, schemaVersion: '1.0', targetCondition: '*', priority: 8 };
    assert.equal(body(await service.updateConfiguration(forced, true)).priority, 8);
    await service.removeConfiguration(id);
    await assert.rejects(service.getConfiguration(id));
});

// Protocol reference 17.19.
test('jobs run, wait and are cancelled', async () => {
    const jobs = JobClient.fromConnectionString(OWNER);
    await withDevice(async (_, deviceId, client) => {
        const [now, later, call] = [unique('j'), unique('j'), unique('j')];
        const condition = `deviceId IN ['${deviceId}']`;
        const finished = (id) => until(async () => {
            const job = body(await jobs.getJob(id));
            return job.status === 'completed' && job;
        }, `the end of ${id}`);
        await jobs.scheduleTwinUpdate(now, condition, { etag: '*', tags: { job: now } }, new Date(), 60);
        await finished(now);
        assert.equal(body(await service.getTwin(deviceId)).tags.job, now);
        const hour = new Date(Date.now() + 3_600_000);
        const made = body(await jobs.scheduleTwinUpdate(later, condition, { etag: '*', tags: { a: 1 } }, hour, 60));
        assert.equal(made.status, 'queued');
        assert.equal(body(await jobs.cancelJob(later)).status, 'cancelled');
        let called = 0;
        client.onDeviceMethod('work', (request, response) => {
            called += 1;
            response.send(200, request.payload, () => {});
        });
        const method = { methodName: 'work', payload: { a: 1 }, responseTimeoutInSeconds: 20, connectTimeoutInSeconds: 20 };
        await jobs.scheduleDeviceMethod(call, condition, method, new Date(), 60);
        const job = await finished(call);
        assert.deepEqual([called, job.deviceJobStatistics.succeededCount], [1, 1]);
        const rows = [];
        const query = jobs.createQuery();
        while (query.hasMoreResults) rows.push(...body(await query.next()));
        assert.ok(rows.some((row) => row.jobId === later && row.status === 'cancelled'));
    });
});

test('a configuration is applied once to a gateway', async () => {
    const deviceId = unique('edge');
    await service.create({ deviceId, capabilities: { iotEdge: true } });
    const modulesContent = { $edgeAgent: { 'properties.desired': { schemaVersion: '1.1' } } };
    await service.applyConfigurationContentOnDevice(deviceId, { modulesContent });
    const twin = body(await service.getModuleTwin(deviceId, '$edgeAgent'));
    assert.equal(twin.properties.desired.schemaVersion, '1.1');
    await service.delete(deviceId);
});

test('digital twins have properties and commands', () => withDevice(async (_, deviceId, client) => {
    const twins = new DigitalTwinClient(new IoTHubTokenCredentials(OWNER));
    await twins.updateDigitalTwin(deviceId, [{ op: 'add', path: '/target', value: 21 }]);
    assert.equal(body(await service.getTwin(deviceId)).properties.desired.target, 21);
    const twin = await twins.getDigitalTwin(deviceId);
    assert.equal(twin.$dtId, deviceId);
    assert.equal(twin.$metadata.$model, 'dtmi:com:example:Thermostat;1');
    client.onDeviceMethod('reboot', (request, response) => response.send(202, request.payload, () => {}));
    const options = { connectTimeoutInSeconds: 20, responseTimeoutInSeconds: 20 };
    const answer = await twins.invokeCommand(deviceId, 'reboot', { delay: 3 }, options);
    assert.equal(answer._response.headers.get('x-ms-command-statuscode'), '202');
    assert.deepEqual(answer.body, { delay: 3 });
}, { options: { modelId: 'dtmi:com:example:Thermostat;1' } }));

test('statistics and jobs of imports are told', async () => {
    const deviceId = unique('d');
    await service.create({ deviceId, status: 'disabled' });
    const counts = body(await service.getRegistryStatistics());
    assert.ok(counts.disabledDeviceCount >= 1 && counts.totalDeviceCount > counts.enabledDeviceCount);
    assert.deepEqual(body(await service.listJobs()), []);
    await service.delete(deviceId);
});

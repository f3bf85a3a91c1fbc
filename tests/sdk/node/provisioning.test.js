// Enrolment and registration through the provisioning SDKs.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const test = require('node:test');
const { ProvisioningDeviceClient } = require('azure-iot-provisioning-device');
const { Http } = require('azure-iot-provisioning-device-http');
const { Mqtt, MqttWs } = require('azure-iot-provisioning-device-mqtt');
const { ProvisioningServiceClient } = require('azure-iot-provisioning-service');
const { SymmetricKeySecurityClient } = require('azure-iot-security-symmetric-key');
const { X509Security } = require('azure-iot-security-x509');
const { HOST, ID_SCOPE, OWNER, body, newKey, ownCertificate, registry, signedCertificate, unique } = require('./support');

const service = ProvisioningServiceClient.fromConnectionString(OWNER);

for (const transport of [Http, Mqtt, MqttWs]) {
    test(`a device enrols itself by key over ${transport.name}`, async () => {
        const registrationId = unique('r');
        const key = newKey();
        const made = body(await service.createOrUpdateIndividualEnrollment({
            registrationId,
            attestation: { type: 'symmetricKey', symmetricKey: { primaryKey: key, secondaryKey: newKey() } },
            initialTwin: { tags: { born: 'here' }, properties: { desired: { fan: 1 } } },
        }));
        assert.ok(made.etag);
        const security = new SymmetricKeySecurityClient(registrationId, key);
        const client = ProvisioningDeviceClient.create(HOST, ID_SCOPE, new transport(), security);
        const state = await client.register();
        assert.deepEqual([state.status, state.assignedHub, state.deviceId], ['assigned', HOST, registrationId]);
        const twin = body(await registry().getTwin(registrationId));
        assert.deepEqual([twin.tags.born, twin.properties.desired.fan], ['here', 1]);
        assert.equal(body(await service.getDeviceRegistrationState(registrationId)).deviceId, registrationId);
        const query = service.createIndividualEnrollmentQuery({ query: 'SELECT * FROM enrollments' }, 100);
        const found = [];
        do {
            found.push(...body(await query.next()));
        } while (query.hasMoreResults);
        assert.ok(found.some((one) => one.registrationId === registrationId));
        await service.deleteIndividualEnrollment(registrationId);
        await assert.rejects(service.getIndividualEnrollment(registrationId));
    });

    test(`a device enrols itself by certificate over ${transport.name}`, async () => {
        const registrationId = unique('r');
        const { cert, key } = ownCertificate(registrationId);
        await service.createOrUpdateIndividualEnrollment({
            registrationId,
            attestation: { type: 'x509', x509: { clientCertificates: { primary: { certificate: cert } } } },
        });
        const security = new X509Security(registrationId, { cert, key });
        const client = ProvisioningDeviceClient.create(HOST, ID_SCOPE, new transport(), security);
        assert.equal((await client.register()).deviceId, registrationId);
    });
}

// Enrols a group, and a device of it by what it shows; both are gone afterwards.
async function enrolsByGroup(attestation, registrationId, security) {
    const enrollmentGroupId = unique('g');
    const initialTwin = { tags: { group: enrollmentGroupId }, properties: { desired: {} } };
    await service.createOrUpdateEnrollmentGroup({ enrollmentGroupId, attestation, initialTwin });
    const client = ProvisioningDeviceClient.create(HOST, ID_SCOPE, new Mqtt(), security);
    const state = await client.register();
    assert.deepEqual([state.status, state.deviceId], ['assigned', registrationId]);
    assert.equal(body(await registry().getTwin(registrationId)).tags.group, enrollmentGroupId);
    await service.deleteEnrollmentGroup(enrollmentGroupId);
}

test('a group enrols by derived keys', async () => {
    const registrationId = unique('r');
    const symmetricKey = { primaryKey: newKey(), secondaryKey: newKey() };
    const hmac = crypto.createHmac('sha256', Buffer.from(symmetricKey.primaryKey, 'base64'));
    const security = new SymmetricKeySecurityClient(registrationId, hmac.update(registrationId).digest('base64'));
    await enrolsByGroup({ type: 'symmetricKey', symmetricKey }, registrationId, security);
});

test('a group enrols by its authority', async () => {
    const registrationId = unique('r');
    const authority = ownCertificate(unique('ca'));
    const { cert, key } = signedCertificate(registrationId, authority);
    const x509 = { signingCertificates: { primary: { certificate: authority.cert } } };
    await enrolsByGroup({ type: 'x509', x509 }, registrationId, new X509Security(registrationId, { cert, key }));
});

test('a stranger is not enrolled', async () => {
    const registrationId = unique('r');
    const security = new SymmetricKeySecurityClient(registrationId, newKey());
    const client = ProvisioningDeviceClient.create(HOST, ID_SCOPE, new Mqtt(), security);
    await assert.rejects(client.register(), { message: /Not authorized/ });
});

test('a group has an attestation that can be asked for', async () => {
    const enrollmentGroupId = unique('g');
    const symmetricKey = { primaryKey: newKey(), secondaryKey: newKey() };
    await service.createOrUpdateEnrollmentGroup({
        enrollmentGroupId, attestation: { type: 'symmetricKey', symmetricKey }, provisioningStatus: 'enabled',
    });
    const mechanism = body(await service.getEnrollmentGroupAttestationMechanism(enrollmentGroupId));
    assert.deepEqual(mechanism.symmetricKey, symmetricKey);
    await service.deleteEnrollmentGroup(enrollmentGroupId);
});

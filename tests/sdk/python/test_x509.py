"""Devices with certificates, and how the provisioning service enrols devices."""

import base64
import hashlib
import hmac
import json
import os
import unittest

from azure.iot.device import IoTHubDeviceClient, ProvisioningDeviceClient, X509

from support import CA, HOST, Certificates, device_string, inbox, new_key, registry, rest, unique

ID_SCOPE = os.environ["HUB_ID_SCOPE"]


def with_certificate(name, certificate, key, **options):
    return IoTHubDeviceClient.create_from_x509_certificate(
        X509(certificate, key), HOST, name, server_verification_cert=CA, **options)


class Certified(unittest.TestCase):
    def talk(self, client, service, name):
        try:
            client.connect()
            client.patch_twin_reported_properties({"here": True})
            self.assertTrue(service.get_twin(name).properties.reported["here"])
        finally:
            client.shutdown()

    def test_a_certificate_is_known_by_its_thumbprint(self):
        service, name = registry(), unique("d")
        with Certificates() as certificates:
            certificate, key, thumbprint = certificates.own(name)
            service.create_device_with_x509(name, "0" * 64, thumbprint, "enabled")
            for websockets in (False, True):
                self.talk(with_certificate(name, certificate, key, websockets=websockets), service, name)
            other, other_key, _ = certificates.own(unique("d"))
            stranger = with_certificate(name, other, other_key, connection_retry=False)
            with self.assertRaises(Exception):
                stranger.connect()
            stranger.shutdown()

    def test_an_authority_vouches_for_its_devices(self):
        service, name = registry(), unique("d")
        with Certificates() as certificates:
            authority = certificates.own(unique("ca"))
            certificate, key = certificates.signed(name, authority)
            service.create_device_with_certificate_authority(name, "enabled")
            early = with_certificate(name, certificate, key, connection_retry=False)
            with self.assertRaises(Exception):
                early.connect()
            early.shutdown()
            with open(authority[0], encoding="ascii") as file:
                body = json.dumps({"properties": {"certificate": file.read(), "isVerified": True}}).encode()
            status, _, answer = rest("PUT", f"/certificates/{unique('ca')}", body)
            self.assertEqual(status, 200, answer)
            self.talk(with_certificate(name, certificate, key), service, name)


def provisioning(registration, **credentials):
    return dict(provisioning_host=HOST, registration_id=registration, id_scope=ID_SCOPE,
                server_verification_cert=CA, **credentials)


class Provisioning(unittest.TestCase):
    def enrol(self, path, body):
        status, _, answer = rest("PUT", path, json.dumps(body).encode(), [("content-type", "application/json")])
        self.assertEqual(status, 200, answer)
        return json.loads(answer)

    def test_a_device_enrols_itself_by_key_and_finds_its_initial_twin(self):
        name, key = unique("r"), new_key()
        keys = {"primaryKey": key, "secondaryKey": new_key()}
        twin = {"tags": {"born": "here"}, "properties": {"desired": {"fan": 1}}}
        self.enrol(f"/enrollments/{name}", {
            "registrationId": name, "attestation": {"type": "symmetricKey", "symmetricKey": keys}, "initialTwin": twin})
        for websockets in (False, True):
            client = ProvisioningDeviceClient.create_from_symmetric_key(
                **provisioning(name, symmetric_key=key, websockets=websockets))
            state = client.register().registration_state
            self.assertEqual((state.assigned_hub, state.device_id), (HOST, name))
        twin = registry().get_twin(name)
        self.assertEqual((twin.tags["born"], twin.properties.desired["fan"]), ("here", 1))
        device = IoTHubDeviceClient.create_from_connection_string(
            device_string(name, key), server_verification_cert=CA)
        device.connect()
        self.assertEqual(device.get_twin()["desired"]["fan"], 1)
        device.shutdown()

    def test_a_group_enrols_by_derived_keys(self):
        group, name, key = unique("g"), unique("r"), new_key()
        keys = {"primaryKey": key, "secondaryKey": new_key()}
        self.enrol(f"/enrollmentGroups/{group}", {
            "enrollmentGroupId": group, "attestation": {"type": "symmetricKey", "symmetricKey": keys}})
        derived = base64.b64encode(hmac.new(base64.b64decode(key), name.encode(), hashlib.sha256).digest()).decode()
        client = ProvisioningDeviceClient.create_from_symmetric_key(**provisioning(name, symmetric_key=derived))
        self.assertEqual(client.register().status, "assigned")
        stranger = ProvisioningDeviceClient.create_from_symmetric_key(**provisioning(name, symmetric_key=new_key()))
        with self.assertRaises(Exception):
            stranger.register()

    def test_a_device_enrols_itself_by_certificate(self):
        name = unique("r")
        with Certificates() as certificates:
            certificate, key, _ = certificates.own(name)
            with open(certificate, encoding="ascii") as file:
                pem = file.read()
            self.enrol(f"/enrollments/{name}", {"registrationId": name, "attestation": {
                "type": "x509", "x509": {"clientCertificates": {"primary": {"certificate": pem}}}}})
            for websockets in (False, True):
                client = ProvisioningDeviceClient.create_from_x509_certificate(
                    **provisioning(name, x509=X509(certificate, key), websockets=websockets))
                self.assertEqual(client.register().registration_state.device_id, name)
            device = with_certificate(name, certificate, key)
            device.connect()
            inbox(device, "on_twin_desired_properties_patch_received")
            device.shutdown()

    def test_a_group_enrols_by_its_authority(self):
        group, name = unique("g"), unique("r")
        with Certificates() as certificates:
            authority = certificates.own(unique("ca"))
            certificate, key = certificates.signed(name, authority)
            with open(authority[0], encoding="ascii") as file:
                pem = file.read()
            self.enrol(f"/enrollmentGroups/{group}", {"enrollmentGroupId": group, "attestation": {
                "type": "x509", "x509": {"signingCertificates": {"primary": {"certificate": pem}}}}})
            client = ProvisioningDeviceClient.create_from_x509_certificate(
                **provisioning(name, x509=X509(certificate, key)))
            self.assertEqual(client.register().status, "assigned")
            device = with_certificate(name, certificate, key)
            device.connect()
            device.shutdown()

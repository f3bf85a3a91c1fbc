"""Who is let in through azure-iot-device, over TCP and WebSocket."""

import json
import unittest

from azure.iot.device import IoTHubDeviceClient, IoTHubModuleClient, X509
from azure.iot.device.exceptions import ClientError, CredentialError

from support import CA, HOST, PATIENCE, Certificates, device_string, inbox, new_key, registry, rest, unique

MODEL = "dtmi:com:example:Lock;1"


class Links(unittest.TestCase):
    def setUp(self):
        self.registry = registry()
        self.name = unique("d")

    def refused(self, client, error):
        try:
            with self.assertRaises(error) as refused:
                client.connect()
            return refused.exception
        finally:
            client.shutdown()

    # Protocol reference 17.25.
    def test_wrong_credentials_are_refused(self):
        key = self.registry.create_device_with_sas(self.name, "", "", "enabled").authentication.symmetric_key.primary_key
        for websockets in (False, True):
            for name, wrong in ((self.name, new_key()), (unique("nobody"), key), ("no such id", key)):
                with self.subTest(name=name, websockets=websockets):
                    self.refused(IoTHubDeviceClient.create_from_connection_string(
                        device_string(name, wrong), server_verification_cert=CA, websockets=websockets,
                        connection_retry=False), CredentialError)

    # Protocol reference 17.22.
    def test_another_authority_than_the_hubs_is_refused(self):
        key = self.registry.create_device_with_sas(self.name, "", "", "enabled").authentication.symmetric_key.primary_key
        with Certificates() as certificates:
            with open(certificates.own("ca")[0], encoding="ascii") as file:
                other = file.read()
        for websockets in (False, True):
            with self.subTest(websockets=websockets):
                error = self.refused(IoTHubDeviceClient.create_from_connection_string(
                    device_string(self.name, key), server_verification_cert=other, websockets=websockets,
                    connection_retry=False), ClientError)
                self.assertIn("TLS", str(error))

    # Protocol reference 17.20 and 17.25.
    def test_a_certificate_opens_its_device_alone_and_announces_its_model(self):
        with Certificates() as certificates:
            certificate, key, thumbprint = certificates.own(self.name)
            other, other_key, _ = certificates.own(unique("d"))
            self.registry.create_device_with_x509(self.name, thumbprint, "0" * 64, "enabled")
            for websockets in (False, True):
                with self.subTest(websockets=websockets):
                    def with_certificate(own, own_key):
                        return IoTHubDeviceClient.create_from_x509_certificate(
                            X509(own, own_key), HOST, self.name, server_verification_cert=CA, websockets=websockets,
                            connection_retry=False, product_info=MODEL)
                    self.refused(with_certificate(other, other_key), CredentialError)
                    client = with_certificate(certificate, key)
                    client.connect()
                    self.assertEqual(client.get_twin()["desired"], {"$version": 1})
                    client.shutdown()
                    self.assertEqual(json.loads(rest("GET", f"/twins/{self.name}")[2])["modelId"], MODEL)

    # Protocol reference 17.20.
    def test_a_module_shows_a_certificate_of_its_own(self):
        self.registry.create_device_with_sas(self.name, "", "", "enabled")
        with Certificates() as certificates:
            certificate, key, thumbprint = certificates.own(self.name)
            self.registry.create_module_with_x509(self.name, "m", "us", "0" * 64, thumbprint)
            client = IoTHubModuleClient.create_from_x509_certificate(
                X509(certificate, key), HOST, self.name, "m", server_verification_cert=CA, product_info=MODEL)
            client.connect()
            patches = inbox(client, "on_twin_desired_properties_patch_received")
            client.get_twin()
            self.registry.update_module_twin(self.name, "m", {"properties": {"desired": {"fps": 1}}})
            self.assertEqual(patches.get(timeout=PATIENCE)["fps"], 1)
            client.shutdown()
        self.assertEqual(json.loads(rest("GET", f"/twins/{self.name}/modules/m")[2])["modelId"], MODEL)

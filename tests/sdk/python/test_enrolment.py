"""Enrolments through azure-iot-deviceprovisioning, and the devices that they let in."""

import os
import unittest

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.iot.device import ProvisioningDeviceClient
from azure.iot.deviceprovisioning import DeviceProvisioningClient

from support import CA, HOST, OWNER, Certificates, new_key, registry, unique

ID_SCOPE = os.environ["HUB_ID_SCOPE"]


def symmetric_keys():
    return {"type": "symmetricKey", "symmetricKey": {"primaryKey": new_key(), "secondaryKey": new_key()}}


class Enrolments(unittest.TestCase):
    def setUp(self):
        self.service = DeviceProvisioningClient.from_connection_string(OWNER)
        self.addCleanup(self.service.close)
        self.name = unique("r")

    def test_an_enrolment_from_first_to_last(self):
        enrolments = self.service.enrollment
        attestation = symmetric_keys()
        made = enrolments.create_or_update(self.name, {
            "registrationId": self.name, "attestation": attestation, "initialTwin": {"tags": {"born": "here"}}})
        self.assertEqual((made["registrationId"], made["provisioningStatus"]), (self.name, "enabled"))
        self.assertEqual(enrolments.get_attestation_mechanism(self.name)["symmetricKey"], attestation["symmetricKey"])
        client = ProvisioningDeviceClient.create_from_symmetric_key(
            provisioning_host=HOST, registration_id=self.name, id_scope=ID_SCOPE, server_verification_cert=CA,
            symmetric_key=attestation["symmetricKey"]["secondaryKey"])
        self.assertEqual(client.register().status, "assigned")
        self.assertEqual(registry().get_twin(self.name).tags, {"born": "here"})
        state = self.service.device_registration_state.get(self.name)
        self.assertEqual((state["deviceId"], state["status"]), (self.name, "assigned"))
        updated = enrolments.create_or_update(self.name, {**made, "provisioningStatus": "disabled"},
                                              if_match=f'"{made["etag"]}"')
        self.assertEqual(updated["provisioningStatus"], "disabled")
        with self.assertRaises(HttpResponseError) as stale:
            enrolments.create_or_update(self.name, made, if_match=f'"{made["etag"]}"')
        self.assertEqual(stale.exception.status_code, 412)
        with self.assertRaises(Exception):
            client.register()
        enrolments.delete(self.name)
        with self.assertRaises(ResourceNotFoundError):
            enrolments.get(self.name)

    def test_many_at_once(self):
        names = [f"{self.name}-{number}" for number in range(3)]
        for mode in ("create", "delete"):
            answer = self.service.enrollment.run_bulk_operation({"mode": mode, "enrollments": [
                {"registrationId": name, "attestation": symmetric_keys()} for name in names]})
            self.assertTrue(answer["isSuccessful"], answer)
            found = {one["registrationId"] for one in self.service.enrollment.query(
                {"query": "SELECT * FROM enrollments"})}
            self.assertEqual(found.issuperset(names), mode == "create")

    def test_a_group_and_who_came_by_it(self):
        groups = self.service.enrollment_group
        with Certificates() as certificates:
            with open(certificates.own(unique("ca"))[0], encoding="ascii") as file:
                authority = file.read()
        made = groups.create_or_update(self.name, {"enrollmentGroupId": self.name, "attestation": {
            "type": "x509", "x509": {"signingCertificates": {"primary": {"certificate": authority}}}}})
        self.assertEqual(made["attestation"]["type"], "x509")
        self.assertEqual(groups.get(self.name)["etag"], made["etag"])
        self.assertEqual(list(self.service.device_registration_state.query(self.name)), [])
        groups.delete(self.name, if_match=f'"{made["etag"]}"')
        with self.assertRaises(ResourceNotFoundError):
            groups.get(self.name)

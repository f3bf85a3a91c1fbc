"""Identities and modules through azure-iot-hub."""

import json
import ssl
import unittest
import urllib.request

from azure.iot.hub.models import ExportImportDevice, AuthenticationMechanism, SymmetricKey
from msrest.exceptions import HttpOperationError
from openapi_spec_validator import OpenAPIV31SpecValidator

from support import CA_FILE, HOST, new_key, registry, unique


def status(error):
    return error.exception.response.status_code


class Devices(unittest.TestCase):
    def setUp(self):
        self.registry = registry()
        self.name = unique("d")

    # Protocol reference 17.2.
    def test_a_device_with_keys_of_its_own_comes_back_as_it_was_made(self):
        primary, secondary = new_key(), new_key()
        made = self.registry.create_device_with_sas(self.name, primary, secondary, "disabled")
        self.assertEqual((made.device_id, made.status), (self.name, "disabled"))
        read = self.registry.get_device(self.name)
        keys = read.authentication.symmetric_key
        self.assertEqual((keys.primary_key, keys.secondary_key, read.status), (primary, secondary, "disabled"))

    # Protocol reference 17.1.
    def test_empty_keys_are_made_by_the_hub(self):
        keys = self.registry.create_device_with_sas(self.name, "", "", "enabled").authentication.symmetric_key
        self.assertTrue(keys.primary_key and keys.secondary_key and keys.primary_key != keys.secondary_key)

    # Protocol reference 17.2.
    def test_thumbprints_and_authorities(self):
        made = self.registry.create_device_with_x509(self.name, "A" * 40, "B" * 64, "enabled")
        prints = made.authentication.x509_thumbprint
        self.assertEqual((prints.primary_thumbprint, prints.secondary_thumbprint), ("A" * 40, "B" * 64))
        other = unique("d")
        made = self.registry.create_device_with_certificate_authority(other, "enabled")
        self.assertEqual(made.authentication.type, "certificateAuthority")
        updated = self.registry.update_device_with_certificate_authority(other, made.etag, "disabled")
        self.assertEqual(updated.status, "disabled")

    def test_an_update_needs_the_etag_and_changes_keys(self):
        made = self.registry.create_device_with_sas(self.name, "", "", "enabled")
        keys = new_key(), new_key()
        updated = self.registry.update_device_with_sas(self.name, made.etag, *keys, "enabled")
        self.assertEqual(updated.authentication.symmetric_key.secondary_key, keys[1])
        with self.assertRaises(HttpOperationError) as stale:
            self.registry.update_device_with_sas(self.name, made.etag, *keys, "enabled")
        self.assertEqual(status(stale), 412)
        with self.assertRaises(HttpOperationError) as again:
            self.registry.create_device_with_sas(self.name, *keys, "enabled")
        self.assertEqual(status(again), 409)

    # Protocol reference 17.5.
    def test_a_deleted_device_is_gone_from_everywhere(self):
        self.registry.create_device_with_sas(self.name, "", "", "enabled")
        self.registry.delete_device(self.name)
        self.assertNotIn(self.name, {device.device_id for device in self.registry.get_devices()})
        for read in (self.registry.get_device, self.registry.get_twin, self.registry.delete_device):
            with self.assertRaises(HttpOperationError) as gone:
                read(self.name)
            self.assertEqual(status(gone), 404)

    # Protocol reference 17.3.
    def test_an_id_that_cannot_be_is_refused(self):
        with self.assertRaises(HttpOperationError) as bad:
            self.registry.create_device_with_sas("invalid/name", "", "", "enabled")
        self.assertEqual(status(bad), 400)

    # Protocol reference 17.7.
    def test_a_gateway_has_a_scope_and_a_leaf_takes_it(self):
        gateway = self.registry.create_device_with_sas(self.name, "", "", "enabled", True)
        self.assertTrue(gateway.capabilities.iot_edge)
        self.assertIn(self.name, gateway.device_scope)
        leaf = self.registry.create_device_with_sas(
            unique("d"), "", "", "enabled", False, device_scope=gateway.device_scope)
        self.assertEqual(leaf.device_scope, gateway.device_scope)
        modules = {module.module_id for module in self.registry.get_modules(self.name)}
        self.assertEqual(modules, {"$edgeAgent", "$edgeHub"})

    # Protocol reference 17.8.
    def test_many_at_once(self):
        def entry(name, mode, status="enabled"):
            authentication = AuthenticationMechanism(
                type="sas", symmetric_key=SymmetricKey(primary_key=new_key(), secondary_key=new_key()))
            return ExportImportDevice(
                id=name, status=status, authentication=authentication, import_mode=mode, tags={"batch": self.name})

        names = [f"{self.name}-{number}" for number in range(10)]
        made = self.registry.bulk_create_or_update_devices([entry(name, "create", "disabled") for name in names])
        self.assertEqual((made.is_successful, made.errors), (True, []))
        updated = self.registry.bulk_create_or_update_devices([entry(name, "update") for name in names])
        self.assertEqual((updated.is_successful, updated.errors), (True, []))
        self.assertEqual({self.registry.get_device(name).status for name in names}, {"enabled"})
        self.assertEqual(self.registry.get_twin(names[3]).tags, {"batch": self.name})
        removed = self.registry.bulk_create_or_update_devices([entry(name, "delete") for name in names])
        self.assertEqual((removed.is_successful, removed.errors), (True, []))
        with self.assertRaises(HttpOperationError) as gone:
            self.registry.get_device(names[3])
        self.assertEqual(status(gone), 404)

    # Protocol reference 17.5.
    def test_lists_and_counts(self):
        before = self.registry.get_device_registry_statistics().total_device_count
        self.registry.create_device_with_sas(self.name, "", "", "enabled")
        self.assertGreater(self.registry.get_device_registry_statistics().total_device_count, before)
        self.assertIn(self.name, {device.device_id for device in self.registry.get_devices(1000)})
        self.assertEqual(len(self.registry.get_devices(1)), 1)
        self.assertGreaterEqual(self.registry.get_service_statistics().connected_device_count, 0)


class Modules(unittest.TestCase):
    def setUp(self):
        self.registry = registry()
        self.device = unique("d")
        self.registry.create_device_with_sas(self.device, "", "", "enabled")

    def tearDown(self):
        self.registry.delete_device(self.device)

    # Protocol reference 17.9.
    def test_a_module_from_first_to_last(self):
        made = self.registry.create_module_with_sas(self.device, "camera", "us", "", "")
        self.assertEqual((made.module_id, made.device_id, made.managed_by), ("camera", self.device, "us"))
        keys = new_key(), new_key()
        updated = self.registry.update_module_with_sas(self.device, "camera", "them", made.etag, *keys)
        self.assertEqual(updated.authentication.symmetric_key.primary_key, keys[0])
        read = self.registry.get_module(self.device, "camera")
        self.assertEqual((read.managed_by, read.authentication.symmetric_key.secondary_key), ("them", keys[1]))
        self.assertEqual([module.module_id for module in self.registry.get_modules(self.device)], ["camera"])
        self.registry.delete_module(self.device, "camera")
        with self.assertRaises(HttpOperationError) as gone:
            self.registry.get_module(self.device, "camera")
        self.assertEqual(status(gone), 404)

    def test_a_module_has_a_twin_of_its_own(self):
        self.registry.create_module_with_x509(self.device, "camera", "us", "A" * 40, "B" * 40)
        twin = self.registry.update_module_twin(
            self.device, "camera", {"tags": {"room": "hall"}, "properties": {"desired": {"fps": 30}}})
        self.assertEqual((twin.module_id, twin.tags, twin.properties.desired["fps"]), ("camera", {"room": "hall"}, 30))
        replaced = self.registry.replace_module_twin(
            self.device, "camera", {"properties": {"desired": {"fps": 10}}}, twin.etag)
        self.assertEqual(replaced.properties.desired["fps"], 10)
        self.assertEqual(self.registry.get_twin(self.device).properties.desired.get("fps"), None)


class Description(unittest.TestCase):
    def test_what_the_hub_says_of_itself_is_a_valid_openapi_document(self):
        trust = ssl.create_default_context(cafile=CA_FILE)
        with urllib.request.urlopen(f"https://{HOST}/openapi.json", context=trust) as answer:
            document = json.load(answer)
        self.assertEqual([error.message for error in OpenAPIV31SpecValidator(document).iter_errors()], [])

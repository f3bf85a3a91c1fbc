"""Twins, queries, methods and messages between azure-iot-hub and azure-iot-device."""

import json
import queue
import unittest

from azure.iot.device import Message, MethodResponse
from azure.iot.device.exceptions import ClientError
from azure.iot.hub import IoTHubHttpRuntimeManager
from azure.iot.hub.models import CloudToDeviceMethod, QuerySpecification, Twin, TwinProperties
from msrest.exceptions import HttpOperationError

from support import (OWNER, PATIENCE, device, device_client, inbox, module_client, registry, rest, unique, until)


class Twins(unittest.TestCase):
    # Protocol reference 17.11 and 17.14.
    def test_desired_goes_down_and_reported_comes_up(self):
        for websockets in (False, True):
            with self.subTest(websockets=websockets), device(websockets=websockets) as (service, name, client):
                patches = inbox(client, "on_twin_desired_properties_patch_received")
                before = client.get_twin()["desired"]["$version"]
                twin = service.update_twin(name, {"properties": {"desired": {"fan": {"speed": 3}}}})
                patch = patches.get(timeout=PATIENCE)
                self.assertEqual(patch, {"fan": {"speed": 3}, "$version": before + 1})
                self.assertEqual(twin.properties.desired["$version"], before + 1)
                client.patch_twin_reported_properties({"gone": 1})
                client.patch_twin_reported_properties({"fan": {"speed": 3}, "gone": None, "a": {"b": None}})
                reported = service.get_twin(name).properties.reported
                self.assertEqual((reported["fan"], reported["a"]), ({"speed": 3}, {}))
                self.assertNotIn("gone", reported)
                self.assertEqual(client.get_twin()["reported"]["fan"], {"speed": 3})

    # Protocol reference 17.12.
    def test_a_cleared_section_is_heard_key_by_key(self):
        with device() as (service, name, client):
            patches = inbox(client, "on_twin_desired_properties_patch_received")
            service.update_twin(name, {"properties": {"desired": {"a": 1, "b": {"c": 2}}}})
            patches.get(timeout=PATIENCE)
            service.replace_twin(name, {"properties": {"desired": {}}})
            cleared = patches.get(timeout=PATIENCE)
            self.assertEqual({key: cleared[key] for key in ("a", "b")}, {"a": None, "b": None})

    # Protocol reference 17.13.
    def test_what_came_while_it_was_away_is_in_the_next_twin(self):
        with device() as (service, name, client):
            inbox(client, "on_twin_desired_properties_patch_received")
            client.disconnect()
            service.update_twin(name, {"properties": {"desired": {"fan": {"speed": 1, "on": True}}}})
            service.update_twin(name, {"properties": {"desired": {"fan": {"speed": 2}}}})
            client.connect()
            self.assertEqual(client.get_twin()["desired"]["fan"], {"speed": 2, "on": True})

    # Protocol reference 17.15.
    def test_a_wrong_key_refuses_the_whole_patch(self):
        with device() as (service, name, client):
            before = service.get_twin(name).properties.reported
            with self.assertRaises(ClientError) as refused:
                client.patch_twin_reported_properties({"good": 1, "$bad": 2})
            self.assertIn("status 400", str(refused.exception.__cause__))
            self.assertEqual(service.get_twin(name).properties.reported, before)

    # Protocol reference 17.10.
    def test_etags_guard_twins(self):
        with device() as (service, name, _):
            twin = service.get_twin(name)
            service.update_twin(name, Twin(tags={"a": 1}), twin.etag)
            with self.assertRaises(HttpOperationError) as stale:
                service.update_twin(name, Twin(tags={"a": 2}), twin.etag)
            self.assertEqual(stale.exception.response.status_code, 412)
            wiped = service.replace_twin(name, Twin(properties=TwinProperties(desired={"b": 1})))
            self.assertFalse(wiped.tags)

    # Protocol reference 17.20.
    def test_the_model_is_remembered(self):
        model = "dtmi:com:example:Thermostat;1"
        for options, expected in ({}, ""), ({"product_info": model}, model):
            with device(**options) as (_, name, _):
                self.assertEqual(json.loads(rest("GET", f"/twins/{name}")[2])["modelId"], expected)

    # Protocol reference 17.21.
    def test_the_second_link_takes_the_first_ones_place(self):
        service = registry()
        identity = service.create_device_with_sas(unique("d"), "", "", "enabled")
        first = device_client(identity, connection_retry=False)
        second = device_client(identity, connection_retry=False)
        states = queue.Queue()
        first.on_connection_state_change = lambda: states.put(first.connected)
        try:
            first.connect()
            self.assertTrue(states.get(timeout=PATIENCE))
            second.connect()
            self.assertFalse(states.get(timeout=PATIENCE))
            self.assertTrue(second.connected)
        finally:
            first.shutdown()
            second.shutdown()

    def test_a_disabled_device_is_cut_and_stays_out(self):
        with device(connection_retry=False) as (service, name, client):
            states = queue.Queue()
            client.on_connection_state_change = lambda: states.put(client.connected)
            identity = service.get_device(name)
            keys = identity.authentication.symmetric_key
            service.update_device_with_sas(name, identity.etag, keys.primary_key, keys.secondary_key, "disabled")
            self.assertFalse(states.get(timeout=PATIENCE))
            with self.assertRaises(Exception):
                client.connect()


class Methods(unittest.TestCase):
    # Protocol reference 17.16.
    def test_payloads_go_and_come_unchanged(self):
        with device() as (service, name, client):
            client.on_method_request_received = lambda request: client.send_method_response(
                MethodResponse.create_from_method_request(request, int(request.name), request.payload))
            for payload in (None, "", "foo", {"k1": "v1"}, {}):
                for status in (200, 400):
                    answer = service.invoke_device_method(name, CloudToDeviceMethod(
                        method_name=str(status), payload=payload, response_timeout_in_seconds=10))
                    # This SDK says nothing as an empty text.
                    self.assertEqual((answer.status, answer.payload), (status, "" if payload is None else payload))

    def test_nobody_there_is_said(self):
        service = registry()
        name = unique("d")
        service.create_device_with_sas(name, "", "", "enabled")
        with self.assertRaises(HttpOperationError) as nobody:
            service.invoke_device_method(name, CloudToDeviceMethod(method_name="m"))
        self.assertEqual(nobody.exception.response.status_code, 404)

    # Protocol reference 17.17.
    def test_methods_go_on_after_a_renewed_token(self):
        # The SDK renews 120 s before the end: with 125 s it connects again after a few.
        with device(sastoken_ttl=125) as (service, name, client):
            calls = inbox(client, "on_method_request_received")
            states = queue.Queue()
            client.on_connection_state_change = lambda: states.put(client.connected)
            self.assertFalse(states.get(timeout=PATIENCE))
            self.assertTrue(states.get(timeout=PATIENCE))
            client.on_method_request_received = lambda request: client.send_method_response(
                MethodResponse.create_from_method_request(request, 200, {"again": True}))
            until(lambda: client.connected, "the renewed link")
            answer = service.invoke_device_method(
                name, CloudToDeviceMethod(method_name="m", connect_timeout_in_seconds=20,
                                          response_timeout_in_seconds=30))
            self.assertEqual((answer.status, answer.payload), (200, {"again": True}))
            self.assertTrue(calls.empty())


class Modules(unittest.TestCase):
    def test_a_module_is_a_client_of_its_own(self):
        service = registry()
        name = unique("d")
        service.create_device_with_sas(name, "", "", "enabled")
        client = module_client(service.create_module_with_sas(name, "camera", "us", "", ""))
        try:
            client.connect()
            patches = inbox(client, "on_twin_desired_properties_patch_received")
            client.on_method_request_received = lambda request: client.send_method_response(
                MethodResponse.create_from_method_request(request, 299, request.payload))
            client.get_twin()
            service.update_module_twin(name, "camera", {"properties": {"desired": {"fps": 25}}})
            self.assertEqual(patches.get(timeout=PATIENCE)["fps"], 25)
            client.patch_twin_reported_properties({"fps": 25})
            self.assertEqual(service.get_module_twin(name, "camera").properties.reported["fps"], 25)
            answer = service.invoke_device_module_method(
                name, "camera", CloudToDeviceMethod(method_name="m", payload=1, response_timeout_in_seconds=10))
            self.assertEqual((answer.status, answer.payload), (299, 1))
            client.send_message_to_output(Message("x"), "out")
        finally:
            client.shutdown()
            service.delete_device(name)


class Messages(unittest.TestCase):
    def test_telemetry_with_properties_is_taken(self):
        with device() as (_, _, client):
            message = Message(json.dumps({"t": 21.5}))
            message.content_type = "application/json"
            message.content_encoding = "utf-8"
            message.message_id = "m 1"
            message.custom_properties["k v"] = "a+b/c"
            client.send_message(message)

    def test_a_message_waits_for_its_device(self):
        with device() as (service, name, client):
            messages = inbox(client, "on_message_received")
            client.disconnect()
            headers = [("iothub-app-colour", "red"), ("iothub-messageid", "m1"), ("content-type", "text/plain")]
            status, _, body = rest("POST", f"/devices/{name}/messages/deviceBound", b"hello", headers)
            self.assertIn(status, (200, 201, 204), body)
            self.assertEqual(service.get_device(name).cloud_to_device_message_count, 1)
            client.connect()
            message = messages.get(timeout=PATIENCE)
            self.assertEqual((message.data, message.message_id), (b"hello", "m1"))
            self.assertEqual(message.custom_properties, {"colour": "red"})
            until(lambda: service.get_device(name).cloud_to_device_message_count == 0, "the end of the message")

    def test_the_service_hears_what_became_of_a_message(self):
        feedback = IoTHubHttpRuntimeManager.from_connection_string(OWNER)
        # This SDK gives nobody the answer, but for its raw form.
        ask = feedback.protocol.cloud_to_device_messages.receive_feedback_notification
        with device() as (_, name, client):
            messages = inbox(client, "on_message_received")
            rest("POST", f"/devices/{name}/messages/deviceBound", b"hello",
                 [("iothub-ack", "full"), ("iothub-messageid", "m1")])
            self.assertEqual(messages.get(timeout=PATIENCE).message_id, "m1")
            told = until(lambda: (answer := ask(raw=True).response).status_code == 200 and answer, "the feedback")
            record, = (record for record in told.json() if record["deviceId"] == name)
            self.assertEqual((record["originalMessageId"], record["statusCode"]), ("m1", "Success"))
            feedback.complete_feedback_notification(told.headers["etag"].strip('"'))
        self.assertEqual(ask(raw=True).response.status_code, 204)

    def test_messages_can_be_thrown_away(self):
        service = registry()
        name = unique("d")
        service.create_device_with_sas(name, "", "", "enabled")
        for _ in range(3):
            rest("POST", f"/devices/{name}/messages/deviceBound", b"hello")
        status, _, body = rest("DELETE", f"/devices/{name}/commands")
        self.assertEqual((status, json.loads(body)["totalMessagesPurged"]), (200, 3))


class Queries(unittest.TestCase):
    def setUp(self):
        self.registry = registry()
        self.site = unique("site")
        self.names = sorted(unique("d") for _ in range(7))
        for number, name in enumerate(self.names):
            self.registry.create_device_with_sas(name, "", "", "enabled")
            self.registry.update_twin(name, {"tags": {"site": self.site, "number": number}})

    def tearDown(self):
        for name in self.names:
            self.registry.delete_device(name)

    # Protocol reference 17.23.
    def test_pages_follow_each_other_to_the_last(self):
        query = QuerySpecification(query=f"SELECT * FROM devices WHERE tags.site = '{self.site}'")
        found, token = [], None
        while True:
            page = self.registry.query_iot_hub(query, token, 3)
            found += [twin.device_id for twin in page.items]
            token = page.continuation_token
            if not token:
                break
        self.assertEqual(sorted(found), self.names)

    def test_columns_and_groups(self):
        query = f"SELECT deviceId, tags.number AS n FROM devices WHERE tags.site = '{self.site}' AND tags.number > 4"
        page = self.registry.query_iot_hub(QuerySpecification(query=query))
        self.assertEqual(sorted(row.additional_properties["n"] for row in page.items), [5, 6])
        query = f"SELECT tags.site AS site, COUNT() AS n FROM devices WHERE tags.site = '{self.site}' GROUP BY tags.site"
        page = self.registry.query_iot_hub(QuerySpecification(query=query))
        self.assertEqual([row.additional_properties for row in page.items], [{"site": self.site, "n": 7}])

    def test_modules_are_found(self):
        self.registry.create_module_with_sas(self.names[0], "camera", "us", "", "")
        query = f"SELECT * FROM devices.modules WHERE deviceId IN ['{self.names[0]}']"
        page = self.registry.query_iot_hub(QuerySpecification(query=query))
        self.assertEqual([(twin.device_id, twin.module_id) for twin in page.items], [(self.names[0], "camera")])

    def test_a_bad_query_is_refused(self):
        with self.assertRaises(HttpOperationError) as bad:
            self.registry.query_iot_hub(QuerySpecification(query="SELECT FROM WHERE"))
        self.assertEqual(bad.exception.response.status_code, 400)

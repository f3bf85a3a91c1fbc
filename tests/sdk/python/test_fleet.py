"""Configurations, jobs and digital twins through azure-iot-hub."""

import datetime
import json
import unittest

from azure.iot.device import MethodResponse
from azure.iot.hub import DigitalTwinClient, IoTHubConfigurationManager, IoTHubJobManager
from azure.iot.hub.models import (
    CloudToDeviceMethod, Configuration, ConfigurationContent, ConfigurationMetrics, ConfigurationQueriesTestInput,
    JobRequest, QuerySpecification, Twin)
from msrest.exceptions import HttpOperationError

from support import OWNER, PATIENCE, device, inbox, registry, rest, unique, until


class Configurations(unittest.TestCase):
    def setUp(self):
        self.manager = IoTHubConfigurationManager.from_connection_string(OWNER)
        self.name = unique("c")
        self.content = {"properties.desired.fw": {"channel": "stable"}}

    def configuration(self, condition, priority=1, **more):
        return Configuration(id=self.name, schema_version="1.0", content=ConfigurationContent(
            device_content=self.content), target_condition=condition, priority=priority, **more)

    # Protocol reference 17.18.
    def test_a_configuration_from_first_to_last(self):
        made = self.manager.create_configuration(self.configuration(""))
        self.assertEqual(made.content.device_content, self.content)
        read = self.manager.get_configuration(self.name)
        self.assertEqual((read.content.device_content, read.priority), (self.content, 1))
        self.assertIn(self.name, [one.id for one in self.manager.get_configurations()])
        updated = self.manager.update_configuration(self.configuration("", 2), read.etag)
        self.assertEqual(updated.priority, 2)
        with self.assertRaises(HttpOperationError):
            self.manager.create_configuration(self.configuration(""))
        self.manager.delete_configuration(self.name)
        with self.assertRaises(HttpOperationError) as gone:
            self.manager.get_configuration(self.name)
        self.assertEqual(gone.exception.response.status_code, 404)

    def test_a_target_hears_its_values_and_counts(self):
        with device() as (service, name, client):
            patches = inbox(client, "on_twin_desired_properties_patch_received")
            client.get_twin()
            metrics = ConfigurationMetrics(queries={"all": "SELECT deviceId FROM devices WHERE tags.ring = 'a'"})
            self.manager.create_configuration(self.configuration(f"deviceId = '{name}'", metrics=metrics))
            self.assertEqual(patches.get(timeout=PATIENCE)["fw"], {"channel": "stable"})
            status, _, body = rest("GET", f"/twins/{name}")
            self.assertEqual((status, json.loads(body)["configurations"]), (200, {self.name: {"status": "Applied"}}))
            counts = until(lambda: (self.manager.get_configuration(self.name).system_metrics.results or {})
                           .get("appliedCount") == 1, "the count of those who applied it")
            self.assertTrue(counts)
            self.manager.delete_configuration(self.name)
            self.assertEqual(service.get_twin(name).properties.desired["fw"], {"channel": "stable"})

    # Protocol reference 17.24.
    def test_conditions_can_be_tried(self):
        good = self.manager.test_configuration_queries(ConfigurationQueriesTestInput(
            target_condition="tags.a = 'b'", custom_metric_queries={"m": "SELECT deviceId FROM devices"}))
        self.assertFalse(good.target_condition_error)
        bad = self.manager.test_configuration_queries(ConfigurationQueriesTestInput(target_condition="tags.a ="))
        self.assertTrue(bad.target_condition_error)

    def test_content_for_a_gateway_is_applied_once(self):
        service = registry()
        name = unique("d")
        service.create_device_with_sas(name, "", "", "enabled", True)
        self.manager.apply_configuration_on_edge_device(name, ConfigurationContent(
            modules_content={"$edgeAgent": {"properties.desired": {"schemaVersion": "1.1"}}}))
        self.assertEqual(service.get_module_twin(name, "$edgeAgent").properties.desired["schemaVersion"], "1.1")


class Jobs(unittest.TestCase):
    def setUp(self):
        self.manager = IoTHubJobManager.from_connection_string(OWNER)
        self.name = unique("j")

    def run_job(self, request, start=None):
        request.job_id, request.start_time, request.max_execution_time_in_seconds = self.name, start, 60
        return self.manager.create_scheduled_job(self.name, request)

    def finished(self):
        return until(lambda: (job := self.manager.get_scheduled_job(self.name)).status == "completed" and job,
                     "the end of the job")

    # Protocol reference 17.19.
    def test_twins_are_updated(self):
        with device() as (service, name, _):
            job = self.run_job(JobRequest(
                type="scheduleUpdateTwin", update_twin=Twin(etag="*", tags={"job": self.name}),
                query_condition=f"deviceId IN ['{name}']"))
            self.assertEqual(job.status, "queued")
            statistics = self.finished().device_job_statistics
            self.assertEqual((statistics.device_count, statistics.succeeded_count), (1, 1))
            self.assertEqual(service.get_twin(name).tags, {"job": self.name})
            page = service.query_iot_hub(QuerySpecification(
                query=f"SELECT * FROM devices.jobs WHERE devices.jobs.jobId = '{self.name}'"))
            told = [(row.device_id, row.additional_properties["jobId"], row.status) for row in page.items]
            self.assertEqual(told, [(name, self.name, "completed")])

    # Protocol reference 17.19.
    def test_a_method_reaches_the_device(self):
        with device() as (_, name, client):
            client.on_method_request_received = lambda request: client.send_method_response(
                MethodResponse.create_from_method_request(request, 200, {"done": True}))
            self.run_job(JobRequest(
                type="scheduleDeviceMethod", query_condition=f"deviceId = '{name}'",
                cloud_to_device_method=CloudToDeviceMethod(
                    method_name="m", payload={"a": 1}, connect_timeout_in_seconds=20,
                    response_timeout_in_seconds=20)))
            self.assertEqual(self.finished().device_job_statistics.succeeded_count, 1)

    # Protocol reference 17.19.
    def test_a_later_job_can_be_cancelled(self):
        later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        job = self.run_job(JobRequest(
            type="scheduleUpdateTwin", update_twin=Twin(etag="*", tags={"a": 1}), query_condition="*"), later)
        self.assertEqual(job.status, "queued")
        self.assertEqual(self.manager.cancel_scheduled_job(self.name).status, "cancelled")

    def test_a_job_that_nobody_knows(self):
        self.assertEqual(self.manager.get_scheduled_job(self.name).status, "unknown")


class DigitalTwins(unittest.TestCase):
    def test_properties_and_commands(self):
        client_of_twins = DigitalTwinClient.from_connection_string(OWNER)
        with device(product_info="dtmi:com:example:Thermostat;1") as (_, name, client):
            patches = inbox(client, "on_twin_desired_properties_patch_received")
            client.get_twin()
            client_of_twins.update_digital_twin(name, [{"op": "add", "path": "/target", "value": 21}])
            patch = patches.get(timeout=PATIENCE)
            self.assertEqual(patch["target"], 21)
            client.patch_twin_reported_properties(
                {"target": {"value": 21, "ac": 200, "av": patch["$version"], "ad": "done"}})
            twin = client_of_twins.get_digital_twin(name)
            self.assertEqual((twin["$dtId"], twin["target"]), (name, 21))
            self.assertEqual(twin["$metadata"]["$model"], "dtmi:com:example:Thermostat;1")
            self.assertEqual(twin["$metadata"]["target"]["ackCode"], 200)
            client.on_method_request_received = lambda request: client.send_method_response(
                MethodResponse.create_from_method_request(request, 200, {"name": request.name}))
            until(lambda: client.connected, "the link")
            answer = client_of_twins.invoke_command(name, "reboot", {"in": 3}, 20, 20)
            self.assertEqual(answer, {"name": "reboot"})
            answer = client_of_twins.invoke_component_command(name, "thermostat1", "reboot", "now", 20, 20)
            self.assertEqual(answer, {"name": "thermostat1*reboot"})

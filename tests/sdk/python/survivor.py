"""A device that must go on hearing after its hub died and came back."""

import sys

from support import PATIENCE, device_client, inbox, registry, unique

service = registry()
identity = service.create_device_with_sas(unique("d"), "", "", "enabled")
name = identity.device_id
client = device_client(identity)
client.connect()
patches = inbox(client, "on_twin_desired_properties_patch_received")
service.update_twin(name, {"properties": {"desired": {"n": 1}}})
assert patches.get(timeout=PATIENCE)["n"] == 1
print("listening", flush=True)
sys.stdin.readline()
service = registry()
client.patch_twin_reported_properties({"back": True})
service.update_twin(name, {"properties": {"desired": {"n": 2}}})
heard = patches.get(timeout=PATIENCE)
# The SDK may have asked for the twin itself and told what it missed.
print(f"heard {heard['n']}", flush=True)
client.shutdown()

"""What every script needs: where the hub is, clients of both sides, and certificates."""

import base64
import contextlib
import hashlib
import hmac
import os
import queue
import ssl
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
import uuid

from azure.iot.device import IoTHubDeviceClient, IoTHubModuleClient
from azure.iot.hub import IoTHubRegistryManager

HOST = os.environ["HUB_HOST"]
OWNER = os.environ["HUB_OWNER"]
CA_FILE = os.environ["HUB_CA"]
with open(CA_FILE, encoding="utf-8") as file:
    CA = file.read()

# Longer than anything here takes.
PATIENCE = 30


def registry():
    return IoTHubRegistryManager.from_connection_string(OWNER)


def unique(prefix):
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def new_key():
    return base64.b64encode(os.urandom(32)).decode()


@contextlib.contextmanager
def device(**options):
    """A registered device and its connected client; both are gone afterwards."""
    name = unique("d")
    service = registry()
    identity = service.create_device_with_sas(name, "", "", "enabled")
    client = device_client(identity, **options)
    try:
        client.connect()
        yield service, name, client
    finally:
        client.shutdown()
        service.delete_device(name)


def device_client(identity, **options):
    return IoTHubDeviceClient.create_from_connection_string(
        device_string(identity.device_id, identity.authentication.symmetric_key.primary_key),
        server_verification_cert=CA,
        **options,
    )


def module_client(identity, **options):
    key = identity.authentication.symmetric_key.primary_key
    text = f"{device_string(identity.device_id, key)};ModuleId={identity.module_id}"
    return IoTHubModuleClient.create_from_connection_string(text, server_verification_cert=CA, **options)


def device_string(name, key):
    return f"HostName={HOST};DeviceId={name};SharedAccessKey={key}"


def inbox(client, handler):
    """A queue that a handler of the client fills."""
    received = queue.Queue()
    setattr(client, handler, received.put)
    return received


def until(ready, what):
    """Asks until the answer is yes; the service API has no way to wait."""
    end = time.monotonic() + PATIENCE
    while True:
        answer = ready()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not happen in {PATIENCE} s")
        time.sleep(0.1)


def owner_token(resource=None):
    """A token for calls that no SDK offers."""
    parts = dict(pair.split("=", 1) for pair in OWNER.split(";"))
    return sas(resource or HOST, parts["SharedAccessKey"], parts["SharedAccessKeyName"])


def sas(resource, key, policy=None, ttl=600):
    resource = urllib.parse.quote(resource, safe="")
    expiry = int(time.time()) + ttl
    digest = hmac.new(base64.b64decode(key), f"{resource}\n{expiry}".encode(), hashlib.sha256).digest()
    signature = urllib.parse.quote(base64.b64encode(digest), safe="")
    token = f"SharedAccessSignature sr={resource}&sig={signature}&se={expiry}"
    return f"{token}&skn={policy}" if policy else token


def rest(method, path, body=None, headers=(), token=None):
    """A call that no SDK offers: status, headers, body."""
    between = "&" if "?" in path else "?"
    request = urllib.request.Request(f"https://{HOST}{path}{between}api-version=2021-04-12", body, method=method)
    request.add_header("Authorization", token or owner_token())
    for name, value in headers:
        request.add_header(name, value)
    try:
        with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=CA_FILE)) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


class Certificates:
    """An authority and what it signs, made by openssl in a folder that goes away."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def run(self, *words):
        subprocess.run(["openssl", *words], check=True, capture_output=True)

    def own(self, name):
        """A certificate that signs itself: its path, its key's path, and its SHA-256."""
        key, certificate = self.path(f"{name}.key"), self.path(f"{name}.pem")
        self.run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                 "-subj", f"/CN={name}", "-keyout", key, "-out", certificate)
        return certificate, key, self.thumbprint(certificate)

    def signed(self, name, authority):
        """A certificate of an authority, and its key."""
        key, request, certificate = (self.path(f"{name}.{end}") for end in ("key", "csr", "pem"))
        self.run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        self.run("x509", "-req", "-in", request, "-days", "2", "-CA", authority[0], "-CAkey", authority[1],
                 "-CAcreateserial", "-out", certificate)
        return certificate, key

    @staticmethod
    def thumbprint(certificate):
        with open(certificate, encoding="ascii") as file:
            return hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).hexdigest().upper()

"""A circular knitting machine behind an asyncua server, after docs/machines.md: a peer of the OPC UA driver.

Usage: opcua-peer.py PORT FOLDER [none]
Makes a certificate in FOLDER (or uses the one there) and prints {"ready": true, "fingerprint": …} when it serves.
Commands come as JSON lines on stdin and are answered with one JSON line each:
  {"set": {"Monitoring/CylinderSpeed": 31.5}}         values by path below the machine
  {"status": {"Monitoring/YarnTension": "BadSensorFailure"}}
  {"stamp": {"Monitoring/CylinderSpeed": [21.0, 3600]}}   a value whose source time is so many seconds ahead
  {"delete": "Monitoring/OilLevel"}
  {"drop": true}                                       closes all sessions' connections
  {"changes": true}                                    how many requests so far would change something
"""
import asyncio
import datetime
import hashlib
import json
import socket
import sys
from pathlib import Path

from asyncua import Server, ua
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.server.uaprocessor import UaProcessor
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

CHANGING = {
    getattr(ua.ObjectIds, f"{name}Request_Encoding_DefaultBinary")
    for name in ("Write", "Call", "AddNodes", "DeleteNodes", "AddReferences", "DeleteReferences", "HistoryUpdate")
}
changes = 0
process = UaProcessor._process_message


async def counted(self, typeid, *rest):
    global changes
    if typeid.Identifier in CHANGING:
        changes += 1
    return await process(self, typeid, *rest)


UaProcessor._process_message = counted

MACHINERY = "http://opcfoundation.org/UA/Machinery/"
KNIT = "urn:selvedge:knit"
URI = "urn:selvedge:test:knit"


async def main(port: int, folder: Path, secure: bool) -> None:
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}/knit")
    await server.set_application_uri(URI)
    fingerprint = None
    if secure:
        key, cert = folder / "key.pem", folder / "cert.der"
        await setup_self_signed_certificate(
            key, cert, URI, socket.gethostname(), [ExtendedKeyUsageOID.SERVER_AUTH],
            {"commonName": "Knit test server"})
        server.set_security_policy([ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt])
        await server.load_certificate(str(cert))
        await server.load_private_key(str(key))
        der = x509.load_der_x509_certificate(cert.read_bytes()).public_bytes(Encoding.DER)
        fingerprint = hashlib.sha256(der).hexdigest()
    else:
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])

    # A namespace nobody asked for comes first, so that indexes are not what a client may have learnt elsewhere.
    await server.register_namespace("urn:selvedge:test:filler")
    knit = await server.register_namespace(KNIT)
    machinery = await server.register_namespace(MACHINERY)
    machines = await server.nodes.objects.add_folder(machinery, "Machines")
    machine = await machines.add_object(knit, "Knit1")

    ident = await machine.add_object(machinery, "Identification")
    await ident.add_property(machinery, "Manufacturer", ua.LocalizedText("Selvedge test works"))
    await ident.add_property(machinery, "Model", ua.LocalizedText("CK-30"))
    await ident.add_property(machinery, "SerialNumber", "0042")
    await ident.add_property(machinery, "ProductInstanceUri", "urn:selvedge:test:knit:0042")
    await ident.add_property(machinery, "SoftwareRevision", "1.2.3")

    nodes = {}
    blocks = await machine.add_folder(machinery, "MachineryBuildingBlocks")
    for name, text in (("MachineryItemState", "Executing"), ("MachineryOperationMode", "Processing")):
        state = await blocks.add_object(machinery, name)
        path = f"MachineryBuildingBlocks/{name}/CurrentState"
        nodes[path] = await state.add_variable(0, "CurrentState", ua.LocalizedText(text))
    monitoring = await machine.add_folder(machinery, "Monitoring")
    types = {
        "StopCause": ("none", ua.VariantType.String), "CylinderSpeed": (30.0, ua.VariantType.Double),
        "YarnTension": (4.5, ua.VariantType.Double), "DrivePower": (2200.0, ua.VariantType.Double),
        "CamTemperature": (41.5, ua.VariantType.Double), "OilLevel": (80.0, ua.VariantType.Double),
        "Revolutions": (1000, ua.VariantType.UInt32), "FabricLength": (53300, ua.VariantType.UInt32),
        "RollCount": (7, ua.VariantType.UInt16), "EnergyTotal": (123456, ua.VariantType.UInt32),
    }
    variant = {}
    for name, (value, kind) in types.items():
        node = await monitoring.add_variable(knit, name, value, kind)
        nodes[f"Monitoring/{name}"] = node
        variant[f"Monitoring/{name}"] = kind

    def wrap(path, value):
        return ua.Variant(value, variant[path]) if path in variant else ua.Variant(ua.LocalizedText(value))

    async def command(order):
        now = datetime.datetime.now(datetime.timezone.utc)
        for path, value in order.get("set", {}).items():
            await nodes[path].write_value(ua.DataValue(wrap(path, value), SourceTimestamp=now, ServerTimestamp=now))
        for path, name in order.get("status", {}).items():
            status = ua.StatusCode(getattr(ua.StatusCodes, name))
            value = await nodes[path].read_value() if name.startswith("Uncertain") else None
            data = ua.Variant(value, variant[path]) if value is not None else ua.Variant()
            await server.iserver.write_attribute_value(
                nodes[path].nodeid, ua.DataValue(data, StatusCode=status, SourceTimestamp=now, ServerTimestamp=now))
        for path, (value, ahead) in order.get("stamp", {}).items():
            at = now + datetime.timedelta(seconds=ahead)
            await nodes[path].write_value(ua.DataValue(wrap(path, value), SourceTimestamp=at, ServerTimestamp=now))
        if "delete" in order:
            await server.delete_nodes([nodes[order["delete"]]])
        if order.get("drop"):
            for client in list(server.bserver.clients):
                client.transport.abort()
        return {"done": True, "changes": changes}

    async with server:
        print(json.dumps({"ready": True, "fingerprint": fingerprint}), flush=True)
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            try:
                answer = await command(json.loads(line))
            except Exception as error:  # the test shows what its own command did wrong
                answer = {"error": repr(error)}
            print(json.dumps(answer), flush=True)


asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]), len(sys.argv) < 4))

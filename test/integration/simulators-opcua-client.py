"""Reads a simulated circular knitting machine with asyncua: a client this project did not write.

Usage: simulators-opcua-client.py ENDPOINT FOLDER MACHINE
Connects with Basic256Sha256 and SignAndEncrypt under a certificate made in FOLDER, walks from Objects by BrowseNames alone,
subscribes for a moment, and prints one JSON object with what it found.
"""
import asyncio
import hashlib
import json
import socket
import sys
from pathlib import Path

from asyncua import Client, ua
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from cryptography.x509.oid import ExtendedKeyUsageOID

URI = "urn:selvedge:test:asyncua"


class Changes:
    def __init__(self):
        self.count = 0

    def datachange_notification(self, node, value, data):
        self.count += 1


async def child(node, uris, uri, name):
    return await node.get_child(f"{uris.index(uri)}:{name}")


async def main(endpoint, folder, machine_id):
    found = {}
    plain = Client(endpoint, timeout=60)
    offers = await plain.connect_and_get_server_endpoints()
    found["offers"] = sorted({(o.SecurityPolicyUri.split("#")[1], o.SecurityMode.name) for o in offers})
    found["fingerprint"] = hashlib.sha256(offers[0].ServerCertificate).hexdigest()
    try:
        async with Client(endpoint, timeout=60):
            found["withoutSecurity"] = "accepted"
    except Exception as error:  # noqa: BLE001 - any refusal will do
        found["withoutSecurity"] = "refused"

    key, cert = folder / "key.pem", folder / "cert.der"
    await setup_self_signed_certificate(
        key, cert, URI, socket.gethostname(), [ExtendedKeyUsageOID.CLIENT_AUTH], {"commonName": "asyncua"})
    # asyncua's watchdog gives the server one second by default; this is no test of a busy machine's speed.
    client = Client(endpoint, timeout=60, watchdog_intervall=60)
    client.application_uri = URI
    await client.set_security(SecurityPolicyBasic256Sha256, str(cert), str(key), mode=ua.MessageSecurityMode.SignAndEncrypt)
    async with client:
        uris = await client.get_namespace_array()
        machinery, di, own = "http://opcfoundation.org/UA/Machinery/", "http://opcfoundation.org/UA/DI/", "urn:selvedge:knit"
        machines = await child(client.nodes.objects, uris, machinery, "Machines")
        machine = await child(machines, uris, own, machine_id)
        ident = await child(machine, uris, di, "Identification")
        found["identification"] = {}
        for node in await ident.get_children():
            value = await node.read_value()
            found["identification"][(await node.read_browse_name()).Name] = getattr(value, "Text", value)
        blocks = await child(machine, uris, machinery, "MachineryBuildingBlocks")
        for name in ("MachineryItemState", "MachineryOperationMode"):
            sm = await child(blocks, uris, machinery, name)
            current = await sm.get_child("0:CurrentState")
            found[name] = (await current.read_value()).Text
            state = client.get_node(await (await current.get_child("0:Id")).read_value())
            found[name + "Id"] = (await state.read_browse_name()).Name
        monitoring = await child(machine, uris, machinery, "Monitoring")
        found["monitoring"] = {}
        variables = []
        for node in await monitoring.get_children(nodeclassmask=ua.NodeClass.Variable):
            data = await node.read_data_value()
            name = (await node.read_browse_name()).Name
            found["monitoring"][name] = [data.Value.VariantType.name, data.Value.Value]
            variables.append(node)
        tension = await child(monitoring, uris, own, "YarnTension")
        unit = await (await tension.get_child("0:EngineeringUnits")).read_value()
        found["tensionUnitId"] = unit.UnitId
        changes = Changes()
        subscription = await client.create_subscription(250, changes)
        await subscription.subscribe_data_change(variables)
        for _ in range(200):
            if changes.count >= len(variables) + 5:
                break
            await asyncio.sleep(0.1)
        found["notifications"] = changes.count
        await subscription.delete()
    print(json.dumps(found))


asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))

"""A circular knitting machine behind an asyncua server, after docs/machines.md: a peer of the OPC UA driver.

Usage: opcua-peer.py PORT FOLDER [none]
Makes a certificate in FOLDER (or uses the one there) and prints {"ready": true, "fingerprint": …} when it serves.
Orders come as JSON lines on stdin, see opcua_serving.py:
  {"set": {"Monitoring/CylinderSpeed": 31.5}}         values by path below the machine
  {"status": {"Monitoring/YarnTension": "BadSensorFailure"}}
  {"stamp": {"Monitoring/CylinderSpeed": [21.0, 3600]}}   a value whose source time is so many seconds ahead
  {"delete": "Monitoring/OilLevel"}
"""
import asyncio
import datetime
import sys

from asyncua import Server, ua

from opcua_serving import MACHINERY, secure, take_orders

KNIT = "urn:selvedge:knit"
URI = "urn:selvedge:test:knit"


async def main(port: int, folder: str, policy: str | None) -> None:
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}/knit")
    fingerprint = await secure(server, policy, folder, "", URI)

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

    async with server:
        await take_orders(server, fingerprint, command)


asyncio.run(main(int(sys.argv[1]), sys.argv[2], "Basic256Sha256_SignAndEncrypt" if len(sys.argv) < 4 else None))

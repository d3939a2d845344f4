"""A machine behind an asyncua server, built in ways a driver may not expect: a peer of the OPC UA driver's zero configuration.

Usage: opcua-odd-peer.py JSON
JSON: {port, folder, policy, namespaces: [uri, …] in the order they are registered, blocks: "direct" | "folder" | "deep",
       clockS: seconds its clock is ahead, history: true, events: "server" | "machine", jobs: true, machines: [name, …], users: {certificate: FILE}}
Prints {"ready": true, "fingerprint": …} when it serves. Orders come as JSON lines on stdin, see opcua_serving.py:
  {"set": {"Temp/Main": 31.5}}          values by name below the first machine
  {"burst": {"Temp/Main": [1, 2]}}      the values one after the other, all with the same time
  {"alarm": ["Door", true, 800, "Safety door open"]}
  {"job": [["4711", "Running"], …]}  {"answer": [["4711", "Running", 12, 14], …]}
  {"silent": true}                       publish requests are taken and never answered; all else is
"""
import asyncio
import datetime
import json
import sys

from asyncua import Server, ua
from asyncua.common.structures104 import new_struct, new_struct_field
from asyncua.server import internal_server
from asyncua.server.uaprocessor import UaProcessor
from asyncua.server.user_managers import CertificateUserManager, UserRole

from opcua_serving import CONDITION_REFRESH, MACHINERY, secure, take_orders

OWN = "urn:selvedge:test:odd"
CEFACT = "http://www.opcfoundation.org/UA/units/un/cefact"
NUMBERS = {"CEL": 4408652, "RPM": 5394509, "KWT": 4937556, "WTT": 5723220}
options = json.loads(sys.argv[1])
silent = False
ahead = datetime.timedelta(seconds=options.get("clockS", 0))


class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.now(tz) + ahead


internal_server.datetime = Clock
answer = UaProcessor.send_response


def sometimes_mute(self, requesthandle, seqhdr, response, *rest, **more):
    if silent and isinstance(response, ua.PublishResponse):
        return None
    return answer(self, requesthandle, seqhdr, response, *rest, **more)


UaProcessor.send_response = sometimes_mute


def euinfo(code):
    return ua.EUInformation(CEFACT, NUMBERS[code], ua.LocalizedText(code), ua.LocalizedText(code))


async def main():
    users = CertificateUserManager() if "users" in options else None
    server = Server(user_manager=users)
    await server.init()
    if users is not None:
        await users.add_role(options["users"]["certificate"], UserRole.User, name="agent")
    server.set_endpoint(f"opc.tcp://127.0.0.1:{options['port']}/odd")
    fingerprint = await secure(
        server, options.get("policy"), options.get("folder"), "odd-", "urn:selvedge:test:odd-server")
    if users is not None:
        server.set_identity_tokens([ua.X509IdentityToken])

    index = {}
    for uri in options.get("namespaces", [MACHINERY, OWN]):
        index[uri] = await server.register_namespace(uri)
    own, machinery = index[OWN], index[MACHINERY]
    machines = await server.nodes.objects.add_folder(machinery, "Machines")
    nodes, kinds = {}, {}
    first = None
    for name in options.get("machines", ["Odd1"]):
        machine = await machines.add_object(own, name)
        if first is None:
            first = machine
        blocks = machine
        if options.get("blocks") == "folder":
            blocks = await machine.add_folder(machinery, "MachineryBuildingBlocks")
        if options.get("blocks") == "deep":
            blocks = await (await machine.add_folder(own, "Status")).add_folder(own, "Now")
        for block, states, now in (
            ("MachineryItemState", ["NotAvailable", "OutOfService", "NotExecuting", "Executing"], "Executing"),
            ("MachineryOperationMode", ["None", "Maintenance", "Setup", "Processing"], "Processing"),
        ):
            state = await blocks.add_object(machinery, block)
            ids = {one: (await state.add_object(machinery, one)).nodeid for one in states}
            # The text is in the language of the server's house; the node of the state is what counts.
            current = await state.add_variable(0, "CurrentState", ua.LocalizedText("Läuft", "de"))
            number = await current.add_property(0, "Id", ids[now], ua.VariantType.NodeId)
            nodes.setdefault(block, (number, ids))
        monitoring = await machine.add_folder(own, "Monitoring")
        inner = await monitoring.add_folder(own, "Temp")

        async def variable(parent, path, value, kind, **properties):
            node = await parent.add_variable(own, path.split("/")[-1], value, kind)
            for prop, content in properties.items():
                await node.add_property(0, prop, content)
            if machine is first:
                nodes[path], kinds[path] = node, kind

        await variable(inner, "Temp/Main", 41.5, ua.VariantType.Float,
                       EngineeringUnits=euinfo("CEL"), EURange=ua.Range(0.0, 100.0))
        await variable(monitoring, "CYLINDER_SPEED", 30.0, ua.VariantType.Double,
                       EngineeringUnits=euinfo("RPM"), EURange=ua.Range(0.0, 120.0))
        await variable(monitoring, "DrivePower", 2.2, ua.VariantType.Double, EngineeringUnits=euinfo("KWT"))
        await variable(monitoring, "Revolutions", 1000, ua.VariantType.UInt32)
        await variable(monitoring, "Lubricated", True, ua.VariantType.Boolean)
        await variable(monitoring, "Recipe", "Jersey 7", ua.VariantType.String)
        await variable(monitoring, "Gear", 1, ua.VariantType.Int32,
                       EnumStrings=[ua.LocalizedText("slow"), ua.LocalizedText("fast")])
        await variable(monitoring, "Spectrum", [1.0, 2.0], ua.VariantType.Double)
        empty = await monitoring.add_variable(own, "NotYet", 0.0, ua.VariantType.Double)
        await empty.write_value(ua.DataValue(ua.Variant(None), StatusCode=ua.StatusCode(ua.StatusCodes.BadWaitingForInitialData)))
        counters = await machine.add_object(own, "OperationCounters")
        await variable(counters, "PowerOnDuration", 3_600_000.0, ua.VariantType.Double)
        node = await machine.add_variable(ua.NodeId(f"{name}.Hidden.Tag", own), ua.QualifiedName("x", own), 17, ua.VariantType.Int16)
        if machine is first:
            nodes["Hidden"], kinds["Hidden"] = node, ua.VariantType.Int16

    orders = responses = None
    if options.get("jobs"):
        state_type, _ = await new_struct(server, own, "StateDataType", [
            new_struct_field("StateText", ua.VariantType.LocalizedText), new_struct_field("StateNumber", ua.VariantType.UInt32)])
        order_type, _ = await new_struct(server, own, "OrderDataType", [new_struct_field("JobOrderID", ua.VariantType.String)])
        data_type, _ = await new_struct(server, own, "ParameterDataType", [
            new_struct_field("ID", ua.VariantType.String), new_struct_field("Value", ua.VariantType.Double)])
        await new_struct(server, own, "OrderAndStateDataType", [
            new_struct_field("JobOrder", order_type), new_struct_field("State", state_type, array=True)])
        await new_struct(server, own, "ResponseDataType", [
            new_struct_field("JobOrderID", ua.VariantType.String), new_struct_field("JobState", state_type, array=True),
            new_struct_field("JobResponseData", data_type, array=True)])
        await server.load_data_type_definitions()
        management = await first.add_object(own, "JobManagement")
        control = await management.add_object(own, "JobOrderControl")
        results = await management.add_object(own, "JobOrderResults")
        orders = await control.add_variable(own, "JobOrderList", [], ua.VariantType.ExtensionObject, ua.NodeId(ua.ObjectIds.Structure))
        responses = await results.add_variable(own, "JobOrderResponseList", [], ua.VariantType.ExtensionObject, ua.NodeId(ua.ObjectIds.Structure))

    generator = None
    holding = {}

    async def emit(name, active, severity, message):
        event = generator.event
        event.NodeId = ua.NodeId(f"Alarm.{name}", own)
        event.ConditionName, event.Severity, event.Retain = name, severity, active
        event.Message, event.BranchId = ua.LocalizedText(message), ua.NodeId()
        setattr(event, "ActiveState/Id", active)
        setattr(event, "EnabledState/Id", True)
        await generator.trigger(message=message)

    if options.get("events"):
        emitting = first if options["events"] == "machine" else ua.ObjectIds.Server
        generator = await server.get_event_generator(ua.ObjectIds.AlarmConditionType, emitting_node=emitting)
        for name in ("ActiveState/Id", "EnabledState/Id"):
            generator.event.add_property(name, True, ua.VariantType.Boolean)
        generator.event.add_property("BranchId", ua.NodeId(), ua.VariantType.NodeId)
        starts = await server.get_event_generator(ua.ObjectIds.RefreshStartEventType, emitting_node=emitting)
        ends = await server.get_event_generator(ua.ObjectIds.RefreshEndEventType, emitting_node=emitting)

        async def refresh(parent, *args):
            await starts.trigger(message="start")
            for name, (active, severity, message) in holding.items():
                if active:
                    await emit(name, active, severity, message)
            await ends.trigger(message="end")
            return []

        server.link_method(server.get_node(CONDITION_REFRESH), refresh)

    async def command(order):
        global silent
        now = datetime.datetime.now(datetime.timezone.utc) + ahead
        for path, value in order.get("set", {}).items():
            if path in ("MachineryItemState", "MachineryOperationMode"):
                number, ids = nodes[path]
                await number.write_value(ua.DataValue(ua.Variant(ids[value], ua.VariantType.NodeId), SourceTimestamp=now))
            else:
                await nodes[path].write_value(
                    ua.DataValue(ua.Variant(value, kinds[path]), SourceTimestamp=now, ServerTimestamp=now))
        for path, values in order.get("burst", {}).items():
            for value in values:
                await nodes[path].write_value(
                    ua.DataValue(ua.Variant(value, kinds[path]), SourceTimestamp=now, ServerTimestamp=now))
        if "alarm" in order:
            name, active, severity, message = order["alarm"]
            holding[name] = (active, severity, message)
            if not order.get("quietly"):
                await emit(name, active, severity, message)
        if "job" in order:
            await orders.write_value([ua.OrderAndStateDataType(
                ua.OrderDataType(id_), [ua.StateDataType(ua.LocalizedText(state), 3)]) for id_, state in order["job"]],
                ua.VariantType.ExtensionObject)
        if "answer" in order:
            await responses.write_value([ua.ResponseDataType(
                id_, [ua.StateDataType(ua.LocalizedText(state), 3)],
                [ua.ParameterDataType("GoodQuantity", good), ua.ParameterDataType("ProducedQuantity", all_)])
                for id_, state, good, all_ in order["answer"]], ua.VariantType.ExtensionObject)
        if "silent" in order:
            silent = order["silent"]

    async with server:
        if options.get("history"):
            for path in ("Temp/Main", "Revolutions"):
                await server.historize_node_data_change(nodes[path], period=None, count=10_000)
        await take_orders(server, fingerprint, command)


asyncio.run(main())

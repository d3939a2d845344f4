"""A pymodbus server for the driver's tests: `tcp`, `rtu PATH` or `ascii PATH`. Units and registers as JSON on the first line of stdin:
{"1": {"input": {"0": [..]}, "holding": {"100": [..]}}}. Prints "ready PORT" (0 on a serial port) and ends when stdin ends."""

import asyncio
import json
import sys

from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext, ModbusSparseDataBlock
from pymodbus.server import StartAsyncSerialServer, StartAsyncTcpServer
from pymodbus.transaction import ModbusAsciiFramer, ModbusRtuFramer


def block(spans):
    cells = {int(at) + i: value for at, values in spans.items() for i, value in enumerate(values)}
    return ModbusSparseDataBlock(cells or {0: 0})


async def main():
    units = json.loads(sys.stdin.readline())
    slaves = {
        int(unit): ModbusSlaveContext(hr=block(t.get("holding", {})), ir=block(t.get("input", {})), zero_mode=True)
        for unit, t in units.items()
    }
    context = ModbusServerContext(slaves=slaves, single=False)
    if sys.argv[1] == "tcp":
        server = await StartAsyncTcpServer(context, address=("127.0.0.1", 0), defer_start=True)
        serving = asyncio.create_task(server.serve_forever())
        await server.serving
        print("ready", server.server.sockets[0].getsockname()[1], flush=True)
    else:
        server = await StartAsyncSerialServer(
            context, framer=ModbusRtuFramer if sys.argv[1] == "rtu" else ModbusAsciiFramer, port=sys.argv[2], baudrate=19200, defer_start=True
        )
        await server.start()
        serving = asyncio.create_task(server.serve_forever())
        print("ready 0", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    serving.cancel()


asyncio.run(main())

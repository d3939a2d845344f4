"""A pymodbus server that tells what reaches it: `tcp`, `rtu-tcp`, `rtu PATH` or `ascii PATH`. Unit 1 has holding registers 0-19 and coils
0-19, all 0. Prints "ready PORT" (0 on a serial port), then "write FUNCTION ADDRESS VALUES" for each write; ends when stdin ends."""

import asyncio
import sys

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartAsyncSerialServer, StartAsyncTcpServer
from pymodbus.transaction import ModbusAsciiFramer, ModbusRtuFramer, ModbusSocketFramer


class Telling(ModbusSlaveContext):
    def setValues(self, fc_as_hex, address, values):
        print("write", fc_as_hex, address, " ".join(str(int(value)) for value in values), flush=True)
        super().setValues(fc_as_hex, address, values)


async def main():
    slave = Telling(hr=ModbusSequentialDataBlock(0, [0] * 20), co=ModbusSequentialDataBlock(0, [0] * 20), zero_mode=True)
    context = ModbusServerContext(slaves={1: slave}, single=False)
    mode = sys.argv[1]
    if mode in ("tcp", "rtu-tcp"):
        framer = ModbusSocketFramer if mode == "tcp" else ModbusRtuFramer
        server = await StartAsyncTcpServer(context, framer=framer, address=("127.0.0.1", 0), defer_start=True)
        serving = asyncio.create_task(server.serve_forever())
        await server.serving
        print("ready", server.server.sockets[0].getsockname()[1], flush=True)
    else:
        framer = ModbusRtuFramer if mode == "rtu" else ModbusAsciiFramer
        server = await StartAsyncSerialServer(context, framer=framer, port=sys.argv[2], baudrate=19200, defer_start=True)
        await server.start()
        serving = asyncio.create_task(server.serve_forever())
        print("ready 0", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    serving.cancel()


asyncio.run(main())

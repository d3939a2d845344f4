"""What the asyncua peers of the OPC UA driver share: their key, the count of requests that change something, and their orders.

Importing it makes every asyncua server of this process count.
"""
import asyncio
import hashlib
import json
import socket
import sys
from pathlib import Path

from asyncua import ua
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.server.internal_session import InternalSession
from asyncua.server.uaprocessor import UaProcessor
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

MACHINERY = "http://opcfoundation.org/UA/Machinery/"
CHANGING = {
    getattr(ua.ObjectIds, f"{name}Request_Encoding_DefaultBinary")
    for name in ("Write", "AddNodes", "DeleteNodes", "AddReferences", "DeleteReferences", "HistoryUpdate")
}
CONDITION_REFRESH = ua.NodeId(3875)
changes = 0
process = UaProcessor._process_message
call = InternalSession.call


async def counted(self, typeid, *rest):
    global changes
    if typeid.Identifier in CHANGING:
        changes += 1
    return await process(self, typeid, *rest)


async def counted_call(self, params):
    # ConditionRefresh makes the server tell again what it has told; every other method may change something.
    global changes
    changes += sum(1 for one in params if one.MethodId != CONDITION_REFRESH)
    return await call(self, params)


UaProcessor._process_message = counted
InternalSession.call = counted_call


async def secure(server, policy: str | None, folder, name: str, uri: str) -> str | None:
    """Gives the server a key and a certificate in the folder, or uses those there; answers its SHA-256, None without a policy."""
    await server.set_application_uri(uri)
    if policy is None:
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        return None
    key, cert = Path(folder) / f"{name}key.pem", Path(folder) / f"{name}cert.der"
    await setup_self_signed_certificate(
        key, cert, uri, socket.gethostname(), [ExtendedKeyUsageOID.SERVER_AUTH], {"commonName": "Selvedge test server"})
    server.set_security_policy([getattr(ua.SecurityPolicyType, policy)])
    await server.load_certificate(str(cert))
    await server.load_private_key(str(key))
    der = x509.load_der_x509_certificate(cert.read_bytes()).public_bytes(Encoding.DER)
    return hashlib.sha256(der).hexdigest()


async def take_orders(server, fingerprint: str | None, command) -> None:
    """Says that the server serves, then takes orders, a line of JSON each, until stdin ends, and answers each with one line:
    how many requests so far would have changed something. Each is handed to `command`; {"drop": true} closes all connections."""
    print(json.dumps({"ready": True, "fingerprint": fingerprint}), flush=True)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        try:
            order = json.loads(line)
            await command(order)
            if order.get("drop"):
                for client in list(server.bserver.clients):
                    client.transport.abort()
            answer = {"done": True, "changes": changes}
        except Exception as error:  # the test shows what its own command did wrong
            answer = {"error": repr(error)}
        print(json.dumps(answer), flush=True)

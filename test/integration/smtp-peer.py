"""An aiosmtpd mail server for the tests of notices: `smtp-peer.py [CERT KEY]`. With a certificate it takes mail after STARTTLS and a
sign-in alone. Prints "ready PORT", then each mail as one line of JSON; ends when stdin ends."""

import asyncio
import json
import ssl
import sys
from email import message_from_bytes, policy

from aiosmtpd.smtp import SMTP, AuthResult


class Taker:
    async def handle_DATA(self, server, session, envelope):
        mail = message_from_bytes(envelope.content, policy=policy.default)
        told = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "subject": mail["subject"],
            "headers": sorted({name.lower() for name in mail.keys()}),
            "text": mail.get_body(("plain",)).get_content(),
            "encrypted": session.ssl is not None,
            "user": session.auth_data,
        }
        print(json.dumps(told), flush=True)
        return "250 taken"


def sign_in(server, session, envelope, mechanism, data):
    good = data.login == b"gateway" and data.password == b"mail password"
    return AuthResult(success=good, auth_data=data.login.decode())


async def main():
    more = {}
    if len(sys.argv) == 3:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
        more = {"tls_context": context, "require_starttls": True, "authenticator": sign_in, "auth_required": True}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Taker(), enable_SMTPUTF8=True, loop=loop, **more), "127.0.0.1", 0)
    print("ready", server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


asyncio.run(main())

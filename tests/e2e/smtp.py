# A mail server for the tests: aiosmtpd with TLS and passwords.  smtp.py FOLDER CERT KEY: prints "starttls PORT tls PORT", writes each
# message to FOLDER/<n> (envelope in its first lines).  To refuse@ it says 550 for good, to later@ 451 the first time, to slow@ nothing.
import asyncio
import email
import email.policy
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

folder, cert, key = sys.argv[1:4]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)
seen = {}


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        seen[address] = seen.get(address, 0) + 1
        if address.startswith("refuse"):
            return "550 5.1.1 nobody of that name"
        if address.startswith("later") and seen[address] == 1:
            return "451 4.7.1 greylisted, come again"
        if address.startswith("slow"):
            await asyncio.sleep(600)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        number = len([n for n in os.listdir(folder) if n.isdigit()]) + 1
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        with open(f"{folder}/new", "w", encoding="utf-8") as f:
            print(f"envelope: {envelope.mail_from} {' '.join(envelope.rcpt_tos)}", file=f)
            print(f"session: tls={session.ssl is not None} login={session.authenticated} hello={session.host_name}", file=f)
            for name in ("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted"):
                print(f"{name}: {message[name]}", file=f)
            print(f"defects: {message.defects}\n", file=f)
            print(message.get_content(), file=f)
        os.rename(f"{folder}/new", f"{folder}/{number}")
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == (b"lightgate", b"mail secret"), handled=False)


async def main():
    loop = asyncio.get_running_loop()
    options = {"authenticator": authenticate, "auth_required": True, "enable_SMTPUTF8": False}
    one = await loop.create_server(lambda: SMTP(Handler(), tls_context=context, require_starttls=True, **options), "127.0.0.1", 0)
    two = await loop.create_server(lambda: SMTP(Handler(), auth_require_tls=False, **options), "127.0.0.1", 0, ssl=context)
    none = await loop.create_server(lambda: SMTP(Handler()), "127.0.0.1", 0)
    print("starttls", one.sockets[0].getsockname()[1], "tls", two.sockets[0].getsockname()[1], "plain", none.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


asyncio.run(main())

# raw-packets.py WHAT FROM TO [ARGUMENT...]: a packet that no ordinary program would send, out of the interface LINK (eth0); TCP from port PORT (7777).
import os, socket, struct, sys
def sum16(b):
	b += b"\0" * (len(b) % 2); n = sum(struct.unpack("!%dH" % (len(b) // 2), b)); n = (n >> 16) + (n & 65535); return ~(n + (n >> 16)) & 65535
def ip(src, dst, proto, body, ident=0, frag=0):
	h = struct.pack("!BBHHHBBH4s4s", 69, 0, 20 + len(body), ident, frag, 64, proto, 0, socket.inet_aton(src), socket.inet_aton(dst))
	return h[:10] + struct.pack("!H", sum16(h)) + h[12:] + body
def tcp(src, dst, family, sport, dport, flags, seq=1, ack=1):
	h = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 80, flags, 1024, 0, 0)
	pseudo = socket.inet_pton(family, src) + socket.inet_pton(family, dst) + (struct.pack("!BBH", 0, 6, 20) if family == socket.AF_INET else struct.pack("!II", 20, 6))
	return h[:16] + struct.pack("!H", sum16(pseudo + h)) + h[18:]
def mac(text): return bytes.fromhex(text.replace(":", ""))
def wire(kind, dst, body):
	s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind((LINK, 0)); own = s.getsockname()[4]
	s.send(mac(dst) + own + struct.pack("!H", kind) + body(own))
LINK, PORT = os.environ.get("LINK", "eth0"), int(os.environ.get("PORT", "7777"))
what, src, dst = sys.argv[1:4]; rest = sys.argv[4:]
if what == "pieces":			# the header alone first, then what it speaks of
	port, n = int(rest[0]), os.getpid() & 65535; body = struct.pack("!HHHH", 4000, port, 8 + 64, 0) + b"x" * 64
	s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
	for at, piece, more in ((0, body[:8], 0x2000), (8, body[8:40], 0x2000), (40, body[40:], 0)):
		s.sendto(ip(src, dst, 17, piece, n, more | at // 8), (dst, 0))
elif what == "tcp":			# to a MAC: its flags, and where it stands in its flow
	wire(0x800, rest[1], lambda own: ip(src, dst, 6, tcp(src, dst, socket.AF_INET, PORT, int(rest[0]), *map(int, rest[2:]))))
elif what == "tcp6":
	b = tcp(src, dst, socket.AF_INET6, PORT, int(rest[0]), int(rest[2]))
	wire(0x86dd, rest[1], lambda own: struct.pack("!IHBB", 6 << 28, len(b), 6, 64) + socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst) + b)
elif what == "protocol":
	socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW).sendto(ip(src, dst, int(rest[0]), b"x" * 32), (dst, 0))
elif what == "arp":			# an answer that nobody asked for: src is at us
	wire(0x806, rest[0], lambda own: struct.pack("!HHBBH", 1, 0x800, 6, 4, 2) + own + socket.inet_aton(src) + mac(rest[0]) + socket.inet_aton(dst))
elif what == "advert":			# the same of IPv6 (RFC 4861 4.4): override, unasked for
	us = socket.inet_pton(socket.AF_INET6, rest[1]); to = socket.inet_pton(socket.AF_INET6, dst)
	def advert(own):
		b = struct.pack("!BBHI", 136, 0, 0, 0x20000000) + socket.inet_pton(socket.AF_INET6, src) + b"\2\1" + own
		b = b[:2] + struct.pack("!H", sum16(us + to + struct.pack("!II", len(b), 58) + b)) + b[4:]
		return struct.pack("!IHBB", 6 << 28, len(b), 58, 255) + us + to + b
	wire(0x86dd, rest[0], advert)
elif what == "udp":
	s = socket.socket(socket.AF_INET6 if ":" in dst else socket.AF_INET, socket.SOCK_DGRAM); s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
	s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, LINK.encode()); s.sendto(b"x", socket.getaddrinfo(dst, int(rest[0]), type=socket.SOCK_DGRAM)[0][4])

"""The agent's sockets over connections that change hands: workload-raw.py SOCKET HOW [PID1 [PID2]].  Asks the Workload API, and prints the SPIFFE
ID that came back or "nothing"; with late, asks what stands on stdin and prints the answer.

here: opened and used where it was started.  stay: in the container of PID1.  inherit: whoever opened it has gone, a child of it asks.  reuse: the same, and a process in the
container of PID2 has its number.  move: opened in PID1's container, used in PID2's.
late: opened from another mount namespace while the agent (PID1) was stopped; when it looks, whoever opened it has gone, and a process of the
host has its number."""
import ctypes, os, signal, re, socket, struct, sys, time

path, how, first, second = (sys.argv + [None, None])[1:5]

def enter(pid):
	for line in open(f"/proc/{pid}/cgroup"):
		_, controllers, place = line.rstrip("\n").split(":", 2)
		for top in (f"/sys/fs/cgroup/{controllers.removeprefix('name=')}", "/sys/fs/cgroup/unified" if not controllers else "", "/sys/fs/cgroup"):
			try:
				with open(f"{top}{place}/cgroup.procs", "w") as f:
					f.write(str(os.getpid()))
				break
			except OSError:
				continue

def frame(kind, flags, stream, body):
	return struct.pack(">I", len(body))[1:] + struct.pack(">BBI", kind, flags, stream) + body

def header(name, value):
	return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value

CALL = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"") + frame(1, 4, 1, header(b":method", b"POST") + header(b":scheme", b"http") +
	header(b":path", b"/SpiffeWorkloadAPI/FetchX509SVID") + header(b":authority", b"localhost") + header(b"content-type", b"application/grpc") +
	header(b"te", b"trailers") + header(b"workload.spiffe.io", b"true")) + frame(0, 1, 1, b"\0\0\0\0\0")

def ended(got):
	"""Is the answer over: a frame of the call's stream with END_STREAM, or RST_STREAM (RFC 9113 6)?"""
	while len(got) >= 9:
		kind, flags, stream = got[3], got[4], int.from_bytes(got[5:9], "big")
		if stream == 1 and (kind == 3 or (kind in (0, 1) and flags & 1)):
			return True
		got = got[9 + int.from_bytes(got[:3], "big"):]
	return False

def ask(s):
	s.settimeout(20)
	got = b""
	try:
		s.sendall(CALL)
		while b"spiffe://" not in got and not ended(got):
			piece = s.recv(65536)
			if not piece:
				break
			got += piece
	except OSError:
		pass
	found = re.search(rb"spiffe://[A-Za-z0-9./_-]+", got)
	return found.group().decode() if found else "nothing"

def connect():
	s = socket.socket(socket.AF_UNIX)
	s.connect(path)
	if how != "late":
		s.settimeout(3)		# what it says first it says when it has looked who we are
		try: s.recv(1, socket.MSG_PEEK)
		except OSError: pass
	return s

def leave_mounts():
	if ctypes.CDLL(None, use_errno=True).unshare(0x20000) != 0:		# CLONE_NEWNS
		sys.exit("no mount namespace may be made here")

def opened_by_another(there):
	"""A connection whose opener, after `there`, has ended; and its number."""
	ours, theirs = socket.socketpair()
	child = os.fork()
	if child == 0:
		there()
		s = connect()
		socket.send_fds(theirs, [b"x"], [s.fileno()])
		os._exit(0)
	_, fds, _, _ = socket.recv_fds(ours, 1, 1)
	os.waitpid(child, 0)
	return socket.socket(fileno=fds[0]), child

def take_number(wanted):
	"""A process of that number in the second container, unless somebody else has the number; the kernel deals them out in turn."""
	for _ in range(50):
		with open("/proc/sys/kernel/ns_last_pid", "w") as f:
			f.write(str(wanted - 1))
		ready, tell = os.pipe()
		child = os.fork()
		if child == 0:
			if os.getpid() == wanted and second:
				enter(second)
			os.write(tell, b"x")
			time.sleep(60 if os.getpid() == wanted else 0)
			os._exit(0)
		os.read(ready, 1)
		if child == wanted:
			return child
		os.waitpid(child, 0)
	return None

def reused(there):
	"""A connection whose opener has ended, and who has its number now."""
	for _ in range(10):
		s, number = opened_by_another(there)
		holder = take_number(number)
		if holder:
			return s, holder
	sys.exit("no number could be had again")

if how == "here":
	print(ask(connect()))
elif how == "stay":
	enter(first)
	print(ask(connect()))
elif how == "move":
	enter(first)
	s = connect()
	enter(second)
	print(ask(s))
elif how == "late":
	question = sys.stdin.buffer.read()
	os.kill(int(first), signal.SIGSTOP)
	s, holder = reused(leave_mounts)
	os.kill(int(first), signal.SIGCONT)
	s.settimeout(20)
	got = b"asked by the number of another\n"
	try:
		s.sendall(question)
		s.shutdown(socket.SHUT_WR)
		while piece := s.recv(65536):
			got += piece
			s.settimeout(1)		# whoever answers may go on listening
	except OSError:
		pass
	print(got.decode())
	os.kill(holder, 9)
else:
	s, holder = reused(lambda: enter(first)) if how == "reuse" else opened_by_another(lambda: enter(first))[:1] + (None,)
	print(ask(s))
	if holder:
		os.kill(holder, 9)

# Two thousand hosts' streams on one service: each hears of a change in less than a second, none costs a thread, and those that stopped reading
# keep nobody waiting.
LG_BIN=${LG_BIN:-$(cd "$(dirname "$0")/../.." && pwd)/build/bin}	# times are of what is shipped
. "$(dirname "$0")/../e2e/lib.sh"
N=${WATCHERS:-2000}
ulimit -n $((N * 2 + 1000)) 2>/dev/null
lg_start "$T/data" --limits.per_address=$((N + 100)) --limits.connections=$((N + 1000)) || bad "start"
lightgate apply -f conf/demo.yaml --credentials "$T/credentials" >/dev/null || bad "apply"
joins node1
SERVER=$(pgrep -P "$LG_PID" -x lg-server | head -1)
python3 - "$(lg_ready .https_stream)" "$CA" "$T" "$N" "${SERVER:-0}" <<'PY' >"$T/figures"
import asyncio, os, socket, ssl, subprocess, sys, time, urllib.parse
url, ca, top, n, server = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
at = urllib.parse.urlparse(url)
tls = ssl.create_default_context(cafile=ca)
tls.load_cert_chain(top + "/node1.pem", top + "/node1.key")
heard, states, stalled = {}, {}, n // 10	# the first tenth reads its first line and nothing more
def status(name):
	with open(f"/proc/{server}/status") as f:
		return int(next(l for l in f if l.startswith(name + ":")).split()[1])
def cpu():
	with open(f"/proc/{server}/stat") as f:
		return sum(int(t) for t in f.read().rsplit(")", 1)[1].split()[11:13]) * 1000 // os.sysconf("SC_CLK_TCK")
async def watcher(i, gate):
	async with gate:
		s = socket.socket(); s.setblocking(False)
		if i < stalled:
			s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
		await asyncio.get_running_loop().sock_connect(s, (at.hostname, at.port))
		reader, writer = await asyncio.open_connection(sock=s, ssl=tls, server_hostname=at.hostname)
		writer.write(b"GET /v1/watch HTTP/1.1\r\nHost: x\r\n\r\n")
		while True:
			line = await reader.readline()
			if line.startswith(b"{"):
				states[i] = line.split(b'"')[3]
				break
	if i < stalled:
		writer.transport.pause_reading()
		await asyncio.sleep(3600)
	while True:
		line = await reader.readline()
		if not line:
			return
		if line.startswith(b"{") and line.split(b'"')[3] != states[i]:
			heard.setdefault(i, time.monotonic())
async def main():
	before = (status("VmRSS"), status("Threads")) if server else (0, 0)
	gate = asyncio.Semaphore(50)
	tasks = [asyncio.create_task(watcher(i, gate)) for i in range(n)]
	for _ in range(1200):
		if len(states) == n:
			break
		await asyncio.sleep(0.1)
	after = (status("VmRSS"), status("Threads")) if server else (0, 0)
	quiet = cpu()
	await asyncio.sleep(5)
	busy = cpu()
	change = await asyncio.create_subprocess_exec("lightgate", "group", "remove-member", "shop-operators", "User/alice", stdout=subprocess.DEVNULL)
	await change.wait()
	done = time.monotonic()
	for _ in range(300):
		if len(heard) == n - stalled:
			break
		await asyncio.sleep(0.05)
	late = sorted(heard.values())
	print("watchers", len(states), "heard", len(heard), "last_ms", round((late[-1] - done) * 1000) if late else -1,
		"kib_each", round((after[0] - before[0]) / n, 1), "threads", after[1] - before[1],
		"stalled", stalled, "idle_cpu_ms_per_s", (busy - quiet) // 5, "change_cpu_ms", cpu() - busy)
	for t in tasks:
		t.cancel()
asyncio.run(main())
PY
cat "$T/figures"
read -r _ watchers _ heard _ last _ each _ threads _ stalled _ <"$T/figures"
same "all of them watch" "$watchers" "$N"
same "all of them hear that listen" "$heard" $((N - stalled))
claim "the last one hears less than a second after the answer ($last ms)" test "$last" -lt 1000
same "no thread was made for them" "$threads" 0
done_testing

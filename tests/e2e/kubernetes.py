"""An API server's part, as far as its webhooks go: kubernetes.py PORT TLS-CERT TLS-KEY SERVICE CA CERT KEY CLUSTER.  Every request's bearer token goes
into a TokenReview, its verb into a SubjectAccessReview; what both allow is answered with 200.  What was sent and heard stands in the output."""
import http.server, json, ssl, sys, urllib.request, urllib.error
port, tls_cert, tls_key, service, ca, cert, key, cluster = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
context.check_hostname = False
context.load_cert_chain(cert, key)
VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}

def review(path, body):
	rq = urllib.request.Request(service + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
	try:
		return json.load(urllib.request.urlopen(rq, context=context, timeout=5))
	except (urllib.error.URLError, OSError) as e:
		print("failed", e, flush=True)
		return {"status": {}}

class Api(http.server.BaseHTTPRequestHandler):
	protocol_version = "HTTP/1.1"
	def say(self, status, body):
		out = json.dumps(body).encode()
		self.send_response(status); self.send_header("Content-Type", "application/json"); self.send_header("Content-Length", str(len(out))); self.end_headers()
		self.wfile.write(out)
	def refuse(self, status, why):
		self.say(status, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": why, "code": status})
	def do(self):
		self.rfile.read(int(self.headers.get("Content-Length") or 0))
		token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
		who = review("/v1/kubernetes/tokenreview", {"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1", "metadata": {"creationTimestamp": None},
			"spec": {"token": token, "audiences": [cluster]}, "status": {"user": {}}})["status"]
		print(json.dumps(who), flush=True)
		if not who.get("authenticated"):
			return self.refuse(401, "Unauthorized")
		parts = self.path.split("?")[0].strip("/").split("/")
		spec = {"user": who["user"]["username"], "uid": who["user"]["uid"], "groups": who["user"]["groups"] + ["system:authenticated"]}
		verb = VERBS[self.command]
		if parts[:2] == ["api", "v1"] and len(parts) >= 5:
			attributes = {"namespace": parts[3], "verb": verb if len(parts) > 5 else verb.replace("get", "list"), "version": "v1", "resource": parts[4]}
			if len(parts) > 5: attributes["name"] = parts[5]
			if len(parts) > 6: attributes["subresource"] = parts[6]
			spec["resourceAttributes"] = attributes
		else:
			spec["nonResourceAttributes"] = {"path": self.path.split("?")[0], "verb": verb}
		may = review("/v1/kubernetes/subjectaccessreview", {"kind": "SubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {"creationTimestamp": None},
			"spec": spec, "status": {"allowed": False}})["status"]
		print(json.dumps(may), flush=True)
		if not may.get("allowed"):
			return self.refuse(403, f'{who["user"]["username"]} cannot {verb} {self.path}: {may.get("reason")}')
		self.say(200, {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": []} if parts[-1] == "pods" else {"paths": ["/version"]})
	do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do
	def log_message(self, *a): pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Api)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(tls_cert, tls_key)
server.socket = tls.wrap_socket(server.socket, server_side=True)
server.serve_forever()

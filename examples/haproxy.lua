-- haproxy.lua: HAProxy asks Lightgate before it passes a request on (docs/proxies.md).
--
--	global
--		lua-load-per-thread /etc/haproxy/lightgate.lua
--	frontend ...
--		http-request lua.lightgate shop unix@/run/haproxy/lightgate.sock
--		http-request return status 401 hdr WWW-Authenticate %[var(txn.lightgate.challenge)] if { var(txn.lightgate.status) -m str 401 }
--		http-request deny deny_status 403 if { var(txn.lightgate.status) -m str 403 }
--		http-request deny deny_status 503 unless { var(txn.lightgate.status) -m str 200 }
--
-- What goes wrong leaves the status at something else than 200, and the last rule refuses.

local HEADERS = { ["x-lightgate-name"] = "name", ["x-lightgate-type"] = "type", ["x-lightgate-subject"] = "subject",
	["x-lightgate-decision"] = "decision", ["www-authenticate"] = "challenge" }

-- Percent-encoded, as a header value must be.
local function escape(text)
	return (text:gsub("[^%w%-%._~]", function(c) return string.format("%%%02X", c:byte()) end))
end

-- The whole certificate that the client showed, or nil.
local function certificate(txn)
	local der = txn.f:ssl_c_used() ~= 0 and txn.f:ssl_c_der() or nil
	if not der or der == "" then return nil end
	local lines = txn.c:base64(der):gsub(("."):rep(64), "%0\n")
	return escape("-----BEGIN CERTIFICATE-----\n" .. lines .. "\n-----END CERTIFICATE-----\n")
end

-- All values of one name: a request with two of them is asked about as it is, and refused by the service.
local function add(headers, name, values)
	for i = 0, #(values or {}) do
		if values and values[i] then
			headers[name] = headers[name] or {}
			table.insert(headers[name], values[i])
		end
	end
end

core.register_action("lightgate", { "http-req" }, function(txn, service, destination)
	txn:set_var("txn.lightgate.status", "0")
	local asked, cert = txn.http:req_get_headers(), certificate(txn)
	local headers = { ["x-original-method"] = { txn.f:method() }, ["x-original-uri"] = { txn.f:pathq() }, ["host"] = { "lightgate" } }
	add(headers, "authorization", asked["authorization"])
	add(headers, "x-original-host", asked["host"])
	if cert then headers["x-client-cert"] = { cert } end
	local path = (cert and "/v1/proxy/auth_request_cert/" or "/v1/proxy/auth_request/") .. service
	local answer = core.httpclient():get{ url = "http://lightgate" .. path, headers = headers, dst = destination, timeout = 3000 }
	if not answer or not answer.status then return end
	for name, variable in pairs(HEADERS) do
		local value = answer.headers and answer.headers[name]
		txn:set_var("txn.lightgate." .. variable, value and value[0] or "")
	end
	txn:set_var("txn.lightgate.status", tostring(answer.status))
end, 2)

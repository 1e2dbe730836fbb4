# slapd.sh: a slapd of our own for comparisons: loopback, its own folder, never the system's service.  Sourced by bash scripts.

slapd_there() { [ -x /usr/sbin/slapd ] && [ -d /etc/ldap/schema ]; }

# slapd_prepare DIR [LINE...]: an empty database for dc=example,dc=org with the indexes that deployments have; lines join its section
slapd_prepare() {
	local dir=$1 schema; shift
	mkdir -p "$dir/db"
	{
		for schema in core cosine inetorgperson nis dyngroup; do echo "include /etc/ldap/schema/$schema.schema"; done
		printf '%s\n' "modulepath /usr/lib/ldap" "moduleload back_mdb" "moduleload argon2" "moduleload sssvlv" "moduleload deref" \
			"pidfile $dir/pid" "threads 16" "tool-threads 2" "loglevel 0" "sizelimit unlimited" "timelimit unlimited" \
			"database mdb" "suffix dc=example,dc=org" "rootdn cn=admin,dc=example,dc=org" "rootpw secret" "directory $dir/db" \
			"maxsize 17179869184" "index objectClass eq" "index uid,member,mail eq" "index cn,sn eq,sub" "index entryUUID,entryCSN eq" \
			"access to attrs=userPassword by self write by anonymous auth by * none" "access to * by * read" \
			"overlay sssvlv" "overlay deref" "$@"
	} >"$dir/slapd.conf"
}

# slapd_start DIR PORT: sets SLAPD_PID and SLAPD; fails when it does not listen within 10 s
slapd_start() {
	local dir=$1 i
	SLAPD=ldap://127.0.0.1:$2
	/usr/sbin/slapd -h "$SLAPD" -f "$dir/slapd.conf" -d 0 >>"$dir/slapd.log" 2>&1 &
	SLAPD_PID=$!
	for i in $(seq 1 200); do
		ldapsearch -x -H "$SLAPD" -b '' -s base 1.1 >/dev/null 2>&1 && return 0
		kill -0 "$SLAPD_PID" 2>/dev/null || break
		sleep 0.05
	done
	tail -5 "$dir/slapd.log" >&2
	return 1
}

slapd_stop() {
	[ -n "${SLAPD_PID:-}" ] || return 0
	kill -INT "$SLAPD_PID" 2>/dev/null
	wait "$SLAPD_PID" 2>/dev/null
	SLAPD_PID=
}

/*
 * op_bind.c: bind (RFC 4511 4.2, RFC 4513 5) and unbind.
 *
 * A password is looked at only where nobody listens.  Whether the name exists shows neither in the answer nor in what it costs: without a
 * verifier the hasher is asked all the same.
 */
#include "directory/conn.h"
#include "directory/find.h"
#include "directory/pwd.h"
#include "directory/sasl.h"
#include "directory/secret.h"
#include "directory/txn.h"

struct bind {
	bool found, enabled;
	bool lacks_scram;		/* the tenant wants a verifier that this password has not got yet */
	struct lg_entry who;		/* names in the operation's arena */
	uint64_t seen;			/* the snapshot it was found in */
	int64_t since;			/* when the password was set */
	uint32_t tenant;
	lg_str address, account;	/* for who counts failures */
	lg_str verifier, password;
	bool at_once;			/* inside lg_op_bind: no callback ends the operation */
	lg_str credentials;		/* the SASL mechanism's last word; p NULL: none */
};

static void
write_credentials(struct lg_berw *w, void *arg)
{
	lg_berw_str(w, LG_BER_CONTEXT(7), *(const lg_str *)arg);
}

static void
succeed(struct lg_op *op, const struct lg_entry *who, const int64_t *since, lg_str credentials)
{
	lg_conn_actor(op->conn, who, since);
	op->conn->bound = who != NULL;
	if (credentials.p != NULL)
		lg_op_result_with(op, LG_LDAP_SUCCESS, LG_NONE, LG_NONE, write_credentials, &credentials);
	else
		lg_op_code(op, LG_LDAP_SUCCESS, "");
}

static void
refuse(struct lg_op *op)
{
	lg_op_code(op, LG_LDAP_INVALID_CREDENTIALS, "");
}

/* ---- simple: guessing is counted where all passwords are ------------------------------------------------------------------------------------------------------- */

static bool
may_try(struct lg_op *op, struct bind *b, lg_str name)
{
	const struct lg_directory_ports *ports = &op->ldap->o.dir->ports;
	char id[LG_UUID_TEXT + 1];

	b->tenant = b->found ? b->who.tenant : op->ldap->o.tenant;
	b->address = lg_dup(op->arena, lg_str_of(op->conn->peer.address));
	b->account = name;
	if (b->found) {
		lg_uuid_text(b->who.uuid, id);
		b->account = lg_dup(op->arena, lg_str_of(id));
	}
	return ports->attempt_may == NULL || ports->attempt_may(ports->self, &op->cx, b->tenant, b->address, b->account) == LG_OK;
}

static void
tried(struct lg_op *op, const struct bind *b, bool good)
{
	const struct lg_directory_ports *ports = &op->ldap->o.dir->ports;

	if (ports->attempt_done != NULL)
		ports->attempt_done(ports->self, &op->cx, b->tenant, b->address, b->account, good);
}

static void
end(struct lg_op *op)
{
	const struct bind *b = op->state;

	if (b->at_once)			/* whoever began it ends it */
		return;
	if (op->conn != NULL)
		op->conn->binding = false;
	lg_op_wake(op);
	lg_op_end(op);
}

/* What the policy says of each outcome (draft 6.2, 8.1). */
static void
settled(struct lg_op *op, const struct lg_pwd_verdict *v)
{
	struct bind *b = op->state;
	/* Who asks for the policy's words can be told that it has expired, and let in to change it and do nothing else. */
	bool expired = v->outcome == LG_PWD_IS_EXPIRED && op->controls.password_policy;
	bool good = (v->outcome == LG_PWD_GOOD || expired) && b->enabled;

	tried(op, b, good);
	lg_op_reply_password(op, v, v->outcome == LG_PWD_IS_LOCKED ? LG_PWD_LOCKED : v->outcome == LG_PWD_IS_EXPIRED ? LG_PWD_EXPIRED :
	    good && v->must_change ? LG_PWD_CHANGE_AFTER_RESET : LG_PWD_NO_ERROR);
	if (op->conn != NULL && good) {
		succeed(op, &b->who, &b->since, b->credentials);
		op->conn->session.doubted = true;	/* it may have been replaced while it was checked */
		op->conn->session.seen = b->seen;
		op->conn->must_change = v->must_change || expired;
	} else {
		refuse(op);
	}
	end(op);
}

static void
judge(struct lg_op *op, lg_err e, bool match, bool upgrade)
{
	struct bind *b = op->state;

	if (e == LG_OK && b->found && b->enabled) {
		lg_op_settle(op, &b->who, b->address, b->verifier, b->password, match,
		    b->password.n > 0 && (upgrade || b->lacks_scram), settled);
		return;
	}
	if (e == LG_OK)
		tried(op, b, false);
	if (e == LG_E_BUSY)
		lg_op_code(op, LG_LDAP_BUSY, "too many passwords wait to be checked");
	else
		refuse(op);
	end(op);
}

static void
verified(void *arg, lg_err e, bool match, bool upgrade)
{
	lg_op_resume(arg);
	judge(arg, e, match, upgrade);
}

static void
judge_at_once(struct lg_op *op, struct bind *b, bool match, bool upgrade)
{
	b->at_once = true;
	judge(op, LG_OK, match, upgrade);
	b->at_once = false;
	op->conn->binding = !op->done;		/* what follows from it may have to be written first */
}

/* A password that is compared at once, in the same turn; true: it was. */
static bool
judge_now(struct lg_op *op, struct bind *b, lg_str verifier, const struct lg_secret *password)
{
	const struct lg_hasher *hasher = op->ldap->o.dir->ports.hasher;
	bool match, upgrade;

	if (hasher->verify_now == NULL || verifier.n == 0 || !hasher->verify_now(hasher->self, &op->cx, verifier, password, &match, &upgrade))
		return false;
	judge_at_once(op, b, match, upgrade);
	return true;
}

/* The entry and its verifier; empty when there is none to check against. */
static lg_str
find_verifier(struct lg_op *op, const struct lg_dn *name, struct bind *b)
{
	struct lg_directory *dir = op->ldap->o.dir;
	struct lg_scram scram;
	struct lg_view *v;
	lg_str verifier = LG_NONE;

	if (lg_view_begin(&op->cx, dir->store, &v) != LG_OK)
		return LG_NONE;
	b->seen = lg_view_snapshot(v);
	if (lg_entry_at(&op->cx, v, name, &b->who) == LG_OK && lg_entry_verifier(&op->cx, dir, v, &b->who, &verifier) == LG_OK &&
	    lg_password_since(&op->cx, v, &b->who, &b->since)) {
		b->found = true;
		b->enabled = b->who.enabled;
		b->lacks_scram = lg_scram_wanted(&op->cx, v, b->who.tenant) && lg_entry_scram(&op->cx, dir, v, &b->who, &scram) != LG_OK;
		b->who.name = lg_dup(op->arena, b->who.name);
	}
	lg_view_end(&v);
	b->verifier = b->found ? lg_dup(op->arena, verifier) : LG_NONE;
	return b->verifier;
}

static void
bind_simple(struct lg_op *op, lg_str name, lg_str password)
{
	const struct lg_hasher *hasher = op->ldap->o.dir->ports.hasher;
	struct lg_secret secret = { (uint8_t *)(uintptr_t)password.p, password.n };
	struct bind *b = LG_NEW(op->arena, struct bind);
	struct lg_dn dn;
	lg_str verifier;

	if (password.n == 0) {
		/* RFC 4513 5.1.2: a name without a password is a mistake that must not look like success. */
		if (name.n == 0)
			succeed(op, NULL, NULL, LG_NONE);
		else
			lg_op_code(op, LG_LDAP_UNWILLING, "unauthenticated bind (DN with no password) disallowed");
		return;
	}
	if (!lg_op_confidential(op)) {
		lg_op_code(op, LG_LDAP_CONFIDENTIALITY_REQUIRED, "TLS confidentiality required");
		return;
	}
	if (!lg_dn_parse(op->arena, name, &dn)) {
		lg_op_code(op, LG_LDAP_INVALID_DN, "invalid DN");
		return;
	}
	if (password.n > LG_PASSWORD_MAX) {
		refuse(op);
		return;
	}
	op->state = b;
	b->password = password;
	verifier = find_verifier(op, &dn, b);
	if (!may_try(op, b, name)) {
		lg_op_code(op, LG_LDAP_BUSY, "too many failed attempts; wait a minute");
		return;
	}
	if (judge_now(op, b, verifier, &secret))
		return;
	lg_op_wait(op);
	op->conn->binding = true;
	if (hasher->verify(hasher->self, verifier, &secret, verified, op) == LG_OK)
		return;
	lg_op_resume(op);
	op->conn->binding = false;
	lg_op_code(op, LG_LDAP_BUSY, "too many passwords wait to be checked");
}

/* ---- ends of SASL mechanisms (op_sasl.c) ------------------------------------------------------------------------------------ */

void
lg_bind_refuse(struct lg_op *op)
{
	refuse(op);
}

void
lg_bind_as(struct lg_op *op, const struct lg_entry *who)
{
	succeed(op, who, NULL, LG_NONE);
}

void
lg_bind_password(struct lg_op *op, lg_str dn, lg_str password)
{
	bind_simple(op, dn, password);
}

/* As a simple bind whose password has been compared already: what is counted, and what the policy says, is the same. */
void
lg_bind_checked(struct lg_op *op, lg_str dn, bool match, lg_str credentials)
{
	struct bind *b = LG_NEW(op->arena, struct bind);
	struct lg_dn parsed;

	op->state = b;
	b->credentials = credentials;
	if (lg_dn_parse(op->arena, dn, &parsed))
		find_verifier(op, &parsed, b);
	if (!may_try(op, b, dn)) {
		lg_op_code(op, LG_LDAP_BUSY, "too many failed attempts; wait a minute");
		return;
	}
	judge_at_once(op, b, match, false);
}

void
lg_op_bind(struct lg_op *op, struct lg_ber *body)
{
	int64_t version = lg_ber_int(body, LG_BER_INTEGER);
	lg_str name = lg_ber_str(body, LG_BER_OCTETS);
	int method = lg_ber_peek(body);

	/* Whatever comes of it, the old identity is gone (RFC 4511 4.2.1). */
	lg_txn_abort(op->conn, true, LG_LDAP_OPERATIONS_ERROR);
	lg_conn_actor(op->conn, NULL, NULL);
	op->conn->bound = op->conn->must_change = false;
	op->actor = op->conn->actor;
	if (method != LG_BER_CONTEXT_SET(3))
		lg_sasl_drop(op->conn);
	if (body->bad || method < 0) {
		lg_op_code(op, LG_LDAP_PROTOCOL_ERROR, "malformed bind request");
	} else if (version != 3) {
		lg_op_code(op, LG_LDAP_PROTOCOL_ERROR, "requested protocol version not supported");
	} else if (method == LG_BER_CONTEXT(0)) {
		lg_str password = lg_ber_str(body, LG_BER_CONTEXT(0));
		if (body->bad)
			lg_op_code(op, LG_LDAP_PROTOCOL_ERROR, "malformed bind request");
		else
			bind_simple(op, name, password);
	} else if (method == LG_BER_CONTEXT_SET(3)) {
		struct lg_ber sasl = lg_ber_enter(body, LG_BER_CONTEXT_SET(3));
		lg_sasl_bind(op, &sasl);
	} else {
		lg_op_code(op, LG_LDAP_AUTH_METHOD_NOT_SUPPORTED, "authentication method not supported");
	}
}

void
lg_op_unbind(struct lg_op *op, struct lg_ber *body)
{
	(void)body;
	op->conn->closing = true;
	op->done = true;
}

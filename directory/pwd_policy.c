/* pwd_policy.c: the rules, read from their entry; and whether a new password keeps them. */
#include <stddef.h>

#include "base/clock.h"
#include "base/text.h"
#include "directory/directory.h"
#include "directory/find.h"
#include "directory/pwd.h"
#include "directory/tables.h"
#include "directory/tenant.h"

#define NAME_MIN 4		/* a shorter name may stand in a password by chance */

/* ---- reading ------------------------------------------------------------------------------------------------------ */

enum as { SECONDS, COUNT, FLAG };

#define ROW(attr, member, as, max) { LG_A_PWD_##attr, offsetof(struct lg_pwd_policy, member), as, max }
static const struct {
	uint16_t attr;
	size_t at;
	enum as as;
	int64_t most;
} rows[] = {
	ROW(MIN_AGE, min_age, SECONDS, INT32_MAX),
	ROW(MAX_AGE, max_age, SECONDS, INT32_MAX),
	ROW(EXPIRE_WARNING, expire_warning, SECONDS, INT32_MAX),
	ROW(LOCKOUT_DURATION, lockout_duration, SECONDS, INT32_MAX),
	ROW(FAILURE_INTERVAL, failure_interval, SECONDS, INT32_MAX),
	ROW(IN_HISTORY, in_history, COUNT, LG_PWD_HISTORY),
	ROW(CHECK_QUALITY, check_quality, COUNT, 2),
	ROW(MIN_LENGTH, min_length, COUNT, LG_PASSWORD_MAX),
	ROW(MAX_LENGTH, max_length, COUNT, LG_PASSWORD_MAX),
	ROW(GRACE_LIMIT, grace_limit, COUNT, LG_PWD_GRACES),
	ROW(MAX_FAILURE, max_failure, COUNT, 1000),
	ROW(LOCKOUT, lockout, FLAG, 1),
	ROW(MUST_CHANGE, must_change, FLAG, 1),
	ROW(ALLOW_CHANGE, allow_change, FLAG, 1),
	ROW(SAFE_MODIFY, safe_modify, FLAG, 1),
};

/* Where there is no policy: no ageing and no locking; guessing is slowed down anyway.  The length is that of NIST SP 800-63B 5.1.1. */
static const struct lg_pwd_policy defaults = { .allow_change = true, .check_quality = 1, .own_length = LG_PWD_OWN_LENGTH };

static void
take(struct lg_pwd_policy *p, size_t i, lg_str text)
{
	char *at = (char *)p + rows[i].at;
	int64_t n = 0;

	if (rows[i].as == FLAG) {
		*(bool *)at = lg_str_eq(text, LG_STR("TRUE"));
		return;
	}
	if (!lg_int_parse(text, &n) || n < 0)
		return;
	n = n < rows[i].most ? n : rows[i].most;
	*(int64_t *)(void *)at = rows[i].as == SECONDS ? n * LG_SECOND : n;
}

static lg_err
policy_entry(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, struct lg_entry *ret)
{
	struct lg_tenant_row tenant;
	lg_str id;
	uint64_t at;

	if (lg_entry_first(e, LG_A_PWD_POLICY, &id) && lg_entry_by_id(cx, v, e->tenant, lg_id_of(id), ret) == LG_OK)
		return LG_OK;
	LG_TRY(lg_tenant_row(cx, v, e->tenant, &tenant));
	struct lg_rdn rdn;
	if (!lg_rdn_parse(cx->arena, LG_STR(LG_PWD_RDN), &rdn))
		return LG_E_INTERNAL;
	LG_TRY(lg_child_find(cx, v, e->tenant, tenant.entry, rdn.normal, &at));
	return lg_entry_by_id(cx, v, e->tenant, at, ret);
}

lg_err
lg_pwd_policy_get(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, struct lg_pwd_policy *ret)
{
	struct lg_entry entry;
	lg_str value;
	lg_err found = policy_entry(cx, v, e, &entry);

	*ret = defaults;
	if (found != LG_OK)
		return found == LG_E_NOT_FOUND ? LG_OK : found;
	ret->own_length = 0;
	for (size_t i = 0; i < LG_COUNT(rows); i++)
		if (lg_entry_first(&entry, rows[i].attr, &value))
			take(ret, i, value);
	return LG_OK;
}

int64_t
lg_pwd_own_length(const struct lg_pwd_policy *p)
{
	return p->own_length > p->min_length ? p->own_length : p->min_length;
}

/* ---- a new password -------------------------------------------------------------------------------------------------- */

static lg_err
refuse(struct lg_ctx *cx, struct lg_edit *ed, enum lg_ldap_result code, enum lg_pwd_error error, const char *why)
{
	ed->password_error = (int)error;
	return lg_refuse(cx, ed, code, "%s", why);
}

static int64_t
length_of(lg_str password)
{
	int64_t n = 0;

	for (size_t i = 0; i < password.n; i++)
		n += ((unsigned char)password.p[i] & 0xc0) != 0x80;	/* characters, not octets */
	return n;
}

static bool
holds(lg_str text, lg_str part)
{
	for (size_t i = 0; part.n >= NAME_MIN && i + part.n <= text.n; i++)
		if (lg_str_eq_fold(lg_str_sub(text, i, part.n), part))
			return true;
	return false;
}

static lg_err
check_quality(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_pwd_policy *p, lg_str name, lg_str password, int64_t least)
{
	const struct lg_directory_ports *ports = &ed->dir->ports;
	int64_t n = length_of(password);

	if (n < least) {
		ed->password_error = LG_PWD_TOO_SHORT;
		return lg_refuse(cx, ed, LG_LDAP_CONSTRAINT_VIOLATION, "a password has at least %lld characters here", (long long)least);
	}
	if (p->max_length > 0 && n > p->max_length) {
		ed->password_error = LG_PWD_TOO_LONG;
		return lg_refuse(cx, ed, LG_LDAP_CONSTRAINT_VIOLATION, "a password has at most %lld characters here", (long long)p->max_length);
	}
	if (p->check_quality == 0)
		return LG_OK;
	if (holds(password, name))
		return refuse(cx, ed, LG_LDAP_CONSTRAINT_VIOLATION, LG_PWD_QUALITY, "the password holds the account's name");
	if (ports->password_breached != NULL && ports->password_breached(ports->self, password))
		return refuse(cx, ed, LG_LDAP_CONSTRAINT_VIOLATION, LG_PWD_QUALITY, "the password is in a list of passwords that are known");
	return LG_OK;
}

static lg_err
check_owner(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_pwd_policy *p, const struct lg_entry *e, bool old_given)
{
	struct lg_pwd_state s;

	if (!p->allow_change)
		return refuse(cx, ed, LG_LDAP_INSUFFICIENT_ACCESS, LG_PWD_MOD_NOT_ALLOWED, "users do not change their passwords here");
	if (p->safe_modify && !old_given)
		return refuse(cx, ed, LG_LDAP_INSUFFICIENT_ACCESS, LG_PWD_MUST_SUPPLY_OLD, "the old password must be given too");
	LG_TRY(lg_pwd_state_get(cx, ed->v, e->tenant, e->id, &s));
	if (p->min_age > 0 && s.changed > 0 && !s.reset && cx->now < s.changed + p->min_age)
		return refuse(cx, ed, LG_LDAP_CONSTRAINT_VIOLATION, LG_PWD_TOO_YOUNG, "the password was changed a short while ago");
	return LG_OK;
}

lg_err
lg_pwd_check_new(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_pwd_policy *p, const struct lg_entry *e, lg_str name, lg_str password,
    bool old_given)
{
	bool owner = e != NULL && cx->actor->kind == LG_ACTOR_ENTRY && lg_uuid_eq(cx->actor->id, e->uuid);

	if (owner)
		LG_TRY(check_owner(cx, ed, p, e, old_given));
	/* Who gives the old one, or has a link for a new one, is its owner too; and at /v1 people speak for people. */
	return check_quality(cx, ed, p, name, password, owner || old_given ? lg_pwd_own_length(p) : p->min_length);
}

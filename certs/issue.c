/* issue.c: the one way to a certificate, for the API, joining hosts, workloads and our own listeners. */
#include "certs/issue.h"

#include "base/clock.h"
#include "base/ipnet.h"
#include "base/json.h"
#include "base/text.h"
#include "certs/crl.h"
#include "certs/ledger.h"
#include "certs/lint.h"
#include "certs/names.h"
#include "certs/profiles.h"
#include "certs/revoke.h"
#include "certs/ssh.h"
#include "certs/tbs.h"

/* ---- the entry ------------------------------------------------------------------------------------ */

static struct lg_cert_subject
keep(struct lg_arena *a, const struct lg_cert_subject *s)
{
	struct lg_cert_subject kept = *s;
	lg_str *dns = LG_NEWS(a, lg_str, s->ndns), *ip = LG_NEWS(a, lg_str, s->nip);

	for (size_t i = 0; i < s->ndns; i++)
		dns[i] = lg_dup(a, s->dns[i]);
	for (size_t i = 0; i < s->nip; i++)
		ip[i] = lg_dup(a, s->ip[i]);
	kept.type = lg_dup(a, s->type);
	kept.name = lg_dup(a, s->name);
	kept.project = lg_dup(a, s->project);
	kept.dns = dns;
	kept.ip = ip;
	return kept;
}

lg_err
lg_certs_entry(struct lg_ctx *cx, struct lg_certs *c, struct lg_view *v, uint32_t tenant, lg_uuid id, struct lg_cert_subject *ret)
{
	const struct lg_cert_subjects *port = &c->ports.subjects;
	struct lg_cert_subject entry;
	lg_err e = port->by_id(port->self, cx, v, tenant, id, &entry);

	if (e == LG_E_NOT_FOUND)
		return lg_fail(cx, e, "the entry is not there");
	LG_TRY(e);
	if (!entry.enabled)
		return lg_fail(cx, LG_E_DENIED, "%.*s is disabled", LG_FMT(entry.name));
	*ret = keep(cx->arena, &entry);
	return LG_OK;
}

/* ---- prepare: a snapshot ---------------------------------------------------------------------------- */

static lg_err
names_for(struct lg_ctx *cx, const struct lg_issuing *is, const struct lg_cert_profile *profile, const struct lg_cert_subject *entry,
    struct lg_cert_names *ret)
{
	const struct lg_cert_request *rq = is->rq;

	if (rq->proved != NULL) {
		LG_TRY(lg_cert_names_own(cx, &is->ca->au, rq->proved));
		*ret = *rq->proved;
	} else {
		if (!lg_str_eq(entry->type, profile->type))
			return lg_fail(cx, LG_E_DENIED, "profile %.*s is not for a %.*s", LG_FMT(profile->name), LG_FMT(entry->type));
		LG_TRY(lg_cert_names_of(cx, &is->ca->au, profile, entry, rq->only, ret));
	}
	return lg_profile_names(cx, profile, ret);
}

static lg_err
find_profile(struct lg_ctx *cx, struct lg_view *v, const struct lg_cert_request *rq, struct lg_cert_profile *ret)
{
	bool own;

	LG_TRY(lg_cert_profile_get(cx, v, rq->tenant, rq->profile, ret, &own));
	if (ret->kind != LG_PROFILE_LEAF && !lg_profile_is_ssh(ret))
		return lg_fail(cx, LG_E_DENIED, "profile %.*s is for the service itself", LG_FMT(ret->name));
	if (lg_profile_is_ssh(ret) != rq->ssh)
		return lg_fail(cx, LG_E_DENIED, "profile %.*s is for %s certificates", LG_FMT(ret->name), rq->ssh ? "X.509" : "SSH");
	if ((ret->type.n == 0) != (rq->proved != NULL))
		return lg_fail(cx, LG_E_DENIED, "profile %.*s is for %s", LG_FMT(ret->name),
		    ret->type.n == 0 ? "names that were proved" : "an entry's own names");
	return LG_OK;
}

/* Entry, names and decision: also asked again at completion. */
static lg_err
decide(struct lg_ctx *cx, struct lg_view *v, const struct lg_issuing *is, struct lg_cert_subject *entry, struct lg_cert_names *names,
    struct lg_ssh_names *principals, struct lg_decided *decided)
{
	const struct lg_cert_request *rq = is->rq;
	struct lg_certs_question q = { .tenant = rq->tenant, .asker = rq->asker, .proof = rq->proof, .profile = rq->profile,
		.entry = entry, .names = names, .life = is->row.expires - is->row.not_before - LG_CERT_BACKDATE };

	LG_TRY(lg_certs_entry(cx, is->c, v, rq->tenant, rq->entry, entry));
	if (rq->ssh) {
		if (!lg_str_eq(entry->type, is->profile.type))
			return lg_fail(cx, LG_E_DENIED, "profile %.*s is not for a %.*s", LG_FMT(is->profile.name), LG_FMT(entry->type));
		*names = (struct lg_cert_names){ .nuri = 0 };
		LG_TRY(lg_ssh_principals(cx, &is->profile, entry, rq, principals));
		q.principals = principals->v;
		q.nprincipals = principals->n;
	} else {
		LG_TRY(names_for(cx, is, &is->profile, entry, names));
	}
	return lg_certs_ask_issue(cx, is->c, v, &q, decided);
}


static lg_err
check_key(struct lg_ctx *cx, const struct lg_cert_profile *profile, lg_str spki)
{
	enum lg_key_type type;

	LG_TRY(lg_spki_check(cx, spki, &type));
	if ((profile->keys & 1u << type) == 0)
		return lg_fail(cx, LG_E_DENIED, "profile %.*s does not allow this kind of key", LG_FMT(profile->name));
	return LG_OK;
}

int64_t
lg_issuing_longest(const struct lg_ca *ca, const struct lg_cert_profile *profile)
{
	return profile->longest < ca->au.leaf_life ? profile->longest : ca->au.leaf_life;
}

/* From five minutes ago, for clocks that are behind; to the second; never longer than the issuer. */
static lg_err
set_validity(struct lg_ctx *cx, const struct lg_ca *ca, const struct lg_cert_profile *profile, int64_t wanted, struct lg_cert_row *row)
{
	int64_t longest = lg_issuing_longest(ca, profile);
	bool ssh = lg_profile_is_ssh(profile);
	int64_t now = cx->now - cx->now % LG_SECOND, ends = ssh ? INT64_MAX : ca->issuer[0].x509.not_after;
	int64_t life = wanted != 0 ? wanted : profile->life < longest ? profile->life : longest;

	if (life < LG_SECOND || life > longest)
		return lg_fail(cx, LG_E_DENIED, "profile %.*s allows a life of 1 to %lld seconds", LG_FMT(profile->name),
		    (long long)(longest / LG_SECOND));
	if (!ssh && (now < ca->issuer[0].x509.not_before || now >= ends))
		return lg_fail(cx, LG_E_UNAVAILABLE, "the issuing certificate is outside its time");
	row->not_before = now - LG_CERT_BACKDATE;
	row->expires = now + life - life % LG_SECOND;
	if (row->expires > ends)
		row->expires = ends;
	return LG_OK;
}

/* 17 octets of which the first is 0x40 to 0x7f: positive, never shortened by DER, 134 bits of chance. */
static void
draw_serial(lg_serial *s)
{
	lg_random(s->b, sizeof s->b);
	s->b[0] = (uint8_t)(0x40 | (s->b[0] & 0x3f));
}

static lg_str
common_name(const struct lg_issuing *is)
{
	if (is->names.nuri > 0)		/* an identity, not a server's name */
		return is->entry.name;
	return is->names.ndns > 0 && is->names.dns[0].n <= 64 ? is->names.dns[0] : LG_NONE;	/* ub-common-name */
}

/* The very octets that will be signed are read again and linted: a fault of the encoder ends here. */
static lg_err
write_tbs(struct lg_ctx *cx, struct lg_issuing *is, const struct lg_cert_profile *profile, lg_str spki)
{
	const struct lg_ca_cert *issuer = &is->ca->issuer[0];
	struct lg_tbs t = { .serial = is->row.serial, .alg = issuer->alg, .issuer = issuer->x509.subject,
		.issuer_key_id = issuer->x509.exts.ski, .not_before = is->row.not_before, .not_after = is->row.expires,
		.common_name = common_name(is), .spki = spki, .names = &is->names, .eku = profile->eku,
		.policies = profile->policies, .npolicies = profile->npolicies,
		.crl_url = lg_crl_part_url(cx->arena, issuer, &is->row.serial), .ca_url = issuer->ca_url, .ocsp_url = issuer->ocsp_url };
	struct lg_x509 x;

	LG_TRY(lg_tbs_write(cx, &t, &is->tbs));
	if (lg_x509_parse_tbs(cx, is->tbs, &x) != LG_OK || lg_x509_lint(cx, &x) != LG_OK)
		return lg_fail_in(cx, LG_E_INTERNAL, "the certificate that would have been signed");
	return lg_ca_names_permitted(cx, issuer, x.subject, &x.exts.names);
}

/* One snapshot: the profile first, because what it allows does not depend on who asks. */
static lg_err
decide_in_snapshot(struct lg_ctx *cx, struct lg_issuing *is)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	int64_t ends = is->rq->ends;

	LG_TRY(lg_view_begin(cx, is->c->ports.store, &v));
	LG_TRY(find_profile(cx, v, is->rq, &is->profile));
	LG_TRY(check_key(cx, &is->profile, is->rq->spki));
	is->row.spki = lg_sha256_of(is->rq->spki);
	LG_TRY(lg_certs_key_sound(cx, v, is->rq->tenant, &is->row.spki));
	LG_TRY(set_validity(cx, is->ca, &is->profile, ends == 0 ? is->rq->life : ends - (cx->now - cx->now % LG_SECOND), &is->row));
	if (ends != 0 && is->row.expires != ends)
		return lg_fail(cx, LG_E_DENIED, "the issuing certificate ends before %.*s", LG_FMT(lg_time_text(cx->arena, ends)));
	return decide(cx, v, is, &is->entry, &is->names, &is->principals, &is->decided);
}

static lg_err
prepare(struct lg_ctx *cx, struct lg_issuing *is, const struct lg_cert_profile *profile, lg_str spki)
{
	struct lg_cert_row *row = &is->row;

	if (lg_profile_is_ssh(&is->profile))
		lg_ssh_draw_serial(&row->serial);
	else
		draw_serial(&row->serial);
	row->state = LG_CERT_PENDING;
	row->entry = is->entry.id;
	row->type = is->entry.type;
	row->name = is->entry.name;
	row->profile = profile->name;
	row->spki = lg_sha256_of(spki);
	row->issuer = is->ca->issuer[0].sha256;
	return lg_profile_is_ssh(&is->profile) ? lg_ssh_write(cx, is) : write_tbs(cx, is, profile, spki);
}

/* ---- the two mutations -------------------------------------------------------------------------------- */

static lg_err
audit(struct lg_ctx *cx, struct lg_view *v, const struct lg_issuing *is, lg_str refused)
{
	const struct lg_cert_row *row = &is->row;
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(16u << 10);
	struct lg_jsonw w = lg_jsonw_of(&b);

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "profile", row->profile);
	lg_jsonw_str_of(&w, "type", row->type);
	lg_jsonw_str_of(&w, "name", row->name);
	lg_jsonw_time_of(&w, "expires", row->expires);
	lg_jsonw_name(&w, LG_STR("names"));
	lg_jsonw_array(&w);
	for (size_t i = 0; i < is->names.nuri; i++)
		lg_jsonw_str(&w, is->names.uri[i]);
	for (size_t i = 0; i < is->names.ndns; i++)
		lg_jsonw_str(&w, is->names.dns[i]);
	for (size_t i = 0; i < is->principals.n; i++)
		lg_jsonw_str(&w, is->principals.v[i]);
	for (size_t i = 0; i < is->names.nip; i++)
		lg_jsonw_str(&w, lg_ip_octets_text(cx->arena, is->names.ip[i]));
	lg_jsonw_array_end(&w);
	if (row->state != LG_CERT_PENDING)
		lg_jsonw_str_of(&w, "sha256", lg_hex(cx->arena, lg_sha256_str(&row->sha256)));
	if (refused.n > 0)
		lg_jsonw_str_of(&w, "refused", refused);
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(cx, &b));
	lg_audit(v, lg_serial_text(cx->arena, &row->serial), lg_dup(cx->arena, lg_buf_view(&b)));
	return LG_OK;
}

static lg_err
run_pending(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct lg_issuing *is = arg;

	if (is->pending != NULL)
		LG_TRY(is->pending(cx, v, is));
	LG_TRY(audit(cx, v, is, LG_NONE));
	return lg_cert_row_put(cx, v, is->ca->au.tenant, &is->row);
}

static bool
same_names(const lg_str *a, size_t na, const lg_str *b, size_t nb)
{
	for (size_t i = 0; na == nb && i < na; i++)
		if (!lg_str_eq(a[i], b[i]))
			return false;
	return na == nb;
}

/* Is what was decided still so, in the state this mutation changes? */
static lg_err
decide_again(struct lg_ctx *cx, struct lg_view *v, struct lg_issuing *is)
{
	struct lg_cert_subject entry;
	struct lg_cert_profile profile;
	struct lg_cert_names names;
	struct lg_ssh_names principals = { .n = 0 };
	struct lg_decided decided;

	LG_TRY(lg_certs_key_sound(cx, v, is->ca->au.tenant, &is->row.spki));
	if (is->rq == NULL || lg_certs_decided_stands(v, is->rq->tenant, &is->decided))
		return LG_OK;
	LG_TRY(find_profile(cx, v, is->rq, &profile));
	if (!lg_profile_eq(&profile, &is->profile))
		return lg_fail(cx, LG_E_CONFLICT, "the profile has changed meanwhile");
	LG_TRY(decide(cx, v, is, &entry, &names, &principals, &decided));
	if (!lg_str_eq(entry.name, is->entry.name) || !lg_str_eq(entry.project, is->entry.project) ||
	    !same_names(names.dns, names.ndns, is->names.dns, is->names.ndns) ||
	    !same_names(names.ip, names.nip, is->names.ip, is->names.nip) ||
	    !same_names(principals.v, principals.n, is->principals.v, is->principals.n))
		return lg_fail(cx, LG_E_CONFLICT, "the entry's names have changed meanwhile");
	return LG_OK;
}

static lg_err
run_complete(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct lg_issuing *is = arg;
	lg_err e = decide_again(cx, v, is);

	if (e == LG_OK && is->complete != NULL)
		e = is->complete(cx, v, is);
	if (e != LG_OK && e != LG_E_DENIED && e != LG_E_CONFLICT && e != LG_E_NOT_FOUND)
		return e;		/* the store or the decision point failed: nothing is known, nothing is handed out */
	is->refused = e;
	is->row.state = LG_CERT_ISSUED;
	/* Signed is signed: what was refused meanwhile is told too, and its revocation after it. */
	LG_TRY(lg_ledger_append(cx, v, is->ca->au.tenant, LG_LEDGER_ISSUED, &is->row));
	if (e != LG_OK)
		LG_TRY(lg_cert_row_revoke(cx, v, is->ca->au.tenant, &is->row, LG_REVOKED_PRIVILEGE_WITHDRAWN));
	else
		LG_TRY(lg_cert_row_put(cx, v, is->ca->au.tenant, &is->row));
	return audit(cx, v, is, e == LG_OK ? LG_NONE : lg_str_of(cx->error));
}

/* ---- signing -------------------------------------------------------------------------------------------- */

/* The keeper answers with a whole certificate: it must be ours, around our TBS, by the issuer whose name stands in it. */
static lg_err
take_x509(void *arg, struct lg_ctx *cx, lg_str der)
{
	struct lg_issuing *is = arg;
	struct lg_x509 x;

	LG_TRY(lg_x509_parse(cx, der, &x));
	if (!lg_str_eq(x.tbs, is->tbs) || !lg_str_eq(x.alg, x.tbs_alg) || der.n > LG_CERT_MAX)
		return lg_fail(cx, LG_E_INTERNAL, "the keeper signed something else");
	is->row.der = lg_dup(cx->arena, der);
	is->row.sha256 = lg_sha256_of(is->row.der);
	return LG_OK;
}

static lg_err
sign(struct lg_ctx *cx, struct lg_issuing *is)
{
	const struct lg_signer *signer = &is->c->ports.signer;
	lg_str der;

	if (!lg_profile_is_ssh(&is->profile)) {
		LG_TRY(signer->certificate_wait(signer->self, cx, is->ca->au.tenant, is->tbs, &der));
		return take_x509(is, cx, der);
	}
	LG_TRY(lg_ssh_sign(cx, is, &is->row.der));
	is->row.sha256 = lg_sha256_of(is->row.der);
	return LG_OK;
}

lg_err
lg_issued_of(struct lg_ctx *cx, const struct lg_ca *ca, const struct lg_cert_row *row, struct lg_issued *ret)
{
	uint64_t number;

	if (lg_ssh_serial(&row->serial, &number)) {
		*ret = (struct lg_issued){ .serial = row->serial, .cert = lg_dup(cx->arena, row->der), .expires = row->expires };
		return LG_OK;
	}
	for (size_t i = 0; i < ca->nissuers; i++)
		if (memcmp(ca->issuer[i].sha256.b, row->issuer.b, sizeof row->issuer.b) == 0) {
			*ret = (struct lg_issued){ .serial = row->serial, .cert = lg_dup(cx->arena, row->der),
				.chain = lg_dup(cx->arena, ca->issuer[i].x509.der),
				.root = lg_dup(cx->arena, ca->issuer[i].above->x509.der), .expires = row->expires };
			return LG_OK;
		}
	return lg_fail(cx, LG_E_CONFLICT, "the certificate's issuer is no longer in use");
}

#define PREPARE	"certificate.prepare"
#define ISSUE	"certificate.issue"

struct steps {
	struct lg_between b;
	struct lg_issuing *is;
};

static lg_err
step_pending(struct lg_ctx *cx, struct lg_view *v, struct lg_job *job)
{
	return run_pending(cx, v, ((struct steps *)((char *)job - offsetof(struct steps, b.before)))->is);
}

static lg_err
step_complete(struct lg_ctx *cx, struct lg_view *v, struct lg_job *job)
{
	return run_complete(cx, v, ((struct steps *)((char *)job - offsetof(struct steps, b.after)))->is);
}

/* What was recorded, as the one who asked is told. */
static lg_err
tell(struct lg_ctx *cx, struct lg_issuing *is)
{
	if (is->refused != LG_OK)
		return lg_fail_in(cx, is->refused, "refused after signing, revoked");
	return lg_issued_of(cx, is->ca, &is->row, &is->issued);
}

static void
steps_over(struct lg_between *b, lg_err e)
{
	struct lg_issuing *is = ((struct steps *)b)->is;

	is->done(is, e == LG_OK ? tell(is->cx, is) : e);
}

static lg_err
without_me(struct lg_ctx *cx, struct lg_issuing *is)
{
	struct steps *s = LG_NEW(cx->arena, struct steps);

	s->is = is;
	is->cx = cx;
	s->b = (struct lg_between){ .tenant = is->ca->au.tenant, .tbs = is->tbs, .take = take_x509, .arg = is,
		.done = is->done == NULL ? NULL : steps_over,
		.before = { .run = step_pending, .operation = PREPARE }, .after = { .run = step_complete, .operation = ISSUE } };
	return is->c->ports.between(is->c->ports.callers, cx, &s->b);
}

static lg_err
step_by_step(struct lg_ctx *cx, struct lg_issuing *is)
{
	struct lg_store *st = is->c->ports.store;
	uint32_t tenant = is->ca->au.tenant;

	LG_TRY(lg_store_apply(cx, st, tenant, PREPARE, run_pending, is, NULL));
	LG_TRY(sign(cx, is));
	return lg_store_apply(cx, st, tenant, ISSUE, run_complete, is, NULL);
}

/* A failure between the mutations leaves a pending row: it is believed by nobody, and names a serial number that the keeper
 * may have signed. */
static lg_err
record_and_sign(struct lg_ctx *cx, struct lg_issuing *is)
{
	bool alone = is->c->ports.between == NULL || lg_profile_is_ssh(&is->profile);

	LG_TRY(alone ? step_by_step(cx, is) : without_me(cx, is));
	return tell(cx, is);
}

lg_err
lg_issuing_start(struct lg_ctx *cx, struct lg_issuing *is)
{
	LG_TRY(decide_in_snapshot(cx, is));
	LG_TRY(prepare(cx, is, &is->profile, is->rq->spki));
	return record_and_sign(cx, is);
}

lg_err
lg_issuing_run(struct lg_ctx *cx, struct lg_issuing *is, struct lg_issued *ret)
{
	is->done = NULL;
	LG_TRY(lg_issuing_start(cx, is));
	*ret = is->issued;
	return LG_OK;
}

lg_err
lg_certs_issue(struct lg_ctx *cx, struct lg_certs *c, const struct lg_cert_request *rq, struct lg_issued *ret)
{
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(c);
	struct lg_issuing *is = LG_NEW(cx->arena, struct lg_issuing);

	is->c = c;
	is->rq = rq;
	LG_TRY(lg_trust_tenant(cx, t, rq->tenant, &is->ca));
	return lg_issuing_run(cx, is, ret);
}

/*
 * Of our own listeners, whatever the tenant makes of its tls-server.  It is an X.509-SVID, so that bundles can be fetched here by
 * SPIFFE Federation's https_spiffe (5.2.2.3); those are for clients too, if they say what they are for (X509-SVID 4.4).
 */
static const struct lg_cert_profile own_profile = {
	.name = LG_STR("tls-server"), .keys = 1u << LG_KEY_P256, .eku = LG_EKU_SERVER | LG_EKU_CLIENT,
	.san = LG_SAN_URI | LG_SAN_DNS | LG_SAN_IP, .life = LG_DAY, .longest = LG_DAY,
};

lg_err
lg_certs_issue_own(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, lg_str spki, const struct lg_cert_names *names,
    int64_t life, struct lg_issued *ret)
{
	const struct lg_cert_profile *profile = &own_profile;
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(c);
	struct lg_issuing *is = LG_NEW(cx->arena, struct lg_issuing);

	if (cx->actor->kind != LG_ACTOR_SYSTEM)
		return lg_fail(cx, LG_E_DENIED, "only the service itself certifies its listeners");
	is->c = c;
	is->names = *names;
	LG_TRY(lg_trust_tenant(cx, t, tenant, &is->ca));
	LG_TRY(lg_cert_names_own(cx, &is->ca->au, names));
	is->names.uri[is->names.nuri++] = lg_print(cx->arena, "spiffe://%.*s/lightgate", LG_FMT(is->ca->au.trust_domain));
	LG_TRY(check_key(cx, profile, spki));
	LG_TRY(set_validity(cx, is->ca, profile, life, &is->row));
	LG_TRY(prepare(cx, is, profile, spki));
	LG_TRY(record_and_sign(cx, is));
	*ret = is->issued;
	return LG_OK;
}

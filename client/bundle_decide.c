/* bundle_decide.c: what a bundle knows, and what it decides: as the service's decision point does, with the same rule. */
#include "base/ipnet.h"
#include "base/text.h"
#include "client/bundle_own.h"

#define KEY_MAX		1024		/* octets of a type and a name */
#define SCOPES		64

/* ---- whom it knows -------------------------------------------------------------------------------------------------- */

static bool
is_known_as(const struct lg_known *k, lg_str type, lg_str name)
{
	const char *own = k->start;

	if (k->n != name.n || (k->type != NULL && strncmp(k->type, type.p, type.n) != 0) || (k->type != NULL && k->type[type.n] != '\0'))
		return false;
	if (k->n > LG_KNOWN_START)
		memcpy(&own, k->start, sizeof own);
	return memcmp(own, name.p, name.n) == 0;
}

uint64_t
lg_known_hash(lg_str type, lg_str name)
{
	return lg_hash(name) ^ (uint64_t)type.n * UINT64_C(0x9e3779b97f4a7c15);
}

struct lg_known *
lg_known_at(const struct lg_known_table *t, uint64_t hash, lg_str type, lg_str name)
{
	size_t i = hash & (t->size - 1);

	while (t->slot[i].uid != NULL && (t->slot[i].hash != hash || !is_known_as(&t->slot[i], type, name)))
		i = (i + 1) & (t->size - 1);
	return &t->slot[i];
}

/* A look in two steps, so that two of them wait for memory together. */
struct look {
	const struct lg_known_table *table;
	lg_str type, id;
	uint64_t hash;
};

static struct look
look_for(const struct lg_bundle *b, lg_str type, lg_str id)
{
	lg_uuid uuid;
	struct look l = { lg_uuid_parse(id, &uuid) ? &b->body->by_id : &b->body->by_name, type, id, lg_known_hash(type, id) };

	__builtin_prefetch(&l.table->slot[l.hash & (l.table->size - 1)]);
	return l;
}

static const struct lg_euid *
look_up(const struct look *l)
{
	const struct lg_known *k = lg_known_at(l->table, l->hash, l->type, l->id);

	if (k->uid == NULL || k->type == NULL)
		return NULL;
	__builtin_prefetch(k->uid);
	return k->uid;
}

const struct lg_euid *
lg_bundle_find(const struct lg_bundle *b, lg_str type, lg_str id)
{
	struct look l = look_for(b, type, id);

	return look_up(&l);
}

struct lg_entities
lg_bundle_entities(const struct lg_bundle *b)
{
	return lg_entity_store_port(b->body->entities);
}

const struct lg_keyset *
lg_bundle_token_keys(const struct lg_bundle *b)
{
	return b->body->token_keys;
}

size_t
lg_bundle_addresses(const struct lg_bundle *b, const struct lg_bundle_address **ret)
{
	*ret = b->body->address;
	return b->body->naddress;
}

bool
lg_bundle_delegates(const struct lg_bundle *b)
{
	return b->body->ndelegated > 0;
}

bool
lg_bundle_delegated(const struct lg_bundle *b, lg_str octets)
{
	for (size_t i = 0; i < b->body->ndelegated; i++)
		if (lg_ipnet_has(b->body->delegated[i], octets))
			return true;
	return false;
}

bool
lg_bundle_admission(const struct lg_bundle *b, lg_str container, struct lg_bundle_admission *ret)
{
	const struct lg_bundle_admission *ad = lg_map_get(&b->body->admissions, container);

	if (ad != NULL)
		*ret = *ad;
	return ad != NULL;
}

/* ---- what is over ----------------------------------------------------------------------------------------------------- */

static bool
is_over(const struct lg_bundle_body *b, const char *kind, lg_str id, int64_t issued)
{
	char room[KEY_MAX];
	lg_str key = lg_bundle_key(room, sizeof room, lg_str_of(kind), id);
	const int64_t *not_before = key.p == NULL ? NULL : lg_map_get(&b->tokens, key);

	return key.p == NULL || (not_before != NULL && issued <= *not_before);
}

bool
lg_bundle_token_revoked(const struct lg_bundle *b, const struct lg_claims *c)
{
	return !b->body->all_revoked || is_over(b->body, "all", LG_NONE, c->issued) || is_over(b->body, "sub", c->subject, c->issued) ||
	    (c->sid.n > 0 && is_over(b->body, "sid", c->sid, c->issued)) || is_over(b->body, "jti", c->jti, c->issued);
}

bool
lg_bundle_certificate_revoked(const struct lg_bundle *b, lg_str serial)
{
	return !b->body->all_revoked || lg_bundle_certificate_listed(b, serial);
}

bool
lg_bundle_certificate_listed(const struct lg_bundle *b, lg_str serial)
{
	return lg_map_get(&b->body->certificates, serial) != NULL;
}

static bool
is_issued(const struct lg_ctx *cx, const struct lg_bundle_body *b, const struct lg_cert *c)
{
	for (size_t i = 0; i < b->nissuers; i++)
		if (b->issuer_cert[i].not_before <= cx->now && cx->now <= b->issuer_cert[i].not_after &&
		    lg_verify_der(b->issuer_key[i], lg_pubkey_default_alg(b->issuer_key[i]), c->tbs, c->signature))
			return true;
	return false;
}

/* The slice has not everybody: whom it does not know is not known to be disabled. */
static lg_err
check_entry(struct lg_ctx *cx, const struct lg_bundle *b, const struct lg_cert_name *name)
{
	const struct lg_euid *uid = lg_bundle_find(b, name->type, name->name);
	struct lg_entities port = lg_bundle_entities(b);
	struct lg_name enabled = lg_name_of(LG_STR("enabled"));
	struct lg_value v;
	lg_entity e = 0;

	if (uid != NULL && port.find(port.self, uid, &e) == LG_PRESENT && port.attr(port.self, e, &enabled, &v) == LG_PRESENT &&
	    v.kind == LG_V_BOOL && !v.u.b)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the entry that the certificate was issued for is disabled");
	return LG_OK;
}

lg_err
lg_bundle_certificate(struct lg_ctx *cx, const struct lg_bundle *b, lg_str der, struct lg_cert *ret)
{
	struct lg_cert_name name;
	struct lg_cert c;

	LG_TRY(lg_cert_parse(cx, der, &c));
	if (c.ca || c.strange)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the certificate is not one that a client has");
	if (!c.client)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the certificate is not for clients");
	if (c.nuri != 1 || !lg_cert_name_parse(c.uri, &name))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the certificate names nobody: it must have exactly one SPIFFE URI");
	if (!lg_str_eq(name.domain, b->body->trust_domain))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "trust domain %.*s is not ours", LG_FMT(name.domain));
	if (!is_issued(cx, b->body, &c))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the certificate was issued by somebody else");
	if (cx->now < c.not_before || cx->now > c.not_after)
		return lg_fail(cx, LG_E_EXPIRED, "the certificate is outside its time");
	if (lg_bundle_certificate_revoked(b, lg_hex(cx->arena, c.serial)))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the certificate is revoked");
	LG_TRY(check_entry(cx, b, &name));
	*ret = c;
	return LG_OK;
}

/* ---- subject and resource have been found: nobody looks for them again ----------------------------------------------------- */

struct known {
	struct lg_entities under;
	const struct lg_euid *uid[2];		/* the request's own */
	lg_entity handle[2];
};

static enum lg_found
known_find(void *self, const struct lg_euid *uid, lg_entity *handle)
{
	const struct known *k = self;

	for (size_t i = 0; i < LG_COUNT(k->uid); i++)
		if (uid == k->uid[i])
			*handle = k->handle[i];
	return k->under.find(k->under.self, uid, handle);
}

static enum lg_found
known_attr(void *self, lg_entity e, const struct lg_name *name, struct lg_value *ret)
{
	const struct known *k = self;

	return k->under.attr(k->under.self, e, name, ret);
}

static enum lg_found
known_tag(void *self, lg_entity e, lg_str name, struct lg_value *ret)
{
	const struct known *k = self;

	return k->under.tag(k->under.self, e, name, ret);
}

static enum lg_found
known_within(void *self, lg_entity e, const struct lg_euid *above, lg_entity above_handle)
{
	const struct known *k = self;

	return k->under.within(k->under.self, e, above, above_handle);
}

static enum lg_found
known_ancestors(void *self, lg_entity e, const struct lg_euid *const **ret, size_t *n)
{
	const struct known *k = self;

	return k->under.ancestors(k->under.self, e, ret, n);
}

/* ---- one decision ------------------------------------------------------------------------------------------------------- */

struct context {
	const struct lg_name *word;
	struct lg_field f[LG_WORDS];
	size_t n;
};

static void
put(struct context *c, enum lg_word word, struct lg_value v)
{
	c->f[c->n++] = (struct lg_field){ c->word[word], v };
}

static lg_err
scopes_of(struct lg_ctx *cx, const struct lg_claims *claims, struct lg_value *ret)
{
	struct lg_value *scope = LG_NEWS(cx->arena, struct lg_value, SCOPES);
	lg_str rest = claims->scope, one;
	bool more = rest.n > 0;
	size_t n = 0;

	while (more && n < SCOPES) {
		more = lg_str_cut(rest, ' ', &one, &rest);
		if (one.n > 0)
			scope[n++] = lg_value_string(one);
	}
	return lg_value_set(cx, scope, n, ret);
}

static lg_err
not_known(struct lg_ctx *cx, lg_str type, lg_str id)
{
	return lg_fail(cx, LG_E_NOT_FOUND, "%.*s \"%.*s\" is not known here", LG_FMT(type), LG_FMT(id));
}

/* In the order of their names, as records are kept. */
static lg_err
fill_context(struct lg_ctx *cx, const struct lg_bundle *b, const struct lg_bundle_question *q, struct context *c)
{
	const struct lg_euid *image = q->image.n > 0 ? lg_bundle_find(b, LG_STR("Image"), q->image) : NULL;
	const struct lg_euid *host = q->host.n > 0 ? lg_bundle_find(b, LG_STR("Host"), q->host) : NULL;
	struct lg_value scopes;

	if (q->host.n > 0 && host == NULL)
		return not_known(cx, LG_STR("Host"), q->host);
	put(c, LG_WORD_ASKER, (struct lg_value){ LG_V_RECORD, { .record = b->body->asker } });
	if (q->claims != NULL)
		put(c, LG_WORD_CLIENT, lg_value_string(q->claims->client_id));
	if (q->container != NULL)
		put(c, LG_WORD_CONTAINER, (struct lg_value){ LG_V_RECORD, { .record = q->container } });
	if (host != NULL)
		put(c, LG_WORD_HOST, lg_value_entity(host));
	if (image != NULL)	/* one without an entry is only a name */
		put(c, LG_WORD_IMAGE, lg_value_entity(image));
	if (q->image.n > 0)
		put(c, LG_WORD_IMAGE_NAME, lg_value_string(q->image));
	put(c, LG_WORD_NOW, lg_value_datetime(cx->now / 1000));
	if (q->port != 0)
		put(c, LG_WORD_PORT, lg_value_long(q->port));
	if (q->protocol.n > 0)
		put(c, LG_WORD_PROTOCOL, lg_value_string(q->protocol));
	put(c, LG_WORD_REVISION, lg_value_long((int64_t)b->about.mark.version));
	if (q->claims != NULL) {
		LG_TRY(scopes_of(cx, q->claims, &scopes));
		put(c, LG_WORD_SCOPES, scopes);
	}
	put(c, LG_WORD_PROOF, lg_value_string(lg_str_of(q->proof)));
	return LG_OK;
}

static lg_err
make_context(struct lg_ctx *cx, const struct lg_bundle *b, const struct lg_bundle_question *q, struct context *c,
    const struct lg_record **ret)
{
	struct lg_value record;

	LG_TRY(fill_context(cx, b, q, c));
	LG_TRY(lg_value_record(cx, c->f, c->n, &record));
	*ret = record.u.record;
	return LG_OK;
}

static lg_err
make_request(struct lg_ctx *cx, const struct lg_bundle *b, const struct lg_bundle_question *q, struct context *c, struct known *known,
    struct lg_request *ret)
{
	struct look by_subject = look_for(b, q->subject_type, q->subject), by_resource = look_for(b, q->resource_type, q->resource);
	const struct lg_euid *subject = look_up(&by_subject), *resource = look_up(&by_resource);

	if (subject == NULL)
		return not_known(cx, q->subject_type, q->subject);
	if (resource == NULL)
		return not_known(cx, q->resource_type, q->resource);
	ret->principal = *subject;
	ret->resource = *resource;
	*known = (struct known){ lg_bundle_entities(b), { &ret->principal, &ret->resource }, { (lg_entity)subject, (lg_entity)resource } };
	LG_TRY(make_context(cx, b, q, c, &ret->context));
	ret->action = lg_euid_of(LG_STR("Action"), q->action);
	return LG_OK;
}

void
lg_bundle_decide(struct lg_ctx *cx, const struct lg_bundle *b, const struct lg_bundle_question *q, struct lg_ruling *ret)
{
	struct context c = { .word = b->body->word };
	struct lg_request rq = { .context = NULL };
	struct known known;
	struct lg_entities port = { &known, known_find, known_attr, known_tag, known_within, known_ancestors };

	*ret = (struct lg_ruling){ .kind = LG_RULED_UNKNOWN };
	if (make_request(cx, b, q, &c, &known, &rq) != LG_OK) {
		ret->reason = lg_dup(cx->arena, lg_str_of(cx->error));
		return;
	}
	if (lg_request_validate(cx, b->body->schema, &rq) != LG_OK) {
		*ret = (struct lg_ruling){ .kind = LG_RULED_NOTHING,
			.reason = lg_print(cx->arena, "the request does not fit the schema: %s", cx->error) };
		return;
	}
	lg_rule(cx, b->body->system, b->body->policies, &port, &rq, ret);
}

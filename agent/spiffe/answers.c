/* answers.c: see answers.h. */
#include "agent/spiffe/answers.h"

#include "agent/spiffe/bundles.h"
#include "base/json.h"
#include "base/text.h"
#include "workload.pb-c.h"

#define CLAIMS_MAX 256			/* members and items of a token's claims, all levels together */

/* ---- protobuf in an arena -------------------------------------------------------------------------------------------- */

static void *
pb_alloc(void *arena, size_t n)
{
	return lg_alloc(arena, n);
}

static void
pb_free(void *arena, void *p)
{
	(void)arena;
	(void)p;
}

static ProtobufCAllocator
allocator(struct lg_ctx *cx)
{
	return (ProtobufCAllocator){ pb_alloc, pb_free, cx->arena };
}

static lg_err
pack(struct lg_ctx *cx, const ProtobufCMessage *m, struct lg_buf *out)
{
	size_t n = protobuf_c_message_get_packed_size(m);

	if (!lg_buf_reserve(out, n))
		return lg_buf_status(cx, out);
	protobuf_c_message_pack(m, (uint8_t *)out->p + out->n);
	out->n += n;
	return LG_OK;
}

static char *
text(struct lg_ctx *cx, lg_str s)
{
	return (char *)(size_t)lg_dup(cx->arena, s).p;
}

static ProtobufCBinaryData
octets(lg_str s)
{
	return (ProtobufCBinaryData){ s.n, (uint8_t *)(size_t)s.p };
}

/* The blocks of a PEM text one after another, as DER. */
static lg_str
ders(struct lg_ctx *cx, lg_str pem, const char *label)
{
	lg_str all = LG_STR(""), der;

	while (lg_pem_parse(cx->arena, pem, lg_str_of(label), &der, &pem))
		all = lg_cat(cx->arena, all, der);
	return all;
}

/* "spiffe://example.org": under which bundles are filed. */
static lg_str
domain_of(lg_str spiffe_id)
{
	size_t n = sizeof "spiffe://" - 1;

	while (n < spiffe_id.n && spiffe_id.p[n] != '/')
		n++;
	return lg_str_sub(spiffe_id, 0, n);
}

/* ---- bundles by trust domain: its own, and those of others that it sees -------------------------------------------------------- */

struct filed {
	LgPb__Entry entry[1 + LG_SPIFFE_DOMAINS], *list[1 + LG_SPIFFE_DOMAINS];
	size_t n;
};

static void
put(struct lg_ctx *cx, struct filed *f, lg_str id, lg_str bundle)
{
	LgPb__Entry *e = f->list[f->n] = &f->entry[f->n];

	lg_pb__entry__init(e);
	e->key = text(cx, id);
	e->value = octets(bundle);
	f->n++;
}

/* Of each kind those that have keys of that kind. */
static lg_err
put_federated(struct lg_ctx *cx, const struct lg_svid *s, bool tokens, struct filed *f)
{
	struct lg_spiffe_bundle *b = LG_NEWS(cx->arena, struct lg_spiffe_bundle, LG_SPIFFE_DOMAINS);
	size_t n;

	LG_TRY(lg_spiffe_bundles(cx, s, b, &n));
	for (size_t i = 0; i < n; i++)
		if (tokens || b[i].roots.n > 0)
			put(cx, f, b[i].id, tokens ? b[i].token_keys : b[i].roots);
	return LG_OK;
}

lg_err
lg_spiffe_x509(struct lg_ctx *cx, const struct lg_svid *s, struct lg_buf *out)
{
	LgPb__X509SVIDResponse answer = LG_PB__X509_SVIDRESPONSE__INIT;
	LgPb__X509SVID one = LG_PB__X509_SVID__INIT, *all[] = { &one };
	struct filed *f = LG_NEW(cx->arena, struct filed);

	one.spiffe_id = text(cx, s->spiffe_id);
	one.x509_svid = octets(lg_cat(cx->arena, ders(cx, s->certificate, "CERTIFICATE"), ders(cx, s->chain, "CERTIFICATE")));
	one.x509_svid_key = octets(ders(cx, s->key, "PRIVATE KEY"));
	one.bundle = octets(ders(cx, s->roots, "CERTIFICATE"));
	answer.n_svids = 1;
	answer.svids = all;
	LG_TRY(put_federated(cx, s, false, f));
	answer.n_federated_bundles = f->n;
	answer.federated_bundles = f->list;
	return pack(cx, &answer.base, out);
}

lg_err
lg_spiffe_x509_bundles(struct lg_ctx *cx, const struct lg_svid *s, struct lg_buf *out)
{
	LgPb__X509BundlesResponse answer = LG_PB__X509_BUNDLES_RESPONSE__INIT;
	struct filed *f = LG_NEW(cx->arena, struct filed);

	put(cx, f, domain_of(s->spiffe_id), ders(cx, s->roots, "CERTIFICATE"));
	LG_TRY(put_federated(cx, s, false, f));
	answer.n_bundles = f->n;
	answer.bundles = f->list;
	return pack(cx, &answer.base, out);
}

lg_err
lg_spiffe_jwt_bundles(struct lg_ctx *cx, const struct lg_svid *s, struct lg_buf *out)
{
	LgPb__JWTBundlesResponse answer = LG_PB__JWTBUNDLES_RESPONSE__INIT;
	struct filed *f = LG_NEW(cx->arena, struct filed);

	if (s->token_keys.n == 0)
		return lg_fail(cx, LG_E_UNAVAILABLE, "the keys behind tokens are not known yet");
	put(cx, f, domain_of(s->spiffe_id), s->token_keys);
	LG_TRY(put_federated(cx, s, true, f));
	answer.n_bundles = f->n;
	answer.bundles = f->list;
	return pack(cx, &answer.base, out);
}

/* ---- tokens ------------------------------------------------------------------------------------------------------------------ */

lg_err
lg_spiffe_jwt_read(struct lg_ctx *cx, const struct lg_svid *s, lg_str message, lg_str audience[LG_SPIFFE_AUDIENCES], size_t *n)
{
	ProtobufCAllocator a = allocator(cx);
	LgPb__JWTSVIDRequest *rq = lg_pb__jwtsvidrequest__unpack(&a, message.n, (const uint8_t *)message.p);

	if (rq == NULL)
		return lg_fail(cx, LG_E_INVALID, "the message does not decode");
	if (rq->n_audience == 0 || rq->n_audience > LG_SPIFFE_AUDIENCES)
		return lg_fail(cx, LG_E_INVALID, "a token is for one to %d audiences", LG_SPIFFE_AUDIENCES);
	if (rq->spiffe_id[0] != '\0' && !lg_str_eq(lg_str_of(rq->spiffe_id), s->spiffe_id))
		return lg_fail(cx, LG_E_DENIED, "the caller is %.*s", LG_FMT(s->spiffe_id));
	for (*n = 0; *n < rq->n_audience; (*n)++)
		audience[*n] = lg_str_of(rq->audience[*n]);
	return LG_OK;
}

lg_err
lg_spiffe_jwt(struct lg_ctx *cx, const struct lg_svid *s, lg_str token, struct lg_buf *out)
{
	LgPb__JWTSVIDResponse answer = LG_PB__JWTSVIDRESPONSE__INIT;
	LgPb__JWTSVID one = LG_PB__JWTSVID__INIT, *all[] = { &one };

	one.spiffe_id = text(cx, s->spiffe_id);
	one.svid = text(cx, token);
	answer.n_svids = 1;
	answer.svids = all;
	return pack(cx, &answer.base, out);
}

/* ---- somebody's token ------------------------------------------------------------------------------------------------------------ */

static LgPb__Value *value_of(struct lg_ctx *cx, struct lg_json *js, size_t *left);

/* Counts down; a text with more is a fault. */
static bool
take_one(struct lg_json *js, size_t *left)
{
	if (*left == 0) {
		lg_json_fault(js, "too many claims");
		return false;
	}
	(*left)--;
	return true;
}

static LgPb__Struct *
struct_of(struct lg_ctx *cx, struct lg_json *js, size_t *left)
{
	LgPb__Struct *s = LG_NEW(cx->arena, LgPb__Struct);
	LgPb__Member **list = LG_NEWS(cx->arena, LgPb__Member *, *left + 1);
	lg_str name;

	lg_pb__struct__init(s);
	s->fields = list;
	lg_json_object(js);
	while (lg_json_member(js, &name) && take_one(js, left)) {
		LgPb__Member *m = LG_NEW(cx->arena, LgPb__Member);
		lg_pb__member__init(m);
		m->key = text(cx, name);
		m->value = value_of(cx, js, left);
		s->fields[s->n_fields++] = m;
	}
	return s;
}

static LgPb__List *
list_of(struct lg_ctx *cx, struct lg_json *js, size_t *left)
{
	LgPb__List *l = LG_NEW(cx->arena, LgPb__List);

	lg_pb__list__init(l);
	l->values = LG_NEWS(cx->arena, LgPb__Value *, *left + 1);
	lg_json_array(js);
	while (lg_json_item(js) && take_one(js, left))
		l->values[l->n_values++] = value_of(cx, js, left);
	return l;
}

static LgPb__Value *
value_of(struct lg_ctx *cx, struct lg_json *js, size_t *left)
{
	LgPb__Value *v = LG_NEW(cx->arena, LgPb__Value);

	lg_pb__value__init(v);
	switch (lg_json_peek(js)) {
	case LG_JSON_STRING:
		v->kind_case = LG_PB__VALUE__KIND_STRING_VALUE;
		v->string_value = text(cx, lg_json_str(js));
		break;
	case LG_JSON_NUMBER:
		v->kind_case = LG_PB__VALUE__KIND_NUMBER_VALUE;
		v->number_value = lg_json_double(js);
		break;
	case LG_JSON_BOOL:
		v->kind_case = LG_PB__VALUE__KIND_BOOL_VALUE;
		v->bool_value = lg_json_bool(js);
		break;
	case LG_JSON_OBJECT:
		v->kind_case = LG_PB__VALUE__KIND_STRUCT_VALUE;
		v->struct_value = struct_of(cx, js, left);
		break;
	case LG_JSON_ARRAY:
		v->kind_case = LG_PB__VALUE__KIND_LIST_VALUE;
		v->list_value = list_of(cx, js, left);
		break;
	default:
		v->kind_case = LG_PB__VALUE__KIND_NULL_VALUE;
		lg_json_null(js);
	}
	return v;
}

/* Whose keys: those of the domain that the subject names, before anything of it is believed. */
static lg_err
keys_for(struct lg_ctx *cx, const struct lg_svid *s, lg_str domain, struct lg_keyset **ret)
{
	struct lg_spiffe_bundle *b = LG_NEWS(cx->arena, struct lg_spiffe_bundle, LG_SPIFFE_DOMAINS);
	size_t n;

	if (s->token_keys.n == 0)
		return lg_fail(cx, LG_E_UNAVAILABLE, "the keys behind tokens are not known yet");
	if (lg_str_eq(domain, domain_of(s->spiffe_id)))
		return lg_keyset_from_jwks(cx, s->token_keys, ret);
	LG_TRY(lg_spiffe_bundles(cx, s, b, &n));
	for (size_t i = 0; i < n; i++)
		if (lg_str_eq(domain, b[i].id))
			return lg_keyset_from_jwks(cx, b[i].token_keys, ret);
	return lg_fail(cx, LG_E_UNAUTHENTICATED, "the token's subject is of no trust domain that the caller sees");
}

static lg_err
subject_of(struct lg_ctx *cx, lg_str token, lg_str *ret)
{
	lg_str header, rest, body, signature, json;
	struct lg_claims claims;

	if (!lg_str_cut(token, '.', &header, &rest) || !lg_str_cut(rest, '.', &body, &signature) ||
	    !lg_base64url_parse(cx->arena, body, &json) || lg_claims_parse(cx, json, &claims) != LG_OK)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "it is no token");
	*ret = claims.subject;
	return LG_OK;
}

/* JWT-SVID 4: the subject is the SPIFFE ID, aud holds who reads it, exp is in force. */
static lg_err
verify(struct lg_ctx *cx, const struct lg_svid *s, lg_str token, lg_str audience, struct lg_claims *ret)
{
	LG_AUTO(lg_keyset_unref) struct lg_keyset *keys = NULL;
	lg_str subject = LG_NONE;
	struct lg_jws jws;

	LG_TRY(subject_of(cx, token, &subject));
	LG_TRY(keys_for(cx, s, domain_of(subject), &keys));
	LG_TRY(lg_jws_verify(cx, token, keys, "JWT", &jws));
	LG_TRY(lg_claims_parse(cx, jws.payload, ret));
	LG_TRY(lg_claims_check_time(cx, ret));
	if (audience.n == 0 || !lg_claims_for(ret, audience))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the token is for somebody else");
	if (!lg_str_eq(ret->subject, subject))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the token's subject is another one");
	return LG_OK;
}

lg_err
lg_spiffe_validate(struct lg_ctx *cx, const struct lg_svid *s, lg_str message, struct lg_buf *out)
{
	LgPb__ValidateJWTSVIDResponse answer = LG_PB__VALIDATE_JWTSVIDRESPONSE__INIT;
	ProtobufCAllocator a = allocator(cx);
	size_t left = CLAIMS_MAX;
	struct lg_claims claims;
	struct lg_json js;

	LgPb__ValidateJWTSVIDRequest *rq = lg_pb__validate_jwtsvidrequest__unpack(&a, message.n, (const uint8_t *)message.p);
	if (rq == NULL)
		return lg_fail(cx, LG_E_INVALID, "the message does not decode");
	LG_TRY(verify(cx, s, lg_str_of(rq->svid), lg_str_of(rq->audience), &claims));
	lg_json_init(&js, cx->arena, claims.payload);
	answer.spiffe_id = text(cx, claims.subject);
	answer.claims = struct_of(cx, &js, &left);
	LG_TRY(lg_json_end(cx, &js));
	return pack(cx, &answer.base, out);
}

/* answers.c: see answers.h. */
#include "agent/spiffe/answers.h"

#include "base/json.h"
#include "base/text.h"
#include "client/cert.h"
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

lg_str
lg_spiffe_domain(lg_str spiffe_id)
{
	size_t n = sizeof "spiffe://" - 1;

	while (n < spiffe_id.n && spiffe_id.p[n] != '/')
		n++;
	return lg_str_sub(spiffe_id, 0, n);
}

/* ---- certificates and bundles ---------------------------------------------------------------------------------------------- */

lg_err
lg_spiffe_x509(struct lg_ctx *cx, const struct lg_svid *s, struct lg_buf *out)
{
	LgPb__X509SVIDResponse answer = LG_PB__X509_SVIDRESPONSE__INIT;
	LgPb__X509SVID one = LG_PB__X509_SVID__INIT, *all[] = { &one };

	one.spiffe_id = text(cx, s->spiffe_id);
	one.x509_svid = octets(lg_cat(cx->arena, ders(cx, s->certificate, "CERTIFICATE"), ders(cx, s->chain, "CERTIFICATE")));
	one.x509_svid_key = octets(ders(cx, s->key, "PRIVATE KEY"));
	one.bundle = octets(ders(cx, s->roots, "CERTIFICATE"));
	answer.n_svids = 1;
	answer.svids = all;
	return pack(cx, &answer.base, out);
}

static LgPb__Entry
filed(struct lg_ctx *cx, const struct lg_svid *s, lg_str bundle)
{
	LgPb__Entry e = LG_PB__ENTRY__INIT;

	e.key = text(cx, lg_spiffe_domain(s->spiffe_id));
	e.value = octets(bundle);
	return e;
}

lg_err
lg_spiffe_x509_bundles(struct lg_ctx *cx, const struct lg_svid *s, struct lg_buf *out)
{
	LgPb__X509BundlesResponse answer = LG_PB__X509_BUNDLES_RESPONSE__INIT;
	LgPb__Entry one = filed(cx, s, ders(cx, s->roots, "CERTIFICATE")), *all[] = { &one };

	answer.n_bundles = 1;
	answer.bundles = all;
	return pack(cx, &answer.base, out);
}

lg_err
lg_spiffe_jwt_bundles(struct lg_ctx *cx, const struct lg_svid *s, struct lg_buf *out)
{
	LgPb__JWTBundlesResponse answer = LG_PB__JWTBUNDLES_RESPONSE__INIT;
	LgPb__Entry one = filed(cx, s, s->token_keys), *all[] = { &one };

	if (s->token_keys.n == 0)
		return lg_fail(cx, LG_E_UNAVAILABLE, "the keys behind tokens are not known yet");
	answer.n_bundles = 1;
	answer.bundles = all;
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

/* JWT-SVID 4: the subject is the SPIFFE ID, aud holds who reads it, exp is in force. */
static lg_err
verify(struct lg_ctx *cx, const struct lg_svid *s, lg_str token, lg_str audience, struct lg_claims *ret)
{
	LG_AUTO(lg_keyset_unref) struct lg_keyset *keys = NULL;
	struct lg_cert_name name;
	struct lg_jws jws;

	if (s->token_keys.n == 0)
		return lg_fail(cx, LG_E_UNAVAILABLE, "the keys behind tokens are not known yet");
	LG_TRY(lg_keyset_from_jwks(cx, s->token_keys, &keys));
	LG_TRY(lg_jws_verify(cx, token, keys, "JWT", &jws));
	LG_TRY(lg_claims_parse(cx, jws.payload, ret));
	LG_TRY(lg_claims_check_time(cx, ret));
	if (audience.n == 0 || !lg_claims_for(ret, audience))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the token is for somebody else");
	if (!lg_cert_name_parse(ret->subject, &name) || !lg_str_eq(lg_spiffe_domain(ret->subject), lg_spiffe_domain(s->spiffe_id)))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the token's subject is no workload of this trust domain");
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

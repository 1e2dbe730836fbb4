/* upstream.c: see upstream.h. */
#include "agent/upstream.h"

#include "base/json.h"
#include "base/text.h"
#include "client/api.h"

static lg_err
build(struct lg_ctx *cx, struct lg_upstream *up)
{
	const struct lg_identity *id = &up->id;

	LG_TRY(lg_keyset_from_jwks(cx, id->ticket_keys, &up->keys));
	return lg_link_new(cx, &(struct lg_endpoint){ .url = id->mtls, .ca = id->service_root, .key = id->key,
	    .cert = lg_cat(cx->arena, id->certificate, id->chain) }, &up->link);
}

lg_err
lg_upstream_new(struct lg_ctx *cx, const char *state, struct lg_upstream **ret)
{
	struct lg_arena *a = lg_arena_new(), *outer = cx->arena;
	struct lg_upstream *up = LG_NEW(a, struct lg_upstream);
	lg_err e;

	up->arena = a;
	atomic_init(&up->refs, 1);
	cx->arena = a;			/* what is read lives as long as the upstream */
	e = lg_identity_load(cx, state, &up->id);
	if (e == LG_OK)
		e = build(cx, up);
	cx->arena = outer;
	if (e != LG_OK)
		lg_upstream_unref(&up);
	else
		*ret = up;
	return e;
}

struct lg_upstream *
lg_upstream_ref(struct lg_upstream *up)
{
	atomic_fetch_add(&up->refs, 1);
	return up;
}

void
lg_upstream_unref(struct lg_upstream **up)
{
	struct lg_upstream *u = *up;

	*up = NULL;
	if (u == NULL || atomic_fetch_sub(&u->refs, 1) != 1)
		return;
	lg_link_free(&u->link);
	lg_keyset_unref(&u->keys);
	struct lg_arena *a = u->arena;
	lg_arena_free(&a);
}

lg_err
lg_upstream_refresh(struct lg_ctx *cx, struct lg_upstream *up, const char *state, int64_t time, struct lg_upstream **ret)
{
	struct lg_call call = { .method = "GET", .path = LG_STR("/v1/agent/keys"), .time = time };
	LG_AUTO(lg_keyset_unref) struct lg_keyset *keys = NULL;
	struct lg_identity id = up->id;
	struct lg_reply answer;

	LG_TRY(lg_api_call(cx, up->link, &call, &answer));
	id.ticket_keys = lg_api_member(cx, answer.body, "ticket_keys");
	LG_TRY(lg_keyset_from_jwks(cx, id.ticket_keys, &keys));	/* nothing unusable is stored */
	LG_TRY(lg_identity_save(cx, state, &id));
	return lg_upstream_new(cx, state, ret);
}

/* ---- decisions --------------------------------------------------------------------------------------- */

static lg_err
ask(struct lg_ctx *cx, struct lg_upstream *up, lg_str path, lg_str body, int64_t time, struct lg_verdict_of *ret)
{
	struct lg_call call = { .method = "POST", .path = path, .body = body, .time = time };
	struct lg_reply answer;

	LG_TRY(lg_api_call(cx, up->link, &call, &answer));
	lg_str context = lg_api_member(cx, answer.body, "context");
	lg_str admission = lg_api_member(cx, context, "admission");
	*ret = (struct lg_verdict_of){
		.permit = lg_api_is_true(cx, answer.body, "decision"),
		.reason = lg_api_member(cx, context, "reason"),
		.admission = admission.n > 0 ? admission : lg_api_member(cx, context, "id"),
		.ticket = lg_api_member(cx, context, "ticket"),
	};
	return LG_OK;
}

static void
put_some(struct lg_jsonw *w, const char *name, lg_str value)
{
	if (value.n > 0)
		lg_jsonw_str_of(w, name, value);
}

lg_err
lg_upstream_start(struct lg_ctx *cx, struct lg_upstream *up, lg_str container, lg_str workload, const struct lg_oci *oci,
    int64_t time, struct lg_verdict_of *ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(2 * LG_OCI_MAX);
	struct lg_jsonw w = lg_jsonw_of(&b);

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "ticket", oci->ticket);
	lg_jsonw_str_of(&w, "container", container);
	lg_jsonw_str_of(&w, "workload", workload);
	put_some(&w, "project", oci->project);
	lg_jsonw_str_of(&w, "image", oci->image);
	lg_jsonw_str_of(&w, "bundle_sha256", lg_hex(cx->arena, lg_sha256_str(&oci->digest)));
	lg_jsonw_name(&w, LG_STR("container_facts"));
	lg_oci_facts(oci, &b);
	w.comma = true;
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(cx, &b));
	return ask(cx, up, LG_STR("/v1/admissions"), lg_buf_view(&b), time, ret);
}

static void
put_knock(struct lg_ctx *cx, const struct lg_knock *k, struct lg_jsonw *w)
{
	put_some(w, "container", k->container);
	lg_jsonw_name(w, LG_STR("caller"));
	lg_jsonw_object(w);
	if (k->certificate.n > 0)
		lg_jsonw_str_of(w, "certificate", lg_base64(cx->arena, k->certificate));
	else
		lg_jsonw_int_of(w, "uid", k->uid);
	lg_jsonw_object_end(w);
	lg_jsonw_name(w, LG_STR("action"));
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "name", lg_str_of(k->action));
	lg_jsonw_object_end(w);
	lg_jsonw_name(w, LG_STR("resource"));
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "type", lg_str_of(k->type));
	lg_jsonw_str_of(w, "id", k->id);
	lg_jsonw_name(w, LG_STR("properties"));
	lg_jsonw_object(w);
	put_some(w, "project", k->project);
	put_some(w, "image", k->image);
	lg_jsonw_object_end(w);
	lg_jsonw_object_end(w);
}

lg_err
lg_upstream_knock(struct lg_ctx *cx, struct lg_upstream *up, const struct lg_knock *k, int64_t time, struct lg_verdict_of *ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(2 * LG_OCI_MAX);
	struct lg_jsonw w = lg_jsonw_of(&b);

	lg_jsonw_object(&w);
	put_knock(cx, k, &w);
	if (k->facts != NULL) {
		lg_jsonw_name(&w, LG_STR("container_facts"));
		lg_oci_facts(k->facts, &b);
		w.comma = true;
	}
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(cx, &b));
	return ask(cx, up, LG_STR("/v1/doors"), lg_buf_view(&b), time, ret);
}

static lg_str
admission_path(struct lg_ctx *cx, lg_str container, const char *verb)
{
	return lg_api_path(cx, (const lg_str[]){ LG_STR("v1"), LG_STR("admissions"), container, lg_str_of(verb) }, 4);
}

lg_err
lg_upstream_again(struct lg_ctx *cx, struct lg_upstream *up, lg_str container, const char *verb, const struct lg_oci *oci, int64_t time,
    struct lg_verdict_of *ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(2 * LG_OCI_MAX);

	lg_buf_str(&b, LG_STR("{\"container_facts\":"));
	lg_oci_facts(oci, &b);
	lg_buf_byte(&b, '}');
	LG_TRY(lg_buf_status(cx, &b));
	return ask(cx, up, admission_path(cx, container, verb), lg_buf_view(&b), time, ret);
}

lg_err
lg_upstream_stray(struct lg_ctx *cx, struct lg_upstream *up, lg_str container)
{
	struct lg_call call = { .method = "POST", .path = admission_path(cx, container, "stray") };
	struct lg_reply answer;

	return lg_api_call(cx, up->link, &call, &answer);
}

lg_err
lg_upstream_end(struct lg_ctx *cx, struct lg_upstream *up, lg_str container)
{
	struct lg_call call = { .method = "POST", .path = admission_path(cx, container, "end") };
	struct lg_reply answer;

	return lg_api_call(cx, up->link, &call, &answer);
}

lg_err
lg_upstream_whereabouts(struct lg_ctx *cx, struct lg_upstream *up, lg_str body)
{
	struct lg_call call = { .method = "PUT", .path = LG_STR("/v1/whereabouts"), .body = body };
	struct lg_reply answer;

	return lg_api_call(cx, up->link, &call, &answer);
}

lg_err
lg_upstream_tell(struct lg_ctx *cx, struct lg_upstream *up, lg_str body, int64_t time, uint64_t *taken)
{
	struct lg_call call = { .method = "POST", .path = LG_STR("/v1/agent/decisions"), .body = body, .time = time };
	struct lg_reply answer;
	int64_t n;

	LG_TRY(lg_api_call(cx, up->link, &call, &answer));
	if (!lg_int_parse(lg_api_raw(cx, answer.body, "taken"), &n) || n < 0)
		return lg_fail(cx, LG_E_INVALID, "the service does not say what it has taken");
	*taken = (uint64_t)n;
	return LG_OK;
}

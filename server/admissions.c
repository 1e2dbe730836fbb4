/* admissions.c: rows of admissions and of redeemed tickets. */
#include "server/admissions.h"

#include "base/json.h"
#include "server/row_key.h"

/* (tenant, host, container) -> the admission; (tenant, SHA-256 of the jti) -> when the ticket expires. */
const struct lg_table lg_admission_table = { .name = "admission", .id = 0x0603 };
const struct lg_table lg_redeemed_table = { .name = "redeemed", .id = 0x0604 };

lg_err
lg_container_id_check(struct lg_ctx *cx, lg_str id)
{
	bool good = id.n > 0 && id.n <= LG_CONTAINER_ID;

	for (size_t i = 0; good && i < id.n; i++) {
		char c = id.p[i];
		good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
	}
	return good ? LG_OK : lg_fail(cx, LG_E_INVALID, "not a container id: at most %d of A-Z a-z 0-9 . _ -", LG_CONTAINER_ID);
}

static lg_err
decode(struct lg_ctx *cx, lg_str row, struct lg_admission *ret)
{
	struct lg_rd r = lg_rd_of(row);

	ret->id = lg_rd_uuid(&r);
	ret->requester = lg_rd_uuid(&r);
	ret->time = (int64_t)lg_rd_u64(&r);
	ret->ended = (int64_t)lg_rd_u64(&r);
	ret->revision = lg_rd_u64(&r);
	ret->requester_type = lg_rd_str32(&r);
	ret->workload = lg_rd_str32(&r);
	ret->project = lg_rd_str32(&r);
	ret->image = lg_rd_str32(&r);
	ret->bundle = lg_rd_str32(&r);
	ret->by_name = r.p == r.end;
	if (!ret->by_name) {
		ret->entry = lg_rd_uuid(&r);
		ret->parent = lg_rd_uuid(&r);
	}
	return lg_rd_done(&r) ? LG_OK : lg_fail(cx, LG_E_CORRUPT, "an admission does not decode");
}

lg_err
lg_admission_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid host, lg_str container, struct lg_admission *ret)
{
	lg_str row;

	LG_TRY(lg_get(cx, v, &lg_admission_table, lg_row_key(cx->arena, tenant, lg_uuid_octets(&host), container), &row));
	*ret = (struct lg_admission){ .host = host, .container = container };
	return decode(cx, lg_dup(cx->arena, row), ret);
}

lg_err
lg_admissions_each(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid host, lg_admission_each *each, void *arg)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	lg_str prefix = lg_row_key(cx->arena, tenant, lg_uuid_octets(&host), LG_NONE), key, row;

	LG_TRY(lg_scan(cx, v, &lg_admission_table, prefix, LG_NONE, &c));
	while (lg_cursor_next(&c, &key, &row)) {
		struct lg_admission ad = { .host = host, .container = lg_str_sub(key, prefix.n, key.n) };
		LG_TRY(decode(cx, row, &ad));
		if (!each(arg, &ad))
			break;
	}
	return LG_OK;
}

/* The entry's name now. */
static lg_err
name_now(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, lg_str *name)
{
	struct lg_entry e;
	lg_err err = lg_entry_by_uuid(cx, v, tenant, id, &e);

	if (err == LG_E_NOT_FOUND)
		return lg_fail(cx, LG_E_DENIED, "the container was admitted for %.*s, which does not exist any more", LG_FMT(*name));
	LG_TRY(err);
	*name = lg_dup(cx->arena, e.name);
	return LG_OK;
}

lg_err
lg_admission_names(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct lg_admission *ad)
{
	struct lg_entry e;

	if (!lg_uuid_is_nil(ad->entry))
		return name_now(cx, v, tenant, ad->entry, &ad->workload);
	if (!lg_uuid_is_nil(ad->parent))
		LG_TRY(name_now(cx, v, tenant, ad->parent, &ad->project));
	lg_err err = lg_entry_by_name(cx, v, tenant, LG_TYPE_WORKLOAD, ad->workload, &e);
	if (err == LG_OK && ad->by_name) {
		ad->entry = e.uuid;
		return LG_OK;
	}
	if (err == LG_OK)
		return lg_fail(cx, LG_E_DENIED, "workload %.*s has an entry since, and the container was not admitted for it", LG_FMT(ad->workload));
	return err == LG_E_NOT_FOUND ? LG_OK : err;
}

lg_str
lg_admission_nobody(struct lg_arena *a, const struct lg_admission *ad)
{
	char *text = lg_alloc(a, LG_UUID_TEXT + 1);

	lg_uuid_text(ad->entry, text);
	return (lg_str){ text, LG_UUID_TEXT };
}

lg_err
lg_admission_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_admission *ad)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(16384);

	lg_buf_uuid(&b, ad->id);
	lg_buf_uuid(&b, ad->requester);
	lg_buf_u64(&b, (uint64_t)ad->time);
	lg_buf_u64(&b, (uint64_t)ad->ended);
	lg_buf_u64(&b, ad->revision);
	lg_buf_str32(&b, ad->requester_type);
	lg_buf_str32(&b, ad->workload);
	lg_buf_str32(&b, ad->project);
	lg_buf_str32(&b, ad->image);
	lg_buf_str32(&b, ad->bundle);
	if (!ad->by_name) {
		lg_buf_uuid(&b, ad->entry);
		lg_buf_uuid(&b, ad->parent);
	}
	LG_TRY(lg_buf_status(cx, &b));
	return lg_put(cx, v, &lg_admission_table, lg_row_key(cx->arena, tenant, lg_uuid_octets(&ad->host), ad->container), lg_buf_view(&b));
}

lg_err
lg_ticket_redeem(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_ticket *t)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(8);
	lg_sha256 jti = lg_sha256_of(t->claims.jti);
	lg_str key = lg_row_key(cx->arena, tenant, lg_sha256_str(&jti), LG_NONE);

	if (lg_exists(cx, v, &lg_redeemed_table, key))
		return lg_fail(cx, LG_E_DENIED, "the ticket has been used before");
	lg_buf_u64(&b, (uint64_t)t->claims.expires);
	return lg_put(cx, v, &lg_redeemed_table, key, lg_buf_view(&b));
}

/* ---- what is asked of it ---------------------------------------------------------------------------------------- */

/* What the record and the answer say is read after the change that this is decided in. */
static void
keep_names(struct lg_ctx *cx, struct lg_question *q)
{
	struct lg_entity_id *const named[] = { &q->resource, &q->parent };

	for (size_t i = 0; i < LG_COUNT(named); i++) {
		named[i]->type = lg_dup(cx->arena, named[i]->type);
		named[i]->name = lg_dup(cx->arena, named[i]->name);
	}
}

lg_err
lg_admission_question(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_evaluation *asked, lg_uuid requester,
    const char *action, struct lg_access *ac)
{
	struct lg_entry subject;

	LG_TRY(lg_access_resource(cx, v, tenant, asked, ac));
	keep_names(cx, &ac->question);
	lg_err e = lg_entry_by_uuid(cx, v, tenant, requester, &subject);
	if (e == LG_E_NOT_FOUND)
		return lg_fail(cx, LG_E_DENIED, "whoever asked for the container does not exist any more");
	LG_TRY(e);
	ac->question.principal = lg_entry_entity(&subject);
	ac->question.principal.name = lg_dup(cx->arena, subject.name);
	ac->question.action = action;
	return LG_OK;
}

/* ---- expiry --------------------------------------------------------------------------------------------------- */

#define SWEEP_MAX 1000

struct expired {
	uint32_t tenant;
	size_t n;
};

static lg_err
sweep_tenant(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	struct expired *ex = arg;
	lg_str key, row, *old = LG_NEWS(cx->arena, lg_str, SWEEP_MAX);

	/* A ticket is refused by its own time first; a minute of tolerance later nobody needs the row. */
	int64_t before = cx->now - 5 * INT64_C(60000000);
	ex->n = 0;
	LG_TRY(lg_scan(cx, v, &lg_redeemed_table, lg_row_key(cx->arena, ex->tenant, LG_NONE, LG_NONE), LG_NONE, &c));
	while (ex->n < SWEEP_MAX && lg_cursor_next(&c, &key, &row)) {
		struct lg_rd r = lg_rd_of(row);
		if ((int64_t)lg_rd_u64(&r) < before)
			old[ex->n++] = lg_dup(cx->arena, key);
	}
	for (size_t i = 0; i < ex->n; i++)
		LG_TRY(lg_del(cx, v, &lg_redeemed_table, old[i]));
	return LG_OK;
}

lg_err
lg_redeemed_sweep(struct lg_ctx *cx, struct lg_app *app, uint32_t tenant, bool *more)
{
	struct expired ex = { tenant, 0 };

	LG_TRY(lg_store_apply(cx, app->store, ex.tenant, "ticket.expire", sweep_tenant, &ex, NULL));
	*more = ex.n == SWEEP_MAX;
	return LG_OK;
}

/* ---- what the agent computed from config.json --------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum lg_fact_type type;
} container_members[] = {
	{ "privileged", LG_FACT_BOOL }, { "host_network", LG_FACT_BOOL }, { "host_pid", LG_FACT_BOOL }, { "host_ipc", LG_FACT_BOOL },
	{ "shared_namespace", LG_FACT_BOOL }, { "user", LG_FACT_STR }, { "capabilities", LG_FACT_SET }, { "devices", LG_FACT_SET },
	{ "mounts", LG_FACT_SET }, { "sensitive_mount", LG_FACT_BOOL }, { "args", LG_FACT_SET },
	{ "hooks", LG_FACT_SET },
	{ "networks", LG_FACT_SET },		/* may be absent: the last one */
};

static void
read_set(struct lg_json *js, struct lg_fact *f)
{
	lg_str *v = LG_NEWS(js->arena, lg_str, LG_FACT_LIST);

	lg_json_array(js);
	while (lg_json_item(js)) {
		if (f->n == LG_FACT_LIST) {
			lg_json_fault(js, "too many items");
			return;
		}
		v[f->n++] = lg_json_str(js);
	}
	f->set = v;
}

static void
read_member(struct lg_json *js, lg_str name, struct lg_fact *facts)
{
	for (size_t i = 0; i < LG_COUNT(container_members); i++) {
		struct lg_fact *f = &facts[i];
		if (!lg_str_eq(name, lg_str_of(container_members[i].name)))
			continue;
		f->name = container_members[i].name;
		f->type = container_members[i].type;
		if (f->type == LG_FACT_BOOL)
			f->i = lg_json_bool(js);
		else if (f->type == LG_FACT_STR)
			f->s = lg_json_str(js);
		else
			read_set(js, f);
		return;
	}
	lg_json_fault(js, "unknown member of container_facts");
}

lg_err
lg_container_facts(struct lg_ctx *cx, lg_str json, struct lg_fact *ret)
{
	const size_t always = LG_COUNT(container_members) - 1;
	struct lg_fact *facts = LG_NEWS(cx->arena, struct lg_fact, LG_COUNT(container_members));
	struct lg_json js;
	lg_str name;

	lg_json_init(&js, cx->arena, json);
	lg_json_object(&js);
	while (lg_json_member(&js, &name))
		read_member(&js, name, facts);
	LG_TRY(lg_json_end(cx, &js));
	for (size_t i = 0; i < always; i++)
		if (facts[i].name == NULL)
			return lg_fail(cx, LG_E_INVALID, "container_facts lacks \"%s\"", container_members[i].name);
	*ret = (struct lg_fact){ .name = "container", .type = LG_FACT_RECORD, .record = facts,
		.n = facts[always].name == NULL ? always : always + 1 };
	return LG_OK;
}

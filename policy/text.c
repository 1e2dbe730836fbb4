/* text.c: entity names and values as Cedar text, and names back. */
#include "policy/lex.h"
#include "policy/value.h"

#define VALUE_TEXT_MAX	4096		/* of one printed value; for messages and explanations */
#define VALUE_TEXT_LIST	20		/* elements of a set or record shown */

lg_str
lg_euid_text(struct lg_arena *a, const struct lg_euid *u)
{
	struct lg_buf out = LG_BUF(LG_POLICY_SOURCE_MAX);
	lg_str s;

	lg_buf_str(&out, u->type);
	lg_buf_str(&out, LG_STR("::"));
	lg_escape(&out, u->id, false);
	s = lg_dup(a, lg_buf_view(&out));
	lg_buf_free(&out);
	return s;
}

lg_err
lg_euid_parse(struct lg_ctx *cx, lg_str text, struct lg_euid *ret)
{
	struct lg_policy_faults faults = { 0 };
	struct lg_lex lx;
	lg_str type, id, raw;
	const char *why;
	size_t where;

	lg_lex_init(&lx, cx, LG_STR("entity"), text, &faults);
	if (!lg_lex_path(&lx, cx->arena, &type) || !lg_lex_expect(&lx, T_PATH))
		return lg_fault_status(cx, &faults);
	raw = lg_lex_text(&lx, &lx.tok);
	if (!lg_lex_expect(&lx, T_STRING) || (lx.tok.type != T_END && !lg_lex_expect(&lx, T_END)))
		return lg_fault_status(cx, &faults);
	why = lg_unescape(cx->arena, lg_str_sub(raw, 1, raw.n - 2), false, &id, &where);
	if (why != NULL)
		return lg_fail(cx, LG_E_INVALID, "entity id: %s", why);
	*ret = lg_euid_of(type, id);
	return LG_OK;
}

static void
value_put(struct lg_arena *a, struct lg_buf *out, const struct lg_value *v);

static void
set_put(struct lg_arena *a, struct lg_buf *out, const struct lg_set *s)
{
	lg_buf_byte(out, '[');
	for (uint32_t i = 0; i < s->n; i++) {
		if (i > 0)
			lg_buf_str(out, LG_STR(", "));
		if (i == VALUE_TEXT_LIST) {
			lg_buf_printf(out, "... %u more", s->n - i);
			break;
		}
		value_put(a, out, &s->v[i]);
	}
	lg_buf_byte(out, ']');
}

static void
record_put(struct lg_arena *a, struct lg_buf *out, const struct lg_record *r)
{
	lg_buf_byte(out, '{');
	for (uint32_t i = 0; i < r->n; i++) {
		if (i > 0)
			lg_buf_str(out, LG_STR(", "));
		if (i == VALUE_TEXT_LIST) {
			lg_buf_printf(out, "... %u more", r->n - i);
			break;
		}
		lg_escape(out, r->v[i].name.text, false);
		lg_buf_str(out, LG_STR(": "));
		value_put(a, out, &r->v[i].value);
	}
	lg_buf_byte(out, '}');
}

static void
value_put(struct lg_arena *a, struct lg_buf *out, const struct lg_value *v)
{
	switch (v->kind) {
	case LG_V_BOOL: lg_buf_str(out, v->u.b ? LG_STR("true") : LG_STR("false")); break;
	case LG_V_LONG: lg_buf_printf(out, "%lld", (long long)v->u.i); break;
	case LG_V_STRING: lg_escape(out, v->u.s, false); break;
	case LG_V_ENTITY: lg_buf_str(out, lg_euid_text(a, v->u.e.uid)); break;
	case LG_V_SET: set_put(a, out, v->u.set); break;
	case LG_V_RECORD: record_put(a, out, v->u.record); break;
	case LG_V_IP: lg_buf_printf(out, "ip(\"%.*s\")", LG_FMT(lg_ip_text(a, v->u.ip))); break;
	case LG_V_DECIMAL: lg_buf_printf(out, "decimal(\"%.*s\")", LG_FMT(lg_decimal_text(a, v->u.i))); break;
	case LG_V_DATETIME: lg_buf_printf(out, "datetime(\"%.*s\")", LG_FMT(lg_datetime_text(a, v->u.i))); break;
	case LG_V_DURATION: lg_buf_printf(out, "duration(\"%.*s\")", LG_FMT(lg_duration_text(a, v->u.i))); break;
	}
}

lg_str
lg_value_text(struct lg_arena *a, const struct lg_value *v)
{
	struct lg_buf out = LG_BUF(VALUE_TEXT_MAX);
	lg_str s;

	value_put(a, &out, v);
	s = out.full ? lg_cat(a, lg_buf_view(&out), LG_STR("...")) : lg_dup(a, lg_buf_view(&out));
	lg_buf_free(&out);
	return s;
}

lg_err
lg_value_extension(struct lg_ctx *cx, enum lg_kind kind, lg_str text, struct lg_value *ret)
{
	struct lg_value v = { kind, { .i = 0 } };
	struct lg_ip ip, *kept;
	bool ok;

	switch (kind) {
	case LG_V_IP:
		ok = lg_ip_parse(text, &ip);
		kept = LG_NEW(cx->arena, struct lg_ip);
		if (ok)
			*kept = ip;
		v.u.ip = kept;
		break;
	case LG_V_DECIMAL: ok = lg_decimal_parse(text, &v.u.i); break;
	case LG_V_DATETIME: ok = lg_datetime_parse(text, &v.u.i); break;
	case LG_V_DURATION: ok = lg_duration_parse(text, &v.u.i); break;
	default: return lg_fail(cx, LG_E_INTERNAL, "%s is no extension type", lg_kind_name(kind));
	}
	if (!ok)
		return lg_fail(cx, LG_E_INVALID, "`%.*s` is not a valid %s", LG_FMT(lg_str_sub(text, 0, 80)),
		    lg_kind_name(kind));
	*ret = v;
	return LG_OK;
}

/* fault.c: lists of what is wrong with a source, with places. */
#include "policy/lex.h"

#include <stdarg.h>

void
lg_place_move(struct lg_place *p, lg_str text, uint32_t at)
{
	const char *end = text.p + (at < text.n ? at : text.n), *line, *next;

	if (at < p->at)
		*p = (struct lg_place){ 0, 1, 1 };
	line = text.p + p->at;
	while (line < end && (next = memchr(line, '\n', (size_t)(end - line))) != NULL) {
		p->line++;
		p->column = 1;
		line = next + 1;
	}
	for (; line < end; line++)
		p->column += ((unsigned char)*line & 0xc0) != 0x80;	/* characters, not bytes */
	p->at = (uint32_t)(end - text.p);
}

void
lg_fault_place(lg_str text, uint32_t at, unsigned *line, unsigned *column)
{
	struct lg_place p = { 0, 1, 1 };

	lg_place_move(&p, text, at);
	*line = p.line;
	*column = p.column;
}

void
lg_fault_add(struct lg_ctx *cx, struct lg_policy_faults *f, struct lg_policy_fault fault)
{
	if (fault.warning)
		f->warnings++;
	else
		f->errors++;
	if (f->n >= LG_POLICY_ERRORS_MAX)
		return;
	if (f->v == NULL)
		f->v = LG_NEWS(cx->arena, struct lg_policy_fault, LG_POLICY_ERRORS_MAX);
	/* The names may lie in a set that is thrown away for this very fault. */
	fault.source = lg_dup(cx->arena, fault.source);
	fault.policy = lg_dup(cx->arena, fault.policy);
	f->v[f->n++] = fault;
}

void
lg_lex_fault(struct lg_lex *lx, uint32_t at, const char *fmt, ...)
{
	struct lg_policy_fault f = { .source = lx->source, .policy = lx->policy };
	va_list ap;

	if (lx->faults->n == LG_POLICY_ERRORS_MAX) {	/* neither told nor placed: there may be millions */
		lx->faults->errors++;
		return;
	}
	va_start(ap, fmt);
	f.message = lg_vprint(lx->cx->arena, fmt, ap);
	va_end(ap);
	lg_fault_place(lx->text, at, &f.line, &f.column);
	lg_fault_add(lx->cx, lx->faults, f);
}

static lg_str
fault_text(struct lg_arena *a, const struct lg_policy_fault *f)
{
	const char *kind = f->warning ? "warning" : "error";
	lg_str place = LG_STR("");

	if (f->line != 0)
		place = lg_print(
		    a, "%.*s:%u:%u: ", LG_FMT(f->source.n == 0 ? LG_STR("policy") : f->source), f->line, f->column);
	if (f->policy.n != 0)
		return lg_print(a, "%.*s%s: %.*s: %.*s", LG_FMT(place), kind, LG_FMT(f->policy), LG_FMT(f->message));
	return lg_print(a, "%.*s%s: %.*s", LG_FMT(place), kind, LG_FMT(f->message));
}

lg_str
lg_policy_faults_text(struct lg_arena *a, const struct lg_policy_faults *f)
{
	struct lg_buf out = LG_BUF(1u << 20);
	lg_str s;

	for (size_t i = 0; i < f->n; i++) {
		lg_buf_str(&out, fault_text(a, &f->v[i]));
		lg_buf_byte(&out, '\n');
	}
	if (f->errors + f->warnings > f->n)
		lg_buf_printf(&out, "and %zu more\n", f->errors + f->warnings - f->n);
	s = lg_dup(a, lg_buf_view(&out));
	lg_buf_free(&out);
	return s;
}

lg_err
lg_fault_status(struct lg_ctx *cx, const struct lg_policy_faults *f)
{
	if (f->errors == 0)
		return LG_OK;
	for (size_t i = 0; i < f->n; i++)
		if (!f->v[i].warning)
			return lg_fail(cx, LG_E_INVALID, "%.*s", LG_FMT(fault_text(cx->arena, &f->v[i])));
	return lg_fail(cx, LG_E_INVALID, "%zu errors", f->errors);
}

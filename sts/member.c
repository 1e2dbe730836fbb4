#include "sts/member.h"

const struct sts_member *
sts_member_find(const struct sts_member *members, size_t n, lg_str name)
{
	for (size_t i = 0; i < n; i++)
		if (lg_str_eq(members[i].name, name))
			return &members[i];
	return NULL;
}

static void
read_text(struct lg_json *js, const struct sts_member *m, lg_str *to)
{
	*to = m->type == STS_MEMBER_STR ? lg_json_str(js) : lg_json_raw(js);
	if (to->n > m->max)
		lg_json_fault(js, "a value that is too long");
}

static void
read_number(struct lg_json *js, const struct sts_member *m, int64_t *to)
{
	*to = lg_json_int(js);
	if (*to < 1 || *to > (int64_t)m->max)
		lg_json_fault(js, "a number out of its range");
}

void
sts_member_read(struct lg_json *js, const struct sts_member *m, void *to)
{
	void *at = (char *)to + m->at;

	if (m->type == STS_MEMBER_BOOL)
		*(bool *)at = lg_json_bool(js);
	else if (m->type == STS_MEMBER_INT)
		read_number(js, m, at);
	else
		read_text(js, m, at);
}

void
sts_member_write(struct lg_jsonw *w, const struct sts_member *m, const void *from)
{
	const void *at = (const char *)from + m->at;

	if (m->type != STS_MEMBER_BOOL && m->type != STS_MEMBER_INT && ((const lg_str *)at)->n == 0)
		return;
	lg_jsonw_name(w, m->name);
	if (m->type == STS_MEMBER_BOOL)
		lg_jsonw_bool(w, *(const bool *)at);
	else if (m->type == STS_MEMBER_INT)
		lg_jsonw_int(w, *(const int64_t *)at);
	else if (m->type == STS_MEMBER_RAW)
		lg_jsonw_raw(w, *(const lg_str *)at);
	else
		lg_jsonw_str(w, *(const lg_str *)at);
}

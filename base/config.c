/* config.c: settings by table: defaults, the YAML file, the command line. */
#include "base/config.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/yaml.h"

struct value {
	bool set;
	bool b;
	int64_t i;
	lg_str s;
	struct lg_config_list list;
};

/* ---- one value from its text ------------------------------------------------------------------ */

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit sizes[] = {
	{ "", 1 },
	{ "B", 1 },
	{ "KiB", INT64_C(1) << 10 },
	{ "MiB", INT64_C(1) << 20 },
	{ "GiB", INT64_C(1) << 30 },
	{ "TiB", INT64_C(1) << 40 },
	{ NULL, 0 },
};

static const struct unit times[] = {
	{ "us", 1 },
	{ "ms", 1000 },
	{ "s", LG_SECOND },
	{ "m", LG_MINUTE },
	{ "h", LG_HOUR },
	{ "d", LG_DAY },
	{ NULL, 0 },
};

static const struct unit none[] = {
	{ "", 1 },
	{ NULL, 0 },
};

static const struct {
	const char *word;
	bool v;
} words[] = {
	{ "true", true }, { "yes", true }, { "on", true },
	{ "false", false }, { "no", false }, { "off", false },
};

static bool
with_unit(lg_str text, const struct unit *units, int64_t *ret)
{
	size_t n = 0;
	int64_t v;

	while (n < text.n && ((text.p[n] >= '0' && text.p[n] <= '9') || (n == 0 && text.p[n] == '-')))
		n++;
	if (!lg_int_parse(lg_str_sub(text, 0, n), &v))
		return false;
	lg_str name = lg_str_trim(lg_str_sub(text, n, text.n));
	for (const struct unit *u = units; u->name != NULL; u++)
		if (lg_str_eq(name, lg_str_of(u->name)))
			return !__builtin_mul_overflow(v, u->factor, ret);
	*ret = 0;
	return v == 0 && name.n == 0;		/* zero needs no unit */
}

static bool
to_bool(lg_str text, bool *ret)
{
	for (size_t i = 0; i < LG_COUNT(words); i++) {
		if (lg_str_eq(text, lg_str_of(words[i].word))) {
			*ret = words[i].v;
			return true;
		}
	}
	return false;
}

static struct lg_config_list
to_list(struct lg_ctx *cx, lg_str text)
{
	struct lg_config_list list = { NULL, 0 };
	size_t commas = 0;
	lg_str item;

	for (size_t i = 0; i < text.n; i++)
		commas += text.p[i] == ',';
	list.v = LG_NEWS(cx->arena, lg_str, commas + 1);
	for (lg_str rest = text; rest.n > 0;) {
		lg_str_cut(rest, ',', &item, &rest);
		list.v[list.n++] = lg_dup(cx->arena, lg_str_trim(item));
	}
	return list;
}

static lg_err
to_number(struct lg_ctx *cx, const struct lg_config_key *k, lg_str text, int64_t *ret)
{
	static const struct {
		const struct unit *units;
		const char *what;
	} kinds[] = {
		[LG_CONFIG_INT] = { none, "an integer" },
		[LG_CONFIG_SIZE] = { sizes, "a size such as \"64 MiB\"" },
		[LG_CONFIG_TIME] = { times, "a time such as \"90s\" or \"24h\"" },
	};
	int64_t v;

	if (!with_unit(text, kinds[k->type].units, &v))
		return lg_fail(cx, LG_E_INVALID, "%s: \"%.*s\" is not %s", k->name,
		    (int)lg_str_sub(text, 0, 40).n, text.p, kinds[k->type].what);
	if ((k->min != 0 || k->max != 0) && (v < k->min || v > k->max))
		return lg_fail(cx, LG_E_INVALID, "%s: \"%.*s\" is out of range (%lld to %lld%s)", k->name,
		    (int)lg_str_sub(text, 0, 40).n, text.p, (long long)k->min, (long long)k->max,
		    k->type == LG_CONFIG_TIME ? " us" : k->type == LG_CONFIG_SIZE ? " bytes" : "");
	*ret = v;
	return LG_OK;
}

static lg_err
to_value(struct lg_ctx *cx, const struct lg_config_key *k, lg_str text, struct value *ret)
{
	struct value v = { .set = true };

	switch (k->type) {
	case LG_CONFIG_STR:
		v.s = lg_dup(cx->arena, text);
		break;
	case LG_CONFIG_LIST:
		v.list = to_list(cx, text);
		break;
	case LG_CONFIG_BOOL:
		if (!to_bool(text, &v.b))
			return lg_fail(cx, LG_E_INVALID, "%s: \"%.*s\" is neither true nor false", k->name,
			    (int)lg_str_sub(text, 0, 40).n, text.p);
		break;
	case LG_CONFIG_INT:
	case LG_CONFIG_SIZE:
	case LG_CONFIG_TIME:
		LG_TRY(to_number(cx, k, text, &v.i));
		break;
	}
	*ret = v;
	return LG_OK;
}

static void
store(const struct lg_config_key *k, const struct value *v, void *target)
{
	char *at = (char *)target + k->offset;

	switch (k->type) {
	case LG_CONFIG_STR:
		memcpy(at, &v->s, sizeof v->s);
		break;
	case LG_CONFIG_LIST:
		memcpy(at, &v->list, sizeof v->list);
		break;
	case LG_CONFIG_BOOL:
		memcpy(at, &v->b, sizeof v->b);
		break;
	case LG_CONFIG_INT:
	case LG_CONFIG_SIZE:
	case LG_CONFIG_TIME:
		memcpy(at, &v->i, sizeof v->i);
		break;
	}
}

/* ---- defaults and the command line ------------------------------------------------------------ */

lg_err
lg_config_defaults(struct lg_ctx *cx, const struct lg_config_key *keys, size_t n, void *target)
{
	for (size_t i = 0; i < n; i++) {
		struct value v = { .set = true };
		if (keys[i].fallback != NULL)
			LG_TRY(to_value(cx, &keys[i], lg_str_of(keys[i].fallback), &v));
		store(&keys[i], &v, target);
	}
	return LG_OK;
}

/* n if there is none of that name */
static size_t
find(const struct lg_config_key *keys, size_t n, lg_str name)
{
	size_t i = 0;

	while (i < n && !lg_str_eq(lg_str_of(keys[i].name), name))
		i++;
	return i;
}

lg_err
lg_config_set(struct lg_ctx *cx, const struct lg_config_key *keys, size_t n, lg_str name, lg_str value,
    void *target)
{
	struct value v;
	bool flag = lg_str_starts(name, LG_STR("--"));
	bool given = value.n > 0;

	if (flag)
		name = lg_str_sub(name, 2, name.n);
	if (flag && !given)
		given = lg_str_cut(name, '=', &name, &value);
	size_t i = find(keys, n, name);
	if (i == n)
		return lg_fail(cx, LG_E_INVALID, "unknown setting \"%.*s\"", (int)lg_str_sub(name, 0, 100).n,
		    name.p);
	if (flag && !given && keys[i].type == LG_CONFIG_BOOL)
		value = LG_STR("true");
	LG_TRY(to_value(cx, &keys[i], value, &v));
	store(&keys[i], &v, target);
	return LG_OK;
}

/* ---- the file --------------------------------------------------------------------------------- */

struct reader {
	struct lg_ctx *cx;
	const struct lg_config_key *keys;
	size_t n;
	struct value *value;		/* one for each key */
	char faults[LG_ERROR_TEXT];	/* whole lines only */
	size_t used;
	bool faulty;
};

/* Takes the sentence in cx as one fault of this line. */
static void
note_fault(struct reader *r, const struct lg_yaml *y)
{
	char line[LG_ERROR_TEXT + 32];
	int n = snprintf(line, sizeof line, "%sline %u: %s", r->faulty ? "\n" : "", y->line, r->cx->error);

	r->faulty = true;
	if (r->used + (size_t)n >= sizeof r->faults)
		return;
	memcpy(r->faults + r->used, line, (size_t)n + 1);
	r->used += (size_t)n;
}

static lg_err
yaml_list(struct lg_ctx *cx, const struct lg_config_key *k, const struct lg_yaml *y, struct value *ret)
{
	size_t n = 0;

	for (const struct lg_yaml *c = y->first; c != NULL; c = c->next, n++)
		if (c->type != LG_YAML_SCALAR)
			return lg_fail(cx, LG_E_INVALID, "%s: a list of plain values is wanted", k->name);
	*ret = (struct value){ .set = true, .list = { LG_NEWS(cx->arena, lg_str, n + 1), 0 } };
	for (const struct lg_yaml *c = y->first; c != NULL; c = c->next)
		ret->list.v[ret->list.n++] = c->text;
	return LG_OK;
}

static lg_err
yaml_value(struct reader *r, size_t i, const struct lg_yaml *y)
{
	const struct lg_config_key *k = &r->keys[i];

	if (r->value[i].set)		/* once nested, once with dots */
		return lg_fail(r->cx, LG_E_INVALID, "%s appears twice", k->name);
	if (k->type == LG_CONFIG_LIST && y->type == LG_YAML_LIST)
		return yaml_list(r->cx, k, y, &r->value[i]);
	if (y->type != LG_YAML_SCALAR)
		return lg_fail(r->cx, LG_E_INVALID, "%s: a single value is wanted", k->name);
	return to_value(r->cx, k, y->text, &r->value[i]);
}

/* Whether some key lies below this path. */
static bool
is_section(const struct reader *r, lg_str path)
{
	for (size_t i = 0; i < r->n; i++) {
		lg_str name = lg_str_of(r->keys[i].name);
		if (name.n > path.n && name.p[path.n] == '.' && lg_str_starts(name, path))
			return true;
	}
	return false;
}

/* Depth is bounded by LG_YAML_DEPTH, and by the dots of the longest key. */
static void
read_section(struct reader *r, lg_str prefix, const struct lg_yaml *map)
{
	for (const struct lg_yaml *y = map->first; y != NULL; y = y->next) {
		lg_str path = prefix.n == 0 ? y->key :
		    lg_print(r->cx->arena, "%.*s.%.*s", LG_FMT(prefix), LG_FMT(y->key));
		size_t i = find(r->keys, r->n, path);
		if (i < r->n) {
			if (yaml_value(r, i, y) != LG_OK)
				note_fault(r, y);
		} else if (!is_section(r, path)) {
			lg_fail(r->cx, LG_E_INVALID, "unknown setting \"%.*s\"",
			    (int)lg_str_sub(path, 0, 100).n, path.p);
			note_fault(r, y);
		} else if (y->type == LG_YAML_MAP) {
			read_section(r, path, y);
		} else if (y->type == LG_YAML_LIST || y->text.n > 0) {
			lg_fail(r->cx, LG_E_INVALID, "%.*s: a section is wanted", LG_FMT(path));
			note_fault(r, y);
		}
	}
}

lg_err
lg_config_file(struct lg_ctx *cx, const struct lg_config_key *keys, size_t n, lg_str text, void *target)
{
	struct reader r = { .cx = cx, .keys = keys, .n = n, .value = LG_NEWS(cx->arena, struct value, n + 1) };
	struct lg_yaml *root;

	LG_TRY(lg_yaml_parse(cx, text, &root));
	if (root->type == LG_YAML_MAP)
		read_section(&r, LG_STR(""), root);
	else if (root->type == LG_YAML_LIST || root->text.n > 0)
		return lg_fail(cx, LG_E_INVALID, "line %u: settings are wanted, as \"name: value\"", root->line);
	if (r.faulty)
		return lg_fail(cx, LG_E_INVALID, "%s", r.faults);
	for (size_t i = 0; i < n; i++)
		if (r.value[i].set)
			store(&keys[i], &r.value[i], target);
	return LG_OK;
}

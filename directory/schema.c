/* schema.c: looking rows of the schema up by name, OID and id; what follows from a class's chain, computed once. */
#include "directory/schema.h"

#include <assert.h>
#include <pthread.h>

enum { SLOTS = 1024 };			/* more than twice the names there are; asserted when filled */

struct slot {
	lg_str name;
	const void *row;
};

static struct slot attr_slots[SLOTS], class_slots[SLOTS];
static const struct lg_attr *attr_by_id[LG_ATTR_IDS];
static struct lg_attr_set supertypes;
static struct {
	const struct lg_class *sup;
	struct lg_attr_set must, may;
} class_facts[LG_CLASS_IDS];
static pthread_once_t built = PTHREAD_ONCE_INIT;

bool
lg_word_next(const char **list, lg_str *word)
{
	const char *p = *list;

	while (*p == ' ')
		p++;
	*word = (lg_str){ p, strcspn(p, " ") };
	*list = p + word->n;
	return word->n > 0;
}

static size_t
hash_fold(lg_str name)
{
	uint32_t h = 2166136261u;	/* FNV-1a; the names are ours, so nobody can aim at a slot */

	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];
		h = (h ^ (c >= 'A' && c <= 'Z' ? c | 0x20u : c)) * 16777619u;
	}
	return h % SLOTS;
}

static const void *
slot_find(const struct slot *slots, lg_str name)
{
	for (size_t i = hash_fold(name); slots[i].row != NULL; i = (i + 1) % SLOTS)
		if (lg_str_eq_fold(slots[i].name, name))
			return slots[i].row;
	return NULL;
}

static void
slot_put(struct slot *slots, lg_str name, const void *row)
{
	size_t i = hash_fold(name);

	assert(slot_find(slots, name) == NULL);
	while (slots[i].row != NULL)
		i = (i + 1) % SLOTS;
	slots[i] = (struct slot){ name, row };
}

static void
put_names(struct slot *slots, const char *oid, const char *names, const void *row)
{
	lg_str word;

	slot_put(slots, lg_str_of(oid), row);
	while (lg_word_next(&names, &word))
		slot_put(slots, word, row);
}

static void
add_attrs(struct lg_attr_set *set, const char *names)
{
	lg_str word;

	while (lg_word_next(&names, &word)) {
		const struct lg_attr *at = slot_find(attr_slots, word);
		assert(at != NULL);
		lg_attr_put(set, at->id);
	}
}

static void
build_class(size_t i)
{
	const struct lg_class *c = &lg_classes[i];

	class_facts[i].sup = c->sup == NULL ? NULL : slot_find(class_slots, lg_str_of(c->sup));
	for (; c != NULL; c = c->sup == NULL ? NULL : slot_find(class_slots, lg_str_of(c->sup))) {
		add_attrs(&class_facts[i].must, c->must);
		add_attrs(&class_facts[i].may, c->may);
	}
	for (size_t k = 0; k < LG_COUNT(class_facts[i].may.bits); k++)
		class_facts[i].may.bits[k] |= class_facts[i].must.bits[k];
}

static void
build(void)
{
	assert(lg_nclasses <= LG_CLASS_IDS);
	for (size_t i = 0; i < lg_nattrs; i++) {
		assert(lg_attrs[i].id < LG_ATTR_IDS && attr_by_id[lg_attrs[i].id] == NULL);
		attr_by_id[lg_attrs[i].id] = &lg_attrs[i];
		if (lg_attrs[i].sup != 0)
			lg_attr_put(&supertypes, lg_attrs[i].sup);
		put_names(attr_slots, lg_attrs[i].oid, lg_attrs[i].names, &lg_attrs[i]);
	}
	for (size_t i = 0; i < lg_nclasses; i++)
		put_names(class_slots, lg_classes[i].oid, lg_classes[i].names, &lg_classes[i]);
	for (size_t i = 0; i < lg_nclasses; i++)
		build_class(i);
}

static lg_str
first_word(const char *names)
{
	return (lg_str){ names, strcspn(names, " ") };
}

const struct lg_attr *
lg_attr_find(lg_str name)
{
	/* RFC 4522: ";binary" asks for a transfer form that is LDAP's own for these syntaxes anyway.  Other options are not kept. */
	lg_str binary = LG_STR(";binary");

	pthread_once(&built, build);
	if (name.n > binary.n && lg_str_eq_fold(lg_str_sub(name, name.n - binary.n, binary.n), binary))
		name.n -= binary.n;
	return slot_find(attr_slots, name);
}

const struct lg_attr *
lg_attr_of(unsigned id)
{
	pthread_once(&built, build);
	return id < LG_ATTR_IDS ? attr_by_id[id] : NULL;
}

lg_str
lg_attr_name(const struct lg_attr *at)
{
	return first_word(at->names);
}

bool
lg_attr_is(const struct lg_attr *at, const struct lg_attr *super)
{
	while (at != NULL && at != super)
		at = lg_attr_of(at->sup);
	return at != NULL;
}

bool
lg_attr_has_subtypes(const struct lg_attr *at)
{
	return lg_attr_in(&supertypes, at->id);
}

const struct lg_class *
lg_class_find(lg_str name)
{
	pthread_once(&built, build);
	return slot_find(class_slots, name);
}

const struct lg_class *
lg_class_sup(const struct lg_class *c)
{
	pthread_once(&built, build);
	return class_facts[c - lg_classes].sup;
}

bool
lg_class_is(const struct lg_class *c, const struct lg_class *super)
{
	while (c != NULL && c != super)
		c = lg_class_sup(c);
	return c != NULL;
}

lg_str
lg_class_name(const struct lg_class *c)
{
	return first_word(c->names);
}

enum lg_entry_type
lg_class_type(const struct lg_class *c)
{
	while (c != NULL && c->type == LG_TYPE_CONTAINER)
		c = lg_class_sup(c);
	return c == NULL ? LG_TYPE_CONTAINER : c->type;
}

const struct lg_attr_set *
lg_class_must(const struct lg_class *c)
{
	pthread_once(&built, build);
	return &class_facts[c - lg_classes].must;
}

const struct lg_attr_set *
lg_class_may(const struct lg_class *c)
{
	pthread_once(&built, build);
	return &class_facts[c - lg_classes].may;
}

/* ---- Cedar types ---------------------------------------------------------------------------------------- */

lg_str
lg_type_name(enum lg_entry_type t)
{
	return lg_str_of(lg_type_forms[t].name);
}

bool
lg_type_parse(lg_str name, enum lg_entry_type *ret)
{
	for (unsigned t = 0; t < LG_TYPES; t++)
		if (lg_str_eq(name, lg_type_name((enum lg_entry_type)t))) {
			*ret = (enum lg_entry_type)t;
			return true;
		}
	return false;
}

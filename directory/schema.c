/* schema.c: looking rows of the schema up by name, OID and id; what follows from a class's chain, computed once. */
#include "directory/schema_own.h"

#include <assert.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

enum { SLOTS = 1024 };			/* more than twice the names there are; asserted when filled */

struct slot {
	lg_str name;
	const void *row;
};

static struct slot attr_slots[SLOTS], class_slots[SLOTS];
static const struct lg_attr *attr_by_id[LG_ATTR_IDS];
static struct lg_attr_set supertypes;
static struct class_facts {
	const struct lg_class *sup;
	struct lg_attr_set must, may;
} class_facts[LG_CLASS_OWN];
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

static const struct lg_attr *find_attr(lg_str name);
static const struct lg_class *find_class(lg_str name);

static void
add_attrs(struct lg_attr_set *set, const char *names)
{
	lg_str word;

	while (lg_word_next(&names, &word)) {
		const struct lg_attr *at = find_attr(word);
		assert(at != NULL);
		lg_attr_put(set, at->id);
	}
}

static void
build_class(const struct lg_class *c, struct class_facts *facts)
{
	facts->sup = c->sup == NULL ? NULL : find_class(lg_str_of(c->sup));
	for (; c != NULL; c = c->sup == NULL ? NULL : find_class(lg_str_of(c->sup))) {
		add_attrs(&facts->must, c->must);
		add_attrs(&facts->may, c->may);
	}
	for (size_t k = 0; k < LG_COUNT(facts->may.bits); k++)
		facts->may.bits[k] |= facts->must.bits[k];
}

static void
build(void)
{
	assert(lg_nclasses <= LG_CLASS_OWN);
	for (size_t i = 0; i < lg_nattrs; i++) {
		assert(lg_attrs[i].id < LG_ATTR_OWN && attr_by_id[lg_attrs[i].id] == NULL);
		attr_by_id[lg_attrs[i].id] = &lg_attrs[i];
		if (lg_attrs[i].sup != 0)
			lg_attr_put(&supertypes, lg_attrs[i].sup);
		put_names(attr_slots, lg_attrs[i].oid, lg_attrs[i].names, &lg_attrs[i]);
	}
	for (size_t i = 0; i < lg_nclasses; i++)
		put_names(class_slots, lg_classes[i].oid, lg_classes[i].names, &lg_classes[i]);
	for (size_t i = 0; i < lg_nclasses; i++)
		build_class(&lg_classes[i], &class_facts[i]);
}

/* ---- what tenants define: rows that come and go, and are never freed ---------------------------------------------------- */

struct own_attr {
	struct lg_attr at;
	lg_str text;
};

struct own_class {
	struct lg_class c;
	unsigned number;
	struct class_facts facts;
	lg_str text;
};

static const struct own_class *class_by_number[LG_CLASS_IDS];	/* own ones */

static bool
bears(const char *oid, const char *names, lg_str name)
{
	lg_str word = lg_str_of(oid);

	do
		if (lg_str_eq_fold(word, name))
			return true;
	while (lg_word_next(&names, &word));
	return false;
}

static const struct lg_attr *
find_attr(lg_str name)
{
	const struct lg_attr *at = slot_find(attr_slots, name);

	for (unsigned id = LG_ATTR_OWN; at == NULL && id < LG_ATTR_IDS; id++) {
		const struct lg_attr *own = __atomic_load_n(&attr_by_id[id], __ATOMIC_ACQUIRE);
		if (own != NULL && bears(own->oid, own->names, name))
			at = own;
	}
	return at;
}

static const struct lg_class *
find_class(lg_str name)
{
	const struct lg_class *c = slot_find(class_slots, name);

	for (unsigned n = LG_CLASS_OWN; c == NULL && n < LG_CLASS_IDS; n++) {
		const struct own_class *own = __atomic_load_n(&class_by_number[n], __ATOMIC_ACQUIRE);
		if (own != NULL && bears(own->c.oid, own->c.names, name))
			c = &own->c;
	}
	return c;
}

static const struct own_class *
own_class_of(const struct lg_class *c)
{
	return c >= lg_classes && c < lg_classes + lg_nclasses ? NULL : (const struct own_class *)(const void *)c;
}

static const struct class_facts *
facts_of(const struct lg_class *c)
{
	const struct own_class *own = own_class_of(c);

	return own != NULL ? &own->facts : &class_facts[c - lg_classes];
}

/* Whatever was ever registered: readers may hold on to it.  Changes of the schema are rare and small. */
static struct keep {
	struct keep *next;
	max_align_t bytes[];
} *all_kept;

static void *
kept(size_t size)
{
	struct keep *k = calloc(1, sizeof *k + size);

	if (k == NULL)
		abort();
	k->next = __atomic_load_n(&all_kept, __ATOMIC_ACQUIRE);
	while (!__atomic_compare_exchange_n(&all_kept, &k->next, k, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		;
	return k->bytes;
}

static const char *
kept_text(const char *text)
{
	size_t n = strlen(text) + 1;

	return memcpy(kept(n), text, n);
}

static lg_str
kept_str(lg_str s)
{
	return (lg_str){ memcpy(kept(s.n + 1), s.p, s.n), s.n };
}

void
lg_schema_register_attr(const struct lg_attr *at, lg_str text)
{
	struct own_attr *own = kept(sizeof *own);

	*own = (struct own_attr){ *at, kept_str(text) };
	own->at.oid = kept_text(at->oid);
	own->at.names = kept_text(at->names);
	if (at->sup != 0)
		__atomic_fetch_or(&supertypes.bits[at->sup / 64], UINT64_C(1) << (at->sup % 64), __ATOMIC_RELEASE);
	__atomic_store_n(&attr_by_id[at->id], &own->at, __ATOMIC_RELEASE);
}

void
lg_schema_register_class(const struct lg_class *c, unsigned number, lg_str text)
{
	struct own_class *own = kept(sizeof *own);

	*own = (struct own_class){ .c = *c, .number = number, .text = kept_str(text) };
	own->c.oid = kept_text(c->oid);
	own->c.names = kept_text(c->names);
	own->c.sup = kept_text(c->sup);
	own->c.must = kept_text(c->must);
	own->c.may = kept_text(c->may);
	build_class(&own->c, &own->facts);
	__atomic_store_n(&class_by_number[number], own, __ATOMIC_RELEASE);
}

void
lg_schema_unregister(enum lg_definition what, unsigned id)
{
	if (what == LG_DEFINES_ATTRIBUTE)
		__atomic_store_n(&attr_by_id[id], NULL, __ATOMIC_RELEASE);
	else
		__atomic_store_n(&class_by_number[id], NULL, __ATOMIC_RELEASE);
}

lg_str
lg_attr_text(const struct lg_attr *at)
{
	return at->id < LG_ATTR_OWN ? LG_NONE : ((const struct own_attr *)(const void *)at)->text;
}

lg_str
lg_class_text(const struct lg_class *c)
{
	const struct own_class *own = own_class_of(c);

	return own == NULL ? LG_NONE : own->text;
}

unsigned
lg_class_number(const struct lg_class *c)
{
	const struct own_class *own = own_class_of(c);

	return own != NULL ? own->number : (unsigned)(c - lg_classes);
}

const struct lg_class *
lg_class_of(unsigned number)
{
	const struct own_class *own;

	if (number < LG_CLASS_OWN)
		return number < lg_nclasses ? &lg_classes[number] : NULL;
	own = number < LG_CLASS_IDS ? __atomic_load_n(&class_by_number[number], __ATOMIC_ACQUIRE) : NULL;
	return own == NULL ? NULL : &own->c;
}

/* ---- looking up -------------------------------------------------------------------------------------------------------------- */

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
	return find_attr(name);
}

const struct lg_attr *
lg_attr_of(unsigned id)
{
	pthread_once(&built, build);
	return id < LG_ATTR_IDS ? __atomic_load_n(&attr_by_id[id], __ATOMIC_ACQUIRE) : NULL;
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
	return (__atomic_load_n(&supertypes.bits[at->id / 64], __ATOMIC_ACQUIRE) >> (at->id % 64) & 1) != 0;
}

const struct lg_class *
lg_class_find(lg_str name)
{
	pthread_once(&built, build);
	return find_class(name);
}

const struct lg_class *
lg_class_sup(const struct lg_class *c)
{
	pthread_once(&built, build);
	return facts_of(c)->sup;
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
	return &facts_of(c)->must;
}

const struct lg_attr_set *
lg_class_may(const struct lg_class *c)
{
	pthread_once(&built, build);
	return &facts_of(c)->may;
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

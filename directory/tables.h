/*
 * tables.h: the directory's tables and their keys.
 *
 * All integers are big-endian.  T is the tenant (u32), ids are u64.
 *
 *	tenant	(service)	T			-> name, suffix, uuid and id of the suffix entry
 *	entry			T id			-> struct lg_entry, encoded (entry.c)
 *	member			T group member		-> nothing, or that a rule says so (dynamic.h)
 *	password		T id			-> what is kept of its password (pwd_state.c)
 *	schema			T u8 what u16 id	-> text of a definition (schema_own.c)
 *	index			T u16 attribute u8 kind	-> state (indexes.c)
 *	present	derived		T u16 attribute id	-> nothing	where chosen
 *	gram	derived		T u16 attribute piece id	-> nothing	where chosen
 *	suffix	derived, service	normal form of the suffix	-> T
 *	dn	derived		T parent short(RDN)	-> id		a subtree moves by one row
 *	uuid	derived		T uuid			-> id
 *	name	derived		T u8 type short(name)	-> id
 *	equal	derived		T u16 attribute short(value) 00 id	-> nothing
 *	memberof derived	T member group		-> the same
 *	changed	derived		T time stamp id		-> nothing	of the entry's last change
 *	gone			T time stamp		-> what was deleted or renamed (events.c)
 *	bounds			T			-> how far back that goes
 */
#ifndef LG_DIRECTORY_TABLES_H
#define LG_DIRECTORY_TABLES_H

#include "directory/schema.h"

extern const struct lg_table lg_table_tenant, lg_table_entry, lg_table_member, lg_table_password, lg_table_schema, lg_table_index;
extern const struct lg_table lg_table_present, lg_table_gram;
extern const struct lg_table lg_table_suffix, lg_table_dn, lg_table_uuid, lg_table_name, lg_table_equal, lg_table_memberof;
extern const struct lg_table lg_table_changed, lg_table_gone, lg_table_bounds;

#define LG_SHORT_MAX	400		/* octets of a normal form in a key; longer ones end in their digest */

/* A key under construction; what goes in is bounded by the formats above. */
struct lg_dkey {
	char b[LG_KEY_MAX];
	size_t n;
};
static inline lg_str
lg_dkey_str(const struct lg_dkey *k)
{
	return (lg_str){ k->b, k->n };
}
void lg_dkey_u8(struct lg_dkey *k, uint8_t v);
void lg_dkey_u16(struct lg_dkey *k, uint16_t v);
void lg_dkey_u64(struct lg_dkey *k, uint64_t v);
void lg_dkey_bytes(struct lg_dkey *k, lg_str s);

struct lg_dkey lg_key_tenant(uint32_t tenant);
struct lg_dkey lg_key_id(uint32_t tenant, uint64_t id);
struct lg_dkey lg_key_pair(uint32_t tenant, uint64_t a, uint64_t b);
struct lg_dkey lg_key_dn(uint32_t tenant, uint64_t parent, lg_str rdn_normal);
struct lg_dkey lg_key_uuid(uint32_t tenant, lg_uuid uuid);
struct lg_dkey lg_key_name(uint32_t tenant, enum lg_entry_type type, lg_str name_normal);
struct lg_dkey lg_key_event(uint32_t tenant, int64_t time, uint64_t stamp);
/* Prefix of all rows of one value. */
struct lg_dkey lg_key_equal(uint32_t tenant, uint16_t attr, lg_str normal);
/* Prefix of all values that begin with `initial`. */
struct lg_dkey lg_key_initial(uint32_t tenant, uint16_t attr, lg_str initial);

uint64_t lg_id_of(lg_str bytes);	/* the last eight octets of a key, or a value of eight */
lg_str lg_id_str(struct lg_arena *a, uint64_t id);

#endif

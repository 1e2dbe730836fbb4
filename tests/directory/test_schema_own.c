/* test_schema_own.c: definitions that tenants add: read and changed over LDAP, checked on every write, durable. */
#include "directory/schema_own.h"
#include "directory/tables.h"
#include "tests/directory/wired.h"

#define COLOR "( 1.3.6.1.4.1.99999.1.1 NAME 'favouriteColor' DESC 'it''s' EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )"
#define SHADE "( 1.3.6.1.4.1.99999.1.1 NAME ( 'favouriteColor' 'favColour' ) EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch " \
	"SYNTAX 1.3.6.1.4.1.1466.115.121.1.15{64} SINGLE-VALUE X-ORIGIN ( 'a' 'b' ) )"
#define PAINTER "( 1.3.6.1.4.1.99999.2.1 NAME 'painter' SUP top AUXILIARY MUST favouriteColor MAY ( description $ title ) )"

TestSuite(own, .init = start_as_alice, .fini = end);

static int
schema(int kind, const char *attribute, const char *value)
{
	struct answer a;

	send_modify(&k, 5, "cn=Subschema", kind, attribute, value);
	wire_pump(&k);
	cr_assert(wire_next(&k, &a));
	cr_assert_eq(a.tag, 0x67);
	return a.code;
}

static bool
listed(const char *attribute, const char *text)
{
	const char *out;

	cr_assert_eq(wire_search(&k, "cn=schema", 0, "(objectClass=subschema)", attribute, &out), 0);
	return strstr(out, text) != NULL;
}

Test(own, definitions_are_added_used_and_listed)
{
	const char *out;

	cr_assert_eq(schema(0, "attributeTypes", SHADE), 0);
	cr_assert_eq(schema(0, "objectClasses", PAINTER), 0);
	cr_assert(listed("attributeTypes", "favColour"));
	cr_assert(listed("objectClasses", "'painter'"));
	assert_result(&w, 65, world_modify(&w, ALICE, "add: objectClass\nobjectClass: painter"));
	assert_result(&w, 65, world_modify(&w, ALICE, "add: favouriteColor\nfavouriteColor: blue"));
	assert_result(&w, 0, world_modify(&w, ALICE, "add: objectClass\nobjectClass: painter\n-\nadd: favColour\nfavColour: Blue"));
	assert_result(&w, 19, world_modify(&w, ALICE, "add: favColour\nfavColour: Red"));
	cr_assert_eq(wire_search(&k, SUFFIX, 2, "(favouritecolor=BLUE)", "favColour", &out), 0);
	assert_text(out, ALICE " favouriteColor=Blue\n");
	cr_assert_eq(wire_search(&k, SUFFIX, 2, "(objectClass=1.3.6.1.4.1.99999.2.1)", "1.1", &out), 0);
	assert_text(out, ALICE "\n");
}

Test(own, the_schema_names_rules_and_syntaxes)
{
	cr_assert(listed("matchingRules", "NAME 'caseIgnoreMatch' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )"));
	cr_assert(listed("ldapSyntaxes", "( 1.3.6.1.4.1.1466.115.121.1.34 DESC "));
}

Test(own, a_name_with_a_number_is_a_value)
{
	cr_assert_eq(schema(0, "attributeTypes", "( 1.3.6.1.4.1.99999.1.2 NAME 'seat' EQUALITY uniqueMemberMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.34 )"), 0);
	cr_assert_eq(schema(0, "objectClasses", "( 1.3.6.1.4.1.99999.2.2 NAME 'seated' SUP top AUXILIARY MAY seat )"), 0);
	assert_result(&w, 0, world_modify(&w, ALICE, "add: objectClass\nobjectClass: seated\n-\nadd: seat\nseat: " BOB "#'0101'B"));
	assert_result(&w, 21, world_modify(&w, ALICE, "add: seat\nseat: row 7"));
}

Test(own, a_rule_of_a_group_keeps_what_it_asks_for)
{
	cr_assert_eq(schema(0, "attributeTypes", SHADE), 0);
	assert_result(&w, 0, world_add(&w, "cn=blue,ou=groups," SUFFIX, "objectClass: groupOfURLs\ncn: blue\nmemberURL: ldap:///ou=people,"
	    SUFFIX "??one?(&(objectClass=person)(favColour=blue))"));
	cr_assert_eq(schema(1, "attributeTypes", "favColour"), 53);
	assert_result(&w, 0, world_delete(&w, "cn=blue,ou=groups," SUFFIX));
	cr_assert_eq(schema(1, "attributeTypes", "favColour"), 0);
}

Test(own, what_is_in_use_stays)
{
	cr_assert_eq(schema(0, "attributeTypes", SHADE), 0);
	cr_assert_eq(schema(0, "objectClasses", PAINTER), 0);
	cr_assert_eq(schema(1, "attributeTypes", "1.3.6.1.4.1.99999.1.1"), 53, "a class names it");
	assert_result(&w, 0, world_modify(&w, ALICE, "add: objectClass\nobjectClass: painter\n-\nadd: favColour\nfavColour: Blue"));
	cr_assert_eq(schema(1, "objectClasses", PAINTER), 53, "an entry is of it");
	assert_result(&w, 0, world_modify(&w, ALICE, "delete: objectClass\nobjectClass: painter\n-\ndelete: favColour"));
	cr_assert_eq(schema(1, "objectClasses", "( 1.3.6.1.4.1.99999.2.1 )"), 0);
	cr_assert_eq(schema(1, "attributeTypes", "favColour"), 0);
	cr_assert_not(listed("attributeTypes", "favColour"));
	assert_result(&w, 21, world_modify(&w, ALICE, "add: objectClass\nobjectClass: painter"));
	assert_result(&w, 17, world_modify(&w, ALICE, "add: favColour\nfavColour: Blue"));
	cr_assert_eq(schema(1, "attributeTypes", "favColour"), 16);
	cr_assert_eq(schema(0, "attributeTypes", COLOR), 21, "that was no string");
}

Test(own, mistakes_are_refused)
{
	static const struct { const char *attribute, *text; int kind, code; } cases[] = {
		{ "attributeTypes", "", 0, 21 },
		{ "attributeTypes", "1.2.3", 0, 21 },
		{ "attributeTypes", "( 1.2.3 NAME 'a' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15", 0, 21 },
		{ "attributeTypes", "( 1.2.3 NAME 'a' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 ) x", 0, 21 },
		{ "attributeTypes", "( 1.2.3 NAME 'a' )", 0, 21 },
		{ "attributeTypes", "( 1.2.3 SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )", 0, 21 },
		{ "attributeTypes", "( 1.2.3 NAME 'a b' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )", 0, 21 },
		{ "attributeTypes", "( 1.2.3 NAME 'a' SYNTAX 1.2.3.4 )", 0, 21 },
		{ "attributeTypes", "( 1.2.3 NAME 'a' EQUALITY noMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )", 0, 21 },
		{ "attributeTypes", "( 1.2.3 NAME 'a' EQUALITY caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )", 0, 21 },
		{ "attributeTypes", "( 1.2.3 NAME 'a' SUP nothing )", 0, 21 },
		{ "attributeTypes", "( 1.2.3 NAME 'a' SUP userPassword )", 0, 21 },
		{ "attributeTypes", "( 1.2.3 NAME 'a' SUP name USAGE directoryOperation )", 0, 21 },
		{ "attributeTypes", "( 1.2.3 NAME 'a' SUP name NO-USER-MODIFICATION )", 0, 21 },
		{ "attributeTypes", "( 1.02.3 NAME 'a' SUP name )", 0, 21 },
		{ "attributeTypes", "( x.2 NAME 'a' SUP name )", 0, 21 },
		{ "attributeTypes", "( 1.2.3 NAME 'cn' SUP name )", 0, 20 },
		{ "attributeTypes", "( 2.5.4.3 NAME 'other' SUP name )", 0, 20 },
		{ "objectClasses", "( 1.2.3 NAME 'person' SUP top STRUCTURAL )", 0, 20 },
		{ "objectClasses", "( 1.2.3 NAME 'a' SUP ( person $ device ) STRUCTURAL )", 0, 21 },
		{ "objectClasses", "( 1.2.3 NAME 'a' SUP person AUXILIARY )", 0, 21 },
		{ "objectClasses", "( 1.2.3 NAME 'a' SUP pkiUser STRUCTURAL )", 0, 21 },
		{ "objectClasses", "( 1.2.3 NAME 'a' SUP nothing STRUCTURAL )", 0, 21 },
		{ "objectClasses", "( 1.2.3 NAME 'a' AUXILIARY MUST frob )", 0, 21 },
		{ "objectClasses", "( 1.2.3 NAME 'a' AUXILIARY MAY ( cn sn ) )", 0, 21 },
		{ "objectClasses", "( 1.2.3 NAME 'a' AUXILIARY MAY entryUUID )", 0, 21 },
		{ "matchingRules", "( 1.2.3 NAME 'a' SYNTAX 1.2.3 )", 0, 53 },
		{ "cn", "other", 0, 53 },
		{ "attributeTypes", "( 2.5.4.3 )", 1, 53 },
		{ "objectClasses", "person", 1, 53 },
		{ "objectClasses", "nobody", 1, 16 },
		{ "attributeTypes", "( 1.2.3 NAME 'a' SUP name )", 2, 53 },
	};

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		int code = schema(cases[i].kind, cases[i].attribute, cases[i].text);
		cr_assert_eq(code, cases[i].code, "%s: %d, not %d", cases[i].text, code, cases[i].code);
	}
	cr_assert_not(listed("attributeTypes", "'a'"));
}

Test(own, a_definition_has_so_many_octets_and_names_and_no_more)
{
	const char *names = "", *front = "( 1.3.6.1.4.1.99999.1.7 NAME 'wide' DESC '", *rest = "' SUP name )";
	int octets = LG_DEFINITION_MAX - (int)(strlen(front) + strlen(rest));

	cr_assert_eq(schema(0, "attributeTypes", lg_print(w.arena, "%s%0*d%s", front, octets + 1, 0, rest).p), 11);
	cr_assert_not(listed("attributeTypes", "'wide'"));
	cr_assert_eq(schema(0, "attributeTypes", lg_print(w.arena, "%s%0*d%s", front, octets, 0, rest).p), 0);
	cr_assert(listed("attributeTypes", "'wide'"));
	for (int i = 0; i < LG_DEFINITION_NAMES; i++)
		names = lg_print(w.arena, "%s 'called%d'", names, i).p;
	cr_assert_eq(schema(0, "attributeTypes", lg_print(w.arena, "( 1.3.6.1.4.1.99999.1.8 NAME (%s 'oneMore' ) SUP name )", names).p), 21);
	cr_assert_not(listed("attributeTypes", "'called0'"));
	cr_assert_eq(schema(0, "attributeTypes", lg_print(w.arena, "( 1.3.6.1.4.1.99999.1.8 NAME (%s ) SUP name )", names).p), 0);
	cr_assert(listed("attributeTypes", "'called7'"));
}

Test(own, the_right_to_write_it_is_asked_for)
{
	w.deny[w.ndeny++] = (struct denial){ .action = "attribute:write", .attribute = "attributeTypes" };
	cr_assert_eq(schema(0, "attributeTypes", SHADE), 50);
	cr_assert_eq(wire_bind(&k, "", ""), 0);
	cr_assert_eq(schema(0, "attributeTypes", SHADE), 8);
}

static lg_err
good_then_bad(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct lg_edit ed = lg_edit_of(w.dirp, v, 1);

	(void)arg;
	LG_TRY(lg_schema_add(cx, &ed, LG_DEFINES_ATTRIBUTE, LG_STR(SHADE)));
	LG_TRY(lg_schema_add(cx, &ed, LG_DEFINES_CLASS, LG_STR(PAINTER)));
	return lg_schema_add(cx, &ed, LG_DEFINES_CLASS, LG_STR("( 1.2.3 )"));
}

Test(own, a_change_that_is_undone_leaves_nothing)
{
	assert_err(&w, LG_E_INVALID, lg_store_apply(&w.cx, w.store, 1, "test", good_then_bad, NULL, NULL));
	assert_result(&w, 17, world_modify(&w, ALICE, "add: favColour\nfavColour: Blue"));
	cr_assert_eq(schema(0, "attributeTypes", "( 1.3.6.1.4.1.99999.1.1 NAME 'favColour' SUP name )"), 0, "the name is free");
}

/* All but the last of each at once. */
static lg_err
nearly_all(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct lg_edit ed = lg_edit_of(w.dirp, v, 1);

	(void)arg;
	for (int i = LG_ATTR_OWN; i < LG_ATTR_IDS - 1; i++)
		LG_TRY(lg_schema_add(cx, &ed, LG_DEFINES_ATTRIBUTE, lg_print(cx->arena, "( 1.3.6.1.4.1.99999.3.%d NAME 'own%d' SUP name )", i, i)));
	for (int i = LG_CLASS_OWN; i < LG_CLASS_IDS - 1; i++)
		LG_TRY(lg_schema_add(cx, &ed, LG_DEFINES_CLASS, lg_print(cx->arena, "( 1.3.6.1.4.1.99999.4.%d NAME 'kind%d' SUP top AUXILIARY )", i, i)));
	return LG_OK;
}

Test(own, the_service_knows_so_many_and_no_more)
{
	assert_ok(&w, lg_store_apply(&w.cx, w.store, 1, "test", nearly_all, NULL, NULL));
	cr_assert_eq(schema(0, "attributeTypes", "( 1.3.6.1.4.1.99999.5.1 NAME 'ownLast' SUP name )"), 0);
	cr_assert_eq(schema(0, "attributeTypes", "( 1.3.6.1.4.1.99999.5.2 NAME 'ownBeyond' SUP name )"), 11);
	cr_assert_eq(schema(0, "objectClasses", "( 1.3.6.1.4.1.99999.6.1 NAME 'kindLast' SUP top AUXILIARY )"), 0);
	cr_assert_eq(schema(0, "objectClasses", "( 1.3.6.1.4.1.99999.6.2 NAME 'kindBeyond' SUP top AUXILIARY )"), 11);
	cr_assert_eq(schema(1, "attributeTypes", "own300"), 0);
	cr_assert_eq(schema(0, "attributeTypes", SHADE), 0, "one that went makes room");
}

/* The same definition in many tenants. */
static lg_err
in_many(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	const unsigned *to = arg;

	for (unsigned i = *to - 2500; i < *to; i++) {
		struct lg_dkey at = lg_key_tenant(1000 + i);
		lg_dkey_u8(&at, LG_DEFINES_ATTRIBUTE);
		lg_dkey_u16(&at, LG_ATTR_OWN);
		LG_TRY(lg_put(cx, v, &lg_table_schema, lg_dkey_str(&at), LG_STR(SHADE)));
	}
	return LG_OK;
}

Test(own, tenants_have_so_many_in_all)
{
	cr_assert_eq(schema(0, "attributeTypes", SHADE), 0);
	for (unsigned to = 2500; to <= LG_OWN_DEFINITIONS; to += 2500)
		assert_ok(&w, lg_store_apply(&w.cx, w.store, 1, "test", in_many, &to, NULL));
	cr_assert_eq(schema(0, "objectClasses", PAINTER), 11);
	cr_assert_eq(schema(1, "attributeTypes", SHADE), 0);
	cr_assert_eq(schema(0, "attributeTypes", SHADE), 11, "still one too many");
}

Test(own, a_tenant_uses_what_it_has_defined)
{
	assert_ok(&w, world_tenant(&w, 2, "two", "dc=two"));
	cr_assert_eq(schema(0, "attributeTypes", SHADE), 0);
	cr_assert_eq(schema(0, "attributeTypes", SHADE), 20);
	const struct lg_attr *found = lg_attr_find(LG_STR("favColour"));
	cr_assert_not_null(found);
	(void)world_entry(&w, ALICE);
	cr_assert(lg_attr_usable(&w.cx, world_view, 1, found));
	cr_assert_not(lg_attr_usable(&w.cx, world_view, 2, found));
}

Test(own, definitions_survive_a_restart)
{
	cr_assert_eq(schema(0, "attributeTypes", SHADE), 0);
	cr_assert_eq(schema(0, "objectClasses", PAINTER), 0);
	/* As another process would find it: nothing registered. */
	for (unsigned id = LG_ATTR_OWN; id < LG_ATTR_IDS; id++)
		lg_schema_unregister(LG_DEFINES_ATTRIBUTE, id);
	for (unsigned id = LG_CLASS_OWN; id < LG_CLASS_IDS; id++)
		lg_schema_unregister(LG_DEFINES_CLASS, id);
	cr_assert_null(lg_attr_find(LG_STR("favColour")));
	world_unview(&w);
	assert_ok(&w, lg_schema_follow(&w.cx, w.store));
	cr_assert_not_null(lg_attr_find(LG_STR("favColour")));
	cr_assert_not_null(lg_class_find(LG_STR("painter")));
}

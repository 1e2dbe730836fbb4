/* test_abi.c: what programs that were built against an earlier library rely on. */
#include "lightgate/client.h"

#include <string.h>

#include "tests/base/base_test.h"

/* Octets from the front of a structure, as they were when it first came out (LP64): members are added at the end, and none moves. */
#define AT(type, member) { #type "." #member, offsetof(struct type, member) }

Test(abi, no_member_of_a_structure_moves)
{
	static const struct {
		const char *name;
		size_t at;
	} members[] = {
		AT(lightgate_settings, size), AT(lightgate_settings, url), AT(lightgate_settings, mtls_url), AT(lightgate_settings, socket),
		AT(lightgate_settings, ca_file), AT(lightgate_settings, cert_file), AT(lightgate_settings, key_file), AT(lightgate_settings, token_file),
		AT(lightgate_settings, issuer), AT(lightgate_settings, deadline_ms), AT(lightgate_settings, state), AT(lightgate_settings, audience),
		AT(lightgate_proof, size), AT(lightgate_proof, x5t), AT(lightgate_proof, dpop), AT(lightgate_proof, method), AT(lightgate_proof, url),
		AT(lightgate_peer, size), AT(lightgate_peer, type), AT(lightgate_peer, name), AT(lightgate_peer, project), AT(lightgate_peer, x5t),
		AT(lightgate_peer, expires),
		AT(lightgate_question, size), AT(lightgate_question, subject_token), AT(lightgate_question, subject_type), AT(lightgate_question, subject_id),
		AT(lightgate_question, action), AT(lightgate_question, resource_type), AT(lightgate_question, resource_id), AT(lightgate_question, project),
		AT(lightgate_question, image), AT(lightgate_question, host), AT(lightgate_question, protocol), AT(lightgate_question, port),
		AT(lightgate_question, request_id),
		AT(lightgate_bundle, size), AT(lightgate_bundle, held), AT(lightgate_bundle, fresh), AT(lightgate_bundle, age_ms),
		AT(lightgate_bundle, max_stale_ms), AT(lightgate_bundle, epoch), AT(lightgate_bundle, version), AT(lightgate_bundle, policies),
		AT(lightgate_bundle, entities), AT(lightgate_bundle, trouble),
	};
	static const size_t was[] = {
		0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88,
		0, 8, 16, 24, 32,
		0, 8, 24, 152, 280, 328,
		0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96,
		0, 8, 9, 16, 24, 32, 40, 48, 56, 64,
	};

	cr_assert_eq(LG_COUNT(members), LG_COUNT(was));
	for (size_t i = 0; i < LG_COUNT(was); i++)
		cr_expect_eq(members[i].at, was[i], "%s is at %zu", members[i].name, members[i].at);
}

/* What lies behind a shorter structure is not the caller's to give. */
Test(abi, shorter_structures_of_older_programs_are_read_and_written_no_further)
{
	struct lightgate_settings at = LIGHTGATE_SETTINGS;
	struct lightgate_question q = LIGHTGATE_QUESTION;
	struct lightgate_bundle look = LIGHTGATE_BUNDLE;
	char why[256] = "";

	memset(&at, 0xff, sizeof at);		/* a pointer that is followed is a crash */
	at.size = offsetof(struct lightgate_settings, mtls_url);
	at.url = "https://127.0.0.1:1";
	lightgate *lg = lightgate_open(&at, why, sizeof why);
	cr_assert_not_null(lg, "%s", why);
	memset(&q, 0xff, sizeof q);
	q.size = offsetof(struct lightgate_question, action);
	q.subject_token = "t";
	q.subject_type = q.subject_id = NULL;
	lightgate_decision *d = lightgate_decide(lg, &q);
	cr_assert(!lightgate_permits(d) && !lightgate_decided(d));
	lightgate_decision_free(d);
	look.size = offsetof(struct lightgate_bundle, epoch);
	look.epoch = look.version = 77;
	lightgate_bundle_look(lg, &look);
	cr_assert(!look.held && look.epoch == 77 && look.version == 77);
	cr_assert_eq(look.size, offsetof(struct lightgate_bundle, epoch));
	lightgate_close(lg);
}

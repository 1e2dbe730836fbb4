/* test_follow.c: a host keeps its bundle fresh, on disk and off, and knows how old it is. */
#include <stdatomic.h>

#include "client/follow.h"
#include "tests/client/bundle_world.h"
#include "tests/client/responder.h"

/* The service as one host sees it: answers that a test may change between two questions. */
struct service {
	struct bundle_world w;
	struct responder *r, *stream;
	struct responder_route routes[2], streams[2];
	lg_str answer, lines, audit;
	struct lg_follow_settings s;
	_Atomic int changes;
	lg_str pinned;
};

static _Atomic int64_t test_clock;

static int64_t
read_clock(void)
{
	return test_clock;
}

static lg_err
where(void *self, struct lg_ctx *cx, struct lg_follow_at *ret)
{
	struct service *sv = self;

	(void)cx;
	*ret = (struct lg_follow_at){ .pin = bundle_pin(&sv->w) };
	if (sv->pinned.n > 0)
		ret->pin.keys = sv->pinned;
	ret->audit = sv->audit;
	ret->bundles.url = lg_str_of(sv->r->url);
	ret->stream.url = lg_str_of(sv->stream->url);
	return LG_OK;
}

static void
changed(void *self, const struct lg_bundle *b)
{
	struct service *sv = self;

	cr_assert_not_null(b);
	atomic_fetch_add(&sv->changes, 1);
}

static lg_err
pin(void *self, struct lg_ctx *cx, enum lg_pinned which, lg_str keys)
{
	struct service *sv = self;

	*(which == LG_PINNED_AUDIT ? &sv->audit : &sv->pinned) = lg_dup(sv->w.cx->arena, keys);
	return cx != NULL ? LG_OK : LG_E_INTERNAL;
}

/* What it gives from now on: a bundle of this version, for this state. */
static void
offer_by(struct service *sv, const struct token_maker *by, const char *kid, unsigned long version, const char *state, bool whole)
{
	lg_str body = bundle_body(&sv->w), token = bundle_token(&sv->w, body, &(struct bundle_token){ .version = version, .by = by, .kid = kid });

	sv->answer = lg_print(sv->w.cx->arena, "%.*s\n%s\n%.*s", LG_FMT(token), state, (int)(whole ? body.n : 0), body.p);
	sv->routes[0].body = sv->answer.p;
}

static void
offer(struct service *sv, unsigned long version, const char *state, bool whole)
{
	offer_by(sv, &sv->w.signer, "b1", version, state, whole);
}

static void
say(struct service *sv, const char *lines)
{
	sv->streams[0].body = lines;
}

static void
service_init(struct service *sv, struct lg_ctx *cx, const char *state)
{
	memset(sv, 0, sizeof *sv);
	bundle_world_init(&sv->w, cx);
	sv->routes[0] = (struct responder_route){ "GET /v1/agent/bundle", 200, "", 0 };
	sv->streams[0] = (struct responder_route){ "GET /v1/watch", 200, "", 0 };
	offer(sv, 10, "s1", true);
	sv->r = responder_start(sv->routes);
	sv->stream = responder_start(sv->streams);
	test_clock = 1000 * LG_SECOND;
	sv->s = (struct lg_follow_settings){ .self = sv, .where = where, .pin = pin, .changed = changed, .state = state, .clock = read_clock };
}

static struct lg_follow *
open_follow(struct service *sv)
{
	struct lg_follow *f;

	cr_assert_eq(lg_follow_open(sv->w.cx, &sv->s, &f), LG_OK, "%s", sv->w.cx->error);
	return f;
}

static unsigned long
version_of(struct lg_follow *f)
{
	struct lg_follow_now now;
	struct lg_bundle_about a = { .max_stale = 0 };

	lg_follow_now(f, &now);
	if (now.bundle != NULL)
		lg_bundle_about(now.bundle, &a);
	lg_bundle_unref(&now.bundle);
	return a.mark.version;
}

static void
assert_trouble(struct service *sv, struct lg_follow *f, const char *part)
{
	lg_str t = lg_follow_trouble(sv->w.cx, f);

	cr_assert_not_null(strstr(t.p, part), "%s", t.p);
}

/* ---- freshness -------------------------------------------------------------------------------------------------------- */

Test(follow, fresh_until_max_stale_after_the_last_contact)
{
	TEST_CTX(cx);
	struct service sv;
	service_init(&sv, cx, NULL);
	struct lg_follow *f = open_follow(&sv);
	struct lg_follow_now now;

	cr_assert_not(lg_follow_fresh(f), "nothing is held yet");
	cr_assert_eq(lg_follow_fetch(cx, f), LG_OK, "%s", cx->error);
	cr_assert(lg_follow_fresh(f));
	test_clock += 59 * LG_SECOND;
	cr_assert(lg_follow_fresh(f));
	test_clock += LG_SECOND;
	cr_assert_not(lg_follow_fresh(f));
	lg_follow_now(f, &now);
	cr_assert_not_null(now.bundle);
	cr_assert_not(now.fresh);
	cr_assert_eq(now.age, 60 * LG_SECOND);
	lg_bundle_unref(&now.bundle);
	lg_follow_close(&f);
	bundle_world_end(&sv.w);
}

Test(follow, a_heartbeat_confirms_and_one_held_back_does_not)
{
	TEST_CTX(cx);
	struct service sv;
	service_init(&sv, cx, NULL);
	struct lg_follow *f = open_follow(&sv);

	cr_assert_eq(lg_follow_fetch(cx, f), LG_OK);
	cr_assert_eq(lg_follow_line(cx, f, LG_STR("{\"state\":\"s1\",\"up\":5000000000}")), LG_OK);
	test_clock += 50 * LG_SECOND;
	cr_assert_eq(lg_follow_line(cx, f, LG_STR("{\"state\":\"s1\",\"up\":5050000000}")), LG_OK);
	test_clock += 50 * LG_SECOND;
	cr_assert(lg_follow_fresh(f), "confirmed 50 s ago");
	/* said 90 s ago by the service's clock, delivered now */
	cr_assert_eq(lg_follow_line(cx, f, LG_STR("{\"state\":\"s1\",\"up\":5010000000}")), LG_OK);
	test_clock += 10 * LG_SECOND;
	cr_assert_not(lg_follow_fresh(f));
	cr_assert_eq(sv.r->requests, 1, "a state that is held is not fetched again");
	lg_follow_close(&f);
	bundle_world_end(&sv.w);
}

Test(follow, another_state_is_fetched_and_confirmed_only_then)
{
	TEST_CTX(cx);
	struct service sv;
	service_init(&sv, cx, NULL);
	struct lg_follow *f = open_follow(&sv);

	cr_assert_eq(lg_follow_fetch(cx, f), LG_OK);
	test_clock += 59 * LG_SECOND;
	sv.w.max_stale = 30;
	offer(&sv, 11, "s2", true);
	sv.routes[0].status = 503;
	cr_assert_neq(lg_follow_line(cx, f, LG_STR("{\"state\":\"s2\",\"up\":1}")), LG_OK);
	test_clock += LG_SECOND;
	cr_assert_not(lg_follow_fresh(f), "who knows of something newer and cannot have it is stale in time");
	sv.routes[0].status = 200;
	cr_assert_eq(lg_follow_line(cx, f, LG_STR("{\"state\":\"s2\",\"up\":2}")), LG_OK, "%s", cx->error);
	cr_assert_eq(version_of(f), 11);
	cr_assert(lg_follow_fresh(f));
	test_clock += 30 * LG_SECOND;
	cr_assert_not(lg_follow_fresh(f), "the new bundle says 30 s");
	cr_assert_eq(sv.changes, 2);
	lg_follow_close(&f);
	bundle_world_end(&sv.w);
}

Test(follow, lines_that_are_none_are_refused)
{
	static const char *const lines[] = { "", "x", "[]", "{\"state\":\"s1\"", "{\"state\":1}", "{\"state\":\"s1\",\"state\":\"s1\"}" };
	TEST_CTX(cx);
	struct service sv;
	service_init(&sv, cx, NULL);
	struct lg_follow *f = open_follow(&sv);

	cr_assert_eq(lg_follow_fetch(cx, f), LG_OK);
	test_clock += 70 * LG_SECOND;
	for (size_t i = 0; i < LG_COUNT(lines); i++)
		cr_assert_neq(lg_follow_line(cx, f, lg_str_of(lines[i])), LG_OK, "%s", lines[i]);
	cr_assert_not(lg_follow_fresh(f));
	lg_follow_close(&f);
	bundle_world_end(&sv.w);
}

/* ---- the service ---------------------------------------------------------------------------------------------------------- */

Test(follow, the_same_octets_are_not_sent_again)
{
	TEST_CTX(cx);
	struct service sv;
	service_init(&sv, cx, NULL);
	struct lg_follow *f = open_follow(&sv);

	cr_assert_eq(lg_follow_fetch(cx, f), LG_OK);
	offer(&sv, 12, "s2", false);
	cr_assert_eq(lg_follow_fetch(cx, f), LG_OK, "%s", cx->error);
	cr_assert(responder_was_asked(sv.r, "GET /v1/agent/bundle?have="));
	cr_assert_eq(version_of(f), 12);
	cr_assert_eq(sv.changes, 1, "nothing to decide by has changed");
	lg_follow_close(&f);
	bundle_world_end(&sv.w);
}

Test(follow, what_does_not_verify_changes_nothing)
{
	TEST_CTX(cx);
	struct service sv;
	service_init(&sv, cx, NULL);
	struct lg_follow *f = open_follow(&sv);

	cr_assert_eq(lg_follow_fetch(cx, f), LG_OK);
	offer(&sv, 9, "s2", true);
	cr_assert_eq(lg_follow_fetch(cx, f), LG_E_DENIED);
	assert_trouble(&sv, f, "older than the one held");
	sv.routes[0].body = "nothing";
	cr_assert_eq(lg_follow_fetch(cx, f), LG_E_INVALID);
	sv.routes[0].body = "a.b.c\ns\n{}";
	cr_assert_eq(lg_follow_fetch(cx, f), LG_E_UNAUTHENTICATED);
	cr_assert_eq(version_of(f), 10);
	cr_assert(lg_follow_fresh(f));
	lg_follow_close(&f);
	bundle_world_end(&sv.w);
}

Test(follow, heirs_are_pinned)
{
	TEST_CTX(cx);
	struct service sv;
	service_init(&sv, cx, NULL);
	struct lg_follow *f = open_follow(&sv);

	sv.w.heir_token = bundle_heir(&sv.w, &sv.w.signer, "b1");
	offer(&sv, 11, "s1", true);
	cr_assert_eq(lg_follow_fetch(cx, f), LG_OK, "%s", cx->error);
	cr_assert_not_null(strstr(sv.pinned.p, "\"b2\""), "%s", sv.pinned.p);
	cr_assert_not_null(strstr(sv.pinned.p, "\"b1\""), "%s", sv.pinned.p);
	lg_follow_close(&f);
	bundle_world_end(&sv.w);
}

Test(follow, once_the_heir_signs_the_key_before_it_signs_nothing_more)
{
	TEST_CTX(cx);
	struct service sv;
	service_init(&sv, cx, NULL);
	struct lg_follow *f = open_follow(&sv);

	sv.w.heir_token = bundle_heir(&sv.w, &sv.w.signer, "b1");
	offer(&sv, 11, "s1", true);
	cr_assert_eq(lg_follow_fetch(cx, f), LG_OK, "%s", cx->error);
	offer_by(&sv, &sv.w.heir, "b2", 12, "s2", false);
	cr_assert_eq(lg_follow_fetch(cx, f), LG_OK, "%s", cx->error);
	cr_assert_not_null(strstr(sv.pinned.p, "\"b2\""), "%s", sv.pinned.p);
	cr_assert_null(strstr(sv.pinned.p, "\"b1\""), "%s", sv.pinned.p);
	offer(&sv, 13, "s3", true);
	cr_assert_eq(lg_follow_fetch(cx, f), LG_E_UNAUTHENTICATED);
	cr_assert_eq(version_of(f), 12);
	lg_follow_close(&f);
	bundle_world_end(&sv.w);
}

/* The host stops where the new pin cannot be written: what it finds at its next start fits together. */
static lg_err
pin_fails(void *self, struct lg_ctx *cx, enum lg_pinned which, lg_str keys)
{
	struct service *sv = self;

	return strstr(keys.p, "\"b1\"") != NULL ? pin(sv, cx, which, keys) : lg_fail(cx, LG_E_IO, "no space");
}

Test(follow, wherever_it_stops_the_stored_bundle_is_by_a_pinned_key)
{
	TEST_CTX(cx);
	struct service sv;
	service_init(&sv, cx, test_folder());
	sv.s.pin = pin_fails;
	struct lg_follow *f = open_follow(&sv);

	/* away while the key was followed: the first that it hears of the heir is signed by it */
	cr_assert_eq(lg_follow_fetch(cx, f), LG_OK, "%s", cx->error);
	sv.w.heir_token = bundle_heir(&sv.w, &sv.w.signer, "b1");
	offer_by(&sv, &sv.w.heir, "b2", 11, "s2", true);
	cr_assert_eq(lg_follow_fetch(cx, f), LG_E_IO);
	lg_follow_close(&f);
	sv.s.pin = pin;
	f = open_follow(&sv);
	cr_assert_eq(version_of(f), 11, "the stored one is believed");
	cr_assert_eq(lg_follow_fetch(cx, f), LG_OK, "%s", cx->error);
	cr_assert_null(strstr(sv.pinned.p, "\"b1\""), "%s", sv.pinned.p);
	lg_follow_close(&f);
	bundle_world_end(&sv.w);
}

/* ---- on disk -------------------------------------------------------------------------------------------------------------- */

static void
rewrite(struct lg_ctx *cx, const char *folder, const char *name, const char *from, const char *to)
{
	const char *path = lg_print(cx->arena, "%s/bundle.%s", folder, name).p;
	lg_str text = lg_dup(cx->arena, bundle_file(cx, path));
	char *at = memmem(text.p, text.n, from, strlen(from));

	cr_assert_not_null(at, "%s", text.p);
	memcpy(at, to, strlen(to));
	cr_assert_eq(lg_file_write(cx, path, 0600, text), LG_OK);
}

Test(follow, a_stored_copy_serves_while_its_contact_is_fresh)
{
	TEST_CTX(cx);
	struct service sv;
	service_init(&sv, cx, test_folder());
	struct lg_follow *f = open_follow(&sv);

	cr_assert_eq(lg_follow_fetch(cx, f), LG_OK, "%s", cx->error);
	lg_follow_close(&f);
	test_clock += 30 * LG_SECOND;
	f = open_follow(&sv);
	cr_assert_eq(version_of(f), 10);
	cr_assert(lg_follow_fresh(f), "the same boot, 30 s later");
	lg_follow_close(&f);
	test_clock += 31 * LG_SECOND;
	f = open_follow(&sv);
	cr_assert_eq(version_of(f), 10);
	cr_assert_not(lg_follow_fresh(f));
	lg_follow_close(&f);
	bundle_world_end(&sv.w);
}

Test(follow, a_contact_of_another_boot_or_of_the_future_counts_for_nothing)
{
	TEST_CTX(cx);
	struct service sv;
	char *folder = test_folder();
	service_init(&sv, cx, folder);
	struct lg_follow *f = open_follow(&sv);

	cr_assert_eq(lg_follow_fetch(cx, f), LG_OK);
	lg_follow_close(&f);
	test_clock -= LG_SECOND;
	f = open_follow(&sv);
	cr_assert_not(lg_follow_fresh(f), "a contact that lies ahead");
	lg_follow_close(&f);
	test_clock += 2 * LG_SECOND;
	lg_str boot = bundle_file(cx, lg_print(cx->arena, "%s/bundle.contact", folder).p);
	char first[2] = { boot.p[0], 0 };
	rewrite(cx, folder, "contact", first, first[0] == 'a' ? "b" : "a");
	f = open_follow(&sv);
	cr_assert_eq(version_of(f), 10);
	cr_assert_not(lg_follow_fresh(f), "another boot");
	lg_follow_close(&f);
	bundle_world_end(&sv.w);
}

Test(follow, a_copy_that_was_touched_is_not_used_but_its_version_is_not_gone_behind)
{
	TEST_CTX(cx);
	struct service sv;
	char *folder = test_folder();
	service_init(&sv, cx, folder);
	struct lg_follow *f = open_follow(&sv);

	cr_assert_eq(lg_follow_fetch(cx, f), LG_OK);
	lg_follow_close(&f);
	rewrite(cx, folder, "body", "5432", "5433");
	f = open_follow(&sv);
	cr_assert_eq(version_of(f), 0);
	cr_assert_not(lg_follow_fresh(f));
	assert_trouble(&sv, f, "not what was signed");
	offer(&sv, 9, "s1", true);
	cr_assert_eq(lg_follow_fetch(cx, f), LG_E_DENIED, "an old bundle after a restart");
	offer(&sv, 10, "s1", true);
	cr_assert_eq(lg_follow_fetch(cx, f), LG_OK, "%s", cx->error);
	lg_follow_close(&f);
	bundle_world_end(&sv.w);
}

/* ---- the thread ------------------------------------------------------------------------------------------------------------- */

static void
wait_for(struct lg_follow *f, unsigned long version)
{
	for (int i = 0; i < 1000 && version_of(f) != version; i++)
		usleep(10000);
	cr_assert_eq(version_of(f), version);
}

Test(follow, the_thread_follows_the_stream_and_comes_back)
{
	TEST_CTX(cx);
	struct service sv;
	service_init(&sv, cx, NULL);
	struct lg_follow *f = open_follow(&sv);

	sv.s.clock = NULL;
	say(&sv, "{\"state\":\"s1\",\"up\":1000}\n{\"state\":\"s1\",\"up\":2000}\n");
	lg_follow_start(f);
	wait_for(f, 10);
	offer(&sv, 20, "s2", true);
	say(&sv, "{\"state\":\"s2\",\"up\":3000}\n");
	wait_for(f, 20);
	cr_assert(lg_follow_fresh(f));
	cr_assert_geq(sv.stream->requests, 2);
	lg_follow_close(&f);
	bundle_world_end(&sv.w);
}

static lg_str
line_of(struct service *sv, lg_str heir, lg_str head)
{
	return lg_print(sv->w.cx->arena, "{\"state\":\"s1\",\"up\":1000%s%.*s%s%s%.*s%s}\n", heir.n > 0 ? ",\"audit_heirs\":[\"" : "", LG_FMT(heir),
	    heir.n > 0 ? "\"]" : "", head.n > 0 ? ",\"heads\":[" : "", LG_FMT(head), head.n > 0 ? "]" : "");
}

static lg_str
line(struct service *sv, lg_str head)
{
	return line_of(sv, LG_STR(""), head);
}

static void
wait_fresh(struct lg_follow *f)
{
	for (int i = 0; i < 1000 && !lg_follow_fresh(f); i++)
		usleep(10000);
	cr_assert(lg_follow_fresh(f));
}

static void
wait_for_trouble(struct service *sv, struct lg_follow *f, const char *part)
{
	for (int i = 0; i < 1000 && strstr(lg_follow_trouble(sv->w.cx, f).p, part) == NULL; i++)
		usleep(10000);
	assert_trouble(sv, f, part);
}

Test(follow, a_service_that_lost_its_log_confirms_nothing)
{
	TEST_CTX(cx);
	struct service sv;
	service_init(&sv, cx, test_folder());
	sv.audit = lg_str_of(sv.w.signer.jwks);
	struct lg_follow *f = open_follow(&sv);

	say(&sv, line(&sv, bundle_head(&sv.w, &sv.w.signer, 0, 1, 10, 'a')).p);
	lg_follow_start(f);
	wait_for(f, 10);
	cr_assert(lg_follow_fresh(f));
	lg_follow_close(&f);

	/* it comes back from an older copy, with all its keys */
	test_clock += 59 * LG_SECOND;
	f = open_follow(&sv);
	say(&sv, line(&sv, bundle_head(&sv.w, &sv.w.signer, 0, 1, 9, 'b')).p);
	lg_follow_start(f);
	wait_for_trouble(&sv, f, "ends at record 9, but had 10");
	cr_assert_eq(lg_follow_fetch(cx, f), LG_E_DENIED, "nor does it elsewhere");
	test_clock += LG_SECOND;
	cr_assert_not(lg_follow_fresh(f));

	say(&sv, line(&sv, LG_STR("")).p);
	wait_for_trouble(&sv, f, "does not say how far");
	cr_assert_not(lg_follow_fresh(f));

	say(&sv, line(&sv, bundle_head(&sv.w, &sv.w.signer, 0, 1, 11, 'c')).p);
	wait_fresh(f);		/* the right one is back */
	lg_follow_close(&f);
	bundle_world_end(&sv.w);
}

Test(follow, a_key_of_heads_is_followed_to_the_one_it_names)
{
	TEST_CTX(cx);
	struct service sv;
	service_init(&sv, cx, test_folder());
	lg_str head = bundle_head(&sv.w, &sv.w.heir, 0, 1, 10, 'a');
	sv.audit = lg_str_of(sv.w.signer.jwks);
	struct lg_follow *f = open_follow(&sv);

	say(&sv, line_of(&sv, named_heir(&sv.w, &sv.w.heir, "b2", "lg-audit-key+jwt"), head).p);
	lg_follow_start(f);
	wait_for_trouble(&sv, f, "no audit key");	/* it named itself */
	say(&sv, line_of(&sv, bundle_heir(&sv.w, &sv.w.signer, "b1"), head).p);
	int asked = sv.stream->requests;
	for (int i = 0; i < 1000 && sv.stream->requests < asked + 2; i++)
		usleep(10000);
	cr_assert_not(lg_follow_fresh(f), "a key of bundles signs no heads");
	say(&sv, line_of(&sv, named_heir(&sv.w, &sv.w.signer, "b1", "lg-audit-key+jwt"), head).p);
	wait_fresh(f);
	lg_follow_close(&f);
	cr_assert(strstr(sv.audit.p, "\"b1\"") != NULL && strstr(sv.audit.p, "\"b2\"") != NULL, "%s", sv.audit.p);

	/* what was heard is read again with the keys that were pinned then */
	f = open_follow(&sv);
	say(&sv, line(&sv, bundle_head(&sv.w, &sv.w.heir, 0, 1, 9, 'b')).p);
	lg_follow_start(f);
	wait_for_trouble(&sv, f, "ends at record 9, but had 10");
	lg_follow_close(&f);
	bundle_world_end(&sv.w);
}

Test(follow, closing_does_not_wait_for_a_silent_stream)
{
	TEST_CTX(cx);
	struct service sv;
	service_init(&sv, cx, NULL);
	struct lg_follow *f = open_follow(&sv);

	sv.streams[0].delay_ms = 20000;
	lg_follow_start(f);
	for (int i = 0; i < 1000 && sv.stream->requests == 0; i++)
		usleep(1000);
	cr_assert_eq(sv.stream->requests, 1);
	int64_t began = lg_boottime();
	lg_follow_close(&f);
	cr_assert_lt(lg_boottime() - began, 3 * LG_SECOND);
	bundle_world_end(&sv.w);
}

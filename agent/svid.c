/* svid.c: who holds which identity, and what is due. */
#include "agent/svid.h"

#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "agent/cgroup.h"
#include "agent/records.h"
#include "agent/strays.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#define PATIENCE	(5 * LG_SECOND)		/* for a renewal, which nobody waits for */
#define MAKING		(10 * LG_SECOND)	/* from a container's create to its hook */
#define TURN		(LG_SECOND / 2)		/* after which no further renewal is begun */

/* When something is renewed: by the wall clock or since boot, whichever comes first, so that no step of the clock delays it. */
struct due {
	int64_t wall, boot;
};

struct held {
	char id[LG_CONTAINER_ID + 1];
	char place[LG_CGROUP_PATH];		/* lg_cgroup_apart; empty: none */
	uid_t uid;
	gid_t gid;
	bool running;
	bool revoked;				/* what it was given, and nothing has come in its place */
	bool untold;				/* lg_svids_revoked has not said so yet */
	struct lg_svid *svid;			/* NULL: not had yet */
	struct due certificate, token;
	int64_t retry, pause;			/* CLOCK_BOOTTIME; what the next failure waits */
};

struct lg_svids {
	const char *root;
	struct lg_bundles *bundles;		/* NULL: nobody says what is revoked */
	void (*changed)(void *arg);		/* NULL: nobody wants to know */
	void *arg;
	pthread_mutex_t lock;			/* over all below */
	struct held **held;
	size_t n, size;
	uint64_t revision;
};

/* ---- the list: the lock is held ------------------------------------------------------------------------------------ */

static struct held *
find(struct lg_svids *s, lg_str id)
{
	for (size_t i = 0; i < s->n; i++)
		if (lg_str_eq(lg_str_of(s->held[i]->id), id))
			return s->held[i];
	return NULL;
}

static struct held *
find_or_add(struct lg_svids *s, lg_str id)
{
	struct held *h = find(s, id);

	if (h != NULL || s->n == LG_SVIDS_MAX)
		return h;
	if (s->n == s->size) {
		s->size = s->size == 0 ? 16 : 2 * s->size;
		if ((s->held = realloc(s->held, s->size * sizeof *s->held)) == NULL)
			abort();
	}
	if ((h = calloc(1, sizeof *h)) == NULL)
		abort();
	snprintf(h->id, sizeof h->id, "%.*s", LG_FMT(id));
	h->pause = LG_SVID_RETRY;
	s->held[s->n++] = h;
	return h;
}

static void
drop(struct lg_svids *s, const struct held *gone)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->held[i] == gone) {
			lg_svid_unref(&s->held[i]->svid);
			free(s->held[i]);
			s->held[i] = s->held[--s->n];
			s->revision++;
			return;
		}
}

static const char *
folder_of(struct lg_ctx *cx, const struct lg_svids *s, lg_str id)
{
	return lg_print(cx->arena, "%s/%.*s", s->root, LG_FMT(id)).p;
}

/* Two thirds of a life, give or take a tenth: what began together does not end together. */
static struct due
due_of(struct lg_ctx *cx, int64_t from, int64_t until)
{
	uint16_t r;

	lg_random(&r, sizeof r);
	double part = 2.0 / 3.0 + ((double)r / UINT16_MAX - 0.5) / 10.0;
	int64_t wall = from + (int64_t)((double)(until - from) * part);
	return (struct due){ wall, lg_boottime() + (wall > cx->now ? wall - cx->now : 0) };
}

static bool
is_due(const struct lg_ctx *cx, const struct due *d)
{
	return cx->now >= d->wall || lg_boottime() >= d->boot;
}

/* Takes the reference over. */
static void
keep(struct lg_ctx *cx, struct lg_svids *s, struct held *h, struct lg_svid *svid)
{
	lg_svid_unref(&h->svid);
	h->svid = svid;
	h->revoked = false;
	h->certificate = due_of(cx, svid->issued, svid->expires);
	h->token = svid->token.n > 0 ? due_of(cx, svid->token_issued, svid->token_expires) : (struct due){ 0, 0 };
	h->retry = 0;
	h->pause = LG_SVID_RETRY;
	s->revision++;
}

static void
put_off(struct held *h)
{
	h->retry = lg_boottime() + h->pause;
	h->pause = h->pause * 2 < LG_SVID_RETRY_MAX ? h->pause * 2 : LG_SVID_RETRY_MAX;
}

static lg_err
show(struct lg_ctx *cx, struct lg_svids *s, const struct held *h)
{
	const char *folder = folder_of(cx, s, lg_str_of(h->id));

	if (h->svid == NULL || !h->running)
		return LG_OK;
	return (h->revoked ? lg_svid_mark : lg_svid_write)(cx, folder, h->svid, h->uid, h->gid);
}

/* ---- what is revoked ------------------------------------------------------------------------------------------------------- */

/* Once for each certificate: what a bundle says again hurries nobody again. */
static void
disown(struct lg_ctx *cx, struct lg_svids *s, struct held *h)
{
	lg_log(LG_WARN, "the certificate %.*s of container %s is revoked: another is asked for", LG_FMT(h->svid->serial), h->id);
	h->revoked = h->untold = true;
	h->certificate = (struct due){ 0, 0 };
	h->retry = 0;
	h->pause = LG_SVID_RETRY;
	if (show(cx, s, h) != LG_OK)
		lg_log(LG_WARN, "container %s is not told: %s", h->id, cx->error);
}

static void
tell(const struct lg_svids *s)
{
	if (s->changed != NULL)
		s->changed(s->arg);
}

static void
judge(void *arg, const struct lg_bundle *now)
{
	struct lg_svids *s = arg;
	struct lg_ctx cx;
	bool any = false;

	lg_ctx_init(&cx, lg_arena_new());
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->n; i++) {
		struct held *h = s->held[i];
		if (h->svid == NULL || h->revoked || !lg_bundle_certificate_listed(now, h->svid->serial))
			continue;
		disown(&cx, s, h);
		any = true;
	}
	pthread_mutex_unlock(&s->lock);
	lg_arena_free(&cx.arena);
	if (any)
		tell(s);
}

/* What came just now may be in a bundle that came before it. */
static void
judge_again(struct lg_svids *s)
{
	struct lg_follow_now now;

	if (s->bundles == NULL)
		return;
	lg_bundles_now(s->bundles, &now);
	if (now.bundle != NULL)
		judge(s, now.bundle);
	lg_bundle_unref(&now.bundle);
}

void
lg_svids_follow(struct lg_svids *s, struct lg_bundles *b)
{
	s->bundles = b;
	lg_bundles_listen(b, judge, s);
}

void
lg_svids_listen(struct lg_svids *s, void (*changed)(void *arg), void *arg)
{
	s->changed = changed;
	s->arg = arg;
}

bool
lg_svids_revoked(struct lg_svids *s, struct lg_map *ret)
{
	bool past = false;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->n; i++) {
		struct held *h = s->held[i];
		if (!h->revoked && !h->untold)
			continue;
		*lg_map_at(ret, lg_dup(ret->arena, lg_str_of(h->id))) = s;
		past |= !h->revoked;
		h->untold = false;
	}
	pthread_mutex_unlock(&s->lock);
	return past;
}

/* ---- asking, without the lock -------------------------------------------------------------------------------------------- */

/* What is due of it: a certificate, else a token. */
static lg_err
fetch(struct lg_ctx *cx, struct lg_upstream *up, lg_str id, bool certificate, const struct lg_svid *now, int64_t time, struct lg_svid **ret)
{
	return certificate ? lg_svid_certify(cx, up, id, now, time, ret) : lg_svid_tokenise(cx, up, id, now, time, ret);
}

static lg_err
refresh(struct lg_ctx *cx, struct lg_svids *s, struct lg_upstream *up, lg_str id, bool certificate, int64_t time)
{
	LG_AUTO(lg_svid_unref) struct lg_svid *now = NULL;
	struct lg_svid *newer = NULL;
	bool restored = false;

	pthread_mutex_lock(&s->lock);
	struct held *h = find(s, id);
	now = h != NULL && h->svid != NULL ? lg_svid_ref(h->svid) : NULL;
	pthread_mutex_unlock(&s->lock);
	lg_err e = fetch(cx, up, id, certificate, now, time, &newer);
	pthread_mutex_lock(&s->lock);
	if ((h = find(s, id)) == NULL) {
		lg_svid_unref(&newer);		/* its admission has ended meanwhile */
	} else if (e != LG_OK) {
		put_off(h);
	} else if (h->revoked && !certificate) {
		lg_svid_unref(&newer);		/* a token, and the certificate that was revoked meanwhile */
	} else {
		restored = h->revoked;
		keep(cx, s, h, newer);
		h->retry = lg_boottime() + TURN;	/* not twice in one turn, whatever the clocks say of its life */
		e = show(cx, s, h);
	}
	pthread_mutex_unlock(&s->lock);
	judge_again(s);
	if (restored)
		tell(s);
	return e;
}

/* ---- a container's life ------------------------------------------------------------------------------------------------------ */

lg_err
lg_svids_prepare(struct lg_ctx *cx, struct lg_svids *s, lg_str container, lg_str *path)
{
	*path = lg_str_of(folder_of(cx, s, container));
	return lg_dir_make(cx, path->p, 0755);	/* what is above is root's alone */
}

/* /proc/<pid>/uid_map (user_namespaces(7)): lines of: first inside, first outside, how many. */
static lg_err
outside(struct lg_ctx *cx, pid_t pid, const char *map, int64_t inside, int64_t *ret)
{
	const char *path = lg_print(cx->arena, "/proc/%d/%s", (int)pid, map).p;
	lg_str text, line, rest;

	LG_TRY(lg_file_read(cx, path, 64u << 10, &rest));
	while (rest.n > 0) {
		long long first, out, n;
		(void)lg_str_cut(rest, '\n', &line, &rest);
		text = lg_dup(cx->arena, line);
		if (sscanf(text.p, "%lld %lld %lld", &first, &out, &n) == 3 && inside >= first && inside - first < n) {
			*ret = out + (inside - first);
			return LG_OK;
		}
	}
	return lg_fail(cx, LG_E_INVALID, "the container's user has no number outside of it");
}

static lg_err
settle(struct lg_ctx *cx, struct lg_svids *s, lg_str container, const struct lg_svid_holder *holder, bool *certificate)
{
	lg_str place = LG_NONE;
	int64_t uid, gid;

	LG_TRY(outside(cx, holder->pid, "uid_map", holder->uid, &uid));
	LG_TRY(outside(cx, holder->pid, "gid_map", holder->gid, &gid));
	if (lg_cgroup_apart(cx, holder->pid, &place) != LG_OK)
		lg_log(LG_INFO, "container %.*s has files only: %s", LG_FMT(container), cx->error);
	pthread_mutex_lock(&s->lock);
	struct held *h = find_or_add(s, container);
	lg_err e = h == NULL ? lg_fail(cx, LG_E_LIMIT, "no more than %d containers have identities", LG_SVIDS_MAX) : LG_OK;
	if (e == LG_OK) {
		h->uid = (uid_t)uid;
		h->gid = (gid_t)gid;
		h->running = true;
		snprintf(h->place, sizeof h->place, "%.*s", LG_FMT(place));
		*certificate = h->svid == NULL || is_due(cx, &h->certificate);
		s->revision++;
		e = show(cx, s, h);
	}
	pthread_mutex_unlock(&s->lock);
	return e;
}

static bool
lacks_token(struct lg_ctx *cx, struct lg_svids *s, lg_str container)
{
	pthread_mutex_lock(&s->lock);
	const struct held *h = find(s, container);
	bool lacks = h != NULL && (h->svid == NULL || is_due(cx, &h->token));
	pthread_mutex_unlock(&s->lock);
	return lacks;
}

lg_err
lg_svids_start(struct lg_ctx *cx, struct lg_svids *s, struct lg_upstream *up, lg_str container, const struct lg_svid_holder *holder,
    int64_t time)
{
	int64_t until = lg_boottime() + time;
	bool certificate = false;

	LG_TRY(settle(cx, s, container, holder, &certificate));
	if (certificate)
		LG_TRY(refresh(cx, s, up, container, true, until - lg_boottime()));
	time = until - lg_boottime();
	return time > 0 && lacks_token(cx, s, container) ? refresh(cx, s, up, container, false, time) : LG_OK;
}

void
lg_svids_stop(struct lg_ctx *cx, struct lg_svids *s, lg_str container)
{
	pthread_mutex_lock(&s->lock);
	struct held *h = find(s, container);
	if (h != NULL) {
		h->running = false;
		h->place[0] = '\0';
		s->revision++;
	}
	lg_svid_remove(cx, folder_of(cx, s, container));
	pthread_mutex_unlock(&s->lock);
}

void
lg_svids_forget(struct lg_svids *s, lg_str container)
{
	pthread_mutex_lock(&s->lock);
	struct held *h = find(s, container);
	if (h != NULL)
		drop(s, h);
	pthread_mutex_unlock(&s->lock);
}

void
lg_svids_end(struct lg_ctx *cx, struct lg_svids *s, lg_str container)
{
	lg_svids_forget(s, container);
	lg_svid_remove(cx, folder_of(cx, s, container));
}

/* ---- what is due -------------------------------------------------------------------------------------------------------------- */

/* One that waits for it; those that do not run are forgotten when their time is over. */
static bool
next_due(struct lg_ctx *cx, struct lg_svids *s, bool certificate, lg_str *id)
{
	bool found = false;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->n && !found; i++) {
		const struct held *h = s->held[i];
		if (!h->running && (h->svid == NULL || h->svid->expires <= cx->now)) {
			drop(s, h);
			i--;
			continue;
		}
		found = h->running && lg_boottime() >= h->retry &&
		    (certificate ? h->svid == NULL || is_due(cx, &h->certificate) : h->svid != NULL && !h->revoked && is_due(cx, &h->token));
		if (found)
			*id = lg_dup(cx->arena, lg_str_of(h->id));
	}
	pthread_mutex_unlock(&s->lock);
	return found;
}

void
lg_svids_maintain(struct lg_ctx *cx, struct lg_svids *s, struct lg_upstream *up)
{
	int64_t until = lg_boottime() + TURN;
	lg_str id;

	for (int certificate = 1; certificate >= 0; certificate--)
		do {
			if (!next_due(cx, s, certificate == 1, &id))
				break;
			if (refresh(cx, s, up, id, certificate == 1, PATIENCE) != LG_OK)
				lg_log(LG_WARN, "the %s of container %.*s: %s", certificate == 1 ? "certificate" : "token", LG_FMT(id), cx->error);
		} while (lg_boottime() < until);
}

/* ---- who asks, and what they have ------------------------------------------------------------------------------------------------ */

/* The innermost, for containers in containers. */
lg_err
lg_svids_caller(struct lg_ctx *cx, struct lg_svids *s, pid_t pid, lg_str *container)
{
	const struct held *best = NULL;
	bool shared = false;
	lg_str text;

	LG_TRY(lg_cgroup_text(cx, pid, &text));
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->n; i++) {
		const struct held *h = s->held[i];
		if (h->place[0] == '\0' || !lg_cgroup_within(text, lg_str_of(h->place)))
			continue;
		size_t deep = strlen(h->place), before = best == NULL ? 0 : strlen(best->place);
		if (deep >= before) {
			shared = deep == before;
			best = h;
		}
	}
	if (best != NULL && !shared)
		*container = lg_dup(cx->arena, lg_str_of(best->id));
	pthread_mutex_unlock(&s->lock);
	if (best == NULL)
		return lg_fail(cx, LG_E_DENIED, "the caller is in no container that was admitted here");
	return shared ? lg_fail(cx, LG_E_DENIED, "two containers share the caller's cgroup") : LG_OK;
}

lg_err
lg_svids_get(struct lg_ctx *cx, struct lg_svids *s, lg_str container, struct lg_svid **ret)
{
	pthread_mutex_lock(&s->lock);
	const struct held *h = find(s, container);
	bool running = h != NULL && h->running, held = running && h->svid != NULL && h->svid->expires > cx->now && !h->revoked;
	if (held)
		*ret = lg_svid_ref(h->svid);
	pthread_mutex_unlock(&s->lock);
	if (!running)
		return lg_fail(cx, LG_E_NOT_FOUND, "the container does not run");
	return held ? LG_OK : lg_fail(cx, LG_E_UNAVAILABLE, "the workload has no identity yet");
}

uint64_t
lg_svids_revision(struct lg_svids *s)
{
	pthread_mutex_lock(&s->lock);
	uint64_t revision = s->revision;
	pthread_mutex_unlock(&s->lock);
	return revision;
}

/* ---- opening: what our predecessor left ------------------------------------------------------------------------------------------- */

struct adopting {
	struct lg_ctx *cx;
	struct lg_svids *s;
};

/* A container that has its files goes on as before; what is over of them is due at once. */
static void
adopt(void *arg, const struct lg_running *r)
{
	struct adopting *a = arg;
	struct lg_ctx *cx = a->cx;
	struct lg_svid *svid = NULL;
	lg_str place = LG_NONE;
	uid_t uid;
	gid_t gid;

	lg_err e = lg_svid_read(cx, folder_of(cx, a->s, r->id), &uid, &gid, &svid);
	if (e == LG_E_NOT_FOUND)
		return;
	if (lg_cgroup_apart(cx, (pid_t)r->pid, &place) != LG_OK)
		place = LG_NONE;
	struct held *h = find_or_add(a->s, r->id);
	if (h == NULL) {
		lg_svid_unref(&svid);
		return;
	}
	h->uid = uid;
	h->gid = gid;
	h->running = true;
	snprintf(h->place, sizeof h->place, "%.*s", LG_FMT(place));
	if (svid != NULL)
		keep(cx, a->s, h, svid);
	if ((h->revoked = lg_svid_marked(cx, folder_of(cx, a->s, r->id))))
		h->certificate = (struct due){ 0, 0 };
}

/* Empty still, and made just now: of a container that is being made while we start again, of which its runtime has written nothing yet. */
static bool
is_prepared(struct lg_ctx *cx, const char *folder)
{
	DIR *d = opendir(folder);
	const struct dirent *e;
	bool empty = d != NULL;
	struct stat st;

	while (empty && (e = readdir(d)) != NULL)
		empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
	if (d != NULL)
		closedir(d);
	return empty && stat(folder, &st) == 0 && st.st_mtime * LG_SECOND > cx->now - MAKING;
}

static void
sweep(struct lg_ctx *cx, struct lg_svids *s, const char *const *runtime_roots)
{
	DIR *d = opendir(s->root);
	const struct dirent *e;
	int n = 0;

	while (d != NULL && (e = readdir(d)) != NULL && n++ < LG_RECORDS_MAX) {
		lg_str id = lg_str_of(e->d_name);
		if (lg_container_id_valid(id) && find(s, id) == NULL && !lg_running_known(cx, runtime_roots, id) && !is_prepared(cx, folder_of(cx, s, id)))
			lg_svid_remove(cx, folder_of(cx, s, id));
	}
	if (d != NULL)
		closedir(d);
}

static lg_err
check_root(struct lg_ctx *cx, const char *root)
{
	struct statfs fs;
	struct stat st;

	LG_TRY(lg_dir_make_above(cx, root, 0755));
	LG_TRY(lg_dir_make(cx, root, 0700));
	if (statfs(root, &fs) != 0 || stat(root, &st) != 0)
		return lg_fail(cx, LG_E_IO, "%s: %s", root, strerror(errno));
	if (fs.f_type != TMPFS_MAGIC && fs.f_type != RAMFS_MAGIC)
		return lg_fail(cx, LG_E_INVALID, "%s is not on a tmpfs: keys of workloads do not go to a disk", root);
	if (st.st_uid != geteuid() || (st.st_mode & 0077) != 0)
		return lg_fail(cx, LG_E_DENIED, "%s is not ours alone (0700)", root);
	return LG_OK;
}

lg_err
lg_svids_open(struct lg_ctx *cx, const char *root, const char *const *runtime_roots, struct lg_svids **ret)
{
	struct lg_svids *s;

	LG_TRY(check_root(cx, root));
	if ((s = calloc(1, sizeof *s)) == NULL)
		abort();
	s->root = root;
	pthread_mutex_init(&s->lock, NULL);
	lg_running_each(cx, runtime_roots, adopt, &(struct adopting){ cx, s });
	sweep(cx, s, runtime_roots);
	*ret = s;
	return LG_OK;
}

void
lg_svids_close(struct lg_svids **svids)
{
	struct lg_svids *s = *svids;

	*svids = NULL;
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n; i++) {
		lg_svid_unref(&s->held[i]->svid);
		free(s->held[i]);
	}
	free(s->held);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

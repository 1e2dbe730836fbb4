/* store.c: the keeper's files, and the set of tenants that is published from them. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "crypto/keeper/ca.h"
#include "crypto/keeper/process.h"
#include "crypto/local.h"

enum { MARKS_FORMAT = 1 };

/* ---- sealed files -------------------------------------------------------------------------------------------------- */

static const char *
path_of(struct lg_ctx *cx, const struct lg_kproc *kp, const char *name)
{
	return lg_print(cx->arena, "%s/%s", kp->dir, name).p;
}

lg_err
lg_kp_file_read(struct lg_ctx *cx, const struct lg_kproc *kp, const char *name, struct lg_secret *ret)
{
	lg_str sealed;

	LG_TRY(lg_file_read(cx, path_of(cx, kp, name), LG_TENANT_MAX + 64, &sealed));
	if (lg_unseal(cx, &kp->file_key, lg_str_of(name), sealed, ret) != LG_OK)
		return lg_fail_in(cx, LG_E_CORRUPT, name);
	return LG_OK;
}

lg_err
lg_kp_file_write(struct lg_ctx *cx, const struct lg_kproc *kp, const char *name, lg_str plain)
{
	lg_str sealed;

	LG_TRY(lg_seal(cx, &kp->file_key, lg_str_of(name), plain, &sealed));
	return lg_file_write(cx, path_of(cx, kp, name), 0600, sealed);
}

/* ---- tenants -------------------------------------------------------------------------------------------------------- */

struct lg_tenants *
lg_kp_tenants(struct lg_kproc *kp)
{
	pthread_mutex_lock(&kp->tenants_lock);
	struct lg_tenants *ts = kp->tenants;
	atomic_fetch_add_explicit(&ts->refs, 1, memory_order_relaxed);
	pthread_mutex_unlock(&kp->tenants_lock);
	return ts;
}

void
lg_tenants_unref(struct lg_tenants **tsp)
{
	struct lg_tenants *ts = *tsp;

	*tsp = NULL;
	if (ts == NULL || atomic_fetch_sub_explicit(&ts->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < ts->n; i++)
		lg_tenant_unref(&ts->tenant[i]);
	free(ts);
}

static struct lg_tenants *
tenants_new(size_t room)
{
	struct lg_tenants *ts = calloc(1, sizeof *ts + room * sizeof ts->tenant[0]);

	lg_crypto_must(ts != NULL);
	atomic_init(&ts->refs, 1);
	return ts;
}

/* Takes t over: a copy of the set in which it stands in its place, by id. */
static void
publish(struct lg_kproc *kp, struct lg_tenant *t)
{
	struct lg_tenants *old = kp->tenants, *new = tenants_new(old->n + 1);
	bool placed = false;

	for (size_t i = 0; i < old->n; i++) {
		if (!placed && old->tenant[i]->id >= t->id) {
			new->tenant[new->n++] = t;
			placed = true;
		}
		if (old->tenant[i]->id != t->id)
			new->tenant[new->n++] = lg_tenant_ref(old->tenant[i]);
	}
	if (!placed)
		new->tenant[new->n++] = t;
	pthread_mutex_lock(&kp->tenants_lock);
	kp->tenants = new;
	pthread_mutex_unlock(&kp->tenants_lock);
	lg_tenants_unref(&old);
}

static const char *
tenant_file(struct lg_ctx *cx, uint32_t id)
{
	return lg_print(cx->arena, "tenant-%u", id).p;
}

lg_err
lg_kp_tenant_read(struct lg_ctx *cx, const struct lg_kproc *kp, uint32_t id, struct lg_secret *plain,
    struct lg_tenant_record *ret)
{
	LG_TRY(lg_kp_file_read(cx, kp, tenant_file(cx, id), plain));
	LG_TRY(lg_tenant_record_decode(cx, (lg_str){ (char *)plain->p, plain->n }, ret));
	if (ret->id != id)
		return lg_fail(cx, LG_E_CORRUPT, "the file of tenant %u holds tenant %u", id, ret->id);
	return LG_OK;
}

lg_err
lg_kp_tenant_store(struct lg_ctx *cx, struct lg_kproc *kp, const struct lg_tenant_record *r)
{
	LG_AUTO(lg_buf_wipe) struct lg_buf plain = LG_BUF(LG_TENANT_MAX);
	LG_AUTO(lg_tenant_unref) struct lg_tenant *t = NULL;

	/* All at once: a buffer that grows by realloc would leave copies of private keys behind. */
	(void)lg_buf_reserve(&plain, LG_TENANT_MAX);
	lg_tenant_record_encode(r, &plain);
	LG_TRY(lg_buf_status(cx, &plain));
	LG_TRY(lg_tenant_load(cx, &kp->hsm, r, &t));
	LG_TRY(lg_kp_file_write(cx, kp, tenant_file(cx, r->id), lg_buf_view(&plain)));
	publish(kp, t);
	t = NULL;
	return LG_OK;
}

lg_err
lg_kp_tenant(const struct lg_call *c, uint32_t id, const struct lg_tenant **ret)
{
	size_t from = 0, to = c->tenants->n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;
		if (c->tenants->tenant[mid]->id < id)
			from = mid + 1;
		else
			to = mid;
	}
	if (from == c->tenants->n || c->tenants->tenant[from]->id != id)
		return lg_fail(c->cx, LG_E_NOT_FOUND, "the keeper has no tenant %u", id);
	*ret = c->tenants->tenant[from];
	return LG_OK;
}

lg_err
lg_kp_active(const struct lg_call *c, uint32_t tenant, enum lg_purpose purpose, enum lg_alg alg,
    const struct lg_tenant **t, const struct lg_loaded_key **ret)
{
	LG_TRY(lg_kp_tenant(c, tenant, t));
	*ret = lg_tenant_active(*t, purpose, alg);
	if (*ret == NULL)
		return lg_fail(c->cx, LG_E_NOT_FOUND, "tenant %u has no active key for this", tenant);
	if (!lg_signed_ok(c->kp->record))
		return lg_fail(c->cx, LG_E_FULL, "the keeper cannot write its record of signatures");
	return LG_OK;
}

static lg_err
load_tenant(struct lg_ctx *cx, struct lg_kproc *kp, uint32_t id)
{
	LG_AUTO(lg_secret_free) struct lg_secret plain = { NULL, 0 };
	struct lg_tenant_record r;
	struct lg_tenant *t;

	LG_TRY(lg_kp_tenant_read(cx, kp, id, &plain, &r));
	LG_TRY(lg_tenant_load(cx, &kp->hsm, &r, &t));
	publish(kp, t);
	return lg_kp_complete(cx, kp, &r);
}

static lg_err
load_tenants(struct lg_ctx *cx, struct lg_kproc *kp)
{
	lg_err e = LG_OK;
	unsigned id;
	int end;

	DIR *d = opendir(kp->dir);
	if (d == NULL)
		return lg_fail(cx, LG_E_IO, "%s: %m", kp->dir);
	for (struct dirent *f; e == LG_OK && (f = readdir(d)) != NULL;) {
		if (sscanf(f->d_name, "tenant-%9u%n", &id, &end) == 1 && f->d_name[end] == '\0')
			e = load_tenant(cx, kp, id);
		if (kp->tenants->n > LG_TENANTS)
			e = lg_fail(cx, LG_E_LIMIT, "more than %d tenants", LG_TENANTS);
	}
	closedir(d);
	return e;
}

/* ---- marks ------------------------------------------------------------------------------------------------------------ */

static lg_err
marks_read(struct lg_ctx *cx, struct lg_kproc *kp)
{
	LG_AUTO(lg_secret_free) struct lg_secret plain = { NULL, 0 };

	lg_err e = lg_kp_file_read(cx, kp, "marks", &plain);
	if (e == LG_E_NOT_FOUND)
		return LG_OK;
	LG_TRY(e);
	struct lg_rd rd = lg_rd_of((lg_str){ (char *)plain.p, plain.n });
	bool good = lg_rd_u8(&rd) == MARKS_FORMAT;
	kp->nmarks = lg_rd_u16(&rd);
	kp->nbundles = lg_rd_u16(&rd);
	good = good && !rd.bad && kp->nmarks <= LG_CHAINS && kp->nbundles <= LG_TENANTS;
	for (size_t i = 0; good && i < kp->nmarks; i++) {
		struct lg_mark *m = &kp->mark[i];
		m->chain = lg_rd_u32(&rd);
		m->epoch = lg_rd_u32(&rd);
		m->seq = lg_rd_u64(&rd);
		lg_rd_fixed(&rd, m->hash.b, sizeof m->hash.b);
		good = !rd.bad;
	}
	for (size_t i = 0; good && i < kp->nbundles; i++) {
		kp->bundle[i].tenant = lg_rd_u32(&rd);
		kp->bundle[i].epoch = lg_rd_u32(&rd);
		kp->bundle[i].version = lg_rd_u64(&rd);
	}
	return good && lg_rd_done(&rd) ? LG_OK : lg_fail(cx, LG_E_CORRUPT, "the keeper's marks do not decode");
}

lg_err
lg_kp_marks_write(struct lg_ctx *cx, struct lg_kproc *kp)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_TENANT_MAX);

	lg_buf_byte(&b, MARKS_FORMAT);
	lg_buf_u16(&b, (uint16_t)kp->nmarks);
	lg_buf_u16(&b, (uint16_t)kp->nbundles);
	for (size_t i = 0; i < kp->nmarks; i++) {
		lg_buf_u32(&b, kp->mark[i].chain);
		lg_buf_u32(&b, kp->mark[i].epoch);
		lg_buf_u64(&b, kp->mark[i].seq);
		lg_buf_str(&b, lg_sha256_str(&kp->mark[i].hash));
	}
	for (size_t i = 0; i < kp->nbundles; i++) {
		lg_buf_u32(&b, kp->bundle[i].tenant);
		lg_buf_u32(&b, kp->bundle[i].epoch);
		lg_buf_u64(&b, kp->bundle[i].version);
	}
	LG_TRY(lg_buf_status(cx, &b));
	return lg_kp_file_write(cx, kp, "marks", lg_buf_view(&b));
}

/* ---- all of it --------------------------------------------------------------------------------------------------------- */

lg_err
lg_kp_open(struct lg_ctx *cx, struct lg_kproc *kp, const struct lg_keeper_options *o, const struct lg_secret *sealing)
{
	*kp = (struct lg_kproc){ .dir = o->dir };
	lg_hsm_link_init(&kp->hsm, o);
	pthread_mutex_init(&kp->tenants_lock, NULL);
	pthread_mutex_init(&kp->change, NULL);
	kp->tenants = tenants_new(0);
	kp->bundle = calloc(LG_TENANTS, sizeof *kp->bundle);
	lg_crypto_must(kp->bundle != NULL);
	kp->file_key = lg_hkdf_sha256(sealing, LG_NONE, LG_STR("lightgate keeper files 1"), 32);
	LG_TRY(marks_read(cx, kp));
	LG_TRY(lg_kp_ledgers_read(cx, kp));
	LG_TRY(load_tenants(cx, kp));
	LG_TRY(lg_signed_open(cx, o->dir, &kp->record));
	if (kp->tenants->n == 0 || kp->tenants->tenant[0]->id != 0)
		return lg_kp_create_system(cx, kp);
	return LG_OK;
}

void
lg_kp_close(struct lg_kproc *kp)
{
	lg_signed_close(&kp->record);
	lg_tenants_unref(&kp->tenants);
	lg_hsm_link_end(&kp->hsm);
	lg_secret_free(&kp->file_key);
	lg_kp_ledgers_free(kp);
	free(kp->bundle);
	pthread_mutex_destroy(&kp->tenants_lock);
	pthread_mutex_destroy(&kp->change);
}

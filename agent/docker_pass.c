/* docker_pass.c: see docker_pass.h. */
#include "agent/docker_pass.h"

#include <stdio.h>

void
lg_passes_init(struct lg_passes *ps)
{
	pthread_mutex_init(&ps->lock, NULL);
	ps->first = NULL;
}

void
lg_passes_end(struct lg_passes *ps)
{
	pthread_mutex_destroy(&ps->lock);
}

void
lg_pass_add(struct lg_passes *ps, struct lg_pass *p)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();

	snprintf(p->token, sizeof p->token, "%s", lg_token_new(a).p);
	p->shown = false;
	pthread_mutex_lock(&ps->lock);
	p->next = ps->first;
	ps->first = p;
	pthread_mutex_unlock(&ps->lock);
}

void
lg_pass_remove(struct lg_passes *ps, struct lg_pass *p)
{
	pthread_mutex_lock(&ps->lock);
	for (struct lg_pass **at = &ps->first; *at != NULL; at = &(*at)->next)
		if (*at == p) {
			*at = p->next;
			break;
		}
	pthread_mutex_unlock(&ps->lock);
}

bool
lg_pass_shown(struct lg_passes *ps, const struct lg_pass *p)
{
	pthread_mutex_lock(&ps->lock);
	bool shown = p->shown;
	pthread_mutex_unlock(&ps->lock);
	return shown;
}

static bool
is_same(const struct lg_pass *p, const struct lg_pass_shown *s)
{
	return lg_str_eq(lg_str_of(p->token), s->token) && lg_str_eq(p->method, s->method) && lg_str_eq(p->uri, s->uri) &&
	    p->has_body == s->has_body && (!p->has_body || memcmp(&p->body, &s->body, sizeof p->body) == 0);
}

/* The list is short: one pass for each request that is on its way. */
static bool
look(struct lg_passes *ps, const struct lg_pass_shown *s, bool shown, int64_t *uid, bool *self)
{
	struct lg_pass *p;

	pthread_mutex_lock(&ps->lock);
	for (p = ps->first; p != NULL && !(is_same(p, s) && p->shown == shown); p = p->next)
		continue;
	if (p != NULL) {
		p->shown = true;
		*uid = p->uid;
		*self = p->self;
	}
	pthread_mutex_unlock(&ps->lock);
	return p != NULL;
}

bool
lg_pass_take(struct lg_passes *ps, const struct lg_pass_shown *s, int64_t *uid, bool *self)
{
	return look(ps, s, false, uid, self);
}

bool
lg_pass_again(struct lg_passes *ps, const struct lg_pass_shown *s, int64_t *uid, bool *self)
{
	return look(ps, s, true, uid, self);
}

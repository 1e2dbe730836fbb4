/* wire_ldap.c: gives every loop its share of the LDAP server, and takes it back. */
#include <semaphore.h>
#include <stdlib.h>

#include "server/ldap_listener.h"
#include "server/tenants.h"
#include "server/wire.h"

#define SEARCH_ENTRIES	0		/* no limit but the client's and time */
#define SEARCH_SECONDS	60

struct counted {
	struct lg_wiring *w;
	size_t i;
};

static void
count_on_loop(void *arg)
{
	struct counted *c = arg;

	lg_ldap_cells_begin(&c->w->cells[c->i], lg_loop_self(), c->w->ldap[c->i]);
}

lg_err
lg_wire_ldap(struct lg_ctx *cx, struct lg_app *app, struct lg_wiring *w)
{
	if (app->ldap == NULL)
		return LG_OK;
	lg_ldap_listener_verifier(app->ldap, &(struct lg_http_verifier){ app, lg_wire_verify });
	for (size_t i = 0; i < app->nloops; i++) {
		struct lg_ldap_options o = {
			.dir = app->directory, .mailbox = lg_loop_mailbox(app->loops[i]), .tenant = LG_DEFAULT_TENANT,
			.size_limit = SEARCH_ENTRIES, .time_limit = SEARCH_SECONDS,
		};
		w->ldap[i] = lg_ldap_new(&o);
		LG_TRY(lg_ldap_listener_attach(cx, app->ldap, app->loops[i], w->ldap[i]));
		lg_loop_call(app->loops[i], count_on_loop, &(struct counted){ w, i });
	}
	return LG_OK;
}

/* On the loop's own thread: its connections end, then what the store and the hashers still owe comes back. */
struct ending {
	struct lg_note note;
	struct lg_app *app;
	struct lg_loop *loop;
	struct lg_ldap **ldap;
	struct lg_ldap_cells *cells;
	bool detached;
	sem_t *ended;
};

static void
end_one(struct lg_note *note)
{
	struct ending *e = (struct ending *)(void *)note;

	if (!e->detached)
		lg_ldap_listener_detach(e->app->ldap, e->loop);
	e->detached = true;
	if (lg_ldap_outstanding(*e->ldap) > 0) {
		lg_mailbox_post(lg_loop_mailbox(e->loop), &e->note);
		return;
	}
	lg_ldap_cells_end(e->cells, e->loop);
	lg_ldap_free(e->ldap);
	sem_post(e->ended);
}

void
lg_unwire_ldap(struct lg_app *app, struct lg_wiring *w)
{
	struct ending e[LG_LOOPS];
	size_t n = 0;
	sem_t ended;

	sem_init(&ended, 0, 0);
	for (size_t i = 0; i < app->nloops; i++) {
		if (w->ldap[i] == NULL)
			continue;
		e[n] = (struct ending){ { NULL, end_one }, app, app->loops[i], &w->ldap[i], &w->cells[i], false, &ended };
		lg_mailbox_post(lg_loop_mailbox(app->loops[i]), &e[n++].note);
	}
	while (n-- > 0)
		while (sem_wait(&ended) != 0)
			;
	sem_destroy(&ended);
}

/*
 * controller.c: what a controller of containers does before it obeys somebody: check their token, ask Lightgate, and pass
 * the ticket on to the host.  Built with nothing but liblightgate:
 *
 *	cc controller.c $(pkg-config --cflags --libs liblightgate) -o controller
 *
 *	LIGHTGATE_URL=https://id.example.org:8443 LIGHTGATE_MTLS_URL=https://id.example.org:8444 LIGHTGATE_CA=root.pem \
 *	LIGHTGATE_CERT=controller.pem LIGHTGATE_KEY=controller.key LIGHTGATE_TOKEN_FILE=controller.token \
 *	./controller alice.token web busybox node1
 *
 * and on a host, with LIGHTGATE_CERT and LIGHTGATE_KEY of the host and LIGHTGATE_STATE=/var/lib/controller:
 *
 *	./controller logs alice web
 */
#include <lightgate/client.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The controller's own name: tokens that people show it must be for it. */
#define AUDIENCE "controller"

static char *
read_token(const char *path)
{
	static char text[16384];
	FILE *f = fopen(path, "r");
	size_t n = f != NULL ? fread(text, 1, sizeof text - 1, f) : 0;

	if (f != NULL)
		fclose(f);
	text[n] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	return n > 0 ? text : NULL;
}

/* Cheap, and without asking anybody: tokens that are forged, foreign or old get no further. */
static int
check_caller(lightgate *lg, const char *token)
{
	char why[256];
	lightgate_token *t = lightgate_verify(lg, token, AUDIENCE, NULL, why, sizeof why);

	if (t == NULL) {
		fprintf(stderr, "not you: %s\n", why);
		return 0;
	}
	printf("the caller is %s\n", lightgate_token_claim(t, "sub"));
	lightgate_token_free(t);
	return 1;
}

/*
 * On a host (LIGHTGATE_STATE and the host's certificate) much is decided here, from the host's bundle, in a few microseconds and while
 * the service is away.  What the bundle cannot say is asked.
 */
static int
may(lightgate *lg, const struct lightgate_question *q)
{
	lightgate_decision *d = lightgate_decide_local(lg, q);
	int permitted;

	if (!lightgate_decided(d)) {
		lightgate_decision_free(d);
		d = lightgate_decide(lg, q);
	}
	permitted = lightgate_permits(d);
	fprintf(stderr, "%s: %s\n", permitted ? "permitted" : "refused", lightgate_decision_reason(d));
	lightgate_decision_free(d);
	return permitted;
}

/* Nothing is created by it, so no ticket is needed. */
static int
look_inside(lightgate *lg, const char *user, const char *workload)
{
	struct lightgate_question q = LIGHTGATE_QUESTION;

	q.subject_id = user;
	q.action = "container:logs";
	q.resource_type = "Workload";
	q.resource_id = workload;
	return may(lg, &q);
}

/* What is new is decided by the service, which gives the ticket: it knows today's groups and policies. */
static int
create(lightgate *lg, const char *token, char **argv)
{
	struct lightgate_question q = LIGHTGATE_QUESTION;
	int permitted;

	q.subject_token = token;
	q.action = "container:create";
	q.resource_type = "Workload";
	q.resource_id = argv[2];
	q.image = argv[3];
	q.host = argv[4];
	lightgate_decision *d = lightgate_decide(lg, &q);
	permitted = lightgate_permits(d);
	fprintf(stderr, "%s: %s\n", permitted ? "permitted" : "refused", lightgate_decision_reason(d));
	/* A real controller now puts it into the container's annotation "lightgate.ticket" and sends it to the host. */
	if (permitted)
		printf("%s\n", lightgate_decision_ticket(d));
	lightgate_decision_free(d);
	return permitted;
}

int
main(int argc, char **argv)
{
	char why[256], *token = NULL;
	int looking = argc == 4 && strcmp(argv[1], "logs") == 0, done;
	lightgate *lg;

	if (argc != 5 && !looking) {
		fprintf(stderr, "usage: controller TOKEN-FILE WORKLOAD IMAGE HOST | controller logs USER WORKLOAD\n");
		return 2;
	}
	if (!looking && (token = read_token(argv[1])) == NULL) {
		fprintf(stderr, "%s: no token\n", argv[1]);
		return 2;
	}
	if ((lg = lightgate_open(NULL, why, sizeof why)) == NULL) {
		fprintf(stderr, "%s\n", why);
		return 2;
	}
	done = looking ? look_inside(lg, argv[2], argv[3]) : check_caller(lg, token) && create(lg, token, argv);
	lightgate_close(lg);
	return done ? 0 : 1;
}

/*
 * controller.c: what a controller of containers does before it obeys somebody: check their token, ask Lightgate, and pass
 * the ticket on to the host.  Built with nothing but liblightgate:
 *
 *	cc controller.c $(pkg-config --cflags --libs liblightgate) -o controller
 *
 *	LIGHTGATE_URL=https://id.example.org:8443 LIGHTGATE_MTLS_URL=https://id.example.org:8444 LIGHTGATE_CA=root.pem \
 *	LIGHTGATE_CERT=controller.pem LIGHTGATE_KEY=controller.key LIGHTGATE_TOKEN_FILE=controller.token \
 *	./controller alice.token web busybox node1
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

/* The decision itself is the service's: it knows today's groups and policies. */
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
	char why[256], *token;
	lightgate *lg;
	int done;

	if (argc != 5) {
		fprintf(stderr, "usage: controller TOKEN-FILE WORKLOAD IMAGE HOST\n");
		return 2;
	}
	if ((token = read_token(argv[1])) == NULL) {
		fprintf(stderr, "%s: no token\n", argv[1]);
		return 2;
	}
	if ((lg = lightgate_open(NULL, why, sizeof why)) == NULL) {
		fprintf(stderr, "%s\n", why);
		return 2;
	}
	done = check_caller(lg, token) && create(lg, token, argv);
	lightgate_close(lg);
	return done ? 0 : 1;
}

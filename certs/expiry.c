/* expiry.c: when the authorities end, for metrics and for warnings in time. */
#include "certs/trust.h"

static void
put_one(struct lg_buf *out, uint32_t tenant, const char *kind, const struct lg_ca_cert *cert)
{
	lg_buf_printf(out, "lightgate_ca_expires_timestamp_seconds{tenant=\"%u\",kind=\"%s\",kid=\"%.*s\"} %lld\n", tenant, kind,
	    LG_FMT(cert->kid), (long long)(cert->x509.not_after / 1000000));
}

void
lg_certs_metrics(struct lg_certs *c, struct lg_buf *out)
{
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(c);

	lg_buf_str(out, LG_STR("# TYPE lightgate_ca_expires_timestamp_seconds gauge\n"
	    "# HELP lightgate_ca_expires_timestamp_seconds When a root or an issuing CA ends.\n"));
	for (size_t i = 0; i < t->n; i++) {
		put_one(out, t->ca[i].au.tenant, "root", &t->ca[i].root);
		for (size_t j = 0; j < t->ca[i].nissuers; j++)
			put_one(out, t->ca[i].au.tenant, j == 0 ? "issuer" : "retired", &t->ca[i].issuer[j]);
	}
}

void
lg_certs_ending(struct lg_certs *c, int64_t before, lg_ca_ending *each, void *arg)
{
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(c);

	for (size_t i = 0; i < t->n; i++) {
		const struct lg_ca *ca = &t->ca[i];
		if (ca->root.x509.not_after < before)
			each(arg, ca->au.trust_domain, "root", ca->root.x509.not_after);
		if (ca->nissuers > 0 && ca->issuer[0].x509.not_after < before)
			each(arg, ca->au.trust_domain, "issuing CA", ca->issuer[0].x509.not_after);
	}
}

/* api_identity.h: what a host asks for the workloads that run on it. */
#ifndef LG_SERVER_API_IDENTITY_H
#define LG_SERVER_API_IDENTITY_H

#include "server/caller.h"

/*
 * POST /v1/admissions/<container>/certificate and .../token: for a workload with a live admission on this host, in its own name.  Policy
 * is asked with the workload as principal (subject_proof "admission").  On a worker.
 */
lg_err lg_api_workload_certificate(struct lg_app *app, struct lg_http *ex, const struct lg_caller *host, lg_str container);
lg_err lg_api_workload_token(struct lg_app *app, struct lg_http *ex, const struct lg_caller *host, lg_str container);

#endif

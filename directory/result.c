/* result.c: lg_err <-> LDAP result codes. */
#include "directory/result.h"

#include <stdio.h>

static const struct {
	enum lg_ldap_result code;
	lg_err e;
} codes[] = {
	{ LG_LDAP_OPERATIONS_ERROR, LG_E_CONFLICT },
	{ LG_LDAP_TIME_LIMIT_EXCEEDED, LG_E_LIMIT },
	{ LG_LDAP_SIZE_LIMIT_EXCEEDED, LG_E_LIMIT },
	{ LG_LDAP_AUTH_METHOD_NOT_SUPPORTED, LG_E_UNSUPPORTED },
	{ LG_LDAP_STRONGER_AUTH_REQUIRED, LG_E_DENIED },
	{ LG_LDAP_ADMIN_LIMIT_EXCEEDED, LG_E_LIMIT },
	{ LG_LDAP_UNAVAILABLE_CRITICAL_EXTENSION, LG_E_UNSUPPORTED },
	{ LG_LDAP_CONFIDENTIALITY_REQUIRED, LG_E_DENIED },
	{ LG_LDAP_NO_SUCH_ATTRIBUTE, LG_E_NOT_FOUND },
	{ LG_LDAP_VALUE_EXISTS, LG_E_EXISTS },
	{ LG_LDAP_NO_SUCH_OBJECT, LG_E_NOT_FOUND },
	{ LG_LDAP_INVALID_CREDENTIALS, LG_E_UNAUTHENTICATED },
	{ LG_LDAP_INSUFFICIENT_ACCESS, LG_E_DENIED },
	{ LG_LDAP_BUSY, LG_E_BUSY },
	{ LG_LDAP_UNAVAILABLE, LG_E_UNAVAILABLE },
	{ LG_LDAP_UNWILLING, LG_E_CONFLICT },
	{ LG_LDAP_NOT_ON_NONLEAF, LG_E_CONFLICT },
	{ LG_LDAP_ENTRY_EXISTS, LG_E_EXISTS },
	{ LG_LDAP_OTHER, LG_E_INTERNAL },
	{ LG_LDAP_ASSERTION_FAILED, LG_E_CONFLICT },
	{ LG_LDAP_AUTHORIZATION_DENIED, LG_E_DENIED },
};

static const enum lg_ldap_result results[] = {
	[LG_OK] = LG_LDAP_SUCCESS,
	[LG_PENDING] = LG_LDAP_OTHER,
	[LG_E_INVALID] = LG_LDAP_INVALID_SYNTAX,
	[LG_E_NOT_FOUND] = LG_LDAP_NO_SUCH_OBJECT,
	[LG_E_EXISTS] = LG_LDAP_ENTRY_EXISTS,
	[LG_E_UNAUTHENTICATED] = LG_LDAP_INVALID_CREDENTIALS,
	[LG_E_DENIED] = LG_LDAP_INSUFFICIENT_ACCESS,
	[LG_E_CONFLICT] = LG_LDAP_UNWILLING,
	[LG_E_RETRY] = LG_LDAP_BUSY,
	[LG_E_LIMIT] = LG_LDAP_ADMIN_LIMIT_EXCEEDED,
	[LG_E_BUSY] = LG_LDAP_BUSY,
	[LG_E_UNAVAILABLE] = LG_LDAP_UNAVAILABLE,
	[LG_E_EXPIRED] = LG_LDAP_INVALID_CREDENTIALS,
	[LG_E_UNSUPPORTED] = LG_LDAP_UNWILLING,
	[LG_E_FULL] = LG_LDAP_UNWILLING,
	[LG_E_IO] = LG_LDAP_OTHER,
	[LG_E_CORRUPT] = LG_LDAP_OTHER,
	[LG_E_INTERNAL] = LG_LDAP_OTHER,
};

lg_err
lg_refuse(struct lg_ctx *cx, struct lg_edit *ed, enum lg_ldap_result code, const char *fmt, ...)
{
	char text[LG_ERROR_TEXT];
	lg_err e = LG_E_INVALID;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < LG_COUNT(codes); i++)
		if (codes[i].code == code)
			e = codes[i].e;
	ed->result = (int)code;
	return lg_fail(cx, e, "%s", text);
}

enum lg_ldap_result
lg_result_of(lg_err e)
{
	return (size_t)e < LG_COUNT(results) ? results[e] : LG_LDAP_OTHER;
}

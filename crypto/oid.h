/* oid.h: content octets of the object identifiers this folder reads and writes. */
#ifndef LG_CRYPTO_OID_H
#define LG_CRYPTO_OID_H

#include "lightgate/base.h"

#define LG_OID_EC_PUBLIC_KEY	LG_STR("\x2a\x86\x48\xce\x3d\x02\x01")
#define LG_OID_P256		LG_STR("\x2a\x86\x48\xce\x3d\x03\x01\x07")
#define LG_OID_P384		LG_STR("\x2b\x81\x04\x00\x22")
#define LG_OID_ED25519		LG_STR("\x2b\x65\x70")
#define LG_OID_RSA		LG_STR("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01")
#define LG_OID_ECDSA_SHA256	LG_STR("\x2a\x86\x48\xce\x3d\x04\x03\x02")
#define LG_OID_COMMON_NAME	LG_STR("\x55\x04\x03")
#define LG_OID_SKI		LG_STR("\x55\x1d\x0e")
#define LG_OID_KEY_USAGE	LG_STR("\x55\x1d\x0f")
#define LG_OID_SAN		LG_STR("\x55\x1d\x11")
#define LG_OID_BASIC		LG_STR("\x55\x1d\x13")
#define LG_OID_CRL_NUMBER	LG_STR("\x55\x1d\x14")
#define LG_OID_NAME_CONSTRAINTS	LG_STR("\x55\x1d\x1e")
#define LG_OID_CDP		LG_STR("\x55\x1d\x1f")
#define LG_OID_POLICIES		LG_STR("\x55\x1d\x20")
#define LG_OID_AKI		LG_STR("\x55\x1d\x23")
#define LG_OID_EKU		LG_STR("\x55\x1d\x25")
#define LG_OID_AIA		LG_STR("\x2b\x06\x01\x05\x05\x07\x01\x01")
#define LG_OID_SERVER_AUTH	LG_STR("\x2b\x06\x01\x05\x05\x07\x03\x01")
#define LG_OID_CLIENT_AUTH	LG_STR("\x2b\x06\x01\x05\x05\x07\x03\x02")
#define LG_OID_OCSP_SIGNING	LG_STR("\x2b\x06\x01\x05\x05\x07\x03\x09")
#define LG_OID_OCSP_NOCHECK	LG_STR("\x2b\x06\x01\x05\x05\x07\x30\x01\x05")
#define LG_OID_EXTENSION_REQUEST LG_STR("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e")

#endif

/* local.c: per-thread contexts. */
#include "crypto/local.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lightgate/base.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static struct {
	const char *name;
	EVP_MD *md;
} digests[] = { { "SHA256", NULL }, { "SHA1", NULL }, { "SHA384", NULL }, { "SHA512", NULL } };
static EVP_CIPHER *gcm;
static EVP_MAC *hmac;
static _Thread_local struct lg_local *mine;

void
lg_crypto_die(void)
{
	fputs("lightgate: the cryptographic library failed\n", stderr);
	ERR_print_errors_fp(stderr);
	abort();
}

static void
local_free(void *arg)
{
	struct lg_local *l = arg;

	EVP_MD_CTX_free(l->digest);
	EVP_MD_CTX_free(l->sign);
	EVP_MAC_CTX_free(l->hmac);
	EVP_CIPHER_CTX_free(l->cipher);
	BN_CTX_free(l->bn);
	free(l);
	mine = NULL;
}

static void
fetch(void)
{
	for (size_t i = 0; i < LG_COUNT(digests); i++)
		lg_crypto_must((digests[i].md = EVP_MD_fetch(NULL, digests[i].name, NULL)) != NULL);
	gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	lg_crypto_must(gcm != NULL && hmac != NULL);
	lg_crypto_must(pthread_key_create(&key, local_free) == 0);
}

static struct lg_local *
local_new(void)
{
	char name[] = "SHA256";
	OSSL_PARAM digest[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
		OSSL_PARAM_construct_end()
	};

	pthread_once(&once, fetch);
	struct lg_local *l = calloc(1, sizeof *l);
	lg_crypto_must(l != NULL);
	l->digest = EVP_MD_CTX_new();
	l->sign = EVP_MD_CTX_new();
	l->hmac = EVP_MAC_CTX_new(hmac);
	l->cipher = EVP_CIPHER_CTX_new();
	l->bn = BN_CTX_new();
	lg_crypto_must(l->digest != NULL && l->sign != NULL && l->hmac != NULL && l->cipher != NULL && l->bn != NULL);
	lg_crypto_must(EVP_MAC_CTX_set_params(l->hmac, digest));
	lg_crypto_must(pthread_setspecific(key, l) == 0);
	return l;
}

struct lg_local *
lg_local(void)
{
	if (mine == NULL)
		mine = local_new();
	return mine;
}

const EVP_MD *
lg_md_sha256(void)
{
	pthread_once(&once, fetch);
	return digests[0].md;
}

const EVP_MD *
lg_md_named(const char *name)
{
	size_t i = 0;

	pthread_once(&once, fetch);
	while (i < LG_COUNT(digests) && strcmp(digests[i].name, name) != 0)
		i++;
	lg_crypto_must(i < LG_COUNT(digests));
	return digests[i].md;
}

const EVP_CIPHER *
lg_aes_256_gcm(void)
{
	pthread_once(&once, fetch);
	return gcm;
}

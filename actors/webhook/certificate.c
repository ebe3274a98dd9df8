#include "certificate.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

enum { PEM_BYTES_MAX = 64 * 1024 };

static X509 *read_pem(struct slice pem)
{
    if (pem.len == 0 || pem.len > PEM_BYTES_MAX) {
        return NULL;
    }
    BIO *bio = BIO_new_mem_buf(pem.bytes, (int)pem.len);
    X509 *x509 = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return x509;
}

static bool bears_name(X509 *x509, const char *const names[CERTIFICATE_NAMES_MAX])
{
    for (size_t i = 0; i < CERTIFICATE_NAMES_MAX && names[i]; i++) {
        if (X509_check_host(x509, names[i], 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1) {
            return true;
        }
    }
    return false;
}

static bool is_valid(X509 *x509, int64_t now_s)
{
    time_t now = (time_t)now_s;
    return X509_cmp_time(X509_get0_notBefore(x509), &now) < 0 &&
           X509_cmp_time(X509_get0_notAfter(x509), &now) > 0;
}

static bool verify(EVP_PKEY *key, enum certificate_digest digest, const struct slice *parts,
                   size_t count, struct slice signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const EVP_MD *md = digest == CERTIFICATE_SHA1 ? EVP_sha1() : EVP_sha256();
    bool good = context && EVP_DigestVerifyInit(context, NULL, md, NULL, key) == 1;
    for (size_t i = 0; good && i < count; i++) {
        good = EVP_DigestVerifyUpdate(context, parts[i].bytes, parts[i].len) == 1;
    }
    good = good && EVP_DigestVerifyFinal(context, signature.bytes, signature.len) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

bool certificate_signed(struct slice pem, const struct certificate_wanted *wanted,
                        const struct slice *parts, size_t count, struct slice signature)
{
    X509 *x509 = read_pem(pem);
    EVP_PKEY *key = x509 ? X509_get0_pubkey(x509) : NULL;
    bool good = key && EVP_PKEY_base_id(key) == EVP_PKEY_RSA &&
                EVP_PKEY_bits(key) >= CERTIFICATE_KEY_BITS_MIN && is_valid(x509, wanted->now_s) &&
                bears_name(x509, wanted->names) &&
                verify(key, wanted->digest, parts, count, signature);
    X509_free(x509);
    ERR_clear_error();
    return good;
}

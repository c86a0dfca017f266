/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the certificate with which a first try on one's own machine speaks HTTPS. Nobody but the person who made it
 * should trust it; it is not for the public. */
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "shared/atomic_file.h"
#include "shared/syscall.h"
#include "shared/text.h"
#include "tls/tls_context.h"
#include "tls/tls_words.h"

#define CLOCK_SKEW 3600 /* s by which a client's clock may be behind */

static void key_free(EVP_PKEY **key) {
        EVP_PKEY_free(*key);
}

static void certificate_free(X509 **certificate) {
        X509_free(*certificate);
}

static void bio_free(BIO **bio) {
        BIO_free(*bio);
}

static bool add_extension(X509 *certificate, int nid, const char *value) {
        X509V3_CTX context;
        X509V3_set_ctx_nodb(&context);
        X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
        bool added = extension && X509_add_ext(certificate, extension, -1) == 1;
        X509_EXTENSION_free(extension);
        return added;
}

static bool is_host_name(const char *name) {
        size_t length = strlen(name);
        return length > 0 &&
               strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") == length &&
               name[0] != '-' && name[0] != '.';
}

static bool add_names(X509 *certificate) {
        _cleanup_text_ struct text names = TEXT_INIT;
        text_append_string(&names, "DNS:localhost,DNS:*.localhost,IP:127.0.0.1,IP:::1");
        char host[HOST_NAME_MAX + 1] = "";
        if (gethostname(host, sizeof(host) - 1) == 0 && is_host_name(host) && strcmp(host, "localhost") != 0)
                text_printf(&names, ",DNS:%s", host);
        return !names.failed && add_extension(certificate, NID_subject_alt_name, names.data);
}

static bool set_serial(X509 *certificate) {
        unsigned char bytes[16];
        if (RAND_bytes(bytes, sizeof(bytes)) != 1)
                return false;
        bytes[0] = (unsigned char) ((bytes[0] & 0x7f) | 0x40); /* positive, of full length (RFC 5280 section 4.1.2.2) */
        BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
        bool set = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
        BN_free(number);
        return set;
}

static bool set_subject(X509 *certificate) {
        X509_NAME *name = X509_get_subject_name(certificate);
        return X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC,
                                          (const unsigned char *) "Container Codes, for development", -1, -1, 0) == 1 &&
               X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *) "localhost", -1, -1, 0) ==
                               1 &&
               X509_set_issuer_name(certificate, name) == 1;
}

static bool fill(X509 *certificate, EVP_PKEY *key, int days) {
        return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
               X509_gmtime_adj(X509_getm_notBefore(certificate), -CLOCK_SKEW) &&
               X509_time_adj_ex(X509_getm_notAfter(certificate), days, 0, NULL) &&
               X509_set_pubkey(certificate, key) == 1 && set_subject(certificate) && add_names(certificate) &&
               add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
               add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
               add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
               add_extension(certificate, NID_subject_key_identifier, "hash") &&
               X509_sign(certificate, key, EVP_sha256()) > 0;
}

static int write_pem(const char *path, BIO *bio, mode_t mode, struct error *error) {
        char *data;
        long length = BIO_get_mem_data(bio, &data);
        int r = atomic_file_write(path, data, (size_t) length, mode);
        return r < 0 ? error_set_errno(error, r, "writing %s", path) : 0;
}

int tls_make_development_certificate(const char *certificate_path, const char *key_path, int days,
                                     struct error *error) {
        tls_words_clear();
        _cleanup_(key_free) EVP_PKEY *key = EVP_EC_gen("P-256");
        _cleanup_(certificate_free) X509 *certificate = X509_new();
        _cleanup_(bio_free) BIO *key_text = BIO_new(BIO_s_secmem());
        _cleanup_(bio_free) BIO *certificate_text = BIO_new(BIO_s_mem());
        if (!key || !certificate || !key_text || !certificate_text || !fill(certificate, key, days) ||
            PEM_write_bio_PrivateKey(key_text, key, NULL, NULL, 0, NULL, NULL) != 1 ||
            PEM_write_bio_X509(certificate_text, certificate) != 1)
                return tls_words_set(error, -EIO, "making a certificate for development");

        /* The key first: whoever sees the new certificate finds its key. */
        int r = write_pem(key_path, key_text, 0600, error);
        if (r == 0)
                r = write_pem(certificate_path, certificate_text, 0644, error);
        return r;
}

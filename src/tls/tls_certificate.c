/* SPDX-License-Identifier: Apache-2.0 */
/* Loads one certificate with what belongs to it. Nothing half-loaded leaves this file; the key's text is wiped as soon
 * as the key is parsed. */
#include "tls/tls_certificate.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "shared/syscall.h"
#include "tls/tls_words.h"

#define DAY (24 * 3600)

static void bio_free(BIO **bio) {
        BIO_free(*bio);
}

void tls_certificates_free(STACK_OF(X509) **certificates) {
        sk_X509_pop_free(*certificates, X509_free);
}

int tls_certificate_parse(const char *text, size_t length, const char *path, struct error *error,
                          STACK_OF(X509) **ret_certificates) {
        _cleanup_(bio_free) BIO *bio = BIO_new_mem_buf(text, (int) length);
        _cleanup_(tls_certificates_free) STACK_OF(X509) *certificates = sk_X509_new_null();
        if (!bio || !certificates)
                return error_set_errno(error, -ENOMEM, "reading %s", path);
        tls_words_clear();
        X509 *certificate;
        while ((certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
                if (sk_X509_push(certificates, certificate) <= 0) {
                        X509_free(certificate);
                        return error_set_errno(error, -ENOMEM, "reading %s", path);
                }
        }
        int count = sk_X509_num(certificates);
        unsigned long code = ERR_peek_last_error(); /* running out of blocks is the orderly end */
        if (ERR_GET_LIB(code) != ERR_LIB_PEM || ERR_GET_REASON(code) != PEM_R_NO_START_LINE)
                return tls_words_set(error, -EBADMSG, "certificate number %d in %s is damaged", count + 1, path);
        ERR_clear_error();
        if (count == 0)
                return error_set(error, -EBADMSG, "%s has no certificate in PEM form (-----BEGIN CERTIFICATE-----)",
                                 path);
        *ret_certificates = take_pointer(certificates);
        return 0;
}

/* Stands in for the question for a passphrase, which nobody could answer. */
static int note_passphrase(char *buffer, int size, int is_writing, void *userdata) {
        (void) buffer;
        (void) size;
        (void) is_writing;
        *(bool *) userdata = true;
        return -1;
}

static int parse_key(const char *text, size_t length, const char *path, struct error *error, EVP_PKEY **ret_key) {
        _cleanup_(bio_free) BIO *bio = BIO_new_mem_buf(text, (int) length);
        if (!bio)
                return error_set_errno(error, -ENOMEM, "reading key %s", path);
        bool asked = false;
        tls_words_clear();
        EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, note_passphrase, &asked);
        if (key) {
                ERR_clear_error();
                *ret_key = key;
                return 0;
        }
        if (asked) {
                ERR_clear_error();
                return error_set(error, -EBADMSG,
                                 "key %s is protected by a passphrase; take it off (openssl pkey -in FILE -out FILE)",
                                 path);
        }
        return tls_words_set(error, -EBADMSG, "key %s cannot be read", path);
}

static int read_chain(const struct config_certificate *config, struct tls_files *files, struct error *error,
                      struct tls_certificate *certificate) {
        _cleanup_free_ char *text = NULL;
        size_t length;
        int r = tls_files_read(files, config->certificate, "reading certificate", error, &text, &length);
        if (r == 0)
                r = tls_certificate_parse(text, length, config->certificate, error, &certificate->chain);
        if (r < 0)
                return r;
        certificate->leaf = sk_X509_shift(certificate->chain);
        return 0;
}

static int read_key(const struct config_certificate *config, struct tls_files *files, struct tls_notes *notes,
                    struct error *error, struct tls_certificate *certificate) {
        _cleanup_free_ char *text = NULL;
        size_t length;
        int r = tls_files_read(files, config->key, "reading key", error, &text, &length);
        if (r < 0)
                return r;
        r = parse_key(text, length, config->key, error, &certificate->key);
        OPENSSL_cleanse(text, length);
        if (r < 0)
                return r;
        if (tls_files_last(files)->mode & S_IROTH)
                tls_notes_add(notes,
                              "The key of certificate '%s' can be read by every user: chmod o-r %s, and think of "
                              "a new key.",
                              config->name, config->key);
        return 0;
}

static int find_kind(const struct config_certificate *config, struct error *error,
                     struct tls_certificate *certificate) {
        switch (EVP_PKEY_get_base_id(certificate->key)) {
        case EVP_PKEY_EC:
                certificate->kind = TLS_KEY_ECDSA;
                return 0;
        case EVP_PKEY_RSA:
        case EVP_PKEY_RSA_PSS:
                certificate->kind = TLS_KEY_RSA;
                return 0;
        case EVP_PKEY_ED25519:
        case EVP_PKEY_ED448:
                certificate->kind = TLS_KEY_EDWARDS;
                return 0;
        default:
                return error_set(error, -EOPNOTSUPP,
                                 "key %s is of a type that TLS has no use for; ECDSA P-256 or RSA are known to all "
                                 "clients",
                                 config->key);
        }
}

static int check_key(const struct config_certificate *config, struct error *error,
                     const struct tls_certificate *certificate) {
        bool belongs = X509_check_private_key(certificate->leaf, certificate->key) == 1;
        ERR_clear_error();
        if (belongs)
                return 0;
        for (int i = 0; i < sk_X509_num(certificate->chain); i++) {
                bool is_later = X509_check_private_key(sk_X509_value(certificate->chain, i), certificate->key) == 1;
                ERR_clear_error();
                if (is_later)
                        return error_set(error, -EKEYREJECTED,
                                         "key %s belongs to certificate number %d in %s; that one must be the first",
                                         config->key, i + 2, config->certificate);
        }
        return error_set(error, -EKEYREJECTED,
                         "key %s does not belong to %s; if they were just renewed, one of the two is still the old one",
                         config->key, config->certificate);
}

static time_t time_of(const ASN1_TIME *time) {
        struct tm tm;
        return ASN1_TIME_to_tm(time, &tm) ? timegm(&tm) : 0;
}

static const char *format_time(time_t time, char buffer[32]) {
        struct tm tm;
        (void) gmtime_r(&time, &tm);
        (void) strftime(buffer, 32, "%Y-%m-%d %H:%M UTC", &tm);
        return buffer;
}

/* A renewal that is due is made long before a tenth of the lifetime is left. */
static void note_dates(const struct config_certificate *config, time_t now, const X509 *leaf, struct tls_notes *notes) {
        time_t begin = time_of(X509_get0_notBefore(leaf)), end = time_of(X509_get0_notAfter(leaf));
        char text[32];
        if (now < begin)
                tls_notes_add(notes, "Certificate '%s' is valid only from %s on; clients refuse it until then (%s).",
                              config->name, format_time(begin, text), config->certificate);
        else if (now >= end)
                tls_notes_add(notes, "Certificate '%s' expired on %s: clients refuse it; renew it (%s).", config->name,
                              format_time(end, text), config->certificate);
        else if (end - now < MIN_OF((end - begin) / 10, (time_t) 30 * DAY))
                tls_notes_add(notes, "Certificate '%s' expires on %s: renew it (%s).", config->name,
                              format_time(end, text), config->certificate);
}

static bool is_self_signed(const X509 *certificate) {
        return X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) == 0;
}

static void note_chain(const struct config_certificate *config, const struct tls_certificate *certificate,
                       struct tls_notes *notes) {
        const X509 *below = certificate->leaf;
        int count = sk_X509_num(certificate->chain);
        if (count == 0 && !is_self_signed(below))
                tls_notes_add(notes,
                              "Certificate '%s' comes without its issuer's: many clients will not trust it unless its "
                              "issuer is a root; append the intermediate certificates to %s.",
                              config->name, config->certificate);
        for (int i = 0; i < count; i++) {
                X509 *above = sk_X509_value(certificate->chain, i);
                if (X509_check_issued(above, (X509 *) below) != X509_V_OK) {
                        tls_notes_add(notes,
                                      "Certificate '%s': number %d in %s is not the issuer of number %d; put the "
                                      "chain in order, from the leaf upwards.",
                                      config->name, i + 2, config->certificate, i + 1);
                        return;
                }
                below = above;
        }
}

static int read_names(const struct config_certificate *config, struct tls_notes *notes, struct error *error,
                      struct tls_certificate *certificate) {
        bool only_common_name;
        int r = tls_names_of(certificate->leaf, &certificate->names, &only_common_name);
        ERR_clear_error();
        if (r < 0)
                return error_set_errno(error, r, "reading the names in %s", config->certificate);
        if (only_common_name || certificate->names.count == 0)
                tls_notes_add(notes,
                              "Certificate '%s' has no host name that clients look at (no subjectAltName); have it "
                              "issued anew (%s).",
                              config->name, config->certificate);
        return 0;
}

/* A missing or unfit response is no reason not to serve. */
static void read_staple(const struct config_certificate *config, time_t now, struct tls_files *files,
                        struct tls_notes *notes, struct tls_certificate *certificate) {
        if (!config->ocsp)
                return;
        struct error error = ERROR_INIT;
        _cleanup_free_ char *response = NULL;
        size_t length;
        int r = tls_files_read(files, config->ocsp, "reading", &error, &response, &length);
        if (r == 0) {
                r = tls_staple_check(response, length, certificate->leaf, sk_X509_value(certificate->chain, 0), now,
                                     &error, &certificate->staple);
                error_prefix(&error, "%s", config->ocsp);
        }
        if (r < 0)
                tls_notes_add(notes, "The OCSP response for certificate '%s' is not shown: %s.", config->name,
                              error.text);
}

static int load(const struct config_certificate *config, time_t now, struct tls_files *files, struct tls_notes *notes,
                struct error *error, struct tls_certificate *certificate) {
        const char *key = "certificate"; /* what is looked at, and so at fault */
        int r = read_chain(config, files, error, certificate);
        if (r == 0)
                r = read_names(config, notes, error, certificate);
        if (r == 0) {
                key = "key";
                r = read_key(config, files, notes, error, certificate);
        }
        if (r == 0)
                r = find_kind(config, error, certificate);
        if (r == 0)
                r = check_key(config, error, certificate);
        if (r < 0) {
                struct config_origin origin = config_origin_of_key(&config->origin, key);
                config_origin_place(&origin, error);
                return r;
        }
        note_dates(config, now, certificate->leaf, notes);
        note_chain(config, certificate, notes);
        read_staple(config, now, files, notes, certificate);
        return 0;
}

int tls_certificate_load(const struct config_certificate *config, time_t now, struct tls_files *files,
                         struct tls_notes *notes, struct error *error, struct tls_certificate *ret_certificate) {
        _cleanup_(tls_certificate_done) struct tls_certificate certificate = { 0 };
        int r = load(config, now, files, notes, error, &certificate);
        if (r < 0) {
                error_prefix(error, "certificate '%s'", config->name);
                return r;
        }
        *ret_certificate = certificate;
        certificate = (struct tls_certificate) { 0 };
        return 0;
}

void tls_certificate_done(struct tls_certificate *certificate) {
        X509_free(certificate->leaf);
        sk_X509_pop_free(certificate->chain, X509_free);
        EVP_PKEY_free(certificate->key);
        tls_names_done(&certificate->names);
        tls_staple_done(&certificate->staple);
        *certificate = (struct tls_certificate) { 0 };
}

int tls_certificate_subject(const X509 *certificate, char **ret_subject) {
        _cleanup_(bio_free) BIO *bio = BIO_new(BIO_s_mem());
        if (!bio)
                return -ENOMEM;
        char *text;
        if (X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) < 0)
                return -ENOMEM;
        long length = BIO_get_mem_data(bio, &text);
        char *subject = strndup(text, (size_t) length);
        if (!subject)
                return -ENOMEM;
        *ret_subject = subject;
        return 0;
}

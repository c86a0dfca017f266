/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps one self-signed certificate for a person. What it is like is said in tls/tls_context.h. */
#include "cli/development_certificate.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cli/state_folder.h"
#include "shared/syscall.h"
#include "tls/tls_context.h"

#define DAYS 365
#define DAYS_LEFT_MIN 7
#define SECONDS_PER_DAY INT64_C(86400)

static void file_cleanup(FILE **file) {
        if (*file)
                (void) fclose(*file);
}

static void certificate_cleanup(X509 **certificate) {
        X509_free(*certificate);
}

/* When it ends; 0 when there is none that can be read. */
static int64_t expiry_of(const char *path) {
        _cleanup_(file_cleanup) FILE *file = fopen(path, "re");
        _cleanup_(certificate_cleanup) X509 *certificate = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
        struct tm parts;
        if (!certificate || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) != 1)
                return 0;
        return (int64_t) timegm(&parts);
}

/* The user's own, where it is kept; else (users of services have no home) the other one, which is there. */
static char *find_folder(const char *other_folder) {
        const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
        _cleanup_free_ char *folder = NULL;
        if (data && *data == '/')
                folder = text_format("%s/ccodes", data);
        else if (home && *home == '/')
                folder = text_format("%s/.local/share/ccodes", home);
        if (folder && state_folder_make(folder, NULL) >= 0 && access(folder, W_OK | X_OK) == 0)
                return take_pointer(folder);
        return strdup(other_folder);
}

void development_certificate_done(struct development_certificate *certificate) {
        if (!certificate)
                return;
        free(certificate->certificate);
        free(certificate->key);
        *certificate = (struct development_certificate) { 0 };
}

int development_certificate_get(const char *other_folder, struct error *error,
                                struct development_certificate *ret_certificate) {
        _cleanup_(development_certificate_done) struct development_certificate made = { 0 };
        _cleanup_free_ char *folder = find_folder(other_folder);
        int r = folder ? 0 : -ENOMEM;
        if (r >= 0) {
                made.certificate = text_format("%s/development.pem", folder);
                made.key = text_format("%s/development.key", folder);
                r = made.certificate && made.key ? 0 : -ENOMEM;
        }
        if (r < 0)
                return error_set_errno(error, r, "making a certificate for development");

        made.expires = expiry_of(made.certificate);
        if (made.expires < (int64_t) time(NULL) + DAYS_LEFT_MIN * SECONDS_PER_DAY || access(made.key, R_OK) < 0) {
                r = tls_make_development_certificate(made.certificate, made.key, DAYS, error);
                if (r < 0) {
                        error_prefix(error, "making a certificate for development in %s", folder);
                        return r;
                }
                made.expires = expiry_of(made.certificate);
        }
        *ret_certificate = made;
        made = (struct development_certificate) { 0 };
        return 0;
}

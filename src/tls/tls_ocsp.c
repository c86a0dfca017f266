/* SPDX-License-Identifier: Apache-2.0 */
/* Judges OCSP responses before they are shown to clients. A client that gets a wrong one breaks the connection, one
 * that gets none goes on: whatever cannot be verified in full is not shown. */
#include "tls/tls_ocsp.h"

#include <errno.h>

#include <openssl/ocsp.h>
#include <openssl/x509_vfy.h>

#include "shared/syscall.h"
#include "tls/tls_words.h"

#define CLOCK_SKEW 300 /* s by which the responder's clock may be ahead */

static void response_free(OCSP_RESPONSE **response) {
        OCSP_RESPONSE_free(*response);
}

static void basic_free(OCSP_BASICRESP **basic) {
        OCSP_BASICRESP_free(*basic);
}

static void store_free(X509_STORE **store) {
        X509_STORE_free(*store);
}

static int check_signature(OCSP_BASICRESP *basic, X509 *issuer, struct error *error) {
        _cleanup_(store_free) X509_STORE *store = X509_STORE_new();
        STACK_OF(X509) *untrusted = sk_X509_new_null();
        if (!store || !untrusted || !sk_X509_push(untrusted, issuer) || !X509_STORE_add_cert(store, issuer)) {
                sk_X509_free(untrusted);
                return error_set_errno(error, -ENOMEM, "it cannot be checked");
        }
        /* The issuer is trusted here, whether it is a root or not: the question is only whether it stands behind this. */
        (void) X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
        int valid = OCSP_basic_verify(basic, untrusted, store, 0);
        sk_X509_free(untrusted);
        if (valid != 1)
                return tls_words_set(error, -EBADMSG, "it is not signed by the issuer of the certificate");
        return 0;
}

/* The statement about this leaf, whatever hash the responder named it by. */
static OCSP_SINGLERESP *find_statement(OCSP_BASICRESP *basic, const X509 *leaf, const X509 *issuer) {
        for (int i = 0; i < OCSP_resp_count(basic); i++) {
                OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
                OCSP_CERTID *named = (OCSP_CERTID *) OCSP_SINGLERESP_get0_id(single);
                ASN1_OBJECT *hash = NULL;
                (void) OCSP_id_get0_info(NULL, &hash, NULL, NULL, named);
                const EVP_MD *digest = hash ? EVP_get_digestbyobj(hash) : NULL;
                OCSP_CERTID *ours = digest ? OCSP_cert_to_id(digest, leaf, issuer) : NULL;
                bool is_it = ours && OCSP_id_cmp(ours, named) == 0;
                OCSP_CERTID_free(ours);
                if (is_it)
                        return single;
        }
        return NULL;
}

static int check_statement(OCSP_BASICRESP *basic, const X509 *leaf, const X509 *issuer, time_t now, struct error *error,
                           time_t *ret_expires) {
        OCSP_SINGLERESP *single = find_statement(basic, leaf, issuer);
        if (!single)
                return error_set(error, -EBADMSG, "it is about another certificate");

        ASN1_GENERALIZEDTIME *this_update, *next_update;
        int status = OCSP_single_get0_status(single, NULL, NULL, &this_update, &next_update);
        if (status == V_OCSP_CERTSTATUS_REVOKED)
                return error_set(error, -EKEYREVOKED, "it says that the certificate is revoked");
        if (status != V_OCSP_CERTSTATUS_GOOD)
                return error_set(error, -EBADMSG, "it does not say that the certificate is good");

        struct tm begin, end;
        if (!next_update || !ASN1_TIME_to_tm(this_update, &begin) || !ASN1_TIME_to_tm(next_update, &end))
                return error_set(error, -EBADMSG, "it does not say until when it holds");
        if (timegm(&begin) > now + CLOCK_SKEW)
                return error_set(error, -ESTALE, "it is from the future; compare the clocks");
        if (timegm(&end) <= now)
                return error_set(error, -ESTALE, "it is out of date; fetch a new one");
        *ret_expires = timegm(&end);
        return 0;
}

int tls_staple_check(const char *response, size_t length, X509 *leaf, X509 *issuer, time_t now, struct error *error,
                     struct tls_staple *ret_staple) {
        if (!issuer)
                return error_set(error, -EBADMSG,
                                 "it cannot be checked without the issuer's certificate, which belongs after the leaf");

        const unsigned char *bytes = (const unsigned char *) response;
        _cleanup_(response_free) OCSP_RESPONSE *parsed = d2i_OCSP_RESPONSE(NULL, &bytes, (long) length);
        if (!parsed) {
                tls_words_clear();
                return error_set(error, -EBADMSG, "it is not an OCSP response in DER");
        }
        if (OCSP_response_status(parsed) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
                return error_set(error, -EBADMSG, "the responder answered '%s'",
                                 OCSP_response_status_str(OCSP_response_status(parsed)));
        _cleanup_(basic_free) OCSP_BASICRESP *basic = OCSP_response_get1_basic(parsed);
        if (!basic)
                return tls_words_set(error, -EBADMSG, "it has no content");

        time_t expires = 0;
        int r = check_signature(basic, issuer, error);
        if (r == 0)
                r = check_statement(basic, leaf, issuer, now, error, &expires);
        if (r < 0)
                return r;

        unsigned char *copy = OPENSSL_memdup(response, length);
        if (!copy)
                return error_set_errno(error, -ENOMEM, "it cannot be kept");
        *ret_staple = (struct tls_staple) { .response = copy, .length = length, .expires = expires };
        return 0;
}

void tls_staple_done(struct tls_staple *staple) {
        OPENSSL_free(staple->response);
        *staple = (struct tls_staple) { 0 };
}

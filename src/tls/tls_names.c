/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the names out of a certificate. A name that could deceive (an embedded NUL, a character that is not printable
 * ASCII) is left out. */
#include "tls/tls_names.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include <openssl/x509v3.h>

#include "shared/syscall.h"

static int add_name(struct tls_names *names, const char *bytes, size_t length) {
        if (length == 0 || length > 253) /* RFC 1035 section 2.3.4, less the root */
                return 0;
        for (size_t i = 0; i < length; i++)
                if (bytes[i] <= ' ' || bytes[i] > '~')
                        return 0;

        char **items = reallocarray(names->items, names->count + 1, sizeof(*items));
        if (!items)
                return -ENOMEM;
        names->items = items;
        char *name = strndup(bytes, length);
        if (!name)
                return -ENOMEM;
        for (char *c = name; *c; c++)
                if (*c >= 'A' && *c <= 'Z')
                        *c = (char) (*c | 0x20);
        items[names->count++] = name;
        return 0;
}

static int add_string(struct tls_names *names, const ASN1_STRING *string) {
        return add_name(names, (const char *) ASN1_STRING_get0_data(string), (size_t) ASN1_STRING_length(string));
}

static int add_address(struct tls_names *names, const ASN1_STRING *string) {
        char text[INET6_ADDRSTRLEN];
        int length = ASN1_STRING_length(string);
        if (length != 4 && length != 16)
                return 0;
        (void) inet_ntop(length == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(string), text, sizeof(text));
        return add_name(names, text, strlen(text));
}

static int add_alternatives(struct tls_names *names, const GENERAL_NAMES *alternatives) {
        for (int i = 0; i < sk_GENERAL_NAME_num(alternatives); i++) {
                const GENERAL_NAME *name = sk_GENERAL_NAME_value(alternatives, i);
                int r = 0;
                if (name->type == GEN_DNS)
                        r = add_string(names, name->d.dNSName);
                else if (name->type == GEN_IPADD)
                        r = add_address(names, name->d.iPAddress);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int add_common_name(struct tls_names *names, const X509 *certificate) {
        const X509_NAME *subject = X509_get_subject_name(certificate);
        int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
        if (index < 0)
                return 0;
        return add_string(names, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
}

int tls_names_of(const X509 *certificate, struct tls_names *ret_names, bool *ret_only_common_name) {
        _cleanup_(tls_names_done) struct tls_names names = { 0 };
        GENERAL_NAMES *alternatives = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
        bool only_common_name = !alternatives;
        int r = alternatives ? add_alternatives(&names, alternatives) : add_common_name(&names, certificate);
        GENERAL_NAMES_free(alternatives);
        if (r < 0)
                return r;
        *ret_names = names;
        names = (struct tls_names) { 0 };
        *ret_only_common_name = only_common_name;
        return 0;
}

void tls_names_done(struct tls_names *names) {
        for (size_t i = 0; i < names->count; i++)
                free(names->items[i]);
        free(names->items);
        *names = (struct tls_names) { 0 };
}

struct slice tls_names_wildcard_tail(struct slice host) {
        const char *dot = host.length ? memchr(host.data, '.', host.length) : NULL;
        if (!dot || dot == host.data || dot + 1 == host.data + host.length)
                return SLICE_NULL;
        return slice_from(host, (size_t) (dot - host.data));
}

bool tls_names_cover(const struct tls_names *names, struct slice host) {
        if (host.length > 2 && host.data[0] == '[' && host.data[host.length - 1] == ']')
                host = (struct slice) { host.data + 1, host.length - 2 };
        struct slice tail = tls_names_wildcard_tail(host);
        for (size_t i = 0; i < names->count; i++) {
                struct slice name = slice_of(names->items[i]);
                if (slice_equal(name, host))
                        return true;
                if (tail.data && name.data[0] == '*' && slice_equal(slice_from(name, 1), tail))
                        return true;
        }
        return false;
}

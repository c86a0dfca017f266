/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the immutable TLS settings of a listener. One SSL_CTX serves all its names: it holds the default certificates,
 * and a connection for another name is given that one's during its handshake. */
#include "tls/tls_context_private.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "shared/syscall.h"
#include "shared/text.h"
#include "tls/tls_client_ca.h"
#include "tls/tls_handshake.h"
#include "tls/tls_stream.h"
#include "tls/tls_words.h"

#define TICKET_LIFETIME_MAX (7 * 24 * 3600) /* s; RFC 8446 section 4.6.1 */

static const struct config_certificate *find_certificate(const struct tls_context_options *options, const char *name) {
        for (size_t i = 0; i < options->certificate_count; i++)
                if (strcmp(options->certificates[i].name, name) == 0)
                        return &options->certificates[i];
        return NULL;
}

static void trial_free(SSL_CTX **trial) {
        SSL_CTX_free(*trial);
}

/* OpenSSL judges lengths and hashes by its security level: it is asked about each certificate in turn, to say which one
 * failed, and about all before one is shown. */
static int load_certificate(struct tls_context *context, const struct config_certificate *config, SSL_CTX *trial,
                            struct error *error) {
        struct tls_certificate *certificate = &context->certificates[context->certificate_count];
        int r = tls_certificate_load(config, time(NULL), &context->files, &context->notes, error, certificate);
        if (r < 0)
                return r;
        context->certificate_count++;
        r = tls_handshake_use_certificate(trial, certificate, error);
        if (r < 0) {
                struct config_origin origin = config_origin_of_key(&config->origin, "certificate");
                error_prefix(error, "certificate '%s': %s", config->name, config->certificate);
                config_origin_place(&origin, error);
        }
        return r;
}

static int load_certificates(struct tls_context *context, const struct tls_context_options *options,
                             struct error *error) {
        const struct config_strings *names = &options->listener->certificates;
        size_t count = names->count ? names->count : options->certificate_count;
        if (count == 0)
                return error_set(error, -ENOENT, "there is no certificate for it; add a [[certificate]]");
        context->certificates = calloc(count, sizeof(*context->certificates));
        _cleanup_(trial_free) SSL_CTX *trial = SSL_CTX_new(TLS_server_method());
        if (!context->certificates || !trial)
                return error_set_errno(error, -ENOMEM, "loading %zu certificates", count);
        SSL_CTX_set_security_level(trial, SSL_CTX_get_security_level(context->ssl)); /* `ciphers` may set it */

        for (size_t i = 0; i < count; i++) {
                const struct config_certificate *config =
                                names->count ? find_certificate(options, names->items[i]) : &options->certificates[i];
                if (!config)
                        return error_set(error, -ENOENT, "there is no certificate '%s'", names->items[i]);
                int r = load_certificate(context, config, trial, error);
                if (r < 0)
                        return r;
        }
        int r = tls_sni_init(context->certificates, count, &context->sni);
        return r < 0 ? error_set_errno(error, r, "loading %zu certificates", count) : 0;
}

static int set_ciphers(SSL_CTX *ssl, const struct tls_context_options *options, struct error *error) {
        const struct config_tls *tls = options->tls;
        struct config_origin origin = { 0 };
        int r = 0;
        if (tls->ciphers && SSL_CTX_set_cipher_list(ssl, tls->ciphers) != 1) {
                r = tls_words_set(error, -EINVAL, "[tls] ciphers = \"%s\"", tls->ciphers);
                (void) config_origin_of(options->tree, "tls.ciphers", &origin);
        } else if (tls->ciphersuites && SSL_CTX_set_ciphersuites(ssl, tls->ciphersuites) != 1) {
                r = tls_words_set(error, -EINVAL, "[tls] ciphersuites = \"%s\"", tls->ciphersuites);
                (void) config_origin_of(options->tree, "tls.ciphersuites", &origin);
        }
        config_origin_place(&origin, error);
        return r;
}

/* A group that this OpenSSL does not know is left out, so that one configuration can name the newest and still serve older
 * systems. */
static int set_groups(struct tls_context *context, const struct config_strings *groups, struct error *error) {
        _cleanup_text_ struct text list = TEXT_INIT;
        for (size_t i = 0; i < groups->count; i++) {
                if (SSL_CTX_set1_groups_list(context->ssl, groups->items[i]) == 1)
                        text_printf(&list, "%s%s", list.length ? ":" : "", groups->items[i]);
                else
                        tls_notes_add(&context->notes,
                                      "This OpenSSL does not know the group '%s' of [tls] groups; it is left out.",
                                      groups->items[i]);
        }
        ERR_clear_error();
        if (list.failed)
                return error_set_errno(error, -ENOMEM, "[tls] groups");
        if (groups->count && !list.length)
                return error_set(error, -EINVAL, "[tls] groups: this OpenSSL knows none of them; X25519 is one");
        if (list.length && SSL_CTX_set1_groups_list(context->ssl, list.data) != 1)
                return tls_words_set(error, -EINVAL, "[tls] groups");
        return 0;
}

static void set_options(struct tls_context *context, const struct config_tls *tls) {
        SSL_CTX *ssl = context->ssl;
        int version = tls->minimum_version == CONFIG_TLS_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
        (void) SSL_CTX_set_min_proto_version(ssl, version);
        SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                                 SSL_OP_PRIORITIZE_CHACHA);
        /* Buffers only while bytes are in them, and one recv(2) a record rather than one for its header first. */
        SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
        SSL_CTX_set_read_ahead(ssl, 1);
        (void) SSL_CTX_set_max_early_data(ssl, 0); /* it could be replayed */
        atomic_init(&context->kernel_tls, tls->kernel_tls ? TLS_KERNEL_UNTRIED : TLS_KERNEL_OFF);
        if (tls->kernel_tls)
                SSL_CTX_set_options(ssl, SSL_OP_ENABLE_KTLS);
}

/* Tickets carry all of a session: nothing is kept here. */
static void set_resumption(struct tls_context *context, const struct config_tls *tls, struct tls_tickets *tickets) {
        SSL_CTX *ssl = context->ssl;
        (void) SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
        if (!tls->tickets || !tickets) {
                SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET);
                (void) SSL_CTX_set_num_tickets(ssl, 0);
                return;
        }
        context->tickets = tls_tickets_ref(tickets);
        uint64_t lifetime = 2 * (tls->ticket_rotation / 1000000);
        (void) SSL_CTX_set_timeout(ssl, (long) MIN_OF(lifetime, (uint64_t) TICKET_LIFETIME_MAX));
        (void) SSL_CTX_set_num_tickets(ssl, 2); /* browsers open several connections at once */
}

/* Sessions are resumed only where the same certificates and the same demands on clients stand: a ticket from a listener that
 * asks nobody must not open one that does. */
static int set_session_context(struct tls_context *context, const struct config_listener *listener,
                               struct slice client_ca, struct error *error) {
        unsigned char digest[EVP_MAX_MD_SIZE], one[EVP_MAX_MD_SIZE];
        unsigned length, one_length;
        EVP_MD_CTX *md = EVP_MD_CTX_new();
        bool done = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;
        for (size_t i = 0; done && i < context->certificate_count; i++)
                done = X509_digest(context->certificates[i].leaf, EVP_sha256(), one, &one_length) == 1 &&
                       EVP_DigestUpdate(md, one, one_length) == 1;
        unsigned char demand = listener->client_certificate_required;
        done = done && EVP_DigestUpdate(md, &demand, 1) == 1 &&
               EVP_DigestUpdate(md, client_ca.data, client_ca.length) == 1 &&
               EVP_DigestFinal_ex(md, digest, &length) == 1 &&
               SSL_CTX_set_session_id_context(context->ssl, digest, MIN_OF(length, SSL_MAX_SSL_SESSION_ID_LENGTH)) == 1;
        EVP_MD_CTX_free(md);
        return done ? 0 : tls_words_set(error, -EIO, "naming the sessions of the listener");
}

static int set_clients(struct tls_context *context, const struct config_listener *listener, struct error *error) {
        _cleanup_free_ char *text = NULL;
        size_t length = 0;
        if (listener->client_ca) {
                int r = tls_client_ca_load(context->ssl, listener, &context->files, error, &text, &length);
                if (r < 0)
                        return r;
                context->asks_client = true;
        }
        return set_session_context(context, listener, (struct slice) { text, length }, error);
}

static int build(struct tls_context *context, const struct tls_context_options *options, struct error *error) {
        context->ssl = SSL_CTX_new(TLS_server_method());
        context->stream_method = tls_stream_method_new();
        if (!context->ssl || !context->stream_method)
                return tls_words_set(error, -ENOMEM, "making a TLS context");
        context->http2 = options->http2;
        set_options(context, options->tls);
        set_resumption(context, options->tls, options->tickets);
        int r = set_ciphers(context->ssl, options, error);
        if (r == 0)
                r = set_groups(context, &options->tls->groups, error);
        if (r == 0)
                r = load_certificates(context, options, error);
        if (r == 0)
                r = set_clients(context, options->listener, error);
        if (r == 0)
                r = tls_handshake_prepare(context, error);
        if (r == 0 && context->notes.failed)
                r = error_set_errno(error, -ENOMEM, "making a TLS context");
        return r;
}

int tls_context_new(const struct tls_context_options *options, struct error *error, struct tls_context **ret_context) {
        /* Without its clean-up at exit, which would pull the floor from under threads that still run. */
        if (OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, NULL) != 1)
                return tls_words_set(error, -EIO, "starting OpenSSL");
        struct tls_context *context = calloc(1, sizeof(*context));
        if (!context)
                return error_set_errno(error, -ENOMEM, "making a TLS context");
        atomic_init(&context->references, 1);
        int r = build(context, options, error);
        tls_words_clear();
        if (r < 0) {
                tls_context_unref(context);
                return r;
        }
        *ret_context = context;
        return 0;
}

struct tls_context *tls_context_ref(struct tls_context *context) {
        atomic_fetch_add_explicit(&context->references, 1, memory_order_relaxed);
        return context;
}

struct tls_context *tls_context_unref(struct tls_context *context) {
        if (!context || atomic_fetch_sub_explicit(&context->references, 1, memory_order_acq_rel) != 1)
                return NULL;
        SSL_CTX_free(context->ssl);
        BIO_meth_free(context->stream_method);
        tls_tickets_unref(context->tickets);
        tls_sni_done(&context->sni);
        for (size_t i = 0; i < context->certificate_count; i++)
                tls_certificate_done(&context->certificates[i]);
        free(context->certificates);
        tls_files_done(&context->files);
        tls_notes_done(&context->notes);
        free(context);
        return NULL;
}

void tls_context_each_warning(const struct tls_context *context, void (*warn)(const char *text, void *userdata),
                              void *userdata) {
        for (size_t i = 0; i < context->notes.count; i++)
                warn(context->notes.items[i], userdata);
}

bool tls_context_is_stale(const struct tls_context *context) {
        return tls_files_changed(&context->files);
}

bool tls_context_covers(const struct tls_context *context, struct slice sni, struct slice host) {
        if (!sni.data || slice_equal(sni, host))
                return true;
        return tls_choice_covers(tls_sni_choose(&context->sni, sni), host);
}

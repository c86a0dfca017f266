/* SPDX-License-Identifier: Apache-2.0 */
/* Ticket keys: their rotation and their way over a restart, read by threads while they change, and what they mean to
 * clients that come back. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "tls_testing.h"

#include "shared/syscall.h"
#include "tls/tls_tickets_private.h"

#define HOUR 3600
#define START 1700000000 /* any time */

struct opened {
        unsigned char name[TLS_TICKETS_NAME_SIZE], iv[EVP_MAX_IV_LENGTH];
        unsigned char sealed[32];
        int length;
};

static EVP_MAC_CTX *mac_new(void) {
        EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
        EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);
        EVP_MAC_free(mac);
        return context;
}

static void seal(const struct tls_tickets *tickets, struct opened *ret) {
        EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
        EVP_MAC_CTX *mac = mac_new();
        assert_int_equal(tls_tickets_seal(tickets, ret->name, ret->iv, cipher, mac), 1);
        assert_int_equal(EVP_EncryptUpdate(cipher, ret->sealed, &ret->length,
                                           (const unsigned char *) "a secret of 16 B", 16),
                         1);
        assert_int_equal(ret->length, 16);
        EVP_CIPHER_CTX_free(cipher);
        EVP_MAC_CTX_free(mac);
}

/* What tls_tickets_open says; when it opens, the bytes must be right. */
static int open_sealed(const struct tls_tickets *tickets, const struct opened *from) {
        EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
        EVP_MAC_CTX *mac = mac_new();
        int r = tls_tickets_open(tickets, from->name, from->iv, cipher, mac);
        if (r > 0) {
                unsigned char plain[64];
                int length;
                (void) EVP_CIPHER_CTX_set_padding(cipher, 0);
                assert_int_equal(EVP_DecryptUpdate(cipher, plain, &length, from->sealed, from->length), 1);
                assert_int_equal(length, 16);
                assert_memory_equal(plain, "a secret of 16 B", 16);
        }
        EVP_CIPHER_CTX_free(cipher);
        EVP_MAC_CTX_free(mac);
        return r;
}

static struct tls_tickets *tickets_new(void) {
        struct tls_tickets *tickets = NULL;
        assert_int_equal(tls_tickets_new(START, HOUR, &tickets), 0);
        return tickets;
}

static void a_key_opens_for_two_rotations(void **state) {
        (void) state;
        struct tls_tickets *tickets = tickets_new();
        struct opened first;
        seal(tickets, &first);
        assert_int_equal(open_sealed(tickets, &first), 1);
        assert_false(tls_tickets_rotate(tickets, START + HOUR - 1));
        assert_int_equal(open_sealed(tickets, &first), 1);
        assert_true(tls_tickets_rotate(tickets, START + HOUR));
        assert_false(tls_tickets_rotate(tickets, START + HOUR));
        assert_int_equal(open_sealed(tickets, &first), 2); /* and a new one is due */
        struct opened second;
        seal(tickets, &second);
        assert_memory_not_equal(first.name, second.name, sizeof(first.name));
        assert_true(tls_tickets_rotate(tickets, START + 2 * HOUR));
        assert_int_equal(open_sealed(tickets, &first), 0);
        assert_int_equal(open_sealed(tickets, &second), 2);
        tls_tickets_unref(tickets);
}

static void after_a_long_sleep_all_keys_are_new(void **state) {
        (void) state;
        struct tls_tickets *tickets = tickets_new();
        struct opened first;
        seal(tickets, &first);
        assert_true(tls_tickets_rotate(tickets, START + 2 * HOUR));
        assert_int_equal(open_sealed(tickets, &first), 0);
        seal(tickets, &first);
        assert_int_equal(open_sealed(tickets, &first), 1);
        tls_tickets_unref(tickets);
}

static void a_clock_that_is_set_back_does_not_stop_rotation(void **state) {
        (void) state;
        struct tls_tickets *tickets = tickets_new();
        assert_false(tls_tickets_rotate(tickets, START - 1000 * HOUR));
        assert_true(tls_tickets_rotate(tickets, START - 999 * HOUR));
        tls_tickets_unref(tickets);
}

static void a_shorter_rotation_holds_at_once(void **state) {
        (void) state;
        struct tls_tickets *tickets = tickets_new();
        assert_false(tls_tickets_rotate(tickets, START + 100));
        tls_tickets_set_rotation(tickets, 60);
        assert_true(tls_tickets_rotate(tickets, START + 100));
        tls_tickets_unref(tickets);
}

static void keys_go_over_a_restart(void **state) {
        (void) state;
        struct tls_tickets *before = tickets_new(), *after = tickets_new();
        struct opened ticket, next;
        seal(before, &ticket);
        assert_int_equal(open_sealed(after, &ticket), 0);
        unsigned char blob[TLS_TICKETS_BLOB_SIZE];
        size_t length = tls_tickets_save(before, blob);
        assert_true(length <= sizeof(blob));
        assert_int_equal(tls_tickets_restore(after, blob, length, START + 10), 0);
        assert_int_equal(open_sealed(after, &ticket), 1);

        /* The one that rotates first seals with what the other already opens. */
        assert_true(tls_tickets_rotate(before, START + HOUR));
        seal(before, &next);
        assert_int_equal(open_sealed(after, &next), 2);
        assert_true(tls_tickets_rotate(after, START + HOUR));
        assert_int_equal(open_sealed(after, &next), 1);
        tls_tickets_unref(before);
        tls_tickets_unref(after);
}

static void blobs_that_do_not_fit_change_nothing(void **state) {
        (void) state;
        struct tls_tickets *before = tickets_new(), *after = tickets_new();
        struct opened ticket;
        seal(after, &ticket);
        unsigned char blob[TLS_TICKETS_BLOB_SIZE + 1] = { 0 };
        size_t length = tls_tickets_save(before, blob);
        assert_int_equal(tls_tickets_restore(after, blob, length - 1, START), -EBADMSG);
        assert_int_equal(tls_tickets_restore(after, blob, length + 1, START), -EBADMSG);
        assert_int_equal(tls_tickets_restore(after, blob, 0, START), -EBADMSG);
        assert_int_equal(tls_tickets_restore(after, blob, length, START + 2 * HOUR), -ESTALE);
        blob[6]++;
        assert_int_equal(tls_tickets_restore(after, blob, length, START), -EBADMSG);
        assert_int_equal(open_sealed(after, &ticket), 1);
        tls_tickets_unref(before);
        tls_tickets_unref(after);
}

struct reading {
        struct tls_tickets *tickets;
        _Atomic bool stop;
        size_t rounds, failures;
};

static void *read_on(void *userdata) {
        struct reading *reading = userdata;
        while (!atomic_load(&reading->stop)) {
                EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
                EVP_MAC_CTX *mac = mac_new();
                unsigned char name[TLS_TICKETS_NAME_SIZE], iv[EVP_MAX_IV_LENGTH];
                if (tls_tickets_seal(reading->tickets, name, iv, cipher, mac) != 1)
                        reading->failures++;
                EVP_CIPHER_CTX_free(cipher);
                EVP_MAC_CTX_free(mac);
                reading->rounds++;
        }
        return NULL;
}

/* Under ThreadSanitizer this also shows that the reading is clean. */
static void threads_read_while_keys_change(void **state) {
        (void) state;
        struct reading readings[2] = { { .tickets = tickets_new() } };
        pthread_t threads[2];
        readings[1].tickets = tls_tickets_ref(readings[0].tickets);
        for (size_t i = 0; i < 2; i++)
                assert_int_equal(pthread_create(&threads[i], NULL, read_on, &readings[i]), 0);
        for (int i = 1; i <= 2000; i++)
                assert_true(tls_tickets_rotate(readings[0].tickets, START + (int64_t) i * HOUR));
        for (size_t i = 0; i < 2; i++) {
                atomic_store(&readings[i].stop, true);
                assert_int_equal(pthread_join(threads[i], NULL), 0);
                assert_int_equal(readings[i].failures, 0);
                tls_tickets_unref(readings[i].tickets);
        }
}

/* Clients that come back. */
struct fixture {
        struct test_folder folder;
        struct identity identity;
        struct config_certificate config;
        SSL_CTX *client;
        SSL_SESSION *session; /* the newest that the client was given */
};

static int remember_session(SSL *ssl, SSL_SESSION *session) {
        struct fixture *fixture = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
        SSL_SESSION_free(fixture->session);
        fixture->session = session;
        return 1;
}

static int set_up(void **state) {
        struct fixture *fixture = calloc(1, sizeof(*fixture));
        test_folder_init(&fixture->folder);
        identity_make(&(struct identity_options) { .common_name = "x", .names = "DNS:localhost" }, &fixture->identity);
        fixture->config = test_folder_write_identity(&fixture->folder, "main", &fixture->identity, NULL);
        fixture->client = test_client_new();
        (void) SSL_CTX_set_session_cache_mode(fixture->client, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(fixture->client, remember_session);
        (void) SSL_CTX_set_app_data(fixture->client, fixture);
        *state = fixture;
        return 0;
}

static int tear_down(void **state) {
        struct fixture *fixture = *state;
        SSL_SESSION_free(fixture->session);
        SSL_CTX_free(fixture->client);
        identity_done(&fixture->identity);
        test_folder_done(&fixture->folder);
        free(fixture);
        return 0;
}

/* Connects, with the last session if there is one; whether it was resumed. A new session is remembered. */
static bool visit(struct fixture *fixture, struct tls_context *context, int version) {
        struct test_connection connection;
        test_connection_init(&connection, context, fixture->client);
        assert_int_equal(SSL_set_max_proto_version(connection.client, version), 1);
        assert_int_equal(SSL_set_tlsext_host_name(connection.client, "localhost"), 1);
        if (fixture->session)
                assert_int_equal(SSL_set_session(connection.client, fixture->session), 1);
        test_connection_establish(&connection);
        bool resumed = tls_transport_is_resumed(connection.transport);
        assert_int_equal(resumed, SSL_session_reused(connection.client));
        assert_true(slice_equal_text(tls_transport_server_name(connection.transport), "localhost"));
        assert_int_equal(SSL_get_early_data_status(connection.client), SSL_EARLY_DATA_NOT_SENT);
        if (version == TLS1_2_VERSION) { /* whose renewed tickets are not called back */
                SSL_SESSION_free(fixture->session);
                fixture->session = SSL_get1_session(connection.client);
        }
        if (fixture->session)
                assert_int_equal(SSL_SESSION_get_max_early_data(fixture->session), 0);
        assert_int_equal(SSL_shutdown(connection.client), 0); /* a session that ends otherwise is forgotten */
        test_connection_done(&connection);
        return resumed;
}

static void forget(struct fixture *fixture) {
        SSL_SESSION_free(take_pointer(fixture->session));
}

static const int versions[] = { TLS1_3_VERSION, TLS1_2_VERSION };

static void sessions_are_resumed_over_contexts_and_restarts(void **state) {
        struct fixture *fixture = *state;
        for (size_t i = 0; i < ELEMENTS_OF(versions); i++) {
                forget(fixture);
                struct tls_tickets *before = tickets_new(), *after = tickets_new(), *foreign = tickets_new();
                struct tls_context *first = test_context_new(&fixture->config, 1, NULL, before, false);
                assert_false(visit(fixture, first, versions[i]));
                assert_true(visit(fixture, first, versions[i]));
                assert_true(visit(fixture, first, versions[i]));

                unsigned char blob[TLS_TICKETS_BLOB_SIZE];
                size_t length = tls_tickets_save(before, blob);
                assert_int_equal(tls_tickets_restore(after, blob, length, START), 0);
                struct tls_context *second = test_context_new(&fixture->config, 1, NULL, after, false);
                assert_true(visit(fixture, second, versions[i]));

                struct tls_context *third = test_context_new(&fixture->config, 1, NULL, foreign, false);
                assert_false(visit(fixture, third, versions[i]));
                tls_context_unref(first);
                tls_context_unref(second);
                tls_context_unref(third);
                tls_tickets_unref(before);
                tls_tickets_unref(after);
                tls_tickets_unref(foreign);
        }
}

static void tickets_outlive_one_rotation_and_not_two(void **state) {
        struct fixture *fixture = *state;
        for (size_t i = 0; i < ELEMENTS_OF(versions); i++) {
                forget(fixture);
                struct tls_tickets *tickets = tickets_new();
                struct tls_context *context = test_context_new(&fixture->config, 1, NULL, tickets, false);
                assert_false(visit(fixture, context, versions[i]));
                SSL_SESSION *old = SSL_SESSION_dup(fixture->session);
                assert_true(tls_tickets_rotate(tickets, START + HOUR));
                assert_true(visit(fixture, context, versions[i])); /* and is renewed */
                assert_true(tls_tickets_rotate(tickets, START + 2 * HOUR));
                assert_true(visit(fixture, context, versions[i]));
                forget(fixture);
                fixture->session = old;
                assert_false(visit(fixture, context, versions[i]));
                tls_context_unref(context);
                tls_tickets_unref(tickets);
        }
}

static void each_resumption_of_tls_1_3_brings_a_new_ticket(void **state) {
        struct fixture *fixture = *state;
        forget(fixture);
        struct tls_tickets *tickets = tickets_new();
        struct tls_context *context = test_context_new(&fixture->config, 1, NULL, tickets, false);
        assert_false(visit(fixture, context, TLS1_3_VERSION));
        for (int i = 0; i < 3; i++) {
                SSL_SESSION *used = fixture->session;
                assert_int_equal(SSL_SESSION_up_ref(used), 1);
                assert_true(visit(fixture, context, TLS1_3_VERSION));
                assert_ptr_not_equal(fixture->session, used);
                SSL_SESSION_free(used);
        }
        tls_context_unref(context);
        tls_tickets_unref(tickets);
}

/* Changes one byte of the ticket within the client's session. */
static void forge(struct fixture *fixture, size_t where) {
        const unsigned char *ticket;
        size_t length;
        SSL_SESSION_get0_ticket(fixture->session, &ticket, &length);
        assert_true(length > where);
        ((unsigned char *) ticket)[where] ^= 1;
}

static void forged_tickets_are_refused(void **state) {
        struct fixture *fixture = *state;
        static const size_t places[] = { 0, 15, 16, 32, 60, 100 }; /* name, vector, content */
        struct tls_tickets *tickets = tickets_new();
        struct tls_context *context = test_context_new(&fixture->config, 1, NULL, tickets, false);
        for (size_t i = 0; i < ELEMENTS_OF(versions); i++) {
                forget(fixture);
                assert_false(visit(fixture, context, versions[i]));
                for (size_t j = 0; j < ELEMENTS_OF(places); j++) {
                        forge(fixture, places[j]);
                        assert_false(visit(fixture, context, versions[i]));
                        assert_true(visit(fixture, context, versions[i]));
                }
        }
        tls_context_unref(context);
        tls_tickets_unref(tickets);
}

static void without_tickets_nothing_is_resumed(void **state) {
        struct fixture *fixture = *state;
        struct tls_context *context = test_context_new(&fixture->config, 1, NULL, NULL, false);
        for (size_t i = 0; i < ELEMENTS_OF(versions); i++) {
                forget(fixture);
                assert_false(visit(fixture, context, versions[i]));
                assert_false(visit(fixture, context, versions[i]));
        }
        tls_context_unref(context);
}

static void expect_demand(struct fixture *fixture, struct tls_context *context, int version) {
        struct test_connection connection;
        test_connection_init(&connection, context, fixture->client);
        assert_int_equal(SSL_set_max_proto_version(connection.client, version), 1);
        assert_int_equal(SSL_set_session(connection.client, fixture->session), 1);
        assert_int_equal(test_connection_handshake(&connection), -EPROTO);
        assert_string_equal(connection.detail, "the client showed no certificate");
        test_connection_done(&connection);
}

/* A ticket from where nobody is asked must not pass where a client certificate is demanded. */
static void a_ticket_opens_only_where_the_same_is_demanded(void **state) {
        struct fixture *fixture = *state;
        struct config_listener strict = test_listener, other = test_listener;
        strict.client_ca = fixture->config.certificate;
        strict.client_certificate_required = true;
        other.client_ca = fixture->config.certificate;
        struct tls_tickets *tickets = tickets_new();
        struct tls_context *open_to_all = test_context_new(&fixture->config, 1, NULL, tickets, false);
        struct tls_context *asking = test_context_new(&fixture->config, 1, &other, tickets, false);
        struct tls_context *demanding = test_context_new(&fixture->config, 1, &strict, tickets, false);
        for (size_t i = 0; i < ELEMENTS_OF(versions); i++) {
                forget(fixture);
                assert_false(visit(fixture, open_to_all, versions[i]));
                expect_demand(fixture, demanding, versions[i]);
                forget(fixture);
                assert_false(visit(fixture, open_to_all, versions[i]));
                assert_false(visit(fixture, asking, versions[i]));
                assert_true(visit(fixture, asking, versions[i]));
                expect_demand(fixture, demanding, versions[i]);
        }
        tls_context_unref(open_to_all);
        tls_context_unref(asking);
        tls_context_unref(demanding);
        tls_tickets_unref(tickets);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_key_opens_for_two_rotations),
                cmocka_unit_test(after_a_long_sleep_all_keys_are_new),
                cmocka_unit_test(a_clock_that_is_set_back_does_not_stop_rotation),
                cmocka_unit_test(a_shorter_rotation_holds_at_once),
                cmocka_unit_test(keys_go_over_a_restart),
                cmocka_unit_test(blobs_that_do_not_fit_change_nothing),
                cmocka_unit_test(threads_read_while_keys_change),
                cmocka_unit_test(sessions_are_resumed_over_contexts_and_restarts),
                cmocka_unit_test(tickets_outlive_one_rotation_and_not_two),
                cmocka_unit_test(each_resumption_of_tls_1_3_brings_a_new_ticket),
                cmocka_unit_test(forged_tickets_are_refused),
                cmocka_unit_test(without_tickets_nothing_is_resumed),
                cmocka_unit_test(a_ticket_opens_only_where_the_same_is_demanded),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}

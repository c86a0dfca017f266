/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the ticket keys in words that one thread writes and all read, guarded by a version that is odd while they
 * change (a seqlock). Old keys are overwritten in place, so that none outlives its rotation in memory: that is what
 * forward secrecy of resumed sessions rests on. */
#include "tls/tls_tickets_private.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "shared/syscall.h"

struct ticket_key {
        unsigned char name[TLS_TICKETS_NAME_SIZE];
        unsigned char cipher[32];
        unsigned char mac[32];
};

enum generation {
        PREVIOUS, /* opens */
        CURRENT,  /* seals and opens */
        NEXT,     /* will seal; opens what another instance sealed that rotated a little earlier */
        GENERATIONS,
};

struct key_ring {
        int64_t since; /* when CURRENT began to seal */
        struct ticket_key keys[GENERATIONS];
};

#define RING_WORDS (sizeof(struct key_ring) / sizeof(uint64_t))
_Static_assert(sizeof(struct key_ring) % sizeof(uint64_t) == 0, "the ring is copied by words");

struct tls_tickets {
        _Atomic unsigned references;
        _Atomic unsigned version; /* odd: the words are changing */
        _Atomic uint64_t words[RING_WORDS];
        int64_t rotation; /* s; the rotating thread's */
        EVP_CIPHER *cipher;
};

/* Acquire loads keep the second look at the version behind the words; release stores keep the odd version before them. */
static void ring_read(const struct tls_tickets *tickets, struct key_ring *ret_ring) {
        uint64_t *words = (uint64_t *) ret_ring;
        for (;;) {
                unsigned before = atomic_load_explicit(&tickets->version, memory_order_acquire);
                for (size_t i = 0; i < RING_WORDS; i++)
                        words[i] = atomic_load_explicit(&tickets->words[i], memory_order_acquire);
                if (!(before & 1) && before == atomic_load_explicit(&tickets->version, memory_order_relaxed))
                        return;
        }
}

static void ring_write(struct tls_tickets *tickets, const struct key_ring *ring) {
        const uint64_t *words = (const uint64_t *) ring;
        unsigned version = atomic_load_explicit(&tickets->version, memory_order_relaxed);
        atomic_store_explicit(&tickets->version, version + 1, memory_order_relaxed);
        for (size_t i = 0; i < RING_WORDS; i++)
                atomic_store_explicit(&tickets->words[i], words[i], memory_order_release);
        atomic_store_explicit(&tickets->version, version + 2, memory_order_release);
}

static void ring_wipe(struct key_ring *ring) {
        OPENSSL_cleanse(ring, sizeof(*ring));
}

static int fill_random(struct ticket_key *keys, size_t count) {
        return RAND_priv_bytes((unsigned char *) keys, (int) (count * sizeof(*keys))) == 1 ? 0 : -EIO;
}

int tls_tickets_new(int64_t now, int64_t rotation, struct tls_tickets **ret_tickets) {
        struct tls_tickets *tickets = calloc(1, sizeof(*tickets));
        if (!tickets)
                return -ENOMEM;
        atomic_init(&tickets->references, 1);
        tickets->rotation = rotation;
        /* Fetched once: OpenSSL 3.0 otherwise looks the name up with each ticket. */
        tickets->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
        _cleanup_(ring_wipe) struct key_ring ring = { .since = now };
        if (!tickets->cipher || fill_random(ring.keys, GENERATIONS) < 0) {
                tls_tickets_unref(tickets);
                return -EIO;
        }
        ring_write(tickets, &ring);
        *ret_tickets = tickets;
        return 0;
}

struct tls_tickets *tls_tickets_ref(struct tls_tickets *tickets) {
        atomic_fetch_add_explicit(&tickets->references, 1, memory_order_relaxed);
        return tickets;
}

struct tls_tickets *tls_tickets_unref(struct tls_tickets *tickets) {
        if (tickets && atomic_fetch_sub_explicit(&tickets->references, 1, memory_order_acq_rel) == 1) {
                EVP_CIPHER_free(tickets->cipher);
                OPENSSL_cleanse(tickets, sizeof(*tickets));
                free(tickets);
        }
        return NULL;
}

void tls_tickets_set_rotation(struct tls_tickets *tickets, int64_t rotation) {
        tickets->rotation = rotation;
}

/* One step each `rotation`; after two without a step (a suspended machine) nothing that is there may open any longer. */
bool tls_tickets_rotate(struct tls_tickets *tickets, int64_t now) {
        _cleanup_(ring_wipe) struct key_ring ring;
        ring_read(tickets, &ring);
        int64_t age = now - ring.since;
        if (age < 0) { /* the clock was set back */
                ring.since = now;
                ring_write(tickets, &ring);
                return false;
        }
        if (age < tickets->rotation)
                return false;

        bool is_late = age >= 2 * tickets->rotation;
        ring.keys[PREVIOUS] = ring.keys[CURRENT];
        ring.keys[CURRENT] = ring.keys[NEXT];
        ring.since = now;
        if (fill_random(is_late ? ring.keys : &ring.keys[NEXT], is_late ? GENERATIONS : 1) < 0)
                return false; /* tried again with the next call */
        ring_write(tickets, &ring);
        return true;
}

struct blob {
        char magic[8]; /* with the version of the form */
        struct key_ring ring;
};

static const char blob_magic[8] = "CCTICK1";
_Static_assert(sizeof(struct blob) <= TLS_TICKETS_BLOB_SIZE, "callers bring a buffer of the announced size");

size_t tls_tickets_save(const struct tls_tickets *tickets, unsigned char ret_blob[TLS_TICKETS_BLOB_SIZE]) {
        struct blob blob;
        memcpy(blob.magic, blob_magic, sizeof(blob.magic));
        ring_read(tickets, &blob.ring);
        memcpy(ret_blob, &blob, sizeof(blob));
        ring_wipe(&blob.ring);
        return sizeof(blob);
}

int tls_tickets_restore(struct tls_tickets *tickets, const unsigned char *bytes, size_t length, int64_t now) {
        struct blob blob;
        if (length != sizeof(blob) || memcmp(bytes, blob_magic, sizeof(blob_magic)) != 0)
                return -EBADMSG;
        memcpy(&blob, bytes, sizeof(blob));
        if (blob.ring.since > now) /* the clock was set back */
                blob.ring.since = now;
        bool is_stale = now - blob.ring.since >= 2 * tickets->rotation;
        if (!is_stale)
                ring_write(tickets, &blob.ring);
        ring_wipe(&blob.ring);
        return is_stale ? -ESTALE : 0;
}

static int start_mac(EVP_MAC_CTX *mac, const struct ticket_key *key) {
        OSSL_PARAM parameters[] = {
                OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *) "SHA256", 0),
                OSSL_PARAM_construct_end(),
        };
        return EVP_MAC_init(mac, key->mac, sizeof(key->mac), parameters);
}

int tls_tickets_seal(const struct tls_tickets *tickets, unsigned char ret_name[TLS_TICKETS_NAME_SIZE],
                     unsigned char ret_iv[EVP_MAX_IV_LENGTH], EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac) {
        _cleanup_(ring_wipe) struct key_ring ring;
        ring_read(tickets, &ring);
        const struct ticket_key *key = &ring.keys[CURRENT];
        memcpy(ret_name, key->name, sizeof(key->name));
        if (RAND_bytes(ret_iv, EVP_CIPHER_get_iv_length(tickets->cipher)) != 1 ||
            EVP_EncryptInit_ex2(cipher, tickets->cipher, key->cipher, ret_iv, NULL) != 1 || start_mac(mac, key) != 1)
                return -1;
        return 1;
}

int tls_tickets_open(const struct tls_tickets *tickets, const unsigned char name[TLS_TICKETS_NAME_SIZE],
                     const unsigned char iv[EVP_MAX_IV_LENGTH], EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac) {
        _cleanup_(ring_wipe) struct key_ring ring;
        ring_read(tickets, &ring);
        for (size_t i = 0; i < GENERATIONS; i++) {
                const struct ticket_key *key = &ring.keys[i];
                if (memcmp(name, key->name, sizeof(key->name)) != 0)
                        continue;
                if (EVP_DecryptInit_ex2(cipher, tickets->cipher, key->cipher, iv, NULL) != 1 ||
                    start_mac(mac, key) != 1)
                        return -1;
                return i == CURRENT ? 1 : 2;
        }
        return 0;
}

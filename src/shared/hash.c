/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the array of buckets, which is made with the first entry and doubles when there are more entries than buckets; a
 * failed doubling only makes the chains longer. Each link keeps its hash, so that growing reads no entry's key. */
#include "shared/hash.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <sys/random.h>

#include "shared/syscall.h"

#define BUCKETS_MIN 16

struct sip_state {
        uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate_left(uint64_t word, unsigned count) {
        return word << count | word >> (64 - count);
}

static inline void sip_round(struct sip_state *s) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate_left(s->v1, 13) ^ s->v0;
        s->v3 = rotate_left(s->v3, 16) ^ s->v2;
        s->v0 = rotate_left(s->v0, 32);
        s->v2 += s->v1;
        s->v0 += s->v3;
        s->v1 = rotate_left(s->v1, 17) ^ s->v2;
        s->v3 = rotate_left(s->v3, 21) ^ s->v0;
        s->v2 = rotate_left(s->v2, 32);
}

static inline void sip_compress(struct sip_state *s, uint64_t word) {
        s->v3 ^= word;
        sip_round(s);
        s->v0 ^= word;
}

uint64_t siphash13(const void *bytes, size_t length, const uint64_t key[2]) {
        struct sip_state s = {
                .v0 = key[0] ^ 0x736f6d6570736575, /* "somepseudorandomlygeneratedbytes" */
                .v1 = key[1] ^ 0x646f72616e646f6d,
                .v2 = key[0] ^ 0x6c7967656e657261,
                .v3 = key[1] ^ 0x7465646279746573,
        };
        const char *next = bytes, *end = next + length / 8 * 8;
        for (; next != end; next += 8) {
                uint64_t word;
                memcpy(&word, next, 8);
                sip_compress(&s, le64toh(word));
        }

        uint64_t last = (uint64_t) length << 56;
        for (size_t i = 0; i < length % 8; i++)
                last |= (uint64_t) (unsigned char) next[i] << (8 * i);
        sip_compress(&s, last);

        s.v2 ^= 0xFF;
        for (unsigned i = 0; i < 3; i++)
                sip_round(&s);
        return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

int hash_table_init(struct hash_table *table) {
        uint64_t key[2];
        ssize_t count;
        do
                count = getrandom(key, sizeof(key), 0); /* so few bytes come whole or not at all */
        while (count < 0 && errno == EINTR);
        if (count < 0)
                return -errno;
        *table = (struct hash_table) { .key = { key[0], key[1] } };
        return 0;
}

void hash_table_done(struct hash_table *table) {
        free(table->buckets);
        table->buckets = NULL;
        table->bucket_count = table->count = 0;
}

uint64_t hash_table_hash(const struct hash_table *table, const void *bytes, size_t length) {
        return siphash13(bytes, length, table->key);
}

static struct hash_link **bucket_of(const struct hash_table *table, uint64_t hash) {
        return &table->buckets[hash & (table->bucket_count - 1)];
}

struct hash_link *hash_table_find(const struct hash_table *table, uint64_t hash, hash_equal *equal, const void *key) {
        if (!table->bucket_count)
                return NULL;
        for (struct hash_link *link = *bucket_of(table, hash); link; link = link->next)
                if (link->hash == hash && equal(link, key))
                        return link;
        return NULL;
}

static void push(struct hash_table *table, struct hash_link *link) {
        struct hash_link **bucket = bucket_of(table, link->hash);
        link->next = *bucket;
        *bucket = link;
}

static int grow(struct hash_table *table) {
        size_t count = table->bucket_count ? 2 * table->bucket_count : BUCKETS_MIN;
        struct hash_link **larger = calloc(count, sizeof(struct hash_link *));
        if (!larger)
                return -ENOMEM;

        struct hash_table before = *table;
        table->buckets = larger;
        table->bucket_count = count;
        for (size_t i = 0; i < before.bucket_count; i++)
                for (struct hash_link *link = before.buckets[i], *next; link; link = next) {
                        next = link->next;
                        push(table, link);
                }
        free(before.buckets);
        return 0;
}

int hash_table_insert(struct hash_table *table, struct hash_link *link, uint64_t hash) {
        if (table->count >= table->bucket_count && grow(table) < 0 && !table->bucket_count)
                return -ENOMEM;
        link->hash = hash;
        push(table, link);
        table->count++;
        return 0;
}

void hash_table_remove(struct hash_table *table, struct hash_link *link) {
        struct hash_link **place = bucket_of(table, link->hash);
        while (*place != link) {
                assert(*place);
                place = &(*place)->next;
        }
        *place = link->next;
        link->next = NULL;
        table->count--;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash-1-3 on known answers, and the table against an array through growth and removal, with colliding hashes too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "shared/hash.h"
#include "shared/syscall.h"

/* Key 00 to 0f, message 00 to n-1: the vectors of the reference implementation's form, as Rust's standard library and
 * others publish them for 1-3. */
static void known_answers(void **state) {
        (void) state;
        static const struct {
                size_t length;
                uint64_t hash;
        } vectors[] = {
                { 0, 0xabac0158050fc4dc },  { 1, 0xc9f49bf37d57ca93 },  { 2, 0x82cb9b024dc7d44d },
                { 3, 0x8bf80ab8e7ddf7fb },  { 4, 0xcf75576088d38328 },  { 5, 0xdef9d52f49533b67 },
                { 6, 0xc50d2b50c59f22a7 },  { 7, 0xd3927d989bb11140 },  { 8, 0x369095118d299a8e },
                { 9, 0x25a48eb36c063de4 },  { 15, 0xd320d86d2a519956 }, { 16, 0xcc4fdd1a7d908b66 },
                { 17, 0x9cf2689063dbd80c }, { 31, 0x2370dd1f8c21d1bc }, { 32, 0x81157b6c16a7b60d },
                { 63, 0x9d199062b7bbb3a8 },
        };
        const uint64_t key[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
        for (size_t i = 0; i < ELEMENTS_OF(vectors); i++) {
                size_t length = vectors[i].length;
                unsigned char *message = test_malloc(length + 1); /* at an odd address, and its end at the end */
                for (size_t j = 0; j < length; j++)
                        message[1 + j] = (unsigned char) j;
                assert_int_equal(siphash13(message + 1, length, key), vectors[i].hash);
                test_free(message);
        }
}

/* CPython 3.11 hashes bytes with SipHash-1-3 under a key of zeros when PYTHONHASHSEED=0. */
static void the_same_as_python(void **state) {
        (void) state;
        const uint64_t key[2] = { 0, 0 };
        struct slice fox = SLICE_LITERAL("The quick brown fox jumps over the lazy dog");
        assert_int_equal(siphash13("a", 1, key), 0x407448d2b89b1813);
        assert_int_equal(siphash13("content-length", 14, key), 0x236a70d12a318422);
        assert_int_equal(siphash13(fox.data, fox.length, key), 0x8df676d3d00c451e);
}

struct entry {
        struct hash_link link;
        unsigned number;
        bool is_in;
};

static bool entry_equal(const struct hash_link *link, const void *key) {
        return container_of((struct hash_link *) link, struct entry, link)->number == *(const unsigned *) key;
}

static struct entry *find(const struct hash_table *table, uint64_t hash, unsigned number) {
        struct hash_link *link = hash_table_find(table, hash, entry_equal, &number);
        return link ? container_of(link, struct entry, link) : NULL;
}

/* `mask` 0 makes all collide, 7 makes a few chains. */
static void walk(uint64_t mask) {
        static const size_t count = 500;
        struct entry *entries = test_calloc(count, sizeof(*entries));
        struct hash_table table;
        assert_int_equal(hash_table_init(&table), 0);
        assert_null(find(&table, 0, 0));
        srandom(1);
        size_t in = 0;
        for (size_t step = 0; step < 5000; step++) {
                unsigned i = (unsigned) random() % (unsigned) count;
                struct entry *entry = &entries[i];
                entry->number = i;
                uint64_t hash = hash_table_hash(&table, &i, sizeof(i)) & mask;
                assert_ptr_equal(find(&table, hash, i), entry->is_in ? entry : NULL);
                if (entry->is_in)
                        hash_table_remove(&table, &entry->link);
                else
                        assert_int_equal(hash_table_insert(&table, &entry->link, hash), 0);
                entry->is_in = !entry->is_in;
                in = entry->is_in ? in + 1 : in - 1;
                assert_int_equal(table.count, in);
                assert_int_equal(table.bucket_count & (table.bucket_count - 1), 0);
                assert_true(table.bucket_count >= table.count);
        }
        for (unsigned i = 0; i < count; i++)
                assert_ptr_equal(find(&table, hash_table_hash(&table, &i, sizeof(i)) & mask, i),
                                 entries[i].is_in ? &entries[i] : NULL);
        hash_table_done(&table);
        assert_int_equal(table.count, 0);
        hash_table_done(&table);
        test_free(entries);
}

static void a_random_walk_agrees_with_an_array(void **state) {
        (void) state;
        walk(UINT64_MAX);
        walk(7);
        walk(0);
}

static void each_table_has_a_key_of_its_own(void **state) {
        (void) state;
        struct hash_table first, second;
        assert_int_equal(hash_table_init(&first), 0);
        assert_int_equal(hash_table_init(&second), 0);
        assert_int_not_equal(hash_table_hash(&first, "host", 4), hash_table_hash(&second, "host", 4));
        assert_int_equal(hash_table_hash(&first, "host", 4), hash_table_hash(&first, "host", 4));
        hash_table_done(&first);
        hash_table_done(&second);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(known_answers),
                cmocka_unit_test(the_same_as_python),
                cmocka_unit_test(a_random_walk_agrees_with_an_array),
                cmocka_unit_test(each_table_has_a_key_of_its_own),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

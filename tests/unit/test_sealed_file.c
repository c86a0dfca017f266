/* SPDX-License-Identifier: Apache-2.0 */
/* The format of sealed files against its vectors, and against whoever changes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <json-c/json.h>
#include <openssl/evp.h>

#include "shared/sealed_file.h"
#include "shared/syscall.h"

static struct slice text_of(struct json_object *vector, const char *name) {
        struct json_object *value;
        assert_true(json_object_object_get_ex(vector, name, &value));
        return (struct slice) { json_object_get_string(value), (size_t) json_object_get_string_len(value) };
}

static uint64_t number_of(struct json_object *vector, const char *name) {
        struct json_object *value;
        assert_true(json_object_object_get_ex(vector, name, &value));
        return (uint64_t) json_object_get_int64(value);
}

static void hex_of(struct json_object *vector, const char *name, unsigned char *ret_bytes, size_t length) {
        struct slice text = text_of(vector, name);
        assert_int_equal(text.length, 2 * length);
        for (size_t i = 0; i < length; i++) {
                unsigned byte;
                assert_int_equal(sscanf(text.data + 2 * i, "%2x", &byte), 1);
                ret_bytes[i] = (unsigned char) byte;
        }
}

static void assert_hex(const unsigned char *bytes, size_t length, struct slice expected) {
        assert_int_equal(expected.length, 2 * length);
        for (size_t i = 0; i < length; i++) {
                char digits[3];
                (void) snprintf(digits, sizeof(digits), "%02x", bytes[i]);
                assert_memory_equal(digits, expected.data + 2 * i, 2);
        }
}

/* A file, and what opens it. */
struct sample {
        struct key_ring *ring;
        struct sealed_secret secret;
        unsigned char *bytes;
        size_t size;
        uint64_t length;
};

static void build(struct sample *sample, const unsigned char *header_nonce) {
        size_t count = (size_t) MAX_OF((sample->length + SEALED_CHUNK - 1) / SEALED_CHUNK, UINT64_C(1));
        sample->size = SEALED_HEADER + sample->length + count * SEALED_OVERHEAD;
        sample->bytes = calloc(1, sample->size);
        _cleanup_free_ char *content = malloc(sample->length + 1);
        assert_non_null(sample->bytes);
        assert_non_null(content);
        for (uint64_t i = 0; i < sample->length; i++)
                content[i] = (char) (i * 7 % 251);
        assert_int_equal(sealed_header_write(&sample->secret, key_ring_newest(sample->ring), header_nonce,
                                             sample->bytes),
                         0);
        for (uint64_t i = 0; i < count; i++) {
                unsigned char nonce[SEALED_NONCE] = { 0xa0, 0xa0, 0xa0, 0xa0, [11] = (unsigned char) i };
                size_t part = MIN_OF((size_t) sample->length - i * SEALED_CHUNK, SEALED_CHUNK);
                assert_int_equal(sealed_record_write(&sample->secret, i, i + 1 == count ? SEALED_LAST : SEALED_MORE,
                                                     nonce, (struct slice) { content + i * SEALED_CHUNK, part },
                                                     sample->bytes + sealed_record_offset(i)),
                                 0);
        }
}

static struct sample make_sample(uint64_t length) {
        struct sample sample = { .length = length, .ring = key_ring_new(KEY_PURPOSE_SEAL) };
        unsigned char nonce[SEALED_NONCE];
        assert_int_equal(key_ring_generate(sample.ring, 0), 0);
        assert_int_equal(sealed_secret_generate(&sample.secret), 0);
        assert_int_equal(sealed_random(nonce, sizeof(nonce)), 0);
        build(&sample, nonce);
        return sample;
}

static void free_sample(struct sample *sample) {
        key_ring_unref(sample->ring);
        free(sample->bytes);
}

/* Reads a whole file as a reader has to. */
static int open_all(const struct sample *sample, const unsigned char *bytes, size_t size) {
        struct sealed_secret secret;
        unsigned block;
        uint64_t length;
        if (!sealed_content_length(size, &length))
                return -EBADMSG;
        int r = sealed_header_find(bytes, sample->ring, &secret, &block);
        uint64_t last = length > 0 ? (length - 1) / SEALED_CHUNK : 0;
        _cleanup_free_ unsigned char *chunk = malloc(SEALED_CHUNK);
        for (uint64_t i = 0; r >= 0 && i <= last; i++) {
                size_t part = MIN_OF((size_t) (length - i * SEALED_CHUNK), SEALED_CHUNK);
                r = sealed_record_read(&secret, i, i == last ? SEALED_LAST : SEALED_MORE,
                                       bytes + sealed_record_offset(i), part + SEALED_OVERHEAD, chunk);
                for (size_t j = 0; r >= 0 && j < part; j++)
                        assert_int_equal(chunk[j], (i * SEALED_CHUNK + j) * 7 % 251);
        }
        return r;
}

static void the_vectors_are_met(void **state) {
        (void) state;
        char path[512];
        (void) snprintf(path, sizeof(path), "%s/tests/vectors/sealed.json", getenv("CCODES_SOURCE_ROOT"));
        struct json_object *root = json_object_from_file(path), *vectors;
        assert_non_null(root);
        assert_true(json_object_object_get_ex(root, "vectors", &vectors));
        size_t count = json_object_array_length(vectors);
        assert_true(count >= 8);
        for (size_t i = 0; i < count; i++) {
                struct json_object *vector = json_object_array_get_idx(vectors, i);
                struct sample sample = { .length = number_of(vector, "length") };
                unsigned char nonce[SEALED_NONCE];
                _cleanup_text_ struct text ring = TEXT_INIT;
                text_printf(&ring, "ccodes-keys 1 seal\n%.*s %.*s\n", SLICE_PRINTF(text_of(vector, "key_id")),
                            SLICE_PRINTF(text_of(vector, "master_key")));
                assert_int_equal(key_ring_parse((struct slice) { ring.data, ring.length }, KEY_PURPOSE_SEAL, NULL,
                                                &sample.ring),
                                 0);
                hex_of(vector, "file_id", sample.secret.file_id, SEALED_FILE_ID);
                hex_of(vector, "file_key", sample.secret.key, KEY_BYTES);
                hex_of(vector, "header_nonce", nonce, sizeof(nonce));
                build(&sample, nonce);

                assert_hex(sample.bytes, 108, text_of(vector, "header"));
                struct json_object *records;
                if (json_object_object_get_ex(vector, "records", &records))
                        assert_hex(sample.bytes + SEALED_HEADER, sample.size - SEALED_HEADER,
                                   text_of(vector, "records"));
                assert_int_equal(sample.size, number_of(vector, "size"));
                unsigned char digest[32];
                assert_int_equal(EVP_Digest(sample.bytes, sample.size, digest, NULL, EVP_sha256(), NULL), 1);
                assert_hex(digest, sizeof(digest), text_of(vector, "sha256"));
                assert_int_equal(open_all(&sample, sample.bytes, sample.size), 0);
                free_sample(&sample);
        }
        json_object_put(root);
}

/* Every bit of the header and of the nonces and tags, and bytes in between. */
static void nothing_can_be_changed(void **state) {
        (void) state;
        struct sample sample = make_sample(SEALED_CHUNK + 1000);
        assert_int_equal(open_all(&sample, sample.bytes, sample.size), 0);
        size_t second = (size_t) sealed_record_offset(1);
        for (size_t at = 0; at < sample.size; at++) {
                if (at >= SEALED_BLOCK && at < SEALED_HEADER)
                        continue; /* the empty block is not read while the other is good */
                if (at > 160 && at < SEALED_BLOCK && at % 97)
                        continue;
                if (at > SEALED_HEADER + 40 && at < second - 40 && at % 4099)
                        continue;
                for (unsigned bit = 0; bit < 8; bit += at < 108 ? 1 : 7) {
                        sample.bytes[at] ^= (unsigned char) (1u << bit);
                        int r = open_all(&sample, sample.bytes, sample.size);
                        if (r != -EBADMSG && !(r == -ENOKEY && at >= 32 && at < 48))
                                fail_msg("bit %u of byte %zu was changed unseen: %d", bit, at, r);
                        sample.bytes[at] ^= (unsigned char) (1u << bit);
                }
        }
        assert_int_equal(open_all(&sample, sample.bytes, sample.size), 0);
        free_sample(&sample);
}

static void nothing_can_be_cut_off_or_added(void **state) {
        (void) state;
        struct sample sample = make_sample(3 * SEALED_CHUNK + 5);
        for (size_t size = 0; size < sample.size; size++) {
                size_t at = size < SEALED_HEADER ? size : (size - SEALED_HEADER) % SEALED_RECORD;
                if (at > 40 && at < SEALED_RECORD - 40 && at % 1009)
                        continue;
                unsigned char *cut = malloc(size + 1);
                memcpy(cut, sample.bytes, size);
                if (open_all(&sample, cut, size) >= 0)
                        fail_msg("cut to %zu bytes unseen", size);
                free(cut);
        }
        unsigned char *longer = calloc(1, sample.size + SEALED_RECORD);
        memcpy(longer, sample.bytes, sample.size);
        memcpy(longer + sample.size, sample.bytes + SEALED_HEADER, SEALED_RECORD);
        for (size_t more = 1; more <= SEALED_RECORD; more += more < 40 ? 1 : 4099)
                assert_int_equal(open_all(&sample, longer, sample.size + more), -EBADMSG);
        free(longer);
        free_sample(&sample);
}

/* Cut after a record and a length that fits: only its kind tells. */
static void nothing_can_be_moved(void **state) {
        (void) state;
        struct sample sample = make_sample(3 * SEALED_CHUNK), other = make_sample(3 * SEALED_CHUNK);
        unsigned char *first = sample.bytes + sealed_record_offset(0), *second = sample.bytes + sealed_record_offset(1);
        unsigned char *kept = malloc(SEALED_RECORD);

        memcpy(kept, first, SEALED_RECORD); /* two are exchanged */
        memcpy(first, second, SEALED_RECORD);
        memcpy(second, kept, SEALED_RECORD);
        assert_int_equal(open_all(&sample, sample.bytes, sample.size), -EBADMSG);
        memcpy(second, first, SEALED_RECORD);
        memcpy(first, kept, SEALED_RECORD);
        assert_int_equal(open_all(&sample, sample.bytes, sample.size), 0);

        memcpy(first, other.bytes + sealed_record_offset(0), SEALED_RECORD); /* one comes from another file */
        assert_int_equal(open_all(&sample, sample.bytes, sample.size), -EBADMSG);
        memcpy(first, kept, SEALED_RECORD);

        unsigned char *header = malloc(SEALED_HEADER); /* the header does, even one that the same key wraps */
        unsigned char nonce[SEALED_NONCE] = { 1 };
        memcpy(header, sample.bytes, SEALED_HEADER);
        assert_int_equal(sealed_header_write(&other.secret, key_ring_newest(sample.ring), nonce, sample.bytes), 0);
        assert_int_equal(open_all(&sample, sample.bytes, sample.size), -EBADMSG);
        struct sealed_secret mixed = other.secret; /* and if it had the file's own key, but not its id */
        memcpy(mixed.key, sample.secret.key, KEY_BYTES);
        assert_int_equal(sealed_header_write(&mixed, key_ring_newest(sample.ring), nonce, sample.bytes), 0);
        assert_int_equal(open_all(&sample, sample.bytes, sample.size), -EBADMSG);
        memcpy(sample.bytes, header, SEALED_HEADER);
        assert_int_equal(open_all(&sample, sample.bytes, sample.size), 0);
        free(header);
        free(kept);
        free_sample(&other);
        free_sample(&sample);
}

static void an_unfinished_file_is_no_whole_one(void **state) {
        (void) state;
        struct sample sample = make_sample(100);
        unsigned char nonce[SEALED_NONCE] = { 9 };
        char content[100];
        for (unsigned i = 0; i < sizeof(content); i++)
                content[i] = (char) (i * 7 % 251);
        assert_int_equal(sealed_record_write(&sample.secret, 0, SEALED_TAIL, nonce,
                                             (struct slice) { content, sizeof(content) }, sample.bytes + SEALED_HEADER),
                         0);
        assert_int_equal(open_all(&sample, sample.bytes, sample.size), -EBADMSG);
        free_sample(&sample);
}

static void a_wrong_key_and_one_that_is_not_there_differ(void **state) {
        (void) state;
        struct sample sample = make_sample(100);
        struct sealed_secret secret;
        struct key_ring *other = key_ring_new(KEY_PURPOSE_SEAL);
        assert_int_equal(key_ring_generate(other, 86400), 0);
        assert_int_equal(sealed_header_read(sample.bytes, other, &secret), -ENOKEY);
        assert_string_equal(secret.master, key_ring_newest(sample.ring)->id);
        strcpy(other->keys[0].id, sample.ring->keys[0].id);
        assert_int_equal(sealed_header_read(sample.bytes, other, &secret), -EBADMSG);
        static const unsigned char zero[KEY_BYTES];
        assert_memory_equal(secret.key, zero, KEY_BYTES);
        key_ring_unref(other);
        free_sample(&sample);
}

static void either_block_will_do(void **state) {
        (void) state;
        struct sample sample = make_sample(100);
        memcpy(sample.bytes + SEALED_BLOCK, sample.bytes, SEALED_BLOCK);
        memset(sample.bytes, 0, SEALED_BLOCK);
        assert_int_equal(open_all(&sample, sample.bytes, sample.size), 0);
        memset(sample.bytes, 0x5a, SEALED_BLOCK); /* torn while it was written */
        assert_int_equal(open_all(&sample, sample.bytes, sample.size), 0);
        memset(sample.bytes + SEALED_BLOCK, 0, SEALED_BLOCK);
        assert_int_equal(open_all(&sample, sample.bytes, sample.size), -EBADMSG);
        free_sample(&sample);
}

static void lengths_follow_from_sizes(void **state) {
        (void) state;
        uint64_t length;
        for (uint64_t expected = 0; expected < 4 * SEALED_CHUNK; expected += expected % SEALED_CHUNK == 2 ? 65533 : 1) {
                uint64_t count = MAX_OF((expected + SEALED_CHUNK - 1) / SEALED_CHUNK, UINT64_C(1));
                assert_true(sealed_content_length(SEALED_HEADER + expected + count * SEALED_OVERHEAD, &length));
                assert_int_equal(length, expected);
        }
        static const uint64_t wrong[] = { 0,
                                          1,
                                          SEALED_HEADER - 1,
                                          SEALED_HEADER,
                                          SEALED_HEADER + SEALED_OVERHEAD - 1,
                                          SEALED_HEADER + SEALED_RECORD + 1,
                                          SEALED_HEADER + SEALED_RECORD + SEALED_OVERHEAD };
        for (size_t i = 0; i < ELEMENTS_OF(wrong); i++)
                assert_false(sealed_content_length(wrong[i], &length));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_vectors_are_met),
                cmocka_unit_test(nothing_can_be_changed),
                cmocka_unit_test(nothing_can_be_cut_off_or_added),
                cmocka_unit_test(nothing_can_be_moved),
                cmocka_unit_test(an_unfinished_file_is_no_whole_one),
                cmocka_unit_test(a_wrong_key_and_one_that_is_not_there_differ),
                cmocka_unit_test(either_block_will_do),
                cmocka_unit_test(lengths_follow_from_sizes),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

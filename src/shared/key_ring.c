/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes key rings. A ring lives in memory that leaves no trace; the texts it comes from are overwritten. */
#include "shared/key_ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "shared/secret.h"
#include "shared/service.h"

#define TITLE "ccodes-keys 1 "

const char *key_purpose_name(enum key_purpose purpose) {
        return purpose == KEY_PURPOSE_SEAL ? "seal" : "sign";
}

struct key_ring *key_ring_new(enum key_purpose purpose) {
        struct key_ring *ring = secret_new(sizeof(*ring));
        if (ring) {
                ring->references = 1;
                ring->purpose = purpose;
        }
        return ring;
}

struct key_ring *key_ring_ref(struct key_ring *ring) {
        if (ring)
                __atomic_fetch_add(&ring->references, 1, __ATOMIC_RELAXED);
        return ring;
}

struct key_ring *key_ring_unref(struct key_ring *ring) {
        if (ring && __atomic_sub_fetch(&ring->references, 1, __ATOMIC_ACQ_REL) == 0)
                secret_free(ring, sizeof(*ring));
        return NULL;
}

bool key_id_is_valid(struct slice id) {
        for (size_t i = 0; i < id.length; i++)
                if (!(id.data[i] >= 'a' && id.data[i] <= 'z') && !(id.data[i] >= '0' && id.data[i] <= '9') &&
                    id.data[i] != '-')
                        return false;
        return id.length > 0 && id.length <= KEY_ID_MAX;
}

static int digit(char character) {
        return character >= '0' && character <= '9'   ? character - '0'
               : character >= 'a' && character <= 'f' ? character - 'a' + 10
               : character >= 'A' && character <= 'F' ? character - 'A' + 10
                                                      : -1;
}

static bool parse_bytes(struct slice text, unsigned char ret_bytes[KEY_BYTES]) {
        if (text.length != (size_t) 2 * KEY_BYTES)
                return false;
        for (size_t i = 0; i < KEY_BYTES; i++) {
                int high = digit(text.data[2 * i]), low = digit(text.data[2 * i + 1]);
                if (high < 0 || low < 0)
                        return false;
                ret_bytes[i] = (unsigned char) (high << 4 | low);
        }
        return true;
}

static int parse_key(struct key_ring *ring, struct slice line, unsigned number, struct error *error) {
        const char *space = memchr(line.data, ' ', line.length);
        struct slice id = { line.data, space ? (size_t) (space - line.data) : line.length };
        if (!key_id_is_valid(id))
                return error_set(error, -EINVAL,
                                 "line %u: a key's id has 1 to %d of the characters a-z, 0-9 and '-', then a space",
                                 number, KEY_ID_MAX);
        if (key_ring_find(ring, id))
                return error_set(error, -EINVAL, "line %u: there is a key '%.*s' already", number, SLICE_PRINTF(id));
        if (ring->count == KEY_RING_MAX)
                return error_set(error, -EINVAL, "line %u: there are more than %d keys; remove old ones", number,
                                 KEY_RING_MAX);
        struct key *key = &ring->keys[ring->count];
        if (!space || !parse_bytes(slice_trim(slice_from(line, id.length)), key->bytes))
                return error_set(error, -EINVAL, "line %u: key '%.*s' is not %d hexadecimal digits", number,
                                 SLICE_PRINTF(id), 2 * KEY_BYTES);
        memcpy(key->id, id.data, id.length);
        ring->count++;
        return 0;
}

static bool next_line(struct slice *text, struct slice *ret_line) {
        if (text->length == 0)
                return false;
        const char *end = memchr(text->data, '\n', text->length);
        size_t length = end ? (size_t) (end - text->data) : text->length;
        struct slice line = { text->data, length };
        if (line.length > 0 && line.data[line.length - 1] == '\r')
                line.length--;
        *ret_line = slice_trim(line);
        *text = slice_from(*text, length + (end ? 1 : 0));
        return true;
}

static int parse_title(struct slice line, enum key_purpose purpose, struct error *error) {
        if (!slice_starts_with(line, SLICE_LITERAL(TITLE)))
                return error_set(error, -EINVAL, "line 1: not '" TITLE "%s': this is no file of keys",
                                 key_purpose_name(purpose));
        struct slice name = slice_from(line, sizeof(TITLE) - 1);
        if (!slice_equal_text(name, key_purpose_name(purpose)))
                return error_set(error, -EINVAL, "line 1: the keys are for '%.*s', not for '%s'",
                                 (int) MIN_OF(name.length, (size_t) KEY_ID_MAX), name.data, key_purpose_name(purpose));
        return 0;
}

int key_ring_parse(struct slice text, enum key_purpose purpose, struct error *error, struct key_ring **ret_ring) {
        _cleanup_(key_ring_unref_cleanup) struct key_ring *ring = key_ring_new(purpose);
        if (!ring)
                return error_set_errno(error, -ENOMEM, "reading keys");
        struct slice line = SLICE_NULL;
        (void) next_line(&text, &line);
        int r = parse_title(line, purpose, error);
        for (unsigned number = 2; r >= 0 && next_line(&text, &line); number++)
                if (line.length > 0 && *line.data != '#')
                        r = parse_key(ring, line, number, error);
        if (r < 0)
                return r;
        if (ring->count == 0)
                return error_set(error, -EINVAL, "there is no key in it");
        *ret_ring = take_pointer(ring);
        return 0;
}

int key_ring_load(const char *credential, enum key_purpose purpose, struct error *error, struct key_ring **ret_ring) {
        char *text = NULL;
        size_t length = 0;
        int r = service_read_credential(credential, KEY_RING_TEXT_MAX, &text, &length);
        if (r == -ENOENT)
                return error_set(error, r,
                                 "there is no credential '%s': make one with `ccodesctl keys init --purpose %s %s`",
                                 credential, key_purpose_name(purpose), credential);
        if (r < 0)
                return error_set_errno(error, r, "reading the credential '%s'", credential);
        r = key_ring_parse((struct slice) { text, length }, purpose, error, ret_ring);
        explicit_bzero(text, length);
        free(text);
        return r < 0 ? error_prefix(error, "reading the credential '%s'", credential) : 0;
}

int key_ring_generate(struct key_ring *ring, int64_t now) {
        if (ring->count == KEY_RING_MAX)
                return -ENOSPC;
        time_t seconds = (time_t) now;
        struct tm day;
        if (!gmtime_r(&seconds, &day))
                return -EOVERFLOW;
        struct key *key = &ring->keys[ring->count];
        uint16_t random;
        do {
                if (getrandom(&random, sizeof(random), 0) != sizeof(random) ||
                    getrandom(key->bytes, sizeof(key->bytes), 0) != sizeof(key->bytes))
                        return -EIO;
                char date[9];
                (void) strftime(date, sizeof(date), "%Y%m%d", &day);
                (void) snprintf(key->id, sizeof(key->id), "%s-%04x", date, random);
        } while (key_ring_find(ring, slice_of(key->id)));
        ring->count++;
        return 0;
}

int key_ring_remove(struct key_ring *ring, struct slice id) {
        const struct key *found = key_ring_find(ring, id);
        if (!found)
                return -ENOENT;
        if (found == key_ring_newest(ring))
                return -EBUSY;
        size_t index = (size_t) (found - ring->keys);
        memmove(&ring->keys[index], &ring->keys[index + 1], (ring->count - index - 1) * sizeof(*ring->keys));
        explicit_bzero(&ring->keys[--ring->count], sizeof(*ring->keys));
        return 0;
}

void key_ring_write(const struct key_ring *ring, struct text *text) {
        text_printf(text, TITLE "%s\n", key_purpose_name(ring->purpose));
        for (size_t i = 0; i < ring->count; i++) {
                text_printf(text, "%s ", ring->keys[i].id);
                for (size_t j = 0; j < KEY_BYTES; j++)
                        text_printf(text, "%02x", ring->keys[i].bytes[j]);
                text_append_char(text, '\n');
        }
}

const struct key *key_ring_find(const struct key_ring *ring, struct slice id) {
        for (size_t i = 0; i < ring->count; i++)
                if (slice_equal_text(id, ring->keys[i].id))
                        return &ring->keys[i];
        return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed files and files of keys as whoever has the disk may have changed them. The first byte says which: a ring of keys, which is
 * written as it was read; a header; a record. Nothing that was not sealed here opens. */
#include <errno.h>

#include "fuzz.h"
#include "shared/sealed_file.h"

static struct key_ring *make_ring(void) {
        struct key_ring *ring = key_ring_new(KEY_PURPOSE_SEAL);
        require(ring);
        strcpy(ring->keys[0].id, "k");
        ring->count = 1;
        return ring;
}

static void try_ring(struct slice text) {
        struct error error = ERROR_INIT;
        struct key_ring *ring, *again;
        int r = key_ring_parse(text, KEY_PURPOSE_SEAL, &error, &ring);
        require(r == 0 || (r == -EINVAL && error_is_set(&error)));
        if (r < 0)
                return;
        require(ring->count > 0 && ring->count <= KEY_RING_MAX);
        struct text written = TEXT_INIT;
        key_ring_write(ring, &written);
        require(key_ring_parse((struct slice) { written.data, written.length }, KEY_PURPOSE_SEAL, NULL, &again) == 0);
        require(memcmp(ring, again, sizeof(*ring)) == 0);
        text_done(&written);
        key_ring_unref(again);
        key_ring_unref(ring);
}

/* The start of a block; the rest is zero, as it has to be. */
static void try_header(struct slice bytes) {
        unsigned char *header = calloc(1, SEALED_HEADER);
        struct key_ring *ring = make_ring();
        struct sealed_secret secret;
        unsigned block;
        require(header);
        size_t half = bytes.length / 2;
        if (half <= SEALED_BLOCK && half > 0) {
                memcpy(header, bytes.data, half);
                memcpy(header + SEALED_BLOCK, bytes.data + half, half);
        }
        int r = sealed_header_find(header, ring, &secret, &block);
        require(r == -EBADMSG || r == -ENOKEY);
        require(r != -ENOKEY || key_id_is_valid(slice_of(secret.master)));
        key_ring_unref(ring);
        free(header);
}

static void try_record(struct slice bytes) {
        static const struct sealed_secret secret;
        unsigned char *room = malloc(SEALED_CHUNK);
        char *record = exact_copy(bytes.data, bytes.length);
        uint64_t length;
        require(room);
        for (int kind = SEALED_MORE; kind <= SEALED_TAIL; kind++)
                require(sealed_record_read(&secret, 0, (enum sealed_kind) kind, (unsigned char *) record, bytes.length,
                                           room) == -EBADMSG);
        if (bytes.length >= 8) {
                uint64_t size;
                memcpy(&size, bytes.data, sizeof(size));
                if (sealed_content_length(size, &length))
                        require(length < size && size - length >= SEALED_HEADER + SEALED_OVERHEAD);
        }
        free(record);
        free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
        if (length == 0)
                return 0;
        struct slice rest = { (const char *) data + 1, length - 1 };
        switch (data[0] % 3) {
        case 0:
                try_ring(rest);
                break;
        case 1:
                try_header(rest);
                break;
        default:
                try_record(rest);
                break;
        }
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Tells media types by the first bytes of a file: the tables of the WHATWG MIME Sniffing Standard in its order. MP3
 * without an ID3 tag is left out: its signature is two bytes that binary files have by chance. */
#include "server/sniff.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "shared/slice.h"
#include "shared/syscall.h"

/* Tags that a page may begin with; a space or '>' must follow each. Without regard to case. */
static const struct slice tags[] = {
        SLICE_LITERAL("<!doctype html"),
        SLICE_LITERAL("<html"),
        SLICE_LITERAL("<head"),
        SLICE_LITERAL("<script"),
        SLICE_LITERAL("<iframe"),
        SLICE_LITERAL("<h1"),
        SLICE_LITERAL("<div"),
        SLICE_LITERAL("<font"),
        SLICE_LITERAL("<table"),
        SLICE_LITERAL("<a"),
        SLICE_LITERAL("<style"),
        SLICE_LITERAL("<title"),
        SLICE_LITERAL("<b"),
        SLICE_LITERAL("<body"),
        SLICE_LITERAL("<br"),
        SLICE_LITERAL("<p"),
};

struct signature {
        struct slice bytes;
        struct slice inner; /* that stands at `inner_offset`, or data == NULL */
        size_t inner_offset;
        size_t least; /* bytes that the file must have */
        const char *type;
};

#define PLAIN(text, type) \
        { SLICE_LITERAL(text), SLICE_NULL, 0, sizeof(text) - 1, type }
#define CONTAINER(text, inner, type) \
        { SLICE_LITERAL(text), SLICE_LITERAL(inner), 8, 8 + sizeof(inner) - 1, type }

static const struct signature signatures[] = {
        PLAIN("%PDF-", "application/pdf"),
        PLAIN("%!PS-Adobe-", "application/postscript"),
        { SLICE_LITERAL("\xfe\xff"), SLICE_NULL, 0, 4, "text/plain" },     /* UTF-16, big endian */
        { SLICE_LITERAL("\xff\xfe"), SLICE_NULL, 0, 4, "text/plain" },     /* UTF-16, little endian */
        { SLICE_LITERAL("\xef\xbb\xbf"), SLICE_NULL, 0, 4, "text/plain" }, /* UTF-8 with a byte order mark */
        PLAIN("\x00\x00\x01\x00", "image/x-icon"),
        PLAIN("\x00\x00\x02\x00", "image/x-icon"),
        PLAIN("BM", "image/bmp"),
        PLAIN("GIF87a", "image/gif"),
        PLAIN("GIF89a", "image/gif"),
        CONTAINER("RIFF", "WEBPVP", "image/webp"),
        PLAIN("\x89PNG\r\n\x1a\n", "image/png"),
        PLAIN("\xff\xd8\xff", "image/jpeg"),
        CONTAINER("FORM", "AIFF", "audio/aiff"),
        PLAIN("ID3", "audio/mpeg"),
        PLAIN("OggS\x00", "application/ogg"),
        PLAIN("MThd\x00\x00\x00\x06", "audio/midi"),
        CONTAINER("RIFF", "AVI ", "video/avi"),
        CONTAINER("RIFF", "WAVE", "audio/wave"),
        PLAIN("\x1f\x8b\x08", "application/gzip"),
        PLAIN("PK\x03\x04", "application/zip"),
        PLAIN("Rar!\x1a\x07", "application/vnd.rar"),
};

static const char *find_signature(struct slice file) {
        for (size_t i = 0; i < ELEMENTS_OF(signatures); i++) {
                const struct signature *signature = &signatures[i];
                if (file.length < signature->least || !slice_starts_with(file, signature->bytes))
                        continue;
                if (!signature->inner.data ||
                    slice_starts_with(slice_from(file, signature->inner_offset), signature->inner))
                        return signature->type;
        }
        return NULL;
}

static bool is_space(char byte) {
        return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r' || byte == '\f';
}

/* HTML, or XML: the only types that may stand behind white space. */
static const char *find_markup(struct slice file) {
        while (file.length > 0 && is_space(file.data[0]))
                file = slice_from(file, 1);
        for (size_t i = 0; i < ELEMENTS_OF(tags); i++) {
                size_t length = tags[i].length;
                if (file.length > length && slice_equal_nocase((struct slice) { file.data, length }, tags[i]) &&
                    (file.data[length] == ' ' || file.data[length] == '>'))
                        return "text/html";
        }
        if (slice_starts_with(file, SLICE_LITERAL("<!--")))
                return "text/html";
        return slice_starts_with(file, SLICE_LITERAL("<?xml")) ? "text/xml" : NULL;
}

/* The first box is "ftyp" and names a brand that begins with "mp4" (section 6.2.1). */
static bool is_mp4(struct slice file) {
        const unsigned char *bytes = (const unsigned char *) file.data;
        if (file.length < 12 || memcmp(bytes + 4, "ftyp", 4) != 0)
                return false;
        uint32_t box = (uint32_t) bytes[0] << 24 | (uint32_t) bytes[1] << 16 | (uint32_t) bytes[2] << 8 | bytes[3];
        if (box > file.length || box % 4 != 0)
                return false;
        if (memcmp(bytes + 8, "mp4", 3) == 0)
                return true;
        for (uint32_t brand = 16; brand + 4 <= box; brand += 4)
                if (memcmp(bytes + brand, "mp4", 3) == 0)
                        return true;
        return false;
}

/* An EBML head whose DocType is "webm" (section 6.2.2). */
static bool is_webm(struct slice file) {
        static const char doctype[] = "\x42\x82";
        if (!slice_starts_with(file, SLICE_LITERAL("\x1a\x45\xdf\xa3")))
                return false;
        struct slice head = { file.data, MIN_OF(file.length, (size_t) 64) };
        const char *at = memmem(head.data, MIN_OF(head.length, (size_t) 40), doctype, 2);
        if (!at)
                return false;
        struct slice value = slice_from(head, (size_t) (at - head.data) + 2);
        if (value.length > 0) /* its length, in one byte for so short a name */
                value = slice_from(value, 1);
        while (value.length > 0 && value.data[0] == '\0')
                value = slice_from(value, 1);
        return slice_starts_with(value, SLICE_LITERAL("webm"));
}

static bool has_binary_byte(struct slice file) {
        for (size_t i = 0; i < file.length; i++) {
                unsigned char byte = (unsigned char) file.data[i];
                if (byte <= 0x08 || byte == 0x0b || (byte >= 0x0e && byte <= 0x1a) || (byte >= 0x1c && byte <= 0x1f))
                        return true;
        }
        return false;
}

const char *sniff_media_type(const void *data, size_t length) {
        struct slice file = { data, MIN_OF(length, (size_t) SNIFF_LENGTH) };
        const char *type = find_markup(file);
        if (!type)
                type = find_signature(file);
        if (type)
                return type;
        if (is_mp4(file))
                return "video/mp4";
        if (is_webm(file))
                return "video/webm";
        return has_binary_byte(file) ? "application/octet-stream" : "text/plain";
}

bool sniff_knows(struct slice type) {
        static const struct slice others[] = { SLICE_LITERAL("text/html"), SLICE_LITERAL("video/mp4"),
                                               SLICE_LITERAL("video/webm") };
        for (size_t i = 0; i < ELEMENTS_OF(signatures); i++)
                if (slice_equal_text(type, signatures[i].type))
                        return true;
        for (size_t i = 0; i < ELEMENTS_OF(others); i++)
                if (slice_equal(type, others[i]))
                        return true;
        return false;
}

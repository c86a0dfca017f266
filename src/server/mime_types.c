/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table from lower-case extensions to media types. The strings are in its arena. Of two lines for one
 * extension the later one wins, so that the system's file, which is read last, decides. */
#include "server/mime_types.h"

#include <stdlib.h>

#include "shared/arena.h"
#include "shared/hash.h"
#include "shared/syscall.h"

#define EXTENSION_MAX 32
#define FILE_LIMIT (4U << 20)

struct mime_types {
        struct arena arena;
        struct hash_table extensions;
};

struct mime_extension {
        struct hash_link link;
        struct slice name;
        const char *type;
};

static const struct {
        const char *type, *extensions;
} builtin[] = {
#define MIME_TYPE(type, extensions) { type, extensions },
#include "server/mime_builtin.h"
#undef MIME_TYPE
};

static struct slice to_lower(struct slice extension, char lower[EXTENSION_MAX]) {
        for (size_t i = 0; i < extension.length; i++) {
                char byte = extension.data[i];
                lower[i] = byte >= 'A' && byte <= 'Z' ? (char) (byte | 0x20) : byte;
        }
        return (struct slice) { lower, extension.length };
}

static bool has_name(const struct hash_link *link, const void *key) {
        return slice_equal(container_of(link, const struct mime_extension, link)->name, *(const struct slice *) key);
}

static struct mime_extension *find(const struct mime_types *types, struct slice extension) {
        uint64_t hash = hash_table_hash(&types->extensions, extension.data, extension.length);
        struct hash_link *link = hash_table_find(&types->extensions, hash, has_name, &extension);
        return link ? container_of(link, struct mime_extension, link) : NULL;
}

static int set(struct mime_types *types, struct slice extension, const char *type) {
        /* A gzipped SVG would need Content-Encoding, which goes by the coding that was chosen: it is sent as it is. */
        if (extension.length > EXTENSION_MAX || slice_equal_text(extension, "svgz"))
                return 0;
        char lower[EXTENSION_MAX];
        extension = to_lower(extension, lower);

        struct mime_extension *known = find(types, extension);
        if (known) {
                known->type = type;
                return 0;
        }
        struct mime_extension *added = arena_alloc_zero(&types->arena, sizeof(*added));
        char *name = arena_copy(&types->arena, extension);
        if (!added || !name)
                return -ENOMEM;
        added->name = (struct slice) { name, extension.length };
        added->type = type;
        return hash_table_insert(&types->extensions, &added->link,
                                 hash_table_hash(&types->extensions, name, extension.length));
}

static bool is_space(char byte) {
        return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static bool next_word(struct slice *line, struct slice *ret_word) {
        size_t start = 0;
        while (start < line->length && is_space(line->data[start]))
                start++;
        size_t end = start;
        while (end < line->length && !is_space(line->data[end]))
                end++;
        *ret_word = (struct slice) { line->data + start, end - start };
        *line = slice_from(*line, end);
        return end > start;
}

static int set_each(struct mime_types *types, struct slice extensions, const char *type) {
        struct slice word;
        while (next_word(&extensions, &word)) {
                int r = set(types, word, type);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* "type extension...", or nothing but the type, or a comment. A type that could not stand in a field is left out. */
static int read_line(struct mime_types *types, struct slice line) {
        struct slice type, first;
        if (!next_word(&line, &type) || type.data[0] == '#' || !memchr(type.data, '/', type.length))
                return 0;
        for (size_t i = 0; i < type.length; i++)
                if ((unsigned char) type.data[i] <= ' ' || (unsigned char) type.data[i] >= 0x7f)
                        return 0;
        struct slice rest = line;
        if (!next_word(&rest, &first))
                return 0;
        char *copy = arena_copy(&types->arena, type);
        return copy ? set_each(types, line, copy) : -ENOMEM;
}

static int read_lines(struct mime_types *types, struct slice text) {
        while (text.length > 0) {
                const char *end = memchr(text.data, '\n', text.length);
                size_t length = end ? (size_t) (end - text.data) : text.length;
                int r = read_line(types, (struct slice) { text.data, length });
                if (r < 0)
                        return r;
                text = slice_from(text, end ? length + 1 : length);
        }
        return 0;
}

static int fill(struct mime_types *types, const char *file, struct error *error) {
        for (size_t i = 0; i < ELEMENTS_OF(builtin); i++) {
                int r = set_each(types, slice_of(builtin[i].extensions), builtin[i].type);
                if (r < 0)
                        return r;
        }

        _cleanup_free_ char *text = NULL;
        size_t length;
        int r = read_whole_file(AT_FDCWD, file, FILE_LIMIT, &text, &length);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return error_set_errno(error, r, "reading the media types in %s", file);
        return read_lines(types, (struct slice) { text, length });
}

int mime_types_load(const char *file, struct error *error, struct mime_types **ret_types) {
        struct mime_types *types = calloc(1, sizeof(*types));
        if (!types)
                return -ENOMEM;
        arena_init(&types->arena, 0);
        int r = hash_table_init(&types->extensions);
        if (r >= 0)
                r = fill(types, file, error);
        if (r < 0) {
                mime_types_free(types);
                return r;
        }
        *ret_types = types;
        return 0;
}

void mime_types_free(struct mime_types *types) {
        if (!types)
                return;
        hash_table_done(&types->extensions);
        arena_done(&types->arena);
        free(types);
}

const char *mime_types_find(const struct mime_types *types, struct slice name) {
        const char *slash = name.length ? memrchr(name.data, '/', name.length) : NULL;
        if (slash)
                name = slice_from(name, (size_t) (slash - name.data) + 1);

        /* The places of the last two dots; one at the very beginning of a name begins no extension. */
        size_t dots[2] = { 0, 0 };
        for (size_t i = 1; i < name.length; i++)
                if (name.data[i] == '.') {
                        dots[0] = dots[1];
                        dots[1] = i;
                }
        for (unsigned i = 0; i < 2; i++) {
                struct slice extension = slice_from(name, dots[i] + 1);
                if (dots[i] == 0 || extension.length == 0 || extension.length > EXTENSION_MAX)
                        continue;
                char lower[EXTENSION_MAX];
                const struct mime_extension *known = find(types, to_lower(extension, lower));
                if (known)
                        return known->type;
        }
        return NULL;
}

static bool has_essence(struct slice type, const char *essence) {
        return slice_equal_nocase(type, slice_of(essence));
}

bool mime_type_takes_charset(struct slice type) {
        if (memchr(type.data, ';', type.length) || has_essence(type, "text/xml") ||
            (type.length > 4 && slice_equal_nocase(slice_from(type, type.length - 4), SLICE_LITERAL("+xml"))))
                return false;
        return (type.length > 5 && slice_equal_nocase((struct slice) { type.data, 5 }, SLICE_LITERAL("text/"))) ||
               has_essence(type, "application/javascript") || has_essence(type, "application/x-javascript");
}

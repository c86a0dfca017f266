/* SPDX-License-Identifier: Apache-2.0 */
/* Which folders the sandbox must show. Each path is made normal by its text alone, since the file systems may not be
 * mounted yet when a generator runs; systemd takes no other form. */
#include "generator/unit_places.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "generator/unit_set.h"
#include "shared/syscall.h"

void unit_places_done(struct unit_places *places) {
        for (size_t i = 0; i < places->count; i++)
                free(places->items[i].path);
        free(places->items);
        *places = UNIT_PLACES_INIT;
}

/* Without "//", "." and "..". The result is at most as long as the path. */
static char *normal_path(const char *path) {
        char *normal = malloc(strlen(path) + 2);
        if (!normal)
                return NULL;
        size_t length = 0;
        for (const char *part = path; *part;) {
                size_t size = strcspn(part, "/");
                if (size == 2 && memcmp(part, "..", 2) == 0) {
                        while (length > 0 && normal[--length] != '/')
                                ;
                } else if (size > 0 && !(size == 1 && part[0] == '.')) {
                        normal[length++] = '/';
                        memcpy(normal + length, part, size);
                        length += size;
                }
                part += size + (part[size] == '/');
        }
        if (length == 0)
                normal[length++] = '/';
        normal[length] = '\0';
        return normal;
}

static bool is_printable(const char *path) {
        for (; *path; path++)
                if ((unsigned char) *path < ' ' || *path == 0x7f)
                        return false;
        return true;
}

int unit_places_add(struct unit_places *places, const char *path, bool writable, struct error *error) {
        if (path[0] != '/' || !is_printable(path))
                return error_set(error, -EINVAL, "a unit cannot name the path '%s'", path);
        _cleanup_free_ char *normal = normal_path(path);
        if (!normal)
                return error_set(error, -ENOMEM, "out of memory");
        for (size_t i = 0; i < places->count; i++)
                if (strcmp(places->items[i].path, normal) == 0) {
                        places->items[i].writable |= writable;
                        return 0;
                }
        struct unit_place *larger = reallocarray(places->items, places->count + 1, sizeof(*larger));
        if (!larger)
                return error_set(error, -ENOMEM, "out of memory");
        places->items = larger;
        places->items[places->count++] = (struct unit_place) { .path = take_pointer(normal), .writable = writable };
        return 0;
}

int unit_places_add_file(struct unit_places *places, const char *path, bool writable, struct error *error) {
        const char *slash = strrchr(path, '/');
        _cleanup_free_ char *folder = slash ? strndup(path, (size_t) (slash - path) + 1) : strdup(path);
        if (!folder)
                return error_set(error, -ENOMEM, "out of memory");
        return unit_places_add(places, folder, writable, error);
}

static bool is_beneath(const char *path, const char *folder) {
        size_t length = strlen(folder);
        return strncmp(path, folder, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

static bool is_in_home(const char *path) {
        return is_beneath(path, "/home") || is_beneath(path, "/root") || is_beneath(path, "/run/user");
}

static bool is_hidden(const char *path) {
        return is_in_home(path) || is_beneath(path, "/tmp") || is_beneath(path, "/var/tmp");
}

static void append_setting(struct text *text, const char *setting, const struct unit_place *place) {
        text_printf(text, "%s=-", setting);
        unit_append_word(text, place->path);
        text_append_char(text, '\n');
}

void unit_places_append(const struct unit_places *places, struct text *text) {
        bool home = false;
        for (size_t i = 0; i < places->count; i++)
                home |= is_in_home(places->items[i].path);
        /* With "yes" nothing could be mounted there. "tmpfs" alone may be written; with ReadOnlyPaths= for the same folders
         * systemd mounts no tmpfs at all, and what is in them would be seen. */
        if (home)
                text_append_string(text, "ProtectHome=tmpfs\nTemporaryFileSystem=/home:ro /root:ro /run/user:ro\n");
        for (size_t i = 0; i < places->count; i++) {
                const struct unit_place *place = &places->items[i];
                if (is_hidden(place->path))
                        append_setting(text, place->writable ? "BindPaths" : "BindReadOnlyPaths", place);
                if (place->writable) /* what is neither is there anyway: ProtectSystem=strict shows it read-only */
                        append_setting(text, "ReadWritePaths", place);
        }
}

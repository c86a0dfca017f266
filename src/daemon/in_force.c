/* SPDX-License-Identifier: Apache-2.0 */
/* Holds the configuration of the start against the one that was loaded last. */
#include "daemon/in_force.h"

#include <errno.h>
#include <stdlib.h>

int daemon_in_force_new(struct config *started, struct config *loaded, struct daemon_in_force **ret_in_force) {
        struct daemon_in_force *in_force = calloc(1, sizeof(*in_force));
        if (!in_force)
                return -ENOMEM;
        in_force->started = config_ref(started);
        in_force->loaded = config_ref(loaded);
        int r = config_in_force(&config_root_table, &started->root, &loaded->root, &in_force->arena, &in_force->root);
        if (r < 0) {
                daemon_in_force_free(in_force);
                return r;
        }
        *ret_in_force = in_force;
        return 0;
}

void daemon_in_force_free(struct daemon_in_force *in_force) {
        if (!in_force)
                return;
        arena_done(&in_force->arena);
        config_unref(in_force->loaded);
        config_unref(in_force->started);
        free(in_force);
}

static void append_member(struct text *text, const char *name, const char *value) {
        text_printf(text, "%s\"%s\":", text->data[text->length - 1] == '{' ? "" : ",", name);
        if (value)
                text_append_json(text, slice_of(value));
        else
                text_append_string(text, "null");
}

static void append_pending(const char *path, const char *before, const char *after, enum config_effect effect,
                           void *userdata) {
        struct text *text = userdata;
        if (text->data && text->data[text->length - 1] == '}')
                text_append_char(text, ',');
        text_append_char(text, '{');
        if (text->failed)
                return;
        append_member(text, "key", path);
        append_member(text, "in_force", before);
        append_member(text, "configured", after);
        append_member(text, "effect", effect == CONFIG_SOCKET ? "socket" : "restart");
        text_append_char(text, '}');
}

void daemon_in_force_append_pending(const struct daemon_in_force *in_force, struct text *text) {
        text_append_char(text, '[');
        config_compare(&config_root_table, &in_force->root, &in_force->loaded->root, append_pending, text);
        text_append_char(text, ']');
}

static void append_key(const char *path, const char *before, const char *after, enum config_effect effect,
                       void *userdata) {
        struct text *text = userdata;
        (void) before;
        (void) after;
        (void) effect;
        text_printf(text, "%s%s", text->length > 0 ? ", " : "", path);
}

static void count(const char *path, const char *before, const char *after, enum config_effect effect, void *userdata) {
        (void) path;
        (void) before;
        (void) after;
        (void) effect;
        ++*(size_t *) userdata;
}

void daemon_in_force_describe(const struct daemon_in_force *before, const struct daemon_in_force *in_force,
                              struct text *text) {
        _cleanup_text_ struct text pending = TEXT_INIT;
        size_t changes = 0;
        config_compare(&config_root_table, &before->root, &in_force->root, count, &changes);
        config_compare(&config_root_table, &in_force->root, &in_force->loaded->root, append_key, &pending);
        text_append_string(text, "reloaded");
        if (changes > 0)
                text_printf(text, "; %zu value%s changed", changes, changes == 1 ? "" : "s");
        else if (pending.length == 0)
                text_append_string(text, "; nothing has changed");
        if (pending.length > 0)
                text_printf(text, "; run `ccodesctl apply` for what needs a new process: %s", pending.data);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* From JSON to a configuration's tree. Depth is bounded as the parser of TOML bounds it. */
#include "cli/config_json.h"

#include <errno.h>
#include <stdlib.h>

#include "cli/admin_client.h"
#include "shared/syscall.h"

#define ARENA_LIMIT ((size_t) 256 << 20)

struct converter {
        const char *label;
        struct arena *arena;
        struct error *error;
};

static void append_child(struct config_tree *parent, struct config_tree *child) {
        if (parent->last)
                parent->last->next = child;
        else
                parent->children = child;
        parent->last = child;
}

static int convert(const struct converter *converter, struct json_object *value, const char *key, unsigned depth,
                   struct config_tree **ret_node);

static int convert_members(const struct converter *converter, struct json_object *object, unsigned depth,
                           struct config_tree *node) {
        node->type = CONFIG_NODE_TABLE;
        json_object_object_foreach(object, name, value) {
                struct config_tree *child = NULL;
                int r = value ? convert(converter, value, name, depth + 1, &child) : 0;
                if (r < 0)
                        return r;
                if (child)
                        append_child(node, child);
        }
        return 0;
}

static int convert_entries(const struct converter *converter, struct json_object *array, unsigned depth,
                           struct config_tree *node) {
        node->type = CONFIG_NODE_ARRAY;
        for (size_t i = 0; i < json_object_array_length(array); i++) {
                struct config_tree *child;
                int r = convert(converter, json_object_array_get_idx(array, i), NULL, depth + 1, &child);
                if (r < 0)
                        return r;
                append_child(node, child);
        }
        return 0;
}

static int convert_value(const struct converter *converter, struct json_object *value, unsigned depth,
                         struct config_tree *node) {
        switch (json_object_get_type(value)) {
        case json_type_object:
                return convert_members(converter, value, depth, node);
        case json_type_array:
                return convert_entries(converter, value, depth, node);
        case json_type_boolean:
                node->type = CONFIG_NODE_BOOLEAN;
                node->boolean = json_object_get_boolean(value);
                return 0;
        case json_type_int:
                node->type = CONFIG_NODE_INTEGER;
                node->integer = json_object_get_int64(value);
                return 0;
        case json_type_double:
                node->type = CONFIG_NODE_FLOAT;
                node->number = json_object_get_double(value);
                return 0;
        case json_type_string:
                node->type = CONFIG_NODE_STRING;
                node->string = arena_copy(converter->arena, slice_of(json_object_get_string(value)));
                return node->string ? 0 : -ENOMEM;
        default:
                return error_set(converter->error, -EINVAL, "%s: null stands in an array", converter->label);
        }
}

static int convert(const struct converter *converter, struct json_object *value, const char *key, unsigned depth,
                   struct config_tree **ret_node) {
        if (depth > CONFIG_NESTING_MAX)
                return error_set(converter->error, -EINVAL, "%s: nested too deeply", converter->label);
        struct config_tree *node = arena_alloc(converter->arena, sizeof(*node));
        const char *copy = key && node ? arena_copy(converter->arena, slice_of(key)) : NULL;
        if (!node || (key && !copy))
                return -ENOMEM;
        *node = (struct config_tree) { .key = copy, .origin = { .file = converter->label } };
        *ret_node = node;
        return convert_value(converter, value, depth, node);
}

int config_json_tree(struct json_object *object, const char *label, struct arena *arena, struct error *error,
                     struct config_tree **ret_tree) {
        const struct converter converter = { label, arena, error };
        struct config_tree *tree;
        if (!json_object_is_type(object, json_type_object))
                return error_set(error, -EINVAL, "%s: not a JSON object", label);
        int r = convert(&converter, object, NULL, 0, &tree);
        if (r < 0)
                return error_set_errno(error, r, "reading %s", label);
        *ret_tree = tree;
        return 0;
}

void running_config_free(struct running_config *config) {
        if (!config)
                return;
        arena_done(&config->arena);
        free(config);
}

int running_config_load(const char *socket, struct error *error, struct running_config **ret_config) {
        _cleanup_json_ struct json_object *object = NULL;
        _cleanup_(running_config_cleanup) struct running_config *config = calloc(1, sizeof(*config));
        if (!config)
                return error_set_errno(error, -ENOMEM, "asking %s", socket);
        arena_init(&config->arena, ARENA_LIMIT);
        int r = admin_get_json(socket, "/config", error, &object);
        if (r < 0)
                return r;
        r = config_json_tree(object, "running", &config->arena, error, &config->tree);
        if (r >= 0)
                r = config_bind(&config_root_table, config->tree, &config->arena, error, &config->root);
        if (r < 0) {
                error_prefix(error, "reading the configuration that the running service has in force");
                return r;
        }
        *ret_config = take_pointer(config);
        return 0;
}

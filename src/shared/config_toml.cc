// SPDX-License-Identifier: Apache-2.0
// Turns the tables of toml++ into a struct config_tree in the arena. Nothing of toml++ outlives a call, no exception
// crosses it (there are none), and the recursion is bounded by the nesting that the caller has checked.
#undef TOML_SHARED_LIB
#undef TOML_HEADER_ONLY
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_MAX_NESTED_VALUES 16 // CONFIG_NESTING_MAX

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <vector>

#include <toml++/toml.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic" // the C headers are GNU C
extern "C" {
#include "shared/config_syntax.h"
#include "shared/config_toml.h"
}
#pragma GCC diagnostic pop

static_assert(TOML_MAX_NESTED_VALUES == CONFIG_NESTING_MAX);

namespace {

class converter {
        struct arena *arena;
        const char *file;
        struct error *error;

      public:
        int code = 0;

        converter(struct arena *arena_, const char *file_, struct error *error_)
            : arena(arena_), file(file_), error(error_) {
        }

        struct config_tree *convert(const toml::node &node, const toml::key *key) {
                auto tree = static_cast<struct config_tree *>(arena_alloc_zero(arena, sizeof(struct config_tree)));
                if (!tree)
                        return out_of_memory();
                tree->origin = origin_of(node, key);
                if (key && !(tree->key = copy(key->str(), tree->origin)))
                        return nullptr;
                return fill(tree, node) ? tree : nullptr;
        }

      private:
        // A table with a header begins where the header does; toml++ says of its key where it was first mentioned. Of an
        // array made by headers the first one stands in front of the key, that of an inline one behind it.
        struct config_origin origin_of(const toml::node &node, const toml::key *key) const {
                auto begin = node.source().begin;
                bool has_header = node.is_table() && !node.as_table()->is_inline();
                if (key && !has_header && (!node.is_array() || key->source().begin < begin))
                        begin = key->source().begin;
                return { file, begin.line, begin.column };
        }

        struct config_tree *out_of_memory() {
                code = error_set(error, -ENOMEM, "%s: the configuration is too large", file);
                return nullptr;
        }

        const char *copy(std::string_view text, const struct config_origin &origin) {
                for (unsigned char byte : text)
                        if ((byte < 0x20 && byte != '\t' && byte != '\n') || byte == 0x7f) {
                                code = error_set(error, -EINVAL,
                                                 "%s:%u:%u: the control character U+%04X is not allowed", file,
                                                 origin.line, origin.column, byte);
                                return nullptr;
                        }
                const char *copied = arena_copy(arena, { text.data(), text.size() });
                return copied ? copied : out_of_memory_text();
        }

        const char *out_of_memory_text() {
                (void) out_of_memory();
                return nullptr;
        }

        bool append(struct config_tree *parent, const toml::node &node, const toml::key *key) {
                struct config_tree *child = convert(node, key);
                if (!child)
                        return false;
                (parent->last ? parent->last->next : parent->children) = child;
                parent->last = child;
                return true;
        }

        // toml++ sorts a table by name; people expect the order that they wrote.
        bool fill_table(struct config_tree *tree, const toml::table &table) {
                using entry = std::pair<const toml::key *, const toml::node *>;
                std::vector<entry> entries;
                entries.reserve(table.size());
                for (const auto &[key, node] : table)
                        entries.emplace_back(&key, &node);
                std::stable_sort(entries.begin(), entries.end(), [](const entry &a, const entry &b) {
                        return a.first->source().begin < b.first->source().begin;
                });
                return std::all_of(entries.begin(), entries.end(),
                                   [&](const entry &e) { return append(tree, *e.second, e.first); });
        }

        bool fill_array(struct config_tree *tree, const toml::array &array) {
                return std::all_of(array.begin(), array.end(),
                                   [&](const toml::node &node) { return append(tree, node, nullptr); });
        }

        bool fill(struct config_tree *tree, const toml::node &node) {
                switch (node.type()) {
                case toml::node_type::table:
                        tree->type = CONFIG_NODE_TABLE;
                        return fill_table(tree, *node.as_table());
                case toml::node_type::array:
                        tree->type = CONFIG_NODE_ARRAY;
                        return fill_array(tree, *node.as_array());
                case toml::node_type::string:
                        tree->type = CONFIG_NODE_STRING;
                        tree->string = copy(node.as_string()->get(), tree->origin);
                        return tree->string != nullptr;
                case toml::node_type::integer:
                        tree->type = CONFIG_NODE_INTEGER;
                        tree->integer = node.as_integer()->get();
                        return true;
                case toml::node_type::floating_point:
                        tree->type = CONFIG_NODE_FLOAT;
                        tree->number = node.as_floating_point()->get();
                        return true;
                case toml::node_type::boolean:
                        tree->type = CONFIG_NODE_BOOLEAN;
                        tree->boolean = node.as_boolean()->get();
                        return true;
                default:
                        tree->type = CONFIG_NODE_DATE;
                        return true;
                }
        }
};

} // namespace

extern "C" int config_toml_parse(const char *text, size_t length, const char *file, struct arena *arena,
                                 struct error *error, struct config_tree **ret_tree) {
        toml::parse_result result = toml::parse(std::string_view(text, length));
        if (!result) {
                auto description = result.error().description();
                auto begin = result.error().source().begin;
                struct config_origin origin = { file, begin.line, begin.column };
                return config_syntax_explain({ text, length }, &origin, { description.data(), description.size() },
                                             error);
        }

        converter from_toml(arena, file, error);
        struct config_tree *tree = from_toml.convert(result.table(), nullptr);
        if (!tree)
                return from_toml.code;
        *ret_tree = tree;
        return 0;
}

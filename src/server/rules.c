/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles the rules of a site and tells what they make of a path. Fields that frame a message are no concern here: the
 * configuration refuses them, and values that could not stand in a field. */
#include "server/rules.h"

#include <errno.h>

#include "shared/syscall.h"

static size_t count_wildcards(const struct path_pattern *pattern) {
        size_t count = pattern->piece_count - 1;
        for (size_t i = 0; i < pattern->piece_count; i++)
                for (size_t j = 0; j < pattern->pieces[i].chunk.length; j++)
                        count += pattern->pieces[i].chunk.data[j] == '?';
        return MIN_OF(count, (size_t) PATH_PATTERN_CAPTURES_MAX);
}

static int compile(const struct config_rule *config, struct arena *arena, struct error *error, struct rule *rule) {
        rule->config = config;
        int r = path_pattern_compile(config->path, arena, error, &rule->pattern);
        if (r >= 0 && config->redirect)
                r = redirect_target_compile(config->redirect, count_wildcards(&rule->pattern), arena, error,
                                            &rule->target);
        if (r < 0) {
                error_prefix(error, "rule for '%s'", config->path);
                config_origin_place(&config->origin, error);
        }
        return r;
}

int rules_compile(const struct config_list *list, struct arena *arena, struct error *error, struct rules *ret_rules) {
        const struct config_rule *configs = list->items;
        struct rules rules = { .count = list->count };
        pattern_index_init(&rules.index, arena);
        rules.items = arena_alloc_zero(arena, MAX_OF(list->count, (size_t) 1) * sizeof(*rules.items));
        if (!rules.items)
                return -ENOMEM;
        for (size_t i = 0; i < list->count; i++) {
                int r = compile(&configs[i], arena, error, &rules.items[i]);
                if (r >= 0)
                        r = pattern_index_add(&rules.index, &rules.items[i].pattern);
                if (r < 0)
                        return r;
                rules.has_redirects = rules.has_redirects || configs[i].redirect;
                rules.has_early_hints = rules.has_early_hints || configs[i].early_hints;
        }
        *ret_rules = rules;
        return 0;
}

int rules_apply(const struct rules *rules, struct slice path, struct rule_outcome *ret_outcome) {
        struct rule_outcome outcome = RULE_OUTCOME_INIT;
        int r = pattern_index_find(&rules->index, path, &outcome.matches);
        if (r < 0) {
                rule_outcome_done(&outcome);
                return r;
        }
        for (size_t i = 0; i < outcome.matches.count; i++) {
                const struct rule *rule = &rules->items[outcome.matches.numbers[i]];
                if (rule->config->cache_control)
                        outcome.cache_control = rule->config->cache_control;
                if (rule->config->content_type)
                        outcome.content_type = rule->config->content_type;
                outcome.is_signed = outcome.is_signed || rule->config->is_signed;
                outcome.rate = MIN_OF(outcome.rate, rule->config->rate);
                if (rule->config->redirect) {
                        outcome.redirect = rule;
                        outcome.matches.count = i + 1;
                }
        }
        *ret_outcome = outcome;
        return 0;
}

void rule_outcome_done(struct rule_outcome *outcome) {
        pattern_matches_done(&outcome->matches);
}

void rules_set_fields(const struct rules *rules, const struct rule_outcome *outcome,
                      struct http_head_builder *builder) {
        for (size_t i = 0; i < outcome->matches.count; i++) {
                const struct config_rule *config = rules->items[outcome->matches.numbers[i]].config;
                for (size_t j = 0; j < config->headers.count; j++) {
                        struct slice name = slice_of(config->headers.items[j].key);
                        struct slice value = slice_of(config->headers.items[j].value);
                        /* Ours stays: without it caches would mix up codings. */
                        if (slice_equal_nocase(name, SLICE_LITERAL("vary"))) {
                                if (value.length > 0)
                                        http_head_builder_add(builder, name, value);
                                continue;
                        }
                        http_head_builder_set(builder, name, value.length > 0 ? value : SLICE_NULL);
                }
                for (size_t j = 0; j < config->link.count; j++)
                        http_head_builder_add(builder, SLICE_LITERAL("Link"), slice_of(config->link.items[j]));
        }
}

void rule_append_location(const struct rule *rule, struct slice path, struct slice query, struct text *text) {
        struct path_captures captures = { .count = 0 };
        if (path_pattern_match(&rule->pattern, path, &captures))
                redirect_target_append(&rule->target, path, query, &captures, text);
}

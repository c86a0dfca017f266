/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "config/site_section.h"
#include "http/head_block.h"
#include "server/pattern_index.h"
#include "server/redirect_target.h"
#include "shared/quantity.h"

/*
 * The rules of one site ([[site.rule]]), compiled: what they say of a path depends on nothing but the path, so that
 * it is asked once for each path and then kept. Immutable; any number of threads may ask.
 */
struct rule {
        const struct config_rule *config;
        struct path_pattern pattern;
        struct redirect_target target; /* of a redirect */
};

struct rules {
        struct rule *items;
        size_t count;
        bool has_redirects, has_early_hints;
        struct pattern_index index;
};

/* What the rules say of one path. */
struct rule_outcome {
        struct pattern_matches matches;           /* those that apply, in order, the redirect included */
        const struct rule *redirect;              /* or NULL */
        const char *cache_control, *content_type; /* NULL: none says */
        bool is_signed;                           /* only a signed address opens it */
        uint64_t rate;                            /* bytes a second for one response, at most */
};

#define RULE_OUTCOME_INIT ((struct rule_outcome) { .rate = QUANTITY_INFINITY })

/* Keeps views of the configuration. The error names the place of the rule and the pattern. */
int rules_compile(const struct config_list *list, struct arena *arena, struct error *error, struct rules *ret_rules);

/* -ENOMEM. */
int rules_apply(const struct rules *rules, struct slice path, struct rule_outcome *ret_outcome);
void rule_outcome_done(struct rule_outcome *outcome);

/* Sets the response fields that the rules ask for: headers and Link; Cache-Control and Content-Type are the caller's.
 * */
void rules_set_fields(const struct rules *rules, const struct rule_outcome *outcome, struct http_head_builder *builder);

/* Location of the outcome's redirect. */
void rule_append_location(const struct rule *rule, struct slice path, struct slice query, struct text *text);

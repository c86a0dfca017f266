/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the rules of a path before its file is known; whatever goes wrong here leaves the hints out, which are never needed. */
#include "server/early_hints.h"

static bool is_navigation(const struct http_request *request) {
        return slice_equal_text(http_fields_find(&request->fields, SLICE_LITERAL("sec-fetch-mode")), "navigate");
}

static void add_links(struct http_exchange *exchange, const struct rules *rules, const struct rule_outcome *outcome) {
        for (size_t i = 0; i < outcome->matches.count; i++) {
                const struct config_rule *config = rules->items[outcome->matches.numbers[i]].config;
                for (size_t j = 0; config->early_hints && j < config->link.count; j++)
                        (void) http_response_add(exchange, SLICE_LITERAL("link"), slice_of(config->link.items[j]));
        }
}

void early_hints_send(struct http_exchange *exchange, const struct rules *rules) {
        struct rule_outcome outcome;
        if (!rules->has_early_hints || !is_navigation(&exchange->request) ||
            rules_apply(rules, exchange->request.path, &outcome) < 0)
                return;
        if (!outcome.redirect && !outcome.is_signed)
                add_links(exchange, rules, &outcome);
        rule_outcome_done(&outcome);
        http_exchange_send_hints(exchange);
}

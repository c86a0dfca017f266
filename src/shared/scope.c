/* SPDX-License-Identifier: Apache-2.0 */
/* The rules about roles and scopes, as pure functions on text. What does not parse allows nothing. */
#include "shared/scope.h"

#include "shared/syscall.h"

#define RESOURCE_MAX 64

static const char *const role_names[ROLE_COUNT] = {
        [ROLE_VIEWER] = "viewer",
        [ROLE_OPERATOR] = "operator",
        [ROLE_ADMIN] = "admin",
};

static const struct scope_name {
        struct slice name;
        enum role role; /* that it asks for */
} scope_names[] = {
        { { "download", 8 }, ROLE_VIEWER },
        { { "upload", 6 }, ROLE_OPERATOR },
        { { "admin", 5 }, ROLE_ADMIN },
};

struct scope {
        const struct scope_name *name; /* NULL: "*" */
        struct slice resource;
};

const char *role_name(enum role role) {
        return role_names[role];
}

bool role_from_name(struct slice name, enum role *ret_role) {
        for (enum role role = 0; role < ROLE_COUNT; role++) {
                if (!slice_equal_text(name, role_names[role]))
                        continue;
                *ret_role = role;
                return true;
        }
        return false;
}

static bool is_resource(struct slice text) {
        for (size_t i = 0; i < text.length; i++) {
                char c = text.data[i];
                if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '.' &&
                    c != '_' && c != '-')
                        return false;
        }
        return text.length > 0 && text.length <= RESOURCE_MAX;
}

static bool parse(struct slice text, struct scope *ret_scope) {
        if (slice_equal_text(text, "*")) {
                *ret_scope = (struct scope) { NULL, text };
                return true;
        }
        const char *colon = text.length > 0 ? memchr(text.data, ':', text.length) : NULL;
        if (!colon)
                return false;
        struct slice name = { text.data, (size_t) (colon - text.data) }, resource = slice_from(text, name.length + 1);
        if (!slice_equal_text(resource, "*") && !is_resource(resource))
                return false;
        for (size_t i = 0; i < ELEMENTS_OF(scope_names); i++) {
                if (!slice_equal(scope_names[i].name, name))
                        continue;
                *ret_scope = (struct scope) { &scope_names[i], resource };
                return true;
        }
        return false;
}

/* Takes the next scope off a list; scopes are parted by exactly one space. -1: malformed; 0: the end. */
static int next(struct slice *list, struct scope *ret_scope) {
        if (!list->data)
                return 0;
        const char *space = list->length > 0 ? memchr(list->data, ' ', list->length) : NULL;
        struct slice text = { list->data, space ? (size_t) (space - list->data) : list->length };
        *list = space ? slice_from(*list, text.length + 1) : SLICE_NULL;
        return parse(text, ret_scope) ? 1 : -1;
}

bool scope_list_is_valid(struct slice list) {
        struct scope scope;
        int r = list.length > 0 && list.length <= SCOPE_LIST_MAX ? 1 : -1;
        while (r > 0)
                r = next(&list, &scope);
        return r == 0;
}

bool scope_is_request(struct slice text) {
        struct scope scope;
        return parse(text, &scope) && scope.name && !slice_equal_text(scope.resource, "*");
}

bool scope_list_allows(struct slice list, enum role role, struct slice text) {
        struct scope wanted, scope;
        bool is_covered = false;
        if (!scope_is_request(text) || !scope_list_is_valid(list) || !parse(text, &wanted) || role >= ROLE_COUNT ||
            role < wanted.name->role)
                return false;
        while (next(&list, &scope) > 0)
                is_covered |= !scope.name ||
                              (scope.name == wanted.name &&
                               (slice_equal_text(scope.resource, "*") || slice_equal(scope.resource, wanted.resource)));
        return is_covered;
}

bool scope_list_fits(struct slice list, enum role role) {
        struct scope scope;
        if (!scope_list_is_valid(list))
                return false;
        while (next(&list, &scope) > 0)
                if (scope.name && role < scope.name->role)
                        return false;
        return true;
}

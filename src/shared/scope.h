/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "shared/slice.h"

/*
 * Who may do what: the one place for the rules about roles and scopes.
 *
 *     scopes   = scope *( " " scope )
 *     scope    = "*" / name ":" ( "*" / resource )
 *     name     = "download" / "upload" / "admin"
 *     resource = 1*64( a-z A-Z 0-9 "." "_" "-" )
 *
 * A name asks for a role: download for viewer, upload for operator, admin for admin; an operator may do what a viewer may,
 * and an admin all. A list of scopes only narrows its role: what is asked for is allowed when the role has its name and a
 * scope in the list is "*", the same name with "*", or the same scope.
 */
#define SCOPE_MAX 80       /* bytes of one */
#define SCOPE_LIST_MAX 512 /* bytes of a list */

enum role {
        ROLE_VIEWER,
        ROLE_OPERATOR,
        ROLE_ADMIN,
        ROLE_COUNT,
};

const char *role_name(enum role role);
bool role_from_name(struct slice name, enum role *ret_role);

/* A whole list by the grammar above; not the empty one. */
bool scope_list_is_valid(struct slice list);

/* One scope that can be asked for: with a resource, not with "*". */
bool scope_is_request(struct slice scope);

/* Whether somebody of this role with this list may do what `scope`, which is a request, stands for. */
bool scope_list_allows(struct slice list, enum role role, struct slice scope);

/* Whether all that the list can ever allow is within the role: what a token may be made with. */
bool scope_list_fits(struct slice list, enum role role);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/cli.h"

/* The verbs, for the table of them: each is what struct cli_verb says of `run`. */

/* verb_status.c */
int verb_status(struct cli *cli, const struct cli_arguments *arguments, struct error *error);

/* verb_explain.c */
int verb_explain(struct cli *cli, const struct cli_arguments *arguments, struct error *error);

/* verb_logs.c */
int verb_logs(struct cli *cli, const struct cli_arguments *arguments, struct error *error);

/* verb_version.c */
int verb_version(struct cli *cli, const struct cli_arguments *arguments, struct error *error);

/* verb_config.c */
int verb_config_check(struct cli *cli, const struct cli_arguments *arguments, struct error *error);
int verb_config_show(struct cli *cli, const struct cli_arguments *arguments, struct error *error);
int verb_config_get(struct cli *cli, const struct cli_arguments *arguments, struct error *error);
int verb_config_diff(struct cli *cli, const struct cli_arguments *arguments, struct error *error);
int verb_config_schema(struct cli *cli, const struct cli_arguments *arguments, struct error *error);

/* verb_reload.c */
int verb_reload(struct cli *cli, const struct cli_arguments *arguments, struct error *error);

/* verb_service.c */
int verb_start(struct cli *cli, const struct cli_arguments *arguments, struct error *error);
int verb_stop(struct cli *cli, const struct cli_arguments *arguments, struct error *error);
int verb_restart(struct cli *cli, const struct cli_arguments *arguments, struct error *error);
int verb_enable(struct cli *cli, const struct cli_arguments *arguments, struct error *error);
int verb_disable(struct cli *cli, const struct cli_arguments *arguments, struct error *error);

/* verb_apply.c */
int verb_apply(struct cli *cli, const struct cli_arguments *arguments, struct error *error);
int verb_apply_all(struct cli *cli, struct error *error); /* without its report; 0 or a negative errno */

/* verb_keys.c */
int verb_keys_init(struct cli *cli, const struct cli_arguments *arguments, struct error *error);
int verb_keys_list(struct cli *cli, const struct cli_arguments *arguments, struct error *error);
int verb_keys_remove(struct cli *cli, const struct cli_arguments *arguments, struct error *error);

/* verb_keys_rotate.c */
int verb_keys_rotate(struct cli *cli, const struct cli_arguments *arguments, struct error *error);
int verb_keys_rewrap(struct cli *cli, const struct cli_arguments *arguments, struct error *error);

/* verb_sign.c */
int verb_sign(struct cli *cli, const struct cli_arguments *arguments, struct error *error);

/* verb_users.c */
int verb_users_add(struct cli *cli, const struct cli_arguments *arguments, struct error *error);
int verb_users_list(struct cli *cli, const struct cli_arguments *arguments, struct error *error);
int verb_users_passwd(struct cli *cli, const struct cli_arguments *arguments, struct error *error);
int verb_users_role(struct cli *cli, const struct cli_arguments *arguments, struct error *error);
int verb_users_disable(struct cli *cli, const struct cli_arguments *arguments, struct error *error);
int verb_users_enable(struct cli *cli, const struct cli_arguments *arguments, struct error *error);
int verb_users_remove(struct cli *cli, const struct cli_arguments *arguments, struct error *error);

/* verb_tokens.c */
int verb_tokens_add(struct cli *cli, const struct cli_arguments *arguments, struct error *error);
int verb_tokens_list(struct cli *cli, const struct cli_arguments *arguments, struct error *error);
int verb_tokens_revoke(struct cli *cli, const struct cli_arguments *arguments, struct error *error);

/* verb_run.c */
int verb_run(struct cli *cli, const struct cli_arguments *arguments, struct error *error);

/* verb_install.c */
int verb_install(struct cli *cli, const struct cli_arguments *arguments, struct error *error);
int verb_uninstall(struct cli *cli, const struct cli_arguments *arguments, struct error *error);

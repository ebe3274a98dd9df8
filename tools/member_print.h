/* member_print.h - one member on a terminal. */
#ifndef USHER_MEMBER_PRINT_H
#define USHER_MEMBER_PRINT_H

#include "verbs.h"

/* `member`: of member_json(). */
void member_print(const struct cli *cli, const json_t *member);

#endif

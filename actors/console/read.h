/* read.h - what handlers that only look into the projection have in common. */
#ifndef USHER_READ_H
#define USHER_READ_H

#include "console.h"

enum { READ_LIMIT = 50, READ_LIMIT_MAX = 200 };

/* An argument of the query, "" if it is not there. */
const char *read_query(const struct visit *visit, const char *name);
/* The page's size that was asked for, within bounds. */
size_t read_limit(const struct visit *visit);

/* Looks inside one transaction that only reads; answers with the tree, or what the fault means. */
typedef enum fault read_look(struct store_txn *txn, const struct visit *visit, json_t **answer);
void read_answer(const struct visit *visit, read_look *look);
/* The same without answering. */
enum fault read_in(const struct visit *visit, read_look *look, json_t **answer) NODISCARD;

#endif

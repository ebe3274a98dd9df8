/* handlers.h - every handler of the route table; each is in the handle_*.c of its first word. */
#ifndef USHER_HANDLERS_H
#define USHER_HANDLERS_H

#include "console.h"

#define X(method, path, right, scope, privacy, handler, answer, summary) visit_handler handler;
#include "route_table.h"
#undef X

#endif
